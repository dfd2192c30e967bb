"""Section 2.2 of the paper: what linear finite elements do on a mesh that does not see the oscillation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import TypedDict

from mpi4py import MPI

import numpy as np
import numpy.typing as npt

import ufl
from dolfinx import fem as dolfinx_fem

from hybrid import comparison, fem, store
from hybrid.fem.algebra.linear import DIRECT
from hybrid.fem.dirichlet import Solution, solve_dirichlet
from hybrid.fem.forms import source_on
from hybrid.fem.meshes.box import box
from hybrid.paper.experiment import Apart, Recorded
from hybrid.physics import EllipticProblem
from hybrid.report.tabular import Table, text_of
from hybrid.study.progress import Reporter
from hybrid.symbols import evaluate, sin, x, y

EXACT, MEAN = 4.0, 8.5
"""a*, the harmonic mean of a, and its mean."""
COUNTS = (8, 16, 32, 64, 150, 400, 1600, 6400)
"""Cells of the meshes."""


class Record(TypedDict):
    """Cells per period and errors, with what section 2.2 predicts for the coarse ones: u_FEM ≈ (a*/ā) u_0."""

    eps: float
    cells_per_period: list[float]
    errors: list[float]
    predicted: float
    coefficient: float
    mean: float


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
    return solve_dirichlet(space, ufl.as_matrix([[a]]), source_on(chosen.multiscale(), mesh), "reference_", DIRECT)


def coarse_mesh_study(comm: MPI.Comm, counts: Sequence[int] = COUNTS) -> Record:
    """Relative L2 errors of P1 elements against the reference, from meshes far too coarse to fine ones; collective."""
    chosen = problem()
    u = fem.solve_multiscale(chosen, comm, degree=3, cells_per_period=16, estimate=False)
    cell = fem.solve_cell(chosen, comm, degree=4, cells=32, estimate=False)
    errors = [comparison.errors(u, v=solve_linear(chosen, comm, cells))["e4"] for cells in counts]
    return {
        "eps": chosen.eps, "cells_per_period": [cells / chosen.periods[0] for cells in counts], "errors": errors,
        "predicted": 1 - EXACT / MEAN, "coefficient": float(np.asarray(cell.coefficient)[0, 0]), "mean": MEAN,
    }  # fmt: skip


class CoarseMeshes(Apart):
    """Linear elements see the mean of a coefficient that their mesh does not resolve."""

    files = ("coarse-mesh",)

    def run(self, comm: MPI.Comm, cases: Sequence[str], folder: Path, reporter: Reporter) -> None:
        """The study; collective."""
        with reporter.stage("coarse-mesh P1 (section 2.2)"):
            found = coarse_mesh_study(comm)
        if comm.rank == 0:
            store.write_json(folder / f"{self.files[0]}.json", found)

    def tables(self, recorded: Recorded) -> Sequence[Table]:
        """Errors by mesh."""
        found = recorded.apart.get(self.files[0])
        if found is None:
            return []
        rows = [
            (f"{cells:.3g}", text_of(error))
            for cells, error in zip(found["cells_per_period"], found["errors"], strict=True)
        ]
        seen = Fraction(EXACT) / Fraction(MEAN)
        rows.append((f"predicted where the mesh is coarse: {1 - seen}", text_of(found["predicted"])))
        return [
            Table(
                "Section 2.2: linear elements on meshes that do not see the oscillation",
                ("mesh cells per period", "relative L2 error"),
                rows,
                f"a = 1 + 15 sin²(x/ε), ε = {found['eps']:g}: a* = {found['coefficient']:.6f} ({EXACT:g} exactly), mean "
                f"{found['mean']:g}. The elements see the mean, so that u_FEM ≈ {seen} u_0.",
            )
        ]

    def findings(self, recorded: Recorded) -> Sequence[str]:
        """None: the table says it."""
        return []
