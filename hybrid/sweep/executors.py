"""Who does the runs: this process, several processes, or groups of MPI ranks. None of them hands runs out: each worker takes
the next one that nobody has (`hybrid.sweep.folder`), so that any number of them, started at any time, work on one folder."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING

from hybrid.failures import InputError
from hybrid.machine import room_for, serve_another, threads
from hybrid.sweep.folder import Folder
from hybrid.sweep.plan import Plan, Task
from hybrid.sweep.progress import Watch

if TYPE_CHECKING:
    from mpi4py import MPI

    from hybrid.study.extras import Extras

_DEATHS = 2
"""Of workers at one run, before it counts as failed."""
_LOOK = 0.5


def no_extras() -> Sequence[Extras]:
    """None."""
    return ()


@dataclass(frozen=True)
class Job:
    """What executors are given.

    Attributes:
        plan: The sweep.
        agenda: Its runs, or those of a shard, in their order.
        folder: Where they land.
        extras: Loads presets of the caller's; a function of a module, as workers are told its name.
        cache: Whether references are kept.
    """

    plan: Plan
    agenda: Sequence[Task]
    folder: Folder
    extras: Callable[[], Sequence[Extras]] = no_extras
    cache: bool = True


class Executor(ABC):
    """Sees to it that every run of an agenda ends."""

    @abstractmethod
    def run(self, job: Job, watch: Watch) -> None:
        """Until all runs have landed, whoever did them."""


@dataclass(frozen=True)
class Ranks(Executor):
    """Groups of MPI ranks; on one rank this process alone.

    Args:
        comm: All ranks; those that are left over do nothing.
        per_run: How many share a run.

    Raises:
        InputError: There are fewer ranks than that.
    """

    comm: MPI.Comm
    per_run: int = 1

    def __post_init__(self) -> None:
        if self.per_run > self.comm.size:
            raise InputError("ranks_per_run", f"{self.per_run}, but there are {self.comm.size} ranks; take mpiexec -n")

    def run(self, job: Job, watch: Watch) -> None:
        """Every group takes runs; collective."""
        from hybrid.sweep.work import Worker  # torch and DOLFINx

        number = self.comm.rank // self.per_run
        works = number < self.comm.size // self.per_run
        group = self.comm.Split(number if works else self.comm.size, self.comm.rank)

        def told(key: str) -> None:
            watch.under_way = {key} if key else set()
            if self.comm.rank == 0:
                watch.look()

        try:
            if works:
                Worker(job.plan, job.folder, group, job.extras(), job.cache, told).all(job.agenda)
            arrived = self.comm.Ibarrier()
            while not arrived.Test():
                time.sleep(_LOOK / 10)
                if self.comm.rank == 0:
                    watch.look()
        finally:
            group.Free()


@dataclass
class Pool(Executor):
    """Processes on this machine, each of which loads torch and DOLFINx once.

    Args:
        workers: How many; by default as many as there are cores for, with the threads that each has.

    Raises:
        InputError: More than that.
    """

    workers: int | None = None
    _staff: dict[BaseProcess, Connection] = field(default_factory=dict)
    _doing: dict[BaseProcess, str] = field(default_factory=dict)
    _deaths: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        each_has = threads() or 1
        most = room_for(each_has)
        if self.workers is not None and not 1 <= self.workers <= most:
            each = f" with {each_has} threads each (OMP_NUM_THREADS)" if each_has > 1 else ""
            raise InputError(
                "--jobs", f"{self.workers}{each}, on {room_for(1)} cores; allowed is a number from 1 to {most}"
            )
        self.workers = self.workers or most

    def run(self, job: Job, watch: Watch) -> None:
        """Start the workers, and new ones for those that die; a run at which two have died has failed.

        Raises:
            OSError: A worker could not write; the others are stopped too.
        """
        context = multiprocessing.get_context("spawn")
        before = os.environ.get("OMP_NUM_THREADS")
        os.environ["OMP_NUM_THREADS"] = before or "1"
        left = {task.key for task in job.agenda} - job.folder.landed()
        try:
            for _ in range(min(self.workers or 1, len(left))):
                self._hire(context, job)
            while self._staff:
                self._listen(job, watch, lambda: self._hire(context, job))
        finally:
            for worker in self._staff:
                worker.kill()  # all lands atomically; PETSc would comment on any other signal
            for worker in self._staff:
                worker.join()
            self._staff.clear()
            if before is None:
                del os.environ["OMP_NUM_THREADS"]

    def _hire(self, context: multiprocessing.context.SpawnContext, job: Job) -> None:
        ours, theirs = context.Pipe()
        worker = context.Process(target=_serve, args=(job, theirs, os.getpid()), daemon=True)
        worker.start()
        theirs.close()
        self._staff[worker] = ours

    def _listen(self, job: Job, watch: Watch, hire: Callable[[], None]) -> None:
        wait([*self._staff.values(), *(worker.sentinel for worker in self._staff)], timeout=_LOOK)
        for worker, line in list(self._staff.items()):
            while line.poll():
                try:
                    message = line.recv()
                except EOFError:
                    break
                if isinstance(message, BaseException):
                    raise message
                self._doing[worker] = message
            if not worker.is_alive():
                del self._staff[worker]
                line.close()
                self._buried(worker, job, hire)
        watch.under_way = {key for worker, key in self._doing.items() if worker in self._staff and key}
        watch.look()

    def _buried(self, worker: BaseProcess, job: Job, hire: Callable[[], None]) -> None:
        """What is left to do when a worker has ended: nothing, where it has found nothing more to do."""
        key = self._doing.pop(worker, "")
        if worker.exitcode == 0:
            return
        if not key:
            raise RuntimeError(f"a worker of the sweep ended by itself ({_how(worker)}) before it had begun a run")
        self._deaths[key] = self._deaths.get(key, 0) + 1
        if self._deaths[key] >= _DEATHS:
            with job.folder.claim(key) as free:
                if free:
                    task = next(task for task in job.agenda if task.key == key)
                    job.folder.land_failed(
                        task, f"its process ended {_DEATHS} times, the last time {_how(worker)}", keep=False
                    )
        hire()


def _how(worker: BaseProcess) -> str:
    code = worker.exitcode or 0
    if code == -signal.SIGKILL:
        return "by SIGKILL, as when memory runs out"
    return f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"


def _serve(job: Job, line: Connection, parent: int) -> None:
    """A worker's whole life."""
    serve_another()

    from mpi4py import MPI

    from hybrid.sweep.work import Stopped, Worker

    def stop() -> None:
        if os.getppid() != parent:
            raise Stopped

    try:
        Worker(job.plan, job.folder, MPI.COMM_SELF, job.extras(), job.cache, line.send, stop).all(job.agenda)
    except (Stopped, BrokenPipeError):
        return
    except BaseException as error:
        line.send(error)
        raise
