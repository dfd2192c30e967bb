"""Finite element functions on boxes of rectangular cells at points of a tensor grid, one direction after the other.

Lagrange elements of intervals, quadrilaterals and hexahedra are products of those of lines, so that on a grid of m^d points
a function of N^d nodes takes a number of operations like m N^(d-1) + … + m^d in place of m^d (k+1)^d.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from mpi4py import MPI

import numpy as np
import numpy.typing as npt

import basix
from dolfinx import fem

from hybrid.fem.meshes.bricks import NEAR, Bricks
from hybrid.product import Product

Array = npt.NDArray[np.float64]

_BOXES = {"interval", "quadrilateral", "hexahedron"}


def line_nodes(ends: Array, degree: int, variant: basix.LagrangeVariant) -> Array:
    """All nodes of Lagrange elements on a line of cells with these ends, ascending, (degree cells + 1,)."""
    element = basix.create_element(basix.ElementFamily.P, basix.CellType.interval, degree, variant)
    places = np.sort(element.points[:, 0])
    return np.append((ends[:-1, None] + np.diff(ends)[:, None] * places)[:, :-1].ravel(), ends[-1])


@dataclass(frozen=True)
class Along:
    """A line's elements at points of it.

    Attributes:
        first: The first node of each point's cell, (m,).
        basis: The elements' functions there, (m, degree + 1).
    """

    first: npt.NDArray[np.int64]
    basis: Array

    @classmethod
    def of(cls, nodes: Array, degree: int, points: Array) -> Along:
        """By Lagrange's formula, from all nodes of the line."""
        first = degree * np.clip(np.searchsorted(nodes[::degree], points, "right") - 1, 0, (len(nodes) - 2) // degree)
        own = nodes[first[:, None] + np.arange(degree + 1)]
        basis = np.ones_like(own)
        for j in range(degree + 1):
            for m in range(degree + 1):
                if m != j:
                    basis[:, j] *= (points - own[:, m]) / (own[:, j] - own[:, m])
        return cls(first, basis)

    def __call__(self, table: Array, axis: int) -> Array:
        """The table with values at the points in place of those at the nodes."""
        shape = [1] * table.ndim
        shape[axis] = len(self.first)
        found: Array | None = None
        for m, column in enumerate(self.basis.T):
            part = np.take(table, self.first + m, axis=axis)
            part *= column.reshape(shape)
            found = part if found is None else np.add(found, part, out=found)
        assert found is not None
        return found


class OnLines:
    """Values of functions of one space on tensor grids, of which each rank has its own.

    Args:
        space: Of the functions, with bricks behind it.
        bricks: Those; rectangular cells.
        axes: The grid's coordinates in each direction, inside of the mesh or outside by rounding.
    """

    def __init__(self, space: fem.FunctionSpace, bricks: Bricks, axes: Sequence[Array]) -> None:
        element = space.element.basix_element
        self.comm: MPI.Comm = space.mesh.comm
        self.nodes = [line_nodes(ends, element.degree, element.lagrange_variant) for ends in bricks.lines]
        self.along = [
            Along.of(own, element.degree, np.clip(axis, own[0], own[-1]))
            for own, axis in zip(self.nodes, axes, strict=True)
        ]
        self.owned = space.dofmap.index_map.size_local
        x = space.tabulate_dof_coordinates()[: self.owned].T
        self.places = tuple(np.searchsorted((n[1:] + n[:-1]) / 2, at) for n, at in zip(self.nodes, x, strict=False))

    def __call__(self, function: fem.Function) -> Array:
        """The function on the grid, (Π m_k,), the last direction fastest; collective."""
        table = np.zeros([len(own) for own in self.nodes])
        table[self.places] = function.x.array[: self.owned]
        self.comm.Allreduce(MPI.IN_PLACE, table, op=MPI.SUM)
        for k, along in enumerate(self.along):
            table = along(table, k)
        return table.ravel()


def on_lines(space: fem.FunctionSpace, bricks: Bricks, points: Product) -> OnLines | None:
    """What evaluates functions of the space on the grid of the points; collective.

    None where the mesh's cells are no products of lines, where some rank's points are too few of their grid, are outside of
    the mesh, or where the mesh has more nodes than there are points.
    """
    comm, degree = space.mesh.comm, space.element.basix_element.degree
    if space.mesh.topology.cell_name() not in _BOXES:
        return None
    inside = not any(
        len(axis) > 0 and max(ends[0] - axis.min(), axis.max() - ends[-1]) > NEAR * (ends[-1] - ends[0])
        for ends, axis in zip(bricks.lines, points.axes, strict=True)
    )
    if not comm.allreduce(inside and points.repeats, op=MPI.LAND):
        return None
    if math.prod(degree * (len(ends) - 1) + 1 for ends in bricks.lines) > comm.allreduce(len(points)):
        return None
    return OnLines(space, bricks, points.axes)
