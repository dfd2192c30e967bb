"""Values, slopes and second derivatives of finite element functions, and what they are just outside of their mesh."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

import basix
from dolfinx import fem, la

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
    """u, ∂_i u, and ∂_ij u for i ≤ j where the order is 2, in the space of u, Lagrange elements; collective.

    In a node a slope is the mean of those in the cells around it, weighted by their sizes: the L2 projection with a lumped
    mass matrix. Second derivatives are slopes of these.
    """
    dim = function.function_space.mesh.geometry.dim
    slopes = _Slopes(function.function_space)
    parts = [function, *slopes(function)]
    if order == 2:
        parts += [second for i in range(dim) for second in slopes(parts[1 + i])[i:]]
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
    out = points.beyond(list(zip(low, high, strict=True)))
    if len(parts) <= 1 + dim or not len(out):
        return jet
    offset, there = (points.taken(out).points() - inside.taken(out).points()).T, jet[:, out]
    hessian = np.empty((dim, dim, len(out)))
    pairs = [(i, j) for i in range(dim) for j in range(i, dim)]
    for (i, j), second in zip(pairs, there[1 + dim :], strict=True):
        hessian[i, j] = hessian[j, i] = second
    change = np.einsum("ijn,jn->in", hessian, offset)
    jet[0, out] += (offset * (there[1 : 1 + dim] + change / 2)).sum(axis=0)
    jet[1 : 1 + dim, out] += change
    return jet


class _Slopes:
    """Means of the gradients in the cells around a node; what belongs to the mesh is made once."""

    def __init__(self, space: fem.FunctionSpace) -> None:
        mesh, element = space.mesh, space.element.basix_element
        cmap = mesh.geometry.cmaps[0]
        self.space = space
        cells = mesh.topology.index_map(mesh.topology.dim).size_local
        self.dofs = space.dofmap.list[:cells]
        self.table = element.tabulate(1, element.points)[1:, :, :, 0]
        x = mesh.geometry.x[mesh.geometry.dofmaps[0][:cells]][:, :, : mesh.geometry.dim]
        chart = basix.create_element(
            basix.ElementFamily.P, element.cell_type, cmap.degree, basix.LagrangeVariant(cmap.variant)
        )
        jacobian = np.einsum("dqg,cgi->cqid", chart.tabulate(1, element.points)[1:, :, :, 0], x)
        self.inverse = np.linalg.inv(jacobian)
        self.weight = np.abs(np.linalg.det(jacobian))
        self.total = self._summed(self.weight)

    def _summed(self, values: Array) -> Array:
        """Over the cells around each node, from those of the cells' own nodes, (cells, nodes); collective."""
        total = fem.Function(self.space)
        count = len(total.x.array)
        total.x.array[:] = np.bincount(self.dofs.ravel(), values.ravel(), count)
        total.x.scatter_reverse(la.InsertMode.add)
        total.x.scatter_forward()
        return np.array(total.x.array)

    def __call__(self, function: fem.Function) -> list[fem.Function]:
        """∂_i u for all i; collective."""
        local = np.einsum("dqn,cn->cqd", self.table, function.x.array[self.dofs], optimize=True)
        found = []
        for i in range(self.inverse.shape[-1]):
            slope = np.einsum("cqd,cqd->cq", local, self.inverse[..., i])
            found.append(fem.Function(self.space))
            found[-1].x.array[:] = self._summed(slope * self.weight) / self.total
        return found
