"""Norms by quadrature, and carrying a function from one mesh to another."""

from __future__ import annotations

import math
from collections.abc import Sequence

from mpi4py import MPI

import numpy as np

import ufl
from dolfinx import fem

from hybrid.fem.assembly import compiled


def norm(expression: ufl.core.expr.Expr, mesh: object, degree: int) -> float:
    """‖g‖ in L2 of a scalar or vector UFL expression, by quadrature of the given degree; collective."""
    dx = ufl.dx(domain=mesh, metadata={"quadrature_degree": degree})
    local = fem.assemble_scalar(compiled(ufl.inner(expression, expression) * dx))
    return math.sqrt(mesh.comm.allreduce(local, op=MPI.SUM))  # type: ignore[attr-defined]


def integral(integrand: ufl.Form, mesh: object) -> float:
    """The value of a form without arguments, over all ranks; collective."""
    return float(mesh.comm.allreduce(fem.assemble_scalar(compiled(integrand)), op=MPI.SUM))  # type: ignore[attr-defined]


def carry(source: fem.Function, space: fem.FunctionSpace) -> fem.Function:
    """The interpolant of a function on one mesh in the space of another (of the same domain); collective."""
    target = fem.Function(space)
    mesh = space.mesh
    cells = mesh.topology.index_map(mesh.topology.dim)
    every = np.arange(cells.size_local + cells.num_ghosts, dtype=np.int32)
    data = fem.create_interpolation_data(space, source.function_space, every, padding=1e-10)
    target.interpolate_nonmatching(source, every, data)
    target.x.scatter_forward()
    return target


def relative_difference(u: fem.Function, v: fem.Function) -> float:
    """‖u - v‖ / ‖v‖ in L2 on the mesh of v; collective."""
    space = v.function_space
    degree = 2 * space.element.basix_element.degree
    difference, size = norm(carry(u, space) - v, space.mesh, degree), norm(v, space.mesh, degree)
    return difference / size if size > 0 else (math.inf if difference > 0 else 0.0)


def richardson(levels: Sequence[fem.Function], ratios: Sequence[float], order: int) -> float:
    """The estimated relative L2 error of the finest of three solutions u_h, u_2h, u_4h (finest first).

    With an error of order h^p it is ‖u_h - u_2h‖ / ‖u_h‖ / (q^p - 1), q the ratio of the mesh sizes; p is the order that the
    three show, at most the elements' own: corners and kinks in a coefficient make it smaller.

    Args:
        levels: The solutions.
        ratios: Mesh size of the second over the first, and of the third over the second; both above one.
        order: k + 1 for elements of degree k.
    """
    first = relative_difference(levels[1], levels[0])
    second = relative_difference(levels[2], levels[1])
    if not (math.isfinite(second) and min(first, second) > 0 and min(ratios) > 1):
        return first  # too coarse to see an order
    seen = math.log(second / first) / math.log(ratios[1])
    return first / (ratios[0] ** min(max(seen, 1.0), order) - 1)
