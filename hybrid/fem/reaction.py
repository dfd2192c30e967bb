"""Reaction-diffusion by finite elements: the reference, the cell problem, and the homogenized equation."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from mpi4py import MPI

import ufl
from dolfinx import fem

from hybrid.errors import SolverError
from hybrid.fem.cache import ReferenceCache
from hybrid.fem.cell import CellOperator
from hybrid.fem.dirichlet import Solution
from hybrid.fem.linear import clean_up
from hybrid.fem.mesh import box
from hybrid.fem.norms import coarsened, integral, richardson
from hybrid.fem.reference import Reference, References, anything, silent
from hybrid.fem.transient import integrate
from hybrid.problems import ReactionDiffusionProblem
from hybrid.symbols import evaluate


@dataclass(frozen=True)
class ReactionCellSolution:
    """The corrector N and the homogenized reaction r*.

    Attributes:
        coefficient: r*.
        correctors: N, mean zero, on the mesh of the cell; one, in a tuple as elsewhere.
        seconds: Wall time.
        error_estimates: Estimated relative L2 error of N.
    """

    coefficient: float
    correctors: tuple[fem.Function, ...]
    seconds: float
    error_estimates: tuple[float, ...] | None = None


def solve_multiscale(
    problem: ReactionDiffusionProblem,
    comm: MPI.Comm,
    *,
    degree: int = 3,
    cells_per_period: int = 12,
    shape: str = "simplex",
    tolerance: float = 1e-9,
    estimate: bool = True,
    reference_tol: float | None = None,
    cache: ReferenceCache | None = None,
    report: Callable[[str], None] = silent,
    check: Callable[[int], None] = anything,
) -> Reference:
    """The reference u_ε(·, T): ∂_t u - D Δu + (1/ε) r(x/ε) u = f, u = 0 on ∂Ω, u(·, 0) = u0 (paper, equation (20)).

    Args:
        problem: The equation.
        comm: The ranks that share the work.
        degree: Polynomial degree of the elements.
        cells_per_period: Mesh cells along each period.
        shape: Of the cells, one of `hybrid.fem.mesh.SHAPES`.
        tolerance: Relative error allowed in a time step.
        estimate: Also solve on half the cells, and with a hundred times the tolerance: the estimate of the relative L2 error
            is the sum of Richardson's for space and of the difference that the tolerance makes for time.
        reference_tol: Refine mesh and time steps, beginning with those, until the estimate is at most this.
        cache: Where references are kept and looked for.
        report: Called on every rank with a line for each refinement.
        check: Called on rank 0 with the cells per period of the next one; raises InputError if they are too many.

    Raises:
        InputError: `reference_tol` is no number between 0 and 1, or `check` does not allow the mesh that it needs.
        SolverError: The time stepping (prefix ``reference_``) failed, or refining does not reduce the error any more.
    """

    def solve_on(space: fem.FunctionSpace, accuracy: float) -> Solution:
        x = ufl.SpatialCoordinate(space.mesh)
        fast = {s: x[i] / problem.eps for i, s in enumerate(problem.fast)}
        reaction = ufl.as_ufl(evaluate(problem.r, fast, "ufl")) / problem.eps
        return integrate(problem, space, reaction, "reference_", tolerance=accuracy)

    references = References(problem, comm, solve_on, degree, shape, estimate or reference_tol is not None, cache)
    if reference_tol is None:
        return references.on(cells_per_period, tolerance)
    return references.until(reference_tol, cells_per_period, tolerance, report, check)


def solve_cell(
    problem: ReactionDiffusionProblem,
    comm: MPI.Comm,
    *,
    degree: int = 4,
    cells: int = 24,
    shape: str = "simplex",
    estimate: bool = True,
) -> ReactionCellSolution:
    """Solve -D ΔN = -r in Y, N periodic with mean 0, and r* = mean over Y of r N (paper, equations (23) and (24)).

    Args:
        problem: Gives D, r and the period.
        comm: The ranks that share the work.
        degree: Polynomial degree of the elements.
        cells: Mesh cells along each side of the cell.
        shape: Of the cells, one of `hybrid.fem.mesh.SHAPES`.
        estimate: Also solve with half the cells, to estimate the error of N (Richardson).

    Raises:
        SolverError: The linear solver (prefix ``cell_``) did not converge.
    """
    start = time.perf_counter()
    cell = [(0.0, p) for p in problem.period]

    def solve(count: int) -> ReactionCellSolution:
        mesh = box(comm, cell, [count] * problem.dim, shape)
        space = fem.functionspace(mesh, ("Lagrange", degree))
        dx = ufl.dx(domain=mesh, metadata={"quadrature_degree": 2 * degree + 4})
        u, v = ufl.TrialFunction(space), ufl.TestFunction(space)
        y = ufl.SpatialCoordinate(mesh)
        r = ufl.as_ufl(evaluate(problem.r, {s: y[i] for i, s in enumerate(problem.fast)}, "ufl"))
        operator = CellOperator(space, cell, problem.D * ufl.inner(ufl.grad(u), ufl.grad(v)) * dx, dx)
        corrector = operator.function(operator.solve(operator.load(-r * v * dx)), "N")
        r_star = integral(r * corrector * dx, mesh) / operator.volume
        operator.solver.close()
        clean_up(space)
        return ReactionCellSolution(r_star, (corrector,), 0.0)

    fine = solve(cells)
    errors = None
    if estimate:
        (half, quarter), ratios = coarsened([cells])
        coarse = solve(half[0])  # each with a name, see the cell problems of hybrid.fem.cell
        coarser = solve(quarter[0])
        levels = [found.correctors[0] for found in (fine, coarse, coarser)]
        errors = (richardson(levels, ratios, degree + 1),)
    return replace(fine, error_estimates=errors, seconds=time.perf_counter() - start)


def solve_homogenized(
    problem: ReactionDiffusionProblem,
    coefficient: float,
    comm: MPI.Comm,
    *,
    degree: int = 4,
    cells: int = 256,
    shape: str = "simplex",
    tolerance: float = 1e-9,
) -> Solution:
    """Solve ∂_t u_0 - D Δu_0 + r* u_0 = f to t = T (paper, equation (24)): v or w, by whose r* it is.

    Args:
        problem: Gives Ω, D, f, u0 and T.
        coefficient: r*, from either path.
        comm: The ranks that share the work.
        degree: Polynomial degree of the elements.
        cells: Mesh cells along each side of Ω.
        shape: Of the cells, one of `hybrid.fem.mesh.SHAPES`.
        tolerance: Relative error allowed in a time step.

    Raises:
        SolverError: r* is not finite, or the time stepping (prefix ``homogenized_``) failed.
    """
    if not math.isfinite(coefficient):
        raise SolverError("the homogenized reaction r* is not finite: its cell problem was not solved")
    mesh = box(comm, problem.domain, [cells] * problem.dim, shape)
    space = fem.functionspace(mesh, ("Lagrange", degree))
    return integrate(problem, space, fem.Constant(space.mesh, float(coefficient)), "homogenized_", tolerance=tolerance)
