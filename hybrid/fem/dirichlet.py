"""-∇·(A ∇u) = f with u = 0 on the boundary: what the multiscale and the homogenized solve have in common."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from petsc4py import PETSc

import ufl
from dolfinx import fem
from dolfinx.fem import petsc as fem_petsc

from hybrid.fem.forms import compiled
from hybrid.fem.linear import LinearSolver, clean_up
from hybrid.fem.mesh import zero_on_boundary
from hybrid.fem.multigrid import prolongations


@dataclass(frozen=True)
class Solution:
    """A finite element solution and what it cost.

    Attributes:
        function: The DOLFINx function, distributed over the ranks of its mesh.
        seconds: Wall time, with that of the error estimate where there is one.
        iterations: Of the linear solver.
        error_estimate: Estimated relative L2 discretization error, where it was asked for.
    """

    function: fem.Function
    seconds: float
    iterations: int
    error_estimate: float | None = None

    @property
    def dofs(self) -> int:
        """Global number of degrees of freedom."""
        dofmap = self.function.function_space.dofmap
        return int(dofmap.index_map.size_global * dofmap.index_map_bs)

    @property
    def degree(self) -> int:
        """Polynomial degree of the Lagrange elements."""
        return int(self.function.function_space.element.basix_element.degree)


def solve_dirichlet(
    space: fem.FunctionSpace,
    a: ufl.core.expr.Expr,
    f: ufl.core.expr.Expr,
    prefix: str,
    defaults: Mapping[str, object],
) -> Solution:
    """Find u in the space with u = 0 on ∂Ω and ∫ a∇u·∇φ = ∫ f φ for all φ; `a` is a d×d UFL matrix.

    Raises:
        SolverError: The linear solver did not converge.
    """
    start = time.perf_counter()
    solution, iterations = _solve(space, a, f, prefix, defaults)
    clean_up(space)
    return Solution(solution, time.perf_counter() - start, iterations)


def _solve(
    space: fem.FunctionSpace,
    a: ufl.core.expr.Expr,
    f: ufl.core.expr.Expr,
    prefix: str,
    defaults: Mapping[str, object],
) -> tuple[fem.Function, int]:
    degree = space.element.basix_element.degree
    dx = ufl.dx(metadata={"quadrature_degree": 2 * degree})
    u, v = ufl.TrialFunction(space), ufl.TestFunction(space)
    form = compiled(ufl.inner(a * ufl.grad(u), ufl.grad(v)) * dx)
    load = compiled(f * v * dx)
    bcs = zero_on_boundary(space)
    matrix = fem_petsc.assemble_matrix(form, bcs)
    matrix.assemble()
    b = fem_petsc.assemble_vector(load)
    b.ghostUpdate(PETSc.InsertMode.ADD, PETSc.ScatterMode.REVERSE)
    fem_petsc.set_bc(b, bcs)
    solver = LinearSolver(matrix, prefix, defaults, lambda: prolongations(space, bcs))
    solution = fem.Function(space)
    try:
        iterations = solver.solve(b, solution.x.petsc_vec)
    finally:
        solver.close()
        b.destroy()
    solution.x.scatter_forward()
    return solution, iterations
