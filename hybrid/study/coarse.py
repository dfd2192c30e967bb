"""Section 2.2 of the paper: what linear finite elements do on a mesh that does not see the oscillation."""

from __future__ import annotations

import math
from typing import Any

from mpi4py import MPI

import numpy as np
import numpy.typing as npt

import ufl
from dolfinx import fem as dolfinx_fem

from hybrid import comparison, fem
from hybrid.fem.dirichlet import Solution, solve_dirichlet
from hybrid.fem.linear import DIRECT
from hybrid.fem.mesh import box
from hybrid.fem.multiscale import source
from hybrid.physics import EllipticProblem
from hybrid.symbols import evaluate, sin, x, y


def problem(eps: float = 0.01) -> EllipticProblem:
    """-(a u')' = sin x on [0, π] with a = 1 + 15 sin²(x/ε): a* = 4, its harmonic mean, where its mean is 8.5."""
    return EllipticProblem(
        domain=[(0, math.pi)], eps=eps, a=1 + 15 * sin(y[0]) ** 2, f=sin(x[0]), period=math.pi, name="coarse-mesh"
    )


def solve_linear(chosen: EllipticProblem, comm: MPI.Comm, cells: int) -> Solution:
    """P1 elements on a uniform mesh, in one dimension, the integrals of a over the cells being exact (to rounding)."""
    ((low, high),) = chosen.domain
    h = (high - low) / cells
    mesh = box(comm, chosen.domain, [cells])
    nodes, weights = np.polynomial.legendre.leggauss(40)
    pieces = max(1, math.ceil(2 * h / (chosen.eps * chosen.period[0])))  # 40 points for half a period

    def mean(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        edges = points[0][:, None] - h / 2 + h / pieces * np.arange(pieces)
        at = edges[:, :, None] + h / pieces * (nodes + 1) / 2
        values = evaluate(chosen.medium.matrix[0, 0], {chosen.slow[0]: at, chosen.fast[0]: at / chosen.eps})
        return np.asarray((values @ weights).mean(axis=1) / 2)

    a = dolfinx_fem.Function(dolfinx_fem.functionspace(mesh, ("Discontinuous Lagrange", 0)))
    a.interpolate(mean)
    space = dolfinx_fem.functionspace(mesh, ("Lagrange", 1))
    return solve_dirichlet(space, ufl.as_matrix([[a]]), source(chosen, mesh), "reference_", DIRECT)


def coarse_mesh_study(
    comm: MPI.Comm, counts: tuple[int, ...] = (8, 16, 32, 64, 150, 400, 1600, 6400)
) -> dict[str, Any]:
    """Relative L2 errors of P1 elements against the reference, from meshes far too coarse to fine ones; collective.

    Returns:
        Cells per period and errors, with what section 2.2 predicts for the coarse ones: u_FEM ≈ (a*/ā) u_0 = 8/17 u_0, so an
        error of 9/17.
    """
    chosen = problem()
    u = fem.solve_multiscale(chosen, comm, degree=3, cells_per_period=16, estimate=False)
    cell = fem.solve_cell(chosen, comm, degree=4, cells=32, estimate=False)
    errors = [comparison.errors(u, v=solve_linear(chosen, comm, cells))["e4"] for cells in counts]
    return {
        "eps": chosen.eps, "cells_per_period": [cells / chosen.periods[0] for cells in counts], "errors": errors,
        "predicted": 9 / 17, "coefficient": float(np.asarray(cell.coefficient)[0, 0]), "mean": 8.5,
    }  # fmt: skip
