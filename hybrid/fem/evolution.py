"""Equations with time by finite elements: the reference, and the homogenized equation."""

from __future__ import annotations

from collections.abc import Callable

from mpi4py import MPI

from dolfinx import fem

from hybrid.equation import Equation
from hybrid.fem.cache import ReferenceCache
from hybrid.fem.cost import unknowns
from hybrid.fem.dirichlet import Solution
from hybrid.fem.meshes.box import box
from hybrid.fem.multiscale import asked
from hybrid.fem.norms import order_limit
from hybrid.fem.reference import Reference, References, anything, silent
from hybrid.fem.resolution import BUDGET, Resolutions
from hybrid.fem.transient import integrate, rate_of


def solve_multiscale(
    equation: Equation,
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
        equation: The equation.
        comm: The ranks that share the work.
        degree: Polynomial degree of the elements.
        cells_per_period: Mesh cells along each period.
        shape: Of the cells, one of `hybrid.fem.meshes.box.SHAPES`.
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

    rate = rate_of(equation)

    def solve_on(space: fem.FunctionSpace, accuracy: float) -> Solution:
        return integrate(equation, space, "reference_", rate, tolerance=accuracy)

    references = References(equation, comm, solve_on, degree, shape, estimate or reference_tol is not None, cache)
    return asked(references, reference_tol, cells_per_period, tolerance, report, check)


def solve_homogenized(
    equation: Equation,
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
        equation: With r*, from either path.
        comm: The ranks that share the work.
        degree: Polynomial degree of the elements.
        cells: Mesh cells along each side of Ω.
        shape: Of the cells, one of `hybrid.fem.meshes.box.SHAPES`.
        tolerance: Relative error allowed in a time step.
        estimate: Also solve on meshes twice and four times as coarse, and with a hundred times the tolerance, to estimate the
            relative L2 error of what is returned, as the solution with this very r*.
        tol: Refine mesh and steps until the estimate is at most this; `attempts` then say what was tried.
        budget: Unknowns of the largest mesh for that.

    Raises:
        InputError: r* is not a number; a tolerance that is none.
        SolverError: r* is not finite, or the time stepping (prefix ``homogenized_``) failed.
    """

    def solve_on(order: int, count: int, accuracy: float) -> Solution:
        mesh = box(comm, equation.domain, [count] * equation.dim, shape)
        space = fem.functionspace(mesh, ("Lagrange", order))
        return integrate(equation, space, "homogenized_", rate_of(equation), tolerance=accuracy)

    resolutions = Resolutions(
        solve_on, lambda order, count: unknowns([count] * equation.dim, order), degree, order_limit(equation.source)
    )
    return resolutions.asked(tol, budget, cells, tolerance, estimate=estimate)
