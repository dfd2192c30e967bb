"""Meshes of boxes, where arithmetic finds the cell of a point.

The vertices are those of a tensor grid, and every cell is one of the equal parts of one of its bricks: an interval, a triangle
or a tetrahedron with its corners among the brick's, or the brick itself. The brick of a point follows from its coordinates;
which of the brick's cells it is in, and where, depends on its place in the brick alone.
"""

from __future__ import annotations

import math
import weakref
from dataclasses import dataclass

from mpi4py import MPI

import numpy as np
import numpy.typing as npt

from dolfinx import mesh

from hybrid.product import Product, different

Array = npt.NDArray[np.float64]
Indices = npt.NDArray[np.integer]

NEAR = 1e-10
"""Of the sides of the box around a mesh: what is nearer to it than this is inside."""
_SAME = 1e-9
"""Of the spacing: what is nearer to a line than this is on it."""
_PLACE = 2.0**-40
"""Of a brick's side: places that are nearer to each other than this are one."""
_SIMPLICES = {"interval": 1, "triangle": 2, "tetrahedron": 6}
_BOXES = {"quadrilateral": 1, "hexahedron": 1}


@dataclass(frozen=True)
class Kind:
    """How cells lie in their bricks: where their vertices are, in the cells' own order.

    Attributes:
        origin: The first vertex, in units of the brick, (d,).
        inverse: From places in the brick, measured from there, to the cell's reference coordinates, (d, d).
    """

    origin: Array
    inverse: Array


@dataclass(frozen=True)
class Bricks:
    """The cells of this rank by their bricks.

    Attributes:
        lines: The coordinates of the tensor grid in each direction.
        extents: Which bricks each rank has some of: the first, and the last and one, in each direction, (ranks, d, 2).
        table: The cells in each brick of this rank's own extent, -1 where there are fewer, (bricks, cells).
        pattern: Which row of `patterns` each of them has, (bricks,).
        patterns: Kinds of the cells of a brick, -1 where there are fewer, (patterns, cells).
        kinds: The kinds.
        simplices: Whether cells are simplices.
    """

    lines: tuple[Array, ...]
    extents: npt.NDArray[np.int64]
    table: npt.NDArray[np.int32]
    pattern: npt.NDArray[np.int32]
    patterns: npt.NDArray[np.int32]
    kinds: tuple[Kind, ...]
    simplices: bool

    def same(self, other: Bricks) -> bool:
        """Whether the cells of this rank have the same numbers and the same places as those of another mesh."""
        return (
            len(self.kinds) == len(other.kinds)
            and all(np.array_equal(a, b) for a, b in zip(self.lines, other.lines, strict=True))
            and np.array_equal(self.table, other.table)
            and np.array_equal(self.patterns, other.patterns)
            and np.array_equal(self.pattern, other.pattern)
            and all(
                np.array_equal(a.origin, b.origin) and np.array_equal(a.inverse, b.inverse)
                for a, b in zip(self.kinds, other.kinds, strict=True)
            )
        )

    def along(self, points: Product) -> tuple[list[Indices], list[Array]]:
        """For the coordinates in each direction the number of their brick, -1 outside, and their place in it, from 0 to 1."""
        numbers, places = [], []
        for axis, lines in zip(points.axes, self.lines, strict=True):
            near = NEAR * (lines[-1] - lines[0]) + 8 * np.finfo(float).eps * np.abs(lines).max()
            inside = np.clip(axis, lines[0], lines[-1])
            number = np.clip(np.searchsorted(lines, inside, side="right") - 1, 0, len(lines) - 2)
            place = (inside - lines[number]) / (lines[number + 1] - lines[number])
            up = (place > 1 - _PLACE) & (number < len(lines) - 2)
            number, place = np.where(up, number + 1, number), np.where(up, 0.0, place)
            numbers.append(np.where(np.abs(axis - inside) <= near, number, -1))
            places.append(place)
        return numbers, places

    def within(self, rank: int, numbers: list[Indices], points: Product) -> Indices:
        """Which points are in the extent of a rank."""
        chosen = np.ones(len(points), bool)
        for (low, high), number, index in zip(self.extents[rank], numbers, points.index, strict=True):
            chosen &= ((number >= low) & (number < high))[index]
        return np.flatnonzero(chosen)

    def cells_of(self, patterns: Indices, places: Array) -> tuple[Indices, Indices, Array]:
        """Which of the cells of a brick of a pattern a place in it is in.

        Args:
            patterns: Of the bricks, (n,).
            places: In the bricks, (n, d).

        Returns:
            The column of `table`, -1 for none; the kind; the cell's reference coordinates, (n, d).
        """
        slot, kind = np.full(len(places), -1, np.int32), np.zeros(len(places), np.int32)
        best, found = np.full(len(places), -math.inf), np.zeros(places.shape)
        for s in range(self.patterns.shape[1]):
            column = self.patterns[patterns, s]
            for k in np.unique(column[column >= 0]):
                at = np.flatnonzero(column == k)
                x = (places[at] - self.kinds[k].origin) @ self.kinds[k].inverse.T
                smallest = np.minimum(x.min(axis=1), (1 - x.sum(axis=1)) if self.simplices else (1 - x).min(axis=1))
                better = smallest > best[at] + _PLACE
                at = at[better]
                best[at], slot[at], kind[at], found[at] = smallest[better], s, k, x[better]
        slot[best < -_SAME] = -1
        return slot, kind, found


