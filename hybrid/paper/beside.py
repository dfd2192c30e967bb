"""What takes long and belongs to no run: trained beside the runs, by a process of its own, where a core is free for it."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mpi4py import MPI

from hybrid import store
from hybrid.machine import room_for, serve_another, threads
from hybrid.paper.experiment import Apart
from hybrid.paper.experiments import EXPERIMENTS
from hybrid.parallel import launched
from hybrid.study.progress import Reporter

if TYPE_CHECKING:
    from multiprocessing.sharedctypes import SynchronizedArray

_LOOK = 0.5


@contextmanager
def beside(
    comm: MPI.Comm, cases: Sequence[str], folder: Path, reporter: Reporter,
    work: Callable[[Sequence[str], Path, SynchronizedArray[float], int], None] | None = None,
) -> Iterator[None]:  # fmt: skip
    """Do the long experiments while the block lasts, and wait for them after it; what fails here is left to the caller to do.

    Nothing happens under mpiexec, which has given the cores away, or where threads need them: OMP_NUM_THREADS says how many
    these are.

    Args:
        comm: The ranks.
        cases: What is reproduced.
        folder: Of the experiments' results, where ``log.txt`` tells what was done.
        reporter: Tells the person who waits.
        work: What the process does, a function of a module: the names of the experiments' files, the folder, where to put step,
            steps and loss of the training under way, and this process's number; the experiments by default.
    """
    names = [n for e in _long() for n in e.files if n in cases and not (folder / f"{n}.json").exists()]
    own = threads()
    if not names or comm.size > 1 or launched() or own is None or room_for(own) < 2:
        yield
        return
    context = multiprocessing.get_context("spawn")
    progress = context.Array("d", 3)
    worker = context.Process(target=work or serve, args=(names, folder, progress, os.getpid()), daemon=True)
    worker.start()
    reporter.say(f"direct baselines: beside the runs, by a process of their own ({folder / 'log.txt'})")
    try:
        yield
        with reporter.stage("direct baselines, the rest"):
            while worker.is_alive():
                worker.join(_LOOK)
                step, steps, loss = progress[:]
                if steps:
                    reporter.step(int(step), int(steps), loss)
    finally:
        worker.kill()  # all lands atomically; PETSc would comment on any other signal
        worker.join()


def _long() -> Sequence[Apart]:
    return [e for e in EXPERIMENTS if isinstance(e, Apart) and e.long]


class _Orphaned(Exception):
    """Who has asked for the work is gone."""


class _Beside(Reporter):
    """Tells its log, and the process that has started this one how far a training is."""

    def __init__(self, log: Path, progress: SynchronizedArray[float], parent: int) -> None:
        super().__init__(0, log, quiet=True)
        self.progress, self.parent = progress, parent

    def step(self, step: int, steps: int, loss: float) -> None:
        """A step of the training in the current stage."""
        if os.getppid() != self.parent:
            raise _Orphaned
        self.progress[:] = (step, steps, loss)


def serve(names: Sequence[str], folder: Path, progress: SynchronizedArray[float], parent: int) -> None:
    """The process's whole life."""
    serve_another()
    store.prepare(folder)
    reporter = _Beside(folder / "log.txt", progress, parent)
    try:
        for experiment in _long():
            experiment.run(MPI.COMM_SELF, names, folder, reporter)
    except _Orphaned:
        return
    finally:
        reporter.close()
