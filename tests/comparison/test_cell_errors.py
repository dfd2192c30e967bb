"""Errors of correctors that are functions of x and y."""

from __future__ import annotations

from types import SimpleNamespace

from mpi4py import MPI

import numpy as np
import pytest

from hybrid import EllipticProblem, SolverError, fem
from hybrid.comparison import NodalCorrectors, cell_errors
from hybrid.fem.cells import cell as cell_module
from hybrid.product import Product
from hybrid.symbols import pi, sin, x, y

pytestmark = pytest.mark.mpi

LAMINATE = EllipticProblem(domain=[(0, 1), (0, 1)], eps=0.125, a=2 + x[0] / 2 + sin(2 * pi * y[0]) / 2, f=1)


def _chi(points: np.ndarray) -> np.ndarray:
    """χ_1 of the laminate: a (1 + χ') is constant, so χ' = a*/a - 1, integrated numerically."""
    grid = np.linspace(0, 1, 2001)
    found = np.empty(len(points))
    for slow in np.unique(points[:, 0]):
        a = 2 + slow / 2 + np.sin(2 * np.pi * grid) / 2
        slope = np.sqrt((2 + slow / 2) ** 2 - 0.25) / a - 1
        chi = np.concatenate([[0.0], np.cumsum((slope[1:] + slope[:-1]) / 2 * (grid[1] - grid[0]))])
        at = points[:, 0] == slow
        found[at] = np.interp(points[at, 2], grid, chi - np.trapezoid(chi, grid))
    return found


def test_a_corrector_that_vanishes_is_measured_against_the_other(comm: MPI.Comm) -> None:
    exact = fem.solve_cell(LAMINATE, comm, degree=3, cells=12, nodes=3)
    small = SimpleNamespace(values=lambda points: 1e-8 * np.cos(2 * np.pi * points[:, 3]))
    found = SimpleNamespace(correctors=(SimpleNamespace(values=_chi), small))
    errors = cell_errors(LAMINATE, found, exact, comm)
    assert errors[0] < 1e-3
    assert errors[1] < 1e-6


@pytest.mark.parametrize("few", [True, False])
def test_correctors_at_nodes_are_polynomials_between_them(comm: MPI.Comm, few: bool) -> None:
    """Where points of the cell repeat and where they do not; every rank asks for its own."""
    cell = fem.solve_cell(LAMINATE, comm, degree=3, cells=12, nodes=6)
    at = np.random.default_rng(comm.rank).random((60 + comm.rank, 4))
    if few:
        at[:, 2:] = np.round(4 * at[:, 2:]) / 4
    chi, other = NodalCorrectors.of(cell, comm).at(Product.of(at[:, :2]), Product.of(at[:, 2:]))
    assert chi == pytest.approx(_chi(at), abs=3e-5)
    assert np.abs(other).max() < 1e-8


def test_a_failure_in_one_ranks_cells_reaches_all(comm: MPI.Comm, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise SolverError("this rank's cell")

    if comm.rank == comm.size - 1:
        monkeypatch.setattr(cell_module, "_solve_at", fail)
    with pytest.raises(SolverError, match="this rank's cell"):
        fem.solve_cell(LAMINATE, comm, degree=1, cells=4, nodes=max(comm.size, 2))  # one for each rank
