"""Values of finite element functions at points: found by arithmetic on meshes of boxes, by search on others."""

from __future__ import annotations

from collections.abc import Sequence

from mpi4py import MPI

import numpy as np
import numpy.typing as npt

from dolfinx import fem, geometry, graph, mesh
from dolfinx.io.utils import cell_perm_vtk

from hybrid.fem.meshes.bricks import NEAR
from hybrid.fem.meshes.places import Transfer, bricks_behind, located
from hybrid.media import simplices
from hybrid.product import Product

Array = npt.NDArray[np.float64]
Indices = npt.NDArray[np.integer]
_SIMPLICES = {"interval", "triangle", "tetrahedron"}
_BULGE = 0.02
"""In barycentric coordinates: a curved cell may reach so far beyond the box round its nodes."""


class UnitBox:
    """The map of a mesh's bounding box to one with sides of about one, by shifts and powers of two; collective.

    DOLFINx looks for points with distances that are absolute numbers; there they mean the same for every mesh.
    """

    def __init__(self, domain: mesh.Mesh) -> None:
        self.low, high = bounds(domain)
        sides = high - self.low
        far = np.maximum(np.abs(self.low), np.abs(high))
        self.scale = 2.0 ** -np.round(np.log2(np.where(sides > 0, sides, 1.0)))
        self.sides = sides * self.scale
        self.near = NEAR * self.sides + 8 * np.finfo(float).eps * far * self.scale

    def points(self, points: Array) -> Array:
        """Where points (n, d) go, (n, 3); those that are outside by rounding go to the boundary."""
        padded = np.zeros((len(points), 3))
        dim = len(self.low)
        at = (points[:, :dim] - self.low) * self.scale
        inside = np.clip(at, 0.0, self.sides)
        padded[:, :dim] = np.where(np.abs(at - inside) <= self.near, inside, at)
        return padded

    def mesh(self, domain: mesh.Mesh) -> mesh.Mesh:
        """The mesh there: its topology, and moved points."""
        old = domain.geometry._cpp_object
        x = np.ascontiguousarray(self.points(domain.geometry.x)[:, : len(self.low)])
        element = domain.geometry.cmaps[0]._cpp_object
        indices = domain.geometry.input_global_indices
        moved = type(old)(old.index_map(), old.dofmaps[0], element, x, indices)
        return mesh.Mesh(type(domain._cpp_object)(domain.comm, domain.topology._cpp_object, moved), None)


def at_points(function: fem.Function, points: npt.ArrayLike) -> Array:
    """A finite element function at points, (n, d) -> (n,), the same on every rank; collective.

    Every rank passes all the points and evaluates those in its own cells; a point on the border of two ranks gets the
    value of the lower one.

    Raises:
        ValueError: Points outside the mesh.
    """
    mesh = function.function_space.mesh
    array = np.asarray(points, dtype=np.float64)
    bricks = bricks_behind(function.function_space)
    if bricks is None:
        found, values, depth = _searched(function, array)
    else:
        places = located(bricks, function.function_space, Product.of(array[:, : mesh.geometry.dim]))
        found, values = np.flatnonzero(places.cells >= 0), places.values(function)[0]
        depth = np.zeros(len(found))
    # Of a point near a curved edge several ranks may have a cell: the one that it is deepest in counts.
    own = np.full(len(array), -np.inf)
    own[found] = depth
    deepest = np.empty_like(own)
    mesh.comm.Allreduce(own, deepest, op=MPI.MAX)
    found = found[own[found] == deepest[found]]
    rank = np.full(len(array), mesh.comm.size, dtype=np.int32)
    rank[found] = mesh.comm.rank
    owner = np.empty_like(rank)
    mesh.comm.Allreduce(rank, owner, op=MPI.MIN)
    if (owner == mesh.comm.size).any():
        raise ValueError(f"{int((owner == mesh.comm.size).sum())} points lie outside the mesh")
    values[owner != mesh.comm.rank] = 0.0
    total = np.empty_like(values)
    mesh.comm.Allreduce(values, total, op=MPI.SUM)
    return total


def _searched(function: fem.Function, array: Array) -> tuple[Indices, Array, Array]:
    """Which points are in cells of this rank, the values there, (n,), and how deep those points are in their cells, at most 0;
    collective."""
    mesh = function.function_space.mesh
    padded = np.zeros((len(array), 3))
    padded[:, : array.shape[1]] = array
    unit = UnitBox(mesh)
    moved, there = unit.points(array), unit.mesh(mesh)
    tdim = mesh.topology.dim
    owned = mesh.topology.index_map(tdim).size_local
    tree = geometry.bb_tree(there, tdim, entities=np.arange(owned, dtype=np.int32), padding=NEAR)
    found, cells, depth = _containing(there, geometry.compute_collisions_points(tree, moved), moved)
    values = np.zeros(len(array))
    if len(found):
        values[found] = function.eval(padded[found], cells).reshape(len(found))
    return found, values, depth


