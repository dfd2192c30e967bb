"""The homogenized equation by finite elements."""

from __future__ import annotations

from collections.abc import Sequence

from mpi4py import MPI

import numpy as np
import numpy.typing as npt

import ufl
from dolfinx import fem

from hybrid.errors import InputError, SolverError
from hybrid.fem.cost import unknowns
from hybrid.fem.dirichlet import Solution, solve_dirichlet
from hybrid.fem.fitted import inner_degree, slow_fitting
from hybrid.fem.linear import DIRECT, MULTIGRID
from hybrid.fem.multiscale import source
from hybrid.fem.norms import order_limit
from hybrid.fem.resolution import BUDGET, HIGHEST, Resolutions
from hybrid.fem.stencil import Entries
from hybrid.media.interpolated import ProductCoefficient, SlowCoefficient
from hybrid.physics import EllipticProblem
from hybrid.symbols import evaluate
from hybrid.symbols import x as slow


def solve_homogenized(
    problem: EllipticProblem,
    coefficient: npt.ArrayLike | SlowCoefficient,
    comm: MPI.Comm,
    *,
    degree: int = 3,
    cells: int = 64,
    shape: str = "simplex",
    estimate: bool = True,
    tol: float | None = None,
    budget: int = BUDGET,
) -> Solution:
    """Solve -∂_i( a*_ij ∂_j u_0 ) = f in Ω, u_0 = 0 on ∂Ω (paper, equation (11)): v or w, by whose a* it is.

    Args:
        problem: Gives Ω and f.
        coefficient: a*, (d, d), or a*(x), from either path.
        comm: The ranks that share the work.
        degree: Polynomial degree of the elements.
        cells: Mesh cells along each side of Ω.
        shape: Of the cells, one of `hybrid.fem.mesh.SHAPES`.
        estimate: Also solve on meshes twice and four times as coarse, to estimate the relative L2 error of what is returned, as
            the solution with this very coefficient.
        tol: Raise the degree, up to `hybrid.fem.resolution.HIGHEST` and not in space, and then double the cells until the
            estimate is at most this; `attempts` then say what was tried.
        budget: Unknowns of the largest mesh for that.

    Raises:
        InputError: A coefficient of another shape; a tolerance that is none.
        SolverError: It is not positive definite, or the linear solver (prefix ``homogenized_``) did not converge.
    """
    _check(coefficient, problem.dim)

    def solve_on(order: int, count: int, _: float) -> Solution:
        mesh = slow_fitting(problem, count).mesh(comm, shape)
        space = fem.functionspace(mesh, ("Lagrange", order))
        a = _on_mesh(coefficient, space) if isinstance(coefficient, SlowCoefficient) else _constant(coefficient)
        quadrature = inner_degree(mesh, 2 * order) if problem.medium.interfaces else 2 * order
        known = _entries(coefficient)
        # In the plane a factorization is quicker where the degree is high.
        high = problem.dim == 2 and order > 3 and unknowns([count] * 2, order) <= BUDGET
        defaults = DIRECT if problem.dim == 1 or high else MULTIGRID
        return solve_dirichlet(space, a, source(problem, mesh), "homogenized_", defaults, known, quadrature)

    if tol is None and not estimate:
        return solve_on(degree, cells, 0.0)
    resolutions = Resolutions(
        solve_on,
        lambda order, count: unknowns([count] * problem.dim, order),
        degree,
        order_limit(problem.f, *([coefficient.factor] if isinstance(coefficient, ProductCoefficient) else [])),
        HIGHEST if problem.dim < 3 else 0,
    )
    return resolutions.estimated(cells) if tol is None else resolutions.until(tol, budget, cells)


def _check(coefficient: npt.ArrayLike | SlowCoefficient, dim: int) -> None:
    """Refuse what makes the problem singular or indefinite: cell problems solved badly give such coefficients."""
    try:
        given = coefficient.values if isinstance(coefficient, SlowCoefficient) else [coefficient]
        values = np.asarray(given, dtype=float)
    except (TypeError, ValueError):
        raise InputError("coefficient", f"not a matrix of numbers; allowed is one of shape ({dim}, {dim})") from None
    if values.shape[1:] != (dim, dim):
        raise InputError("coefficient", f"of shape {values.shape[1:]}; allowed is ({dim}, {dim})")
    if not np.isfinite(values).all():
        raise SolverError("the homogenized coefficient is not finite: its cell problems were not solved")
    smallest = float(np.linalg.eigvalsh((values + values.swapaxes(-1, -2)) / 2).min())
    if smallest <= 0:
        raise SolverError(
            f"the homogenized coefficient is not positive definite (smallest eigenvalue {smallest:.3g}): its cell problems "
            "were not solved well enough; train longer, or compare with hybrid.fem.solve_cell"
        )


def _constant(coefficient: npt.ArrayLike) -> ufl.core.expr.Expr:
    return ufl.as_matrix(np.asarray(coefficient, dtype=float).tolist())


def _entries(coefficient: npt.ArrayLike | SlowCoefficient) -> Entries:
    """The same as a function of coordinates."""
    if not isinstance(coefficient, SlowCoefficient):
        constant = np.asarray(coefficient, dtype=float).tolist()
        return lambda _: constant

    def at(x: Sequence[npt.NDArray[np.float64]]) -> Sequence[Sequence[npt.NDArray[np.float64]]]:
        grid = np.broadcast_arrays(*x)
        values = coefficient(np.stack([part.ravel() for part in grid], axis=1))
        return [[values[:, i, j].reshape(grid[0].shape) for j in range(len(x))] for i in range(len(x))]

    return at


def _on_mesh(coefficient: SlowCoefficient, space: fem.FunctionSpace) -> ufl.core.expr.Expr:
    """The entries of a*(x) as finite element functions of one degree more than the solution; as they are, if it is g(x) b*."""
    dim = len(coefficient.domain)
    if isinstance(coefficient, ProductCoefficient):
        x = ufl.SpatialCoordinate(space.mesh)
        factor = ufl.as_ufl(evaluate(coefficient.factor, {s: x[i] for i, s in enumerate(slow[:dim])}, "ufl"))
        return factor * ufl.as_matrix(coefficient.base.tolist())
    finer = fem.functionspace(space.mesh, ("Lagrange", space.element.basix_element.degree + 1))
    values = coefficient(finer.tabulate_dof_coordinates()[:, :dim])
    entries = [[fem.Function(finer) for _ in range(dim)] for _ in range(dim)]
    for i in range(dim):
        for j in range(dim):
            entries[i][j].x.array[:] = values[:, i, j]
    return ufl.as_matrix(entries)
