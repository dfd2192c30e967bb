"""Reaction-diffusion by finite elements: the reference, the cell problem, and the homogenized equation."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mpi4py import MPI

import numpy as np

import ufl
from dolfinx import fem
from dolfinx.mesh import Mesh

from hybrid.errors import InputError, SolverError
from hybrid.fem.cache import ReferenceCache
from hybrid.fem.cell import CellOperator
from hybrid.fem.coefficients import on_mesh
from hybrid.fem.cost import unknowns
from hybrid.fem.dirichlet import Solution
from hybrid.fem.fitted import Fitting, cell_planes, order_within_cells
from hybrid.fem.linear import clean_up
from hybrid.fem.mesh import box
from hybrid.fem.norms import coarsened, integral, order_limit, richardson, richardson_of_values
from hybrid.fem.reference import Reference, References, anything, silent
from hybrid.fem.resolution import BUDGET, Resolutions, attempt, check_tolerance, stalled, trusted
from hybrid.fem.transient import integrate
from hybrid.physics import ReactionDiffusionProblem
from hybrid.symbols import evaluate
from hybrid.trust import Estimate


@dataclass(frozen=True)
class ReactionCellSolution:
    """The corrector N and the homogenized reaction r*.

    Attributes:
        coefficient: r*.
        correctors: N, mean zero, on the mesh of the cell; one, in a tuple as elsewhere.
        seconds: Wall time.
        error_estimates: Estimated relative L2 error of N.
        trust: That estimate under "N", and one of the relative error of r* under "coefficient".
        attempts: Where it was solved until a tolerance is met, what was tried, in order.
        notes: What the linear solver did differently from what was asked for, a line each.
    """

    coefficient: float
    correctors: tuple[fem.Function, ...]
    seconds: float
    error_estimates: tuple[float, ...] | None = None
    trust: Mapping[str, Estimate] = field(default_factory=dict)
    attempts: tuple[Mapping[str, Any], ...] = ()
    notes: tuple[str, ...] = ()


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

    r_star = _about(problem)

    def solve_on(space: fem.FunctionSpace, accuracy: float) -> Solution:
        x = ufl.SpatialCoordinate(space.mesh)
        fast = {s: x[i] / problem.eps for i, s in enumerate(problem.fast)}
        reaction = on_mesh(problem.r, fast, space.mesh) / problem.eps
        return integrate(problem, space, reaction, "reference_", r_star, tolerance=accuracy)

    references = References(problem, comm, solve_on, degree, shape, estimate or reference_tol is not None, cache)
    if reference_tol is None:
        return references.on(cells_per_period, tolerance)
    return references.until(reference_tol, cells_per_period, tolerance, report, check)


def _about(problem: ReactionDiffusionProblem) -> float:
    """r* to a few digits, -Σ |r_k|² / (D |k|²) by the coefficients of r in Fourier's series."""
    shape = ({1: 512, 2: 64, 3: 24}[problem.dim],) * problem.dim
    axes = [p * np.arange(n) / n for n, p in zip(shape, problem.period, strict=True)]
    values = np.asarray(evaluate(problem.r, dict(zip(problem.fast, np.meshgrid(*axes, indexing="ij"), strict=True))))
    part = np.abs(np.fft.fftn(np.broadcast_to(values.astype(float), shape)) / math.prod(shape)) ** 2
    waves = [2 * math.pi * np.fft.fftfreq(n, p / n) for n, p in zip(shape, problem.period, strict=True)]
    square = sum(np.asarray(k**2) for k in np.meshgrid(*waves, indexing="ij"))
    return -float((part.ravel()[1:] / np.asarray(square).ravel()[1:]).sum()) / problem.D


