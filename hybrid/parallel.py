"""Work for one rank while the others wait without burning their cores; how many machines there are; and who started it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from mpi4py import MPI


def on_root[T](comm: MPI.Comm | None, task: Callable[[], T]) -> T:
    """Run the task on rank 0 and give every rank its result, or the exception it raised; collective.

    The other ranks sleep between looks: MPI's own waiting would take the cores that rank 0 needs.
    """
    if comm is None or comm.size == 1:
        return task()
    outcome: tuple[T | None, BaseException | None] = (None, None)
    if comm.rank == 0:
        try:
            outcome = (task(), None)
        except BaseException as error:
            outcome = (None, error)
    arrived = comm.Ibarrier()
    while not arrived.Test():
        time.sleep(0.005)
    result, failure = comm.bcast(outcome, root=0)
    if failure is not None:
        raise failure
    return result  # type: ignore[return-value]


def launched() -> bool:
    """Whether mpiexec, or a scheduler in its place, has started this process, be it on one rank: processes that it starts by
    itself would take its connection for theirs."""
    return bool({"PMI_RANK", "PMI_FD", "PMIX_RANK", "OMPI_COMM_WORLD_RANK", "MPI_LOCALRANKID"} & os.environ.keys())


def machines(comm: MPI.Comm) -> int:
    """How many machines the ranks are on; collective."""
    here = comm.Split_type(MPI.COMM_TYPE_SHARED)
    count = comm.allreduce(int(here.rank == 0))
    here.Free()
    return int(count)
