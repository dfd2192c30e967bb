"""Norms by quadrature, and carrying a function from one mesh to another."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from mpi4py import MPI

import numpy as np

import ufl
from dolfinx import fem

from hybrid.fem.assembly import compiled
from hybrid.fem.points import at_points, spread


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


_POINTS = 1 << 14
"""At which differences are sampled: they tell a norm to a percent, and to compare two meshes everywhere costs five times what
the solution does."""


def relative_difference(u: fem.Function, v: fem.Function) -> float:
    """About ‖u - v‖ / ‖v‖ in L2 for functions on two meshes of one box, from 16384 points; collective."""
    return _differences([u, v])[0]


def _differences(functions: Sequence[fem.Function]) -> list[float]:
    """Of each function from the next."""
    points = spread(functions[0].function_space.mesh, _POINTS)
    values = [at_points(function, points) for function in functions]
    found = []
    for one, other in itertools.pairwise(values):
        difference, size = float(np.linalg.norm(one - other)), float(np.linalg.norm(other))
        found.append(difference / size if size > 0 else (math.inf if difference > 0 else 0.0))
    return found


def richardson(levels: Sequence[fem.Function], ratios: Sequence[float], order: int) -> float:
    """The estimated relative L2 error of the finest of three solutions u_h, u_2h, u_4h (finest first).

    With an error of order h^p it is ‖u_h - u_2h‖ / ‖u_h‖ / (q^p - 1), q the ratio of the mesh sizes; p is the order that the
    three show, at most the elements' own: corners and kinks in a coefficient make it smaller.

    Args:
        levels: The solutions.
        ratios: Mesh size of the second over the first, and of the third over the second; both above one.
        order: k + 1 for elements of degree k.
    """
    second, first = _differences(levels[::-1])
    if not (math.isfinite(second) and min(first, second) > 0 and min(ratios) > 1):
        return first  # too coarse to see an order
    seen = math.log(second / first) / math.log(ratios[1])
    return first / (ratios[0] ** min(max(seen, 1.0), order) - 1)
