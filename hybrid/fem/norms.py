"""Norms by quadrature, and carrying a function from one mesh to another."""

from __future__ import annotations

import math

from mpi4py import MPI

import numpy as np

import ufl
from dolfinx import fem


def norm(expression: ufl.core.expr.Expr, mesh: object, degree: int) -> float:
    """‖g‖ in L2 of a scalar or vector UFL expression, by quadrature of the given degree; collective."""
    dx = ufl.dx(domain=mesh, metadata={"quadrature_degree": degree})
    local = fem.assemble_scalar(fem.form(ufl.inner(expression, expression) * dx))
    return math.sqrt(mesh.comm.allreduce(local, op=MPI.SUM))  # type: ignore[attr-defined]


def integral(integrand: ufl.Form, mesh: object) -> float:
    """The value of a form without arguments, over all ranks; collective."""
    return float(mesh.comm.allreduce(fem.assemble_scalar(fem.form(integrand)), op=MPI.SUM))  # type: ignore[attr-defined]


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
    return norm(carry(u, space) - v, space.mesh, degree) / norm(v, space.mesh, degree)
