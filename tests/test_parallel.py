from __future__ import annotations

import time

from mpi4py import MPI

import pytest

from hybrid import InputError, SolverError
from hybrid.parallel import on_root

pytestmark = pytest.mark.mpi


def test_every_rank_gets_the_result_of_the_first(comm: MPI.Comm) -> None:
    assert on_root(comm, lambda: comm.rank + 7) == 7


def test_every_rank_gets_the_exception(comm: MPI.Comm) -> None:
    for error in (InputError("field", "wrong"), SolverError("diverged"), KeyboardInterrupt()):

        def task(error: BaseException = error) -> None:
            raise error

        with pytest.raises(type(error)) as caught:
            on_root(comm, task)
        assert str(caught.value) == str(error)


def test_waiting_costs_little(comm: MPI.Comm) -> None:
    start = time.process_time()
    on_root(comm, lambda: time.sleep(0.5))
    assert time.process_time() - start < 0.25
