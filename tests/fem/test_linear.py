from __future__ import annotations

import contextlib

from mpi4py import MPI
from petsc4py import PETSc

import numpy as np
import pytest

from hybrid import EllipticProblem, InputError, SolverError
from hybrid.fem import solve_homogenized, solve_multiscale

pytestmark = pytest.mark.mpi


def test_a_solver_that_does_not_converge_is_named(comm: MPI.Comm, paper: EllipticProblem) -> None:
    database = PETSc.Options()
    database["reference_ksp_max_it"] = 2
    try:
        with pytest.raises(
            SolverError, match=r"'reference' \(cg with mg\) failed after 2 iterations: .*MAX_IT.*-reference_"
        ):
            solve_multiscale(paper, comm, degree=2, cells_per_period=4, estimate=False)
    finally:
        database.delValue("reference_ksp_max_it")


def test_the_users_options_win_and_ours_leave_no_trace(comm: MPI.Comm, paper: EllipticProblem) -> None:
    database = PETSc.Options()
    database["reference_pc_type"] = "jacobi"
    try:
        jacobi = solve_multiscale(paper, comm, degree=2, cells_per_period=4, estimate=False)
    finally:
        database.delValue("reference_pc_type")
    multigrid = solve_multiscale(paper, comm, degree=2, cells_per_period=4, estimate=False)
    assert jacobi.iterations > 3 * multigrid.iterations
    assert not [name for name in database.getAll() if name.startswith("reference_")]


def test_a_preconditioner_alone_is_not_taken_for_a_solver(comm: MPI.Comm, paper: EllipticProblem) -> None:
    """The users' pc_type gets an iteration around it, and what does not solve is refused whatever it says of itself."""
    exact = solve_homogenized(paper, np.eye(2), comm, cells=8)
    database = PETSc.Options()
    database["homogenized_pc_type"] = "jacobi"
    try:
        iterated = solve_homogenized(paper, np.eye(2), comm, cells=8)
        database["homogenized_ksp_type"] = "preonly"
        with pytest.raises(SolverError, match="left a relative residual of"):
            solve_homogenized(paper, np.eye(2), comm, cells=8)
    finally:
        database.delValue("homogenized_pc_type")
        database.delValue("homogenized_ksp_type")
    assert iterated.iterations > 5
    assert (
        exact.function.x.petsc_vec - iterated.function.x.petsc_vec
    ).norm() < 1e-8 * exact.function.x.petsc_vec.norm()


def test_junk_options_are_named(comm: MPI.Comm, paper: EllipticProblem) -> None:
    database = PETSc.Options()
    database["reference_pc_type"] = "junk"
    try:
        with pytest.raises(InputError, match="reference_") as caught:
            solve_multiscale(paper, comm, degree=1, cells_per_period=4, estimate=False)
    finally:
        database.delValue("reference_pc_type")
    assert "\n" not in str(caught.value)
    assert not [name for name in database.getAll() if name.startswith("reference_")]


def left(comm: MPI.Comm) -> int:
    """How many communicators MPI still has: it has 2000 or so."""
    before, taken = comm.Get_errhandler(), []
    comm.Set_errhandler(MPI.ERRORS_RETURN)
    with contextlib.suppress(MPI.Exception):
        while True:
            taken.append(comm.Dup())
    for each in taken:
        each.Free()
    comm.Set_errhandler(before)
    return len(taken)


def test_many_solves_leave_nothing_behind(comm: MPI.Comm, paper: EllipticProblem) -> None:
    """PETSc keeps what several ranks share until told, and with it communicators: two or more for a solve."""
    if comm.size != 2:  # one rank shares nothing, more than cores take long
        pytest.skip("for two ranks")
    found = []
    for count in (5, 30):
        for _ in range(count):
            solve_homogenized(paper, np.eye(2), comm, degree=1, cells=4)
        found.append(left(comm))
    assert found[1] > found[0] - 40, found


@pytest.mark.parametrize("degree", [2, 3, 4])
def test_multigrid_iterations_do_not_grow_with_the_mesh(comm: MPI.Comm, paper: EllipticProblem, degree: int) -> None:
    coarse, fine = (
        solve_multiscale(paper, comm, degree=degree, cells_per_period=n, estimate=False).iterations for n in (4, 12)
    )
    assert fine <= coarse + 8
    assert fine < 40
