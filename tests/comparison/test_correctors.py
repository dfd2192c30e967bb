"""The first-order corrector against DESIGN's table."""

from __future__ import annotations

from mpi4py import MPI

import pytest

from hybrid import EllipticProblem, comparison, fem, pinn

pytestmark = pytest.mark.mpi

A_STAR = 1.935359234812


def test_the_papers_errors_with_and_without_corrector(comm: MPI.Comm, paper: EllipticProblem) -> None:
    u = fem.solve_multiscale(paper, comm, degree=3, cells_per_period=12, estimate=False)
    cell = pinn.solve_cell(paper, hidden=(300,), points=28, optimizer=pinn.LastLayer())
    v = fem.solve_homogenized(paper, [[A_STAR, 0], [0, A_STAR]], comm)
    p = pinn.solve_homogenized(paper, cell.coefficient, hidden=(300,), points=28, optimizer=pinn.LastLayer())
    r = comparison.first_order(paper, p.field, cell.correctors, u.function.function_space)
    found = comparison.errors(u, v=v, p=p, r=r)
    assert found["e4"] == pytest.approx(0.011663, abs=2e-6)
    assert found["e4_h1"] == pytest.approx(0.17750, abs=1e-5)
    assert found["e5"] == pytest.approx(0.004073, abs=5e-6)
    assert found["e1"] == pytest.approx(found["e4"], rel=1e-3)
