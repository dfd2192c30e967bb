"""-∇·(A ∇u) + c u = f with u = 0 on the boundary: what the multiscale and the homogenized solve have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import ufl
from dolfinx import fem

from hybrid.clock import clock
from hybrid.equation import Equation
from hybrid.fem.algebra.assembly import assembled, load
from hybrid.fem.algebra.linear import LinearSolver, usual
from hybrid.fem.algebra.matrices import clean_up
from hybrid.fem.algebra.multigrid import levels
from hybrid.fem.algebra.stencil import Entries
from hybrid.fem.forms import entries_of, flux_on, reaction_on, source_on
from hybrid.fem.meshes.box import zero_on_boundary
from hybrid.fem.meshes.fitted import inner_degree
from hybrid.trust import Estimate


@dataclass(frozen=True)
class Solution:
    """A finite element solution and what it cost.

    Attributes:
        function: The DOLFINx function, distributed over the ranks of its mesh.
        seconds: Wall time, with that of the error estimate where there is one.
        iterations: Of the linear solver.
        error_estimate: Estimated relative L2 discretization error, where it was asked for.
        steps: Wall time of "assembly", "setup" (of the preconditioner or factorization) and "solve".
        trust: The same estimate under "solution", and what it was found from.
        attempts: Where it was solved until a tolerance is met, what was tried, in order.
        notes: What the linear solver did differently from what was asked for, a line each.
        rounding: What rounding may have made of the solution, relative, where its equation amplifies that.
    """

    function: fem.Function
    seconds: float
    iterations: int
    error_estimate: float | None = None
    steps: Mapping[str, float] = field(default_factory=dict)
    trust: Mapping[str, Estimate] = field(default_factory=dict)
    attempts: tuple[Mapping[str, Any], ...] = ()
    notes: tuple[str, ...] = ()
    rounding: float = 0.0

    @property
    def dofs(self) -> int:
        """Global number of degrees of freedom."""
        dofmap = self.function.function_space.dofmap
        return int(dofmap.index_map.size_global * dofmap.index_map_bs)

    @property
    def degree(self) -> int:
        """Polynomial degree of the Lagrange elements."""
        return int(self.function.function_space.element.basix_element.degree)


def solve_on(
    equation: Equation, space: fem.FunctionSpace, prefix: str, defaults: Mapping[str, object] | None = None
) -> Solution:
    """The solution of an equation without time, in a Lagrange space on a mesh of Ω.

    Args:
        equation: On Ω, with one load.
        space: Where to look for it.
        prefix: Of the linear solver's PETSc options.
        defaults: What they are where the user has not set them; by default a factorization in 1D, and multigrid.

    Raises:
        SolverError: The linear solver did not converge.
    """
    degree, mesh, reaction = 2 * space.element.basix_element.degree, space.mesh, equation.reaction
    jumps = equation.flux.interfaces or (reaction is not None and reaction.interfaces)
    return solve_dirichlet(
        space,
        flux_on(equation, space),
        source_on(equation, mesh),
        prefix,
        defaults or usual(equation.dim),
        entries_of(equation),
        inner_degree(mesh, degree) if jumps else degree,
        None if reaction is None else reaction_on(equation, mesh),
    )


def solve_dirichlet(
    space: fem.FunctionSpace,
    a: ufl.core.expr.Expr,
    f: ufl.core.expr.Expr,
    prefix: str,
    defaults: Mapping[str, object],
    entries: Entries | None = None,
    quadrature: int | None = None,
    reaction: ufl.core.expr.Expr | None = None,
) -> Solution:
    """Find u in the space with u = 0 on ∂Ω and ∫ a∇u·∇φ + ∫ c u φ = ∫ f φ for all φ.

    Args:
        space: Lagrange elements; on a box, if there are `entries`.
        a: The coefficient, a d×d UFL matrix.
        f: The right-hand side.
        prefix: Of the linear solver's PETSc options.
        defaults: What they are where the user has not set them.
        entries: The coefficient as a function of coordinates: multigrid's coarser matrices are then quicker to find.
        quadrature: Its degree; by default twice that of the elements.
        reaction: c, if there is one.

    Raises:
        SolverError: The linear solver did not converge.
    """
    begin = clock()
    degree = space.element.basix_element.degree
    dx = ufl.dx(metadata={"quadrature_degree": quadrature or 2 * degree})
    u, v = ufl.TrialFunction(space), ufl.TestFunction(space)
    bcs = zero_on_boundary(space)
    form = ufl.inner(a * ufl.grad(u), ufl.grad(v)) * dx
    if reaction is not None:
        form += reaction * u * v * dx
    matrix, b = assembled(form, bcs), load(f * v * dx, bcs)
    filled = clock()
    solver = LinearSolver(matrix, prefix, defaults, lambda: levels(space, bcs, a=entries), dim=space.mesh.geometry.dim)
    ready = clock()
    solution = fem.Function(space)
    try:
        iterations = solver.solve(b, solution.x.petsc_vec)
    finally:
        solver.close()
        b.destroy()
    solution.x.scatter_forward()
    end = clock()
    clean_up(space)
    steps = {"assembly": filled - begin, "setup": ready - filled, "solve": end - ready}
    return Solution(solution, clock() - begin, iterations, steps=steps, notes=tuple(solver.notes))
