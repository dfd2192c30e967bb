"""The homogenized equation by finite elements."""

from __future__ import annotations

from mpi4py import MPI

import numpy as np
import numpy.typing as npt

import ufl
from dolfinx import fem

from hybrid.coefficient import SlowCoefficient
from hybrid.fem.dirichlet import Solution, solve_dirichlet
from hybrid.fem.linear import DIRECT, MULTIGRID
from hybrid.fem.mesh import box
from hybrid.fem.multiscale import source
from hybrid.problems import EllipticProblem


def solve_homogenized(
    problem: EllipticProblem,
    coefficient: npt.ArrayLike | SlowCoefficient,
    comm: MPI.Comm,
    *,
    degree: int = 3,
    cells: int = 64,
    shape: str = "simplex",
) -> Solution:
    """Solve -∂_i( a*_ij ∂_j u_0 ) = f in Ω, u_0 = 0 on ∂Ω (paper, equation (11)): v or w, by whose a* it is.

    Args:
        problem: Gives Ω and f.
        coefficient: a*, (d, d), or a*(x), from either path.
        comm: The ranks that share the work.
        degree: Polynomial degree of the elements.
        cells: Mesh cells along each side of Ω.
        shape: Of the cells, one of `hybrid.fem.mesh.SHAPES`.

    Raises:
        SolverError: The linear solver (prefix ``homogenized_``) did not converge.
    """
    mesh = box(comm, problem.domain, [cells] * problem.dim, shape)
    space = fem.functionspace(mesh, ("Lagrange", degree))
    a = _on_mesh(coefficient, space) if isinstance(coefficient, SlowCoefficient) else _constant(coefficient)
    return solve_dirichlet(space, a, source(problem, mesh), "homogenized_", DIRECT if problem.dim == 1 else MULTIGRID)


def _constant(coefficient: npt.ArrayLike) -> ufl.core.expr.Expr:
    return ufl.as_matrix(np.asarray(coefficient, dtype=float).tolist())


def _on_mesh(coefficient: SlowCoefficient, space: fem.FunctionSpace) -> ufl.core.expr.Expr:
    """The entries of a*(x) as finite element functions of one degree more than the solution."""
    dim = len(coefficient.domain)
    finer = fem.functionspace(space.mesh, ("Lagrange", space.element.basix_element.degree + 1))
    values = coefficient(finer.tabulate_dof_coordinates()[:, :dim])
    entries = [[fem.Function(finer) for _ in range(dim)] for _ in range(dim)]
    for i in range(dim):
        for j in range(dim):
            entries[i][j].x.array[:] = values[:, i, j]
    return ufl.as_matrix(entries)
