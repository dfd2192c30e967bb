from __future__ import annotations

from mpi4py import MPI
from petsc4py import PETSc

import pytest

from hybrid import EllipticProblem, SolverError
from hybrid.fem import solve_multiscale

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


@pytest.mark.parametrize("degree", [2, 3, 4])
def test_multigrid_iterations_do_not_grow_with_the_mesh(comm: MPI.Comm, paper: EllipticProblem, degree: int) -> None:
    coarse, fine = (
        solve_multiscale(paper, comm, degree=degree, cells_per_period=n, estimate=False).iterations for n in (4, 12)
    )
    assert fine <= coarse + 8
    assert fine < 40
