"""The reference: the multiscale equation on a mesh that resolves ε."""

from __future__ import annotations

from collections.abc import Callable

from mpi4py import MPI

from hybrid.equation import Equation
from hybrid.fem.cache import ReferenceCache
from hybrid.fem.dirichlet import solve_on
from hybrid.fem.reference import Reference, References, anything, silent
from hybrid.fem.tiles import solve_on_tiles
from hybrid.media.regions import Regions


def solve_multiscale(
    equation: Equation,
    comm: MPI.Comm,
    *,
    degree: int = 2,
    cells_per_period: int = 32,
    shape: str = "simplex",
    estimate: bool = True,
    reference_tol: float | None = None,
    cache: ReferenceCache | None = None,
    report: Callable[[str], None] = silent,
    check: Callable[[int], None] = anything,
) -> Reference:
    """The reference u_ε: -∇·(A(x, x/ε) ∇u_ε) + c(x, x/ε) u_ε = f, u_ε = 0 on ∂Ω (paper, equation (16)), in parallel.

    Args:
        equation: The equation.
        comm: The ranks that share the work.
        degree: Polynomial degree of the elements.
        cells_per_period: Mesh cells along each period of the coefficient.
        shape: Of the cells, one of `hybrid.fem.meshes.box.SHAPES`.
        estimate: Also solve on meshes twice and four times as coarse, to estimate the relative L2 error of u_ε
            (Richardson, see `hybrid.fem.norms.richardson`).
        reference_tol: Refine, beginning with `cells_per_period`, until the estimate is at most this.
        cache: Where references are kept and looked for; those on copies of a mesh are not.
        report: Called on every rank with a line for each refinement.
        check: Called on rank 0 with the cells per period of the next one; raises InputError if they are too many.

    Returns:
        The solution; its prefix for PETSc options is ``reference_``.

    Raises:
        InputError: `reference_tol` is no number between 0 and 1, or `check` does not allow the mesh that it needs.
        SolverError: The linear solver did not converge, or refining does not reduce the error any more.
    """
    if isinstance(equation.flux, Regions):
        return solve_on_tiles(
            equation, comm, degree=degree, cells_per_period=cells_per_period, estimate=estimate, tol=reference_tol,
            report=report, check=check,
        )  # fmt: skip
    references = References(
        equation,
        comm,
        lambda space, _: solve_on(equation, space, "reference_"),
        degree,
        shape,
        estimate or reference_tol is not None,
        cache,
    )
    return asked(references, reference_tol, cells_per_period, 0.0, report, check)


def asked(
    references: References, tolerance: float | None, cells: int, steps: float, report: Callable[[str], None],
    check: Callable[[int], None],
) -> Reference:  # fmt: skip
    """The reference with so many cells, and the error allowed in a step in time; or the first one within a tolerance."""
    if tolerance is None:
        return references.on(cells, steps)
    return references.until(tolerance, cells, steps, report, check)
