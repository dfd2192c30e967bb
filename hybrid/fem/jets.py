"""Values, slopes and second derivatives of finite element functions, and what they are just outside of their mesh."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

import ufl
from dolfinx import fem

from hybrid.fem.algebra.assembly import assembled, load
from hybrid.fem.algebra.linear import ITERATIVE, LinearSolver
from hybrid.fem.algebra.matrices import clean_up
from hybrid.fem.meshes.places import Transfer, bricks_behind
from hybrid.fem.meshes.points import at_points, bounds
from hybrid.product import Product

Array = npt.NDArray[np.float64]


def values_on(functions: Sequence[fem.Function], points: Product) -> list[Array]:
    """Functions of one space at points of which each rank has its own, (n,) each; collective.

    Raises:
        ValueError: Points outside the mesh.
    """
    space = functions[0].function_space
    bricks = bricks_behind(space)
    if bricks is not None:
        return Transfer(space, bricks, points)(*functions)
    comm, few = space.mesh.comm, math.prod(points.shape) <= len(points)
    own = points.grid() if few else points.points()
    each = comm.allgather(own)
    begin = sum(len(part) for part in each[: comm.rank])
    every = np.concatenate(each)
    found = [at_points(function, every)[begin : begin + len(own)] for function in functions]
    return [values[points.numbers()] for values in found] if few else found


def derivatives(function: fem.Function, order: int) -> list[fem.Function]:
    """u, ∂_i u, and ∂_ij u for i ≤ j where the order is 2, in the space of u; collective.

    They are projected (in L2), second ones from the first ones.
    """
    dim = function.function_space.mesh.geometry.dim
    with _Projection(function.function_space) as projected:
        parts = [function, *(projected(function.dx(i)) for i in range(dim))]
        if order == 2:
            parts += [projected(parts[1 + i].dx(j)) for i in range(dim) for j in range(i, dim)]
    return parts


def jets_on(parts: Sequence[fem.Function], points: Product) -> Array:
    """The `derivatives` of a function at points of which each rank has its own, (C, n); collective.

    A point outside of the mesh, which has to be a box, has the Taylor polynomial of the nearest one inside.
    """
    mesh = parts[0].function_space.mesh
    dim = mesh.geometry.dim
    low, high = bounds(mesh)
    inside = points.mapped([partial(np.clip, a_min=a, a_max=b) for a, b in zip(low, high, strict=True)])
    jet = np.stack(values_on(parts, inside))
    offset = (points.points() - inside.points()).T
    if len(parts) <= 1 + dim or not offset.any():
        return jet
    hessian = np.empty((dim, dim, jet.shape[1]))
    pairs = [(i, j) for i in range(dim) for j in range(i, dim)]
    for (i, j), second in zip(pairs, jet[1 + dim :], strict=True):
        hessian[i, j] = hessian[j, i] = second
    change = np.einsum("ijn,jn->in", hessian, offset)
    jet[0] += (offset * (jet[1 : 1 + dim] + change / 2)).sum(axis=0)
    jet[1 : 1 + dim] += change
    return jet


class _Projection:
    """Onto a Lagrange space in L2; the matrix is made once."""

    def __init__(self, space: fem.FunctionSpace) -> None:
        self.space = space
        degree = 2 * space.element.basix_element.degree
        self.dx = ufl.dx(domain=space.mesh, metadata={"quadrature_degree": degree})
        self.test = ufl.TestFunction(space)
        matrix = assembled(ufl.TrialFunction(space) * self.test * self.dx)
        options = {**ITERATIVE, "ksp_rtol": 1e-10, "pc_type": "jacobi"}
        self.solver = LinearSolver(matrix, "projection_", options, dim=space.mesh.geometry.dim)

    def __enter__(self) -> _Projection:
        return self

    def __call__(self, expression: ufl.core.expr.Expr) -> fem.Function:
        """The projection."""
        b, found = load(expression * self.test * self.dx), fem.Function(self.space)
        try:
            self.solver.solve(b, found.x.petsc_vec)
        finally:
            b.destroy()
        found.x.scatter_forward()
        return found

    def __exit__(self, *_: object) -> None:
        self.solver.close()
        clean_up(self.space)