def _containing(domain: mesh.Mesh, candidates: graph.AdjacencyList, points: Array) -> tuple[Indices, Indices, Array]:
    """Which points are in one of their candidates for a cell, that cell, and their depth in it: 0 but just outside
    of curved ones."""
    degree, dim = domain.geometry.cmaps[0].degree, domain.geometry.dim
    if degree > 2 or domain.topology.cell_name() not in _SIMPLICES:
        colliding = geometry.compute_colliding_cells(domain, candidates, points)
        found = np.flatnonzero(np.diff(colliding.offsets) > 0)
        return found, colliding.array[colliding.offsets[found]], np.zeros(len(found))
    # Simplices: the candidate with the largest smallest barycentric coordinate. For straight ones that takes a sixth of the
    # time of DOLFINx's search, which takes curved ones for the convex hulls of their nodes and so may find their neighbours.
    cells, sizes = candidates.array, np.diff(candidates.offsets)
    point = np.repeat(np.arange(len(sizes)), sizes)
    if degree == 2:
        order = np.argsort(cell_perm_vtk(domain.topology.cell_type, domain.geometry.dofmaps[0].shape[1]))
        nodes = domain.geometry.x[domain.geometry.dofmaps[0][cells][:, order]][:, :, :dim]
        smallest = simplices.inverse(2, nodes, points[point, :dim]).min(axis=1, initial=np.inf)
        best = _best(point, sizes, smallest)
        inside = smallest[best] > -_BULGE
        return np.flatnonzero(sizes > 0)[inside], cells[best][inside], np.minimum(smallest[best][inside], 0.0)
    corners = domain.geometry.x[domain.geometry.dofmaps[0][cells]][:, :, :dim]
    edges = np.swapaxes(corners[:, 1:] - corners[:, :1], 1, 2)
    part = np.linalg.solve(edges, (points[point, :dim] - corners[:, 0])[:, :, None])[:, :, 0]
    smallest = np.minimum(part.min(axis=1, initial=np.inf), 1 - part.sum(axis=1))
    best = _best(point, sizes, smallest)
    # What the bounding boxes were padded by, in the unit of the cell.
    reach = np.abs(edges[best]).max(axis=(1, 2), initial=0.0)
    inside = smallest[best] * reach > -4 * NEAR
    return np.flatnonzero(sizes > 0)[inside], cells[best][inside], np.zeros(int(inside.sum()))


def _best(point: Indices, sizes: Indices, smallest: Array) -> Indices:
    """For each point that has candidates the best of them."""
    order = np.lexsort((-smallest, point))
    return np.asarray(order[np.concatenate([[0], np.cumsum(sizes)[:-1]])[sizes > 0]])


def carry(source: fem.Function, space: fem.FunctionSpace) -> fem.Function:
    """The interpolant of a function on one mesh in the space of another (of the same domain); collective."""
    return carried([source], space)[0]


def carried(
    sources: Sequence[fem.Function], space: fem.FunctionSpace, points: Product | None = None
) -> list[fem.Function]:
    """The interpolants of several functions; those on equal meshes are found their places once; collective.

    Args:
        sources: The functions.
        space: Lagrange elements.
        points: The nodes of the space, where they are known.
    """
    targets: list[fem.Function] = []
    last: Transfer | None = None
    for source in sources:
        own = source.function_space
        bricks = bricks_behind(own)
        if bricks is None:
            targets.append(_carried_by_search(source, space))
            continue
        equal = last is not None and last.space.ufl_element() == own.ufl_element() and last.bricks.same(bricks)
        if last is None or not own.mesh.comm.allreduce(equal, op=MPI.LAND):
            if points is None:
                points = Product.of(space.tabulate_dof_coordinates()[:, : space.mesh.geometry.dim])
            last = Transfer(own, bricks, points)
        target = fem.Function(space)
        (target.x.array[:],) = last(source)
        target.x.scatter_forward()
        targets.append(target)
    return targets


def _carried_by_search(source: fem.Function, space: fem.FunctionSpace) -> fem.Function:
    unit = UnitBox(source.function_space.mesh)
    there = _moved(source, unit)
    target = fem.Function(space)
    moved = _moved(target, unit)
    cells = space.mesh.topology.index_map(space.mesh.topology.dim)
    every = np.arange(cells.size_local + cells.num_ghosts, dtype=np.int32)
    data = fem.create_interpolation_data(moved.function_space, there.function_space, every, padding=NEAR)
    moved.interpolate_nonmatching(there, every, data)
    target.x.array[:] = moved.x.array
    target.x.scatter_forward()
    return target


def _moved(function: fem.Function, unit: UnitBox) -> fem.Function:
    """The function on the mesh of the unit box."""
    space = function.function_space
    there = unit.mesh(space.mesh)
    old = space._cpp_object
    cpp = type(old)(there._cpp_object, space.element._cpp_object, space.dofmap._cpp_object)
    moved = fem.Function(fem.FunctionSpace(there, space.ufl_element(), cpp), dtype=np.float64)
    moved.x.array[:] = function.x.array
    return moved


def bounds(domain: mesh.Mesh) -> tuple[Array, Array]:
    """The corners of the smallest box around a mesh, (d,) each; collective."""
    columns = domain.geometry.x.T[: domain.geometry.dim]
    reach = np.array([*(-x.min(initial=np.inf) for x in columns), *(x.max(initial=-np.inf) for x in columns)])
    total = np.empty_like(reach)
    domain.comm.Allreduce(reach, total, op=MPI.MAX)
    return -total[: len(columns)], total[len(columns) :]


def spread(domain: mesh.Mesh, count: int) -> Array:
    """Points that fill the box around a mesh evenly, (count, d), the same on every rank; collective.

    The multiples of powers of 1/φ, with φ^(d+1) = φ + 1, modulo one: they keep step with no mesh and no period.
    """
    low, high = bounds(domain)
    phi = 2.0
    for _ in range(60):
        phi = (1 + phi) ** (1 / (len(low) + 1))
    steps = phi ** -np.arange(1.0, len(low) + 1)
    return low + (high - low) * ((0.5 + np.outer(np.arange(1, count + 1), steps)) % 1.0)
