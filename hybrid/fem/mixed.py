"""-∇·(a ∇u) = f on any mesh, with Dirichlet and Neumann conditions on parts of the boundary."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

import ufl
from dolfinx import fem, mesh
from dolfinx.fem import petsc as fem_petsc

from hybrid.checks import check_degree, check_expression
from hybrid.clock import clock
from hybrid.failures import InputError
from hybrid.fem.algebra.assembly import assembled, load
from hybrid.fem.algebra.linear import LinearSolver, usual
from hybrid.fem.algebra.matrices import check_symmetric, clean_up
from hybrid.fem.algebra.multigrid import levels
from hybrid.fem.dirichlet import Solution
from hybrid.fem.meshes.regions import piecewise
from hybrid.fem.meshes.tagged import TaggedMesh, check_tagged
from hybrid.symbols import evaluate, x


def solve_on_mesh(
    domain: TaggedMesh,
    a: Any,
    f: Any,
    *,
    dirichlet: Mapping[str | int, Any],
    neumann: Mapping[str | int, Any] | None = None,
    degree: int = 2,
) -> Solution:
    """Solve -∇·(a ∇u) = f in Ω, u = g on Γ_D, (a ∇u)·n = h on Γ_N, n the outer normal; collective.

    Where the boundary belongs to no part that is named here, h = 0.

    Args:
        domain: Ω, from `hybrid.fem.read_mesh` or `hybrid.fem.tagged_box`.
        a: A UFL matrix; or what `hybrid.fem.piecewise` takes for each region; or a number, a symmetric matrix, or SymPy
            expressions of them, for all regions alike.
        f: A number, a SymPy expression of x0 … (`hybrid.symbols.x`), or a UFL expression.
        dirichlet: For each part of Γ_D (its name or its number) g, given as f is. Where two parts meet, the later one counts.
        neumann: For each part of Γ_N h.
        degree: Polynomial degree of the Lagrange elements.

    Returns:
        The solution; its prefix for PETSc options is ``mixed_``.

    Raises:
        InputError: A degree that is none, an a that is not symmetric or not finite or that `hybrid.fem.piecewise` refuses, an
            unknown part of the boundary, one that is in Γ_D and in Γ_N or not on the boundary, no Γ_D at all (the solution
            would be known up to a constant only).
        SolverError: The linear solver did not converge.
    """
    start = clock()
    check_tagged(domain)
    check_degree(degree)
    grid = domain.mesh
    fixed = domain.numbered(dirichlet, "boundary", "dirichlet")
    fluxes = domain.numbered(neumann or {}, "boundary", "neumann")
    _check_parts(domain, fixed, fluxes)
    if isinstance(a, ufl.core.expr.Expr):
        if a.ufl_shape != (grid.geometry.dim,) * 2:
            raise InputError("a", f"of shape {a.ufl_shape}; allowed is {(grid.geometry.dim,) * 2}")
    else:
        a = piecewise(domain, a if isinstance(a, Mapping) else dict.fromkeys(domain.region_names, a))

    space = fem.functionspace(grid, ("Lagrange", degree))
    lifting = fem.Function(space, name="u")
    bcs = [_condition(domain, lifting, number, _expression(g, grid, "dirichlet")) for number, g in fixed.items()]
    metadata = {"quadrature_degree": 2 * degree + 4}
    dx = ufl.dx(domain=grid, metadata=metadata)
    ds = ufl.ds(domain=grid, subdomain_data=domain.boundaries, metadata=metadata)
    u, v = ufl.TrialFunction(space), ufl.TestFunction(space)
    source = (_expression(f, grid, "f") * v - ufl.inner(a * ufl.grad(lifting), ufl.grad(v))) * dx
    for number, h in fluxes.items():
        source += _expression(h, grid, "neumann") * v * ds(number)

    # u = lifting + w with w = 0 on Γ_D: the tolerance of the solver is then for w alone.
    matrix = assembled(ufl.inner(a * ufl.grad(u), ufl.grad(v)) * dx, bcs)
    check_symmetric(matrix)
    b = load(source)
    fem_petsc.set_bc(b, bcs, alpha=0.0)
    if not np.isfinite(b.norm()):
        raise InputError("f, dirichlet, neumann", "not a finite number everywhere")
    dim = grid.geometry.dim
    solver = LinearSolver(matrix, "mixed_", usual(dim), lambda: levels(space, bcs), dim=dim)
    w = b.duplicate()
    try:
        iterations = solver.solve(b, w)
    finally:
        solver.close()
        b.destroy()
    lifting.x.petsc_vec.axpy(1.0, w)
    lifting.x.scatter_forward()
    w.destroy()
    clean_up(space)
    return Solution(lifting, clock() - start, iterations, notes=tuple(solver.notes))


def _check_parts(domain: TaggedMesh, fixed: Mapping[int, Any], fluxes: Mapping[int, Any]) -> None:
    """Refuse what has no solution, or not the one that is meant; on every rank."""
    names = {number: name for name, number in domain.boundary_names.items()}
    known = ", ".join(map(repr, domain.boundary_names)) or "none, so that this mesh cannot be used here"
    if not fixed:
        raise InputError(
            "dirichlet", f"no part of the boundary; without one u is known up to a constant only (parts: {known})"
        )
    both = [repr(names[number]) for number in fixed if number in fluxes]
    if both:
        raise InputError("neumann", f"{', '.join(both)} has a Dirichlet condition already")
    grid, tags = domain.mesh, domain.boundaries
    tdim = grid.topology.dim
    grid.topology.create_connectivity(tdim - 1, tdim)
    outer = mesh.exterior_facet_indices(grid.topology)
    owned = grid.topology.index_map(tdim - 1).size_local
    for number in (*fixed, *fluxes):
        here = tags.find(number)
        here = here[here < owned]
        total, inside = grid.comm.allreduce(np.array([len(here), (~np.isin(here, outer)).sum()]))
        where = "dirichlet" if number in fixed else "neumann"
        if inside or not total:
            what = f"{inside} of its {total} facets are inside the domain" if inside else "it has no facets"
            raise InputError(where, f"{names[number]!r} is no part of the boundary: {what}")


def _expression(value: Any, grid: mesh.Mesh, where: str) -> ufl.core.expr.Expr:
    if isinstance(value, ufl.core.expr.Expr):
        if value.ufl_shape:
            raise InputError(where, f"of shape {value.ufl_shape}; allowed is a scalar")
        return value
    dim = grid.geometry.dim
    coordinate = ufl.SpatialCoordinate(grid)
    symbols = {s: coordinate[i] for i, s in enumerate(x[:dim])}
    number = evaluate(check_expression(value, x[:dim], where), symbols, "ufl")
    # A number becomes a constant of the form: another one asks for no other form to be compiled.
    return fem.Constant(grid, float(number)) if isinstance(number, float) else number


def _condition(domain: TaggedMesh, lifting: fem.Function, number: int, g: ufl.core.expr.Expr) -> fem.DirichletBC:
    """u = g on a part of the boundary, where the lifting gets that value too."""
    space = lifting.function_space
    dofs = fem.locate_dofs_topological(space, domain.boundaries.dim, domain.boundaries.find(number))
    # On all cells, as a dof of this part may be this rank's while the facets are not; taken only where it is wanted, as
    # elsewhere g need not have a value.
    values = fem.Function(space)
    values.interpolate(fem.Expression(g, space.element.interpolation_points))
    values.x.scatter_forward()
    lifting.x.array[dofs] = values.x.array[dofs]
    return fem.dirichletbc(lifting, dofs)
