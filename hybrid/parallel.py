"""Work for one rank while the others wait without burning their cores; and how many machines there are."""

from __future__ import annotations

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


def machines(comm: MPI.Comm) -> int:
    """How many machines the ranks are on; collective."""
    here = comm.Split_type(MPI.COMM_TYPE_SHARED)
    count = comm.allreduce(int(here.rank == 0))
    here.Free()
    return int(count)
