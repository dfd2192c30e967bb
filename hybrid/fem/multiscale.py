"""The reference: the multiscale equation on a mesh that resolves ε."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from mpi4py import MPI

import ufl
from dolfinx import fem

from hybrid.fem.dirichlet import Solution, solve_dirichlet
from hybrid.fem.linear import DIRECT, MULTIGRID
from hybrid.fem.mesh import box
from hybrid.fem.norms import richardson
from hybrid.problems import EllipticProblem, Problem
from hybrid.symbols import evaluate


def solve_multiscale(
    problem: EllipticProblem,
    comm: MPI.Comm,
    *,
    degree: int = 2,
    cells_per_period: int = 32,
    shape: str = "simplex",
    estimate: bool = True,
) -> Solution:
    """The reference u_ε: -∇·(a(x, x/ε) ∇u_ε) = f, u_ε = 0 on ∂Ω (paper, equation (16)), in parallel.

    Args:
        problem: The equation.
        comm: The ranks that share the work.
        degree: Polynomial degree of the elements.
        cells_per_period: Mesh cells along each period of the coefficient.
        shape: Of the cells, one of `hybrid.fem.mesh.SHAPES`.
        estimate: Also solve on meshes twice and four times as coarse, to estimate the relative L2 error of u_ε
            (Richardson, see `hybrid.fem.norms.richardson`).

    Returns:
        The solution; its prefix for PETSc options is ``reference_``.

    Raises:
        SolverError: The linear solver did not converge.
    """
    start = time.perf_counter()
    counts = cell_counts(problem, cells_per_period)
    fine = _solve(problem, comm, degree, counts, shape)
    if not estimate:
        return fine
    coarser, ratios = coarsened(counts)
    solutions = [fine, *(_solve(problem, comm, degree, c, shape) for c in coarser)]
    error = richardson([s.function for s in solutions], ratios, degree + 1)
    return replace(fine, error_estimate=error, seconds=time.perf_counter() - start)


def cell_counts(problem: Problem, cells_per_period: int) -> list[int]:
    """Mesh cells in each direction; whole ones per period where the domain holds whole periods: the mesh then repeats with
    the coefficient."""
    return [max(math.ceil(n * cells_per_period - 1e-6), 8) for n in problem.periods]


def coarsened(counts: Sequence[int]) -> tuple[list[list[int]], list[float]]:
    """The counts of two coarser meshes, each about twice as coarse, and the ratios of the mesh sizes."""
    half = [max((c + 1) // 2, 2) for c in counts]
    quarter = [max((c + 1) // 2, 2) for c in half]
    return [half, quarter], [min(a / b for a, b in pairs) for pairs in (zip(counts, half), zip(half, quarter))]


def _solve(problem: EllipticProblem, comm: MPI.Comm, degree: int, counts: Sequence[int], shape: str) -> Solution:
    mesh = box(comm, problem.domain, counts, shape)
    space = fem.functionspace(mesh, ("Lagrange", degree))
    return solve_dirichlet(
        space,
        coefficient(problem, mesh),
        source(problem, mesh),
        "reference_",
        DIRECT if problem.dim == 1 else MULTIGRID,
    )


def coefficient(problem: EllipticProblem, mesh: object) -> ufl.core.expr.Expr:
    """a(x, x/ε) as a UFL matrix on the mesh."""
    x = ufl.SpatialCoordinate(mesh)
    values = {s: x[i] for i, s in enumerate(problem.slow)} | {s: x[i] / problem.eps for i, s in enumerate(problem.fast)}
    return matrix(problem.matrix, values, problem.dim)


def source(problem: EllipticProblem, mesh: object) -> ufl.core.expr.Expr:
    """f(x) in UFL on the mesh."""
    x = ufl.SpatialCoordinate(mesh)
    return ufl.as_ufl(evaluate(problem.f, {s: x[i] for i, s in enumerate(problem.slow)}, "ufl"))


def matrix(entries: object, values: dict[Any, Any], dim: int) -> ufl.core.expr.Expr:
    """A SymPy matrix as a UFL matrix."""
    return ufl.as_matrix([[evaluate(entries[i, j], values, "ufl") for j in range(dim)] for i in range(dim)])  # type: ignore[index]