_known: weakref.WeakKeyDictionary[mesh.Mesh, Bricks | None] = weakref.WeakKeyDictionary()


def bricks_of(domain: mesh.Mesh) -> Bricks | None:
    """The bricks of a mesh; None if it is not one of these; collective."""
    if domain not in _known:
        _known[domain] = _found(domain)
    return _known[domain]


def _found(domain: mesh.Mesh) -> Bricks | None:
    comm, dim, name = domain.comm, domain.geometry.dim, domain.topology.cell_name()
    simple = domain.geometry.cmaps[0].degree == 1 and domain.topology.dim == dim
    if not simple or name not in _SIMPLICES | _BOXES:
        return None
    each = (_SIMPLICES | _BOXES)[name]
    lines = _lines(domain)
    if lines is None:
        return None
    counts = [len(line) - 1 for line in lines]
    cells = domain.topology.index_map(dim)
    if min(counts) < 1 or math.prod(counts) * each != cells.size_global:
        return None
    local = _local(domain, lines, cells.size_local)
    if not comm.allreduce(local is not None, op=MPI.LAND):
        return None
    assert local is not None
    brick, corners = local
    inside = len(brick) > 0
    own = np.array([[b.min(), b.max() + 1] if inside else [0, 0] for b in brick.T], dtype=np.int64)
    extents = np.stack(comm.allgather(own))
    kinds, kind = _kinds(corners, simplices=name in _SIMPLICES)
    sizes = [int(high - low) for low, high in own]
    number = np.zeros(len(brick), np.int64)
    for i, size in enumerate(sizes):
        number = number * size + (brick[:, i] - own[i, 0])
    table, patterns, pattern = _tables(number, kind, math.prod(sizes))
    return Bricks(tuple(lines), extents, table, pattern, patterns, kinds, name in _SIMPLICES)


def _lines(domain: mesh.Mesh) -> list[Array] | None:
    """The different coordinates of the vertices in each direction; None where few of them repeat; collective."""
    columns = domain.geometry.x.T[: domain.geometry.dim]
    mine = [different(column)[0] for column in columns]
    repeat = math.prod(map(len, mine)) <= 64 * len(columns[0]) + 1000
    if not domain.comm.allreduce(repeat, op=MPI.LAND):
        return None
    found = []
    for parts in zip(*domain.comm.allgather(mine), strict=True):
        values = np.sort(np.concatenate(parts))
        gaps = np.diff(values, prepend=-math.inf)
        found.append(values[gaps > 1e-12 * np.abs(values).max()])
    return found


def _local(domain: mesh.Mesh, lines: list[Array], cells: int) -> tuple[Indices, Indices] | None:
    """Of this rank's cells the brick, (n, d), and which of its corners their vertices are, (n, vertices), with direction i in
    bit i; None if they are not parts of bricks."""
    nodes = domain.geometry.dofmaps[0][:cells]
    brick = np.empty((cells, len(lines)), np.int64)
    corners = np.zeros(nodes.shape, np.int64)
    for i, line in enumerate(lines):
        x = domain.geometry.x[:, i]
        number = np.clip(np.searchsorted(line, x), 1, len(line) - 1)
        number -= (x - line[number - 1]) < (line[number] - x)
        if (np.abs(x - line[number]) > _SAME * np.diff(line).min()).any():
            return None
        at = number[nodes]
        low = at.min(axis=1) if cells else np.empty(0, np.int64)
        if cells and (at.max(axis=1) != low + 1).any():
            return None
        brick[:, i] = low
        corners |= (at - low[:, None]) << i
    return brick, corners


def _kinds(corners: Indices, simplices: bool) -> tuple[tuple[Kind, ...], npt.NDArray[np.int32]]:
    """The different orders of corners, and which one each cell has."""
    dim = int(math.log2(corners.shape[1])) if not simplices else corners.shape[1] - 1
    # The axes of the reference cell end in these vertices.
    chosen = [0, *(range(1, dim + 1) if simplices else (2**i for i in range(dim)))]
    code = np.zeros(len(corners), np.int64)
    for vertex in chosen:
        code = (code << dim) | corners[:, vertex]
    codes, kind = np.unique(code, return_inverse=True)
    kinds = []
    for one in codes:
        numbers = [int(one) >> (dim * k) & (2**dim - 1) for k in reversed(range(dim + 1))]
        at = np.array([[number >> i & 1 for i in range(dim)] for number in numbers], dtype=float)
        kinds.append(Kind(at[0], np.linalg.inv((at[1:] - at[0]).T)))
    return tuple(kinds), kind.astype(np.int32)


def _tables(
    number: Indices, kind: Indices, bricks: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """The cells of each brick, in the order of their kinds; the patterns; the pattern of each brick."""
    order = np.lexsort((kind, number))
    sizes = np.bincount(number, minlength=bricks)
    widest = int(sizes.max(initial=1))
    column = np.arange(len(order)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    table, kinds = (np.full((bricks, widest), -1, np.int32) for _ in range(2))
    table[number[order], column] = order
    kinds[number[order], column] = kind[order]
    code = np.zeros(bricks, np.int64)
    for each in kinds.T:
        code = code * (int(kind.max(initial=0)) + 2) + each + 1
    _, first, pattern = np.unique(code, return_index=True, return_inverse=True)
    return table, kinds[first], pattern.astype(np.int32)
