from __future__ import annotations

import os
import subprocess
import sys
import time

from mpi4py import MPI

import pytest

from hybrid import InputError, SolverError
from hybrid.parallel import on_root

pytestmark = pytest.mark.mpi

SAYS = "import os, hybrid; print(os.environ.get('MPIR_CVAR_CH4_PROGRESS_THROTTLE'))"


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


@pytest.mark.parametrize(("ranks", "given", "sleeps"), [(1, None, None), (10**6, None, "1"), (10**6, "0", "0")])
def test_ranks_sleep_where_there_are_more_than_cores(ranks: int, given: str | None, sleeps: str | None) -> None:
    if MPI.COMM_WORLD.rank:
        return
    name = "MPIR_CVAR_CH4_PROGRESS_THROTTLE"
    alone = {key: value for key, value in os.environ.items() if "PMI" not in key and key != name}
    alone |= {"MPI_LOCALNRANKS": str(ranks)} | ({} if given is None else {name: given})
    done = subprocess.run([sys.executable, "-c", SAYS], env=alone, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(sleeps)
