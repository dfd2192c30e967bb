"""a*(x): estimates that count all nodes, and ranks that agree. The harmonic mean is a* in one dimension and across layers."""

from __future__ import annotations

import faulthandler
import math

from mpi4py import MPI

import numpy as np
import pytest
import sympy

from hybrid import EllipticProblem, SolverError
from hybrid.fem import solve_cell
from hybrid.fem.cells import cell, slowtrust
from hybrid.fem.cells.cellsolution import CellSolution
from hybrid.symbols import exp, pi, sin, x, y

pytestmark = pytest.mark.mpi


def _problem(a: sympy.Expr, dim: int = 1) -> EllipticProblem:
    return EllipticProblem(domain=[(0, 1)] * dim, eps=0.05, a=a, f=1)


def _with_a_bump(width: float, dim: int = 1) -> EllipticProblem:
    """The largest contrast is at x0 = 0, what is narrow at x0 = 1."""
    bump = exp(-((sin(pi * (y[0] - 0.52)) / (pi * width)) ** 2))
    return _problem(exp(2 * (1 - x[0]) * sin(2 * pi * y[0])) + 3 * x[0] * bump, dim)


def _off(solution: CellSolution, width: float) -> float:
    """How far a*_11 is from the harmonic mean of `_with_a_bump`, at 41 places."""
    fast = (np.arange(50_000) + 0.5) / 50_000
    bump = np.exp(-((np.sin(np.pi * (fast - 0.52)) / (np.pi * width)) ** 2))
    at = np.full((41, len(solution.coefficient.domain)), 0.5)  # type: ignore[union-attr]
    at[:, 0] = np.linspace(0, 1, 41)
    wave = np.sin(2 * np.pi * fast)
    exact = [1 / np.mean(1 / (np.exp(2 * (1 - here) * wave) + 3 * here * bump)) for here in at[:, 0]]
    return float(np.abs(solution.coefficient(at)[:, 0, 0] / exact - 1).max())  # type: ignore[operator]


@pytest.mark.parametrize("width", [0.02, 0.004])
def test_the_node_with_the_largest_contrast_does_not_speak_for_all(comm: MPI.Comm, width: float) -> None:
    asked = solve_cell(_with_a_bump(width), comm, cells=32, nodes=17)
    error = asked.trust["coefficient"].error
    assert error is not None
    assert _off(asked, width) < 2 * error < 200 * _off(asked, width)
    fine = solve_cell(_with_a_bump(width), comm, cells=32, nodes=17, tol=1e-6)
    assert fine.trust["coefficient"].within(1e-6)
    assert _off(fine, width) < 1e-6


def test_nor_does_it_in_two_dimensions(comm: MPI.Comm) -> None:
    solution = solve_cell(_with_a_bump(0.02, 2), comm, cells=16, degree=2, nodes=12)
    error = solution.trust["coefficient"].error
    assert error is not None
    assert 1e-6 < _off(solution, 0.02) < 2 * error < 100 * _off(solution, 0.02)


def test_no_mesh_makes_up_for_nodes_that_are_missing(comm: MPI.Comm) -> None:
    front = 4 * exp(-(((x[0] - 0.5083) / 0.0015) ** 2))
    solution = solve_cell(_problem(2 + sin(2 * pi * y[0]) + front), comm, cells=8, tol=1e-6, budget=200_000)
    error = solution.trust["coefficient"].error
    assert error is not None
    assert error > 0.1
    assert [dict(a)["cells"] for a in solution.attempts] == [8]


LAYER = 2 + sin(2 * pi * y[0]) / 2 + 1 / (1 + exp(-30 * (x[0] - 0.5)))
"""So steep in x that it takes more nodes than at first."""


def test_all_ranks_take_the_mesh_that_the_first_finds(comm: MPI.Comm, monkeypatch: pytest.MonkeyPatch) -> None:
    """By rounding others may find that another one is enough."""
    if comm.rank > 0:
        monkeypatch.setattr(slowtrust, "relative_change", lambda *_: math.inf)
    solution = solve_cell(_problem(LAYER), comm, cells=32)
    assert solution.attempts[0]["cells"] != 32  # fewer are enough
    assert all(other == solution.attempts for other in comm.allgather(solution.attempts))


@pytest.mark.parametrize("where", ["the first rank's first cell", "the last rank's first cell", "coarser meshes"])
def test_a_failure_on_one_rank_is_heard_by_all(comm: MPI.Comm, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    def fails(*arguments: object, **more: object) -> CellSolution:
        raise SolverError(where)

    if where == "coarser meshes":
        monkeypatch.setattr(slowtrust, "_coarser", fails)
    elif comm.rank == (0 if where.startswith("the first") else comm.size - 1):
        monkeypatch.setattr(cell, "solve_cell_on_mesh", fails)
    faulthandler.dump_traceback_later(60, exit=True)
    try:
        with pytest.raises(SolverError, match=where):
            solve_cell(_problem(LAYER), comm, degree=2, cells=8)
    finally:
        faulthandler.cancel_dump_traceback_later()
