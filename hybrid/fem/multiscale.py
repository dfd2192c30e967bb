"""The reference: the multiscale equation on a mesh that resolves ε."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mpi4py import MPI

from sympy import Symbol

import ufl
from dolfinx import fem

from hybrid.fem.cache import ReferenceCache
from hybrid.fem.coefficients import as_arrays, as_ufl
from hybrid.fem.dirichlet import Solution, solve_dirichlet
from hybrid.fem.fitted import inner_degree
from hybrid.fem.linear import DIRECT, MULTIGRID
from hybrid.fem.reference import Reference, References, anything, silent
from hybrid.fem.stencil import Entries
from hybrid.physics import EllipticProblem
from hybrid.symbols import evaluate


def solve_multiscale(
    problem: EllipticProblem,
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
    """The reference u_ε: -∇·(a(x, x/ε) ∇u_ε) = f, u_ε = 0 on ∂Ω (paper, equation (16)), in parallel.

    Args:
        problem: The equation.
        comm: The ranks that share the work.
        degree: Polynomial degree of the elements.
        cells_per_period: Mesh cells along each period of the coefficient.
        shape: Of the cells, one of `hybrid.fem.mesh.SHAPES`.
        estimate: Also solve on meshes twice and four times as coarse, to estimate the relative L2 error of u_ε
            (Richardson, see `hybrid.fem.norms.richardson`).
        reference_tol: Refine, beginning with `cells_per_period`, until the estimate is at most this.
        cache: Where references are kept and looked for.
        report: Called on every rank with a line for each refinement.
        check: Called on rank 0 with the cells per period of the next one; raises InputError if they are too many.

    Returns:
        The solution; its prefix for PETSc options is ``reference_``.

    Raises:
        InputError: `reference_tol` is no number between 0 and 1, or `check` does not allow the mesh that it needs.
        SolverError: The linear solver did not converge, or refining does not reduce the error any more.
    """
    references = References(
        problem,
        comm,
        lambda space, _: solve_on(problem, space),
        degree,
        shape,
        estimate or reference_tol is not None,
        cache,
    )
    if reference_tol is None:
        return references.on(cells_per_period)
    return references.until(reference_tol, cells_per_period, 0.0, report, check)


def solve_on(problem: EllipticProblem, space: fem.FunctionSpace) -> Solution:
    """u_ε in a Lagrange space on a mesh of Ω.

    Raises:
        SolverError: The linear solver (prefix ``reference_``) did not converge.
    """
    a, f = coefficient(problem, space.mesh), source(problem, space.mesh)
    degree = 2 * space.element.basix_element.degree
    quadrature = inner_degree(space.mesh, degree) if problem.medium.interfaces else degree
    defaults = DIRECT if problem.dim == 1 else MULTIGRID
    return solve_dirichlet(space, a, f, "reference_", defaults, entries(problem), quadrature)


def coefficient(problem: EllipticProblem, mesh: object) -> ufl.core.expr.Expr:
    """a(x, x/ε) as a UFL matrix on the mesh."""
    return as_ufl(problem.medium.matrix, _values(problem, ufl.SpatialCoordinate(mesh)))


def entries(problem: EllipticProblem) -> Entries | None:
    """a(x, x/ε) as a function of coordinates, where multigrid is to know it.

    Not where it jumps: a few points in each lattice cell then say too little, and the products of matrices take half the
    iterations.
    """
    if problem.medium.interfaces:
        return None
    return lambda x: as_arrays(problem.medium.matrix, _values(problem, x))


def _values(problem: EllipticProblem, x: Any) -> dict[Symbol, Any]:
    return {s: x[i] for i, s in enumerate(problem.slow)} | {s: x[i] / problem.eps for i, s in enumerate(problem.fast)}


def source(problem: EllipticProblem, mesh: object) -> ufl.core.expr.Expr:
    """f(x) in UFL on the mesh."""
    x = ufl.SpatialCoordinate(mesh)
    return ufl.as_ufl(evaluate(problem.f, {s: x[i] for i, s in enumerate(problem.slow)}, "ufl"))
