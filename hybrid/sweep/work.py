"""Runs, one after another, by whoever has hands free: a process, or a few MPI ranks together."""

from __future__ import annotations

import contextlib
import errno
import gc
import os
import shutil
import time
import traceback
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path

from mpi4py import MPI
from petsc4py import PETSc

from hybrid.failures import InputError, SolverError
from hybrid.machine import restart_peak_memory
from hybrid.parallel import on_root
from hybrid.study.extras import Extras
from hybrid.study.files import from_data
from hybrid.study.run import run as run_case
from hybrid.study.shared import Shared
from hybrid.sweep.folder import Folder
from hybrid.sweep.plan import Plan, Task

_PATIENCE = 0.2
"""Seconds between two looks for runs that others have."""
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO}
_ROOM = 2**20
"""Bytes below which a disk counts as full: what fails then is not the run."""
_TIDY_EVERY = 10


class Stopped(Exception):
    """Whoever asked for the work is gone."""


@dataclass
class Worker:
    """Does runs of a plan until none is left.

    Args:
        plan: What is to be run.
        folder: Where it lands.
        comm: The ranks that share each run.
        extras: Presets of the caller's.
        cache: Whether references are kept.
        told: Called on rank 0 with the key of a run that begins, and with nothing when it has ended.
        stop: Asked on rank 0 before each run whether to go on; raises `Stopped`.
    """

    plan: Plan
    folder: Folder
    comm: MPI.Comm
    extras: Sequence[Extras] = ()
    cache: bool = True
    told: Callable[[str], object] = lambda key: None
    stop: Callable[[], object] = lambda: None
    shared: Shared = field(default_factory=Shared)
    _done: int = 0
    _cell: str = ""

    def all(self, agenda: Sequence[Task]) -> None:
        """Every run of the agenda that nobody else does; collective."""
        tasks = {task.key: task for task in agenda}
        with contextlib.ExitStack() as held:
            chosen = self._next(tasks, held)
            while chosen is not None:
                self._run(tasks[chosen])
                held.close()
                self.told("")
                chosen = self._next(tasks, held)

    def _next(self, tasks: Mapping[str, Task], held: contextlib.ExitStack) -> str | None:
        """The next run, claimed by rank 0; none where all have ended."""
        return on_root(self.comm, lambda: self._claimed(tasks, held))

    def _claimed(self, tasks: Mapping[str, Task], held: contextlib.ExitStack) -> str | None:
        while True:
            self.stop()
            landed = self.folder.landed()
            left = {key: task for key, task in tasks.items() if key not in landed}
            if not left:
                return None
            touched = {tasks[key].cell for key in (landed | self.folder.begun()) & tasks.keys()}
            free = [task for task in left.values() if task.after not in left]
            while free:
                task = min(free, key=lambda one: self._distance(one, touched))
                free.remove(task)
                if held.enter_context(self.folder.claim(task.key)):
                    self.told(task.key)
                    self._cell = task.cell
                    return task.key
                held.close()
                touched.add(task.cell)
            time.sleep(_PATIENCE)

    def _distance(self, task: Task, touched: Set[str]) -> int:
        """Runs with the cell problems that this worker has solved come first, then those with such as nobody has begun."""
        return 0 if task.cell == self._cell else 1 + (task.cell in touched)

    def _run(self, task: Task) -> None:
        """A run, from its problem file to its row; one that fails has a row too; collective."""
        comm, run = self.comm, task.run
        work = self.folder.work(task.key)
        restart_peak_memory()
        reason = None
        try:
            case = from_data(run.data, "", str(run.data["name"]))
            run_case(
                case, comm, out=work, resume=True, figures=self.plan.figures, quiet=True, cache=self.cache,
                extras=self.extras, shared=self.shared,
            )  # fmt: skip
        except Exception as error:
            if comm.size > 1 and not isinstance(error, InputError | SolverError):
                raise  # perhaps on this rank alone
            self._check_disk(error)
            reason, trace = _reason(error), "".join(traceback.format_exception(error))
            on_root(comm, lambda: _append(work / "log.txt", trace))
        keep = self.plan.figures
        if reason is None:
            on_root(comm, lambda: self.folder.land(task, keep=keep))
        else:
            on_root(comm, lambda: self.folder.land_failed(task, reason, keep=keep))
        self._tidy()

    def _check_disk(self, error: Exception) -> None:
        """A full disk is nothing that the run could help: the sweep ends, and goes on when there is room.

        Raises:
            OSError: It is full.
        """
        if isinstance(error, OSError) and error.errno in _FULL:
            raise error
        if shutil.disk_usage(self.folder.path).free < _ROOM:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.folder.path)) from error

    def _tidy(self) -> None:
        """Meshes have communicators, of which MPI has few, and sit in cycles."""
        self._done += 1
        if self._done % _TIDY_EVERY == 0:
            gc.collect()
            PETSc.garbage_cleanup(self.comm)


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())
    if isinstance(error, InputError | SolverError):
        return text
    if isinstance(error, MemoryError):
        return f"not enough memory ({text})" if text else "not enough memory"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _append(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(text)
