"""How the command ends: its exit code, and the lines that say why, from one rank where all fail alike."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable

from mpi4py import MPI

import typer

from hybrid.failures import InputError, SolverError

_INTERRUPTED = 130  # as a shell says it
_PATIENCE = 3.0
"""Seconds that a rank which failed waits for the others to fail too."""


def guarded(answer: Callable[[], object]) -> int:
    """Run the command and say how it ended; collective.

    Returns:
        The exit code: what `answer` returns where that is one, else 0; 2 for bad input, 1 where a solver or a training failed.
    """
    comm = MPI.COMM_WORLD
    meeting = comm.Dup()  # of its own, so that who failed can wait there for the others whatever those wait for
    try:
        result = answer()
        if result == _INTERRUPTED:
            raise KeyboardInterrupt
        return result if isinstance(result, int) else 0
    except BaseException as error:
        code, text = _verdict(error)
        if not text and comm.size == 1:
            raise
        alone = code == _INTERRUPTED or not _all_arrive(meeting)
        if comm.rank == 0 or (alone and code != _INTERRUPTED):
            lines = (f"hybrid: {line}" for line in text.splitlines())
            print("\n".join(lines) if text else traceback.format_exc(), file=sys.stderr, flush=True)
        if alone and comm.size > 1:
            comm.Abort(code)  # the others may wait in a collective call that this one has left
        return code


def _verdict(error: BaseException) -> tuple[int, str]:
    """The exit code, and the lines to print; none where only a traceback helps."""
    match error:
        case InputError():
            return 2, str(error)
        case typer.TyperException():
            return 2, " ".join(error.format_message().split())
        case SolverError():
            return 1, str(error)
        case KeyboardInterrupt() | typer.Abort():
            text = (
                "interrupted; what was computed is in the output folder: a sweep goes on by itself, a run with --resume"
            )
            return _INTERRUPTED, text
        case OSError():
            return 1, f"{error.filename or 'a file'} cannot be written or read: {error.strerror or error}"
        case MemoryError():
            return 1, f"not enough memory ({error or 'no size known'}); try a coarser mesh, or more machines"
    return 1, ""


def _all_arrive(meeting: MPI.Comm) -> bool:
    """Whether all ranks come here within a few seconds: they then have failed alike, and one line from one of them will do."""
    arrived, deadline = meeting.Ibarrier(), time.monotonic() + _PATIENCE
    while not arrived.Test():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
