"""Errors of correctors that are functions of x and y."""

from __future__ import annotations

from types import SimpleNamespace

from mpi4py import MPI

import numpy as np
import pytest

from hybrid import EllipticProblem, SolverError, fem
from hybrid.comparison import cell_errors
from hybrid.fem.cells import cell as cell_module
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


def test_a_failure_in_one_ranks_cells_reaches_all(comm: MPI.Comm, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise SolverError("this rank's cell")

    if comm.rank == comm.size - 1:
        monkeypatch.setattr(cell_module, "_solve_at", fail)
    with pytest.raises(SolverError, match="this rank's cell"):
        fem.solve_cell(LAMINATE, comm, degree=1, cells=4, nodes=max(comm.size, 2))  # one for each rank
