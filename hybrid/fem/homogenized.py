"""The homogenized equation by finite elements."""

from __future__ import annotations

from mpi4py import MPI
from petsc4py import PETSc

from dolfinx import fem

from hybrid.equation import Equation
from hybrid.fem.algebra.linear import DIRECT
from hybrid.fem.cost import unknowns
from hybrid.fem.dirichlet import Solution, solve_on
from hybrid.fem.forms import source_on
from hybrid.fem.kronecker import solve_constant
from hybrid.fem.meshes.fitted import slow_fitting
from hybrid.fem.norms import order_limit
from hybrid.fem.resolution import BUDGET, Resolutions
from hybrid.fem.sizes import SIZES
from hybrid.media.constant import Constant


def solve_homogenized(
    equation: Equation,
    comm: MPI.Comm,
    *,
    degree: int = 3,
    cells: int = 64,
    shape: str = "simplex",
    estimate: bool = True,
    tol: float | None = None,
    budget: int = BUDGET,
) -> Solution:
    """Solve -∂_i( a*_ij ∂_j u_0 ) + c u_0 = f in Ω, u_0 = 0 on ∂Ω (paper, equation (11)): v or w, by whose a* it is.

    Args:
        equation: With a*, constant or a*(x), from either path.
        comm: The ranks that share the work.
        degree: Polynomial degree of the elements.
        cells: Mesh cells along each side of Ω.
        shape: Of the cells, one of `hybrid.fem.meshes.box.SHAPES`.
        estimate: Also solve on meshes twice and four times as coarse, to estimate the relative L2 error of what is returned, as
            the solution with this very coefficient.
        tol: Raise the degree, as far as `hybrid.fem.sizes` lets it, and then double the cells until the estimate is at most
            this; `attempts` then say what was tried.
        budget: Unknowns of the largest mesh for that.

    Raises:
        InputError: A tolerance that is none.
        SolverError: The linear solver (prefix ``homogenized_``) did not converge.
    """

    def solve(order: int, count: int, _: float) -> Solution:
        space = fem.functionspace(slow_fitting(equation, count).mesh(comm, shape), ("Lagrange", order))
        usual = not any(key.startswith("homogenized_") for key in PETSc.Options().getAll())
        if isinstance(equation.flux, Constant) and equation.reaction is None and usual:
            found = solve_constant(space, equation.flux.values, source_on(equation, space.mesh), 2 * order)
            if found is not None:
                return found
        # A factorization is quicker where the degree is high.
        high = SIZES[equation.dim].factors and order > 3 and unknowns([count] * 2, order) <= BUDGET
        return solve_on(equation, space, "homogenized_", DIRECT if high else None)

    resolutions = Resolutions(
        solve,
        lambda order, count: unknowns([count] * equation.dim, order),
        degree,
        order_limit(equation.source, equation.varying),
        SIZES[equation.dim].raised,
    )
    return resolutions.asked(tol, budget, cells, estimate=estimate)