def solve_cell(
    problem: ReactionDiffusionProblem,
    comm: MPI.Comm,
    *,
    degree: int = 4,
    cells: int = 24,
    shape: str = "simplex",
    estimate: bool = True,
    tol: float | None = None,
    budget: int = BUDGET,
) -> ReactionCellSolution:
    """Solve -D ΔN = -r in Y, N periodic with mean 0, and r* = mean over Y of r N (paper, equations (23) and (24)).

    Args:
        problem: Gives D, r and the period.
        comm: The ranks that share the work.
        degree: Polynomial degree of the elements.
        cells: Mesh cells along each side of the cell.
        shape: Of the cells, one of `hybrid.fem.mesh.SHAPES`.
        estimate: Also solve with half and a quarter of the cells, to estimate the errors of N and r* (Richardson).
        tol: Double the cells until both estimates are at most this; `attempts` then say what was tried.
        budget: Unknowns of the largest mesh for that.

    Raises:
        InputError: A tolerance that is none.
        SolverError: The linear solver (prefix ``cell_``) did not converge.
    """
    start = time.perf_counter()
    cell = [(0.0, p) for p in problem.period]
    known: dict[int, ReactionCellSolution] = {}
    limit = order_within_cells(problem.medium.matrix)

    def solve(count: int) -> ReactionCellSolution:
        if count not in known:  # each with a name, see the cell problems of hybrid.fem.cell
            fitting = Fitting.to(cell, [count] * problem.dim, cell_planes(problem.medium.matrix, problem), cells)
            known[count] = _solve_cell_on(problem, fitting.mesh(comm, shape), cell, degree)
        return known[count]

    def estimated(count: int) -> tuple[float, float]:
        (half, quarter), ratios = coarsened([count])
        levels = [solve(n) for n in (count, half[0], quarter[0])]
        of_r = richardson_of_values([level.coefficient for level in levels], ratios, 2 * degree, limit)
        return of_r, richardson([level.correctors[0] for level in levels], ratios, degree + 1, limit=limit)

    if tol is None:
        if not estimate:
            return replace(solve(cells), seconds=time.perf_counter() - start)
        return _with_trust(solve(cells), *estimated(cells), time.perf_counter() - start)
    tol, budget = check_tolerance(tol, budget)
    attempts: list[dict[str, Any]] = []
    best: tuple[float, ReactionCellSolution] | None = None
    while True:
        begin = time.perf_counter()
        errors = estimated(cells)
        worst = max(errors)
        seconds = time.perf_counter() - begin
        attempts.append(attempt(cells, unknowns([cells] * problem.dim, degree), worst, seconds))
        if best is None or worst < best[0]:
            best = worst, _with_trust(solve(cells), *errors, time.perf_counter() - start)
        if worst <= tol or stalled(attempts) or unknowns([2 * cells] * problem.dim, degree) > budget:
            return replace(best[1], attempts=tuple(attempts), seconds=time.perf_counter() - start)
        cells *= 2


def _with_trust(found: ReactionCellSolution, of_r: float, of_n: float, seconds: float) -> ReactionCellSolution:
    trust = {"coefficient": trusted(of_r), "N": trusted(of_n)}
    return replace(found, error_estimates=(of_n,), seconds=seconds, trust=trust)


def _solve_cell_on(
    problem: ReactionDiffusionProblem, mesh: Mesh, cell: Sequence[tuple[float, float]], degree: int
) -> ReactionCellSolution:
    space = fem.functionspace(mesh, ("Lagrange", degree))
    dx = ufl.dx(domain=mesh, metadata={"quadrature_degree": 2 * degree + 4})
    u, v = ufl.TrialFunction(space), ufl.TestFunction(space)
    y = ufl.SpatialCoordinate(mesh)
    r = on_mesh(problem.r, {s: y[i] for i, s in enumerate(problem.fast)}, mesh)
    operator = CellOperator(space, cell, problem.D * ufl.inner(ufl.grad(u), ufl.grad(v)) * dx, dx)
    # What the quadrature leaves of the mean of r, where it jumps: with it the problem has no solution. The mean of N is zero,
    # so that r* does not see it.
    mean = fem.Constant(mesh, integral(r * dx, mesh) / operator.volume)
    load = operator.load((mean - r) * v * dx)
    values = operator.solve(load)
    corrector = operator.function(values, "N")
    r_star = integral(r * corrector * dx, mesh) / operator.volume
    notes = tuple(operator.solver.notes)
    for vector in (load, values):
        vector.destroy()
    operator.close()
    clean_up(space)
    return ReactionCellSolution(r_star, (corrector,), 0.0, notes=notes)


def solve_homogenized(
    problem: ReactionDiffusionProblem,
    coefficient: float,
    comm: MPI.Comm,
    *,
    degree: int = 4,
    cells: int = 256,
    shape: str = "simplex",
    tolerance: float = 1e-9,
    estimate: bool = True,
    tol: float | None = None,
    budget: int = BUDGET,
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
        estimate: Also solve on meshes twice and four times as coarse, and with a hundred times the tolerance, to estimate the
            relative L2 error of what is returned, as the solution with this very r*.
        tol: Refine mesh and steps until the estimate is at most this; `attempts` then say what was tried.
        budget: Unknowns of the largest mesh for that.

    Raises:
        InputError: r* is not a number; a tolerance that is none.
        SolverError: r* is not finite, or the time stepping (prefix ``homogenized_``) failed.
    """
    try:
        r_star = float(coefficient)
    except (TypeError, ValueError):
        raise InputError("coefficient", f"{type(coefficient).__name__} is not allowed; r* is a number") from None
    if not math.isfinite(r_star):
        raise SolverError("the homogenized reaction r* is not finite: its cell problem was not solved")

    def solve_on(order: int, count: int, accuracy: float) -> Solution:
        mesh = box(comm, problem.domain, [count] * problem.dim, shape)
        space = fem.functionspace(mesh, ("Lagrange", order))
        return integrate(problem, space, fem.Constant(mesh, r_star), "homogenized_", r_star, tolerance=accuracy)

    if tol is None and not estimate:
        return solve_on(degree, cells, tolerance)
    resolutions = Resolutions(
        solve_on, lambda order, count: unknowns([count] * problem.dim, order), degree, order_limit(problem.f)
    )
    return resolutions.estimated(cells, tolerance) if tol is None else resolutions.until(tol, budget, cells, tolerance)
