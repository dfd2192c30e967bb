"""Values of finite element functions where arithmetic has found the cells, and what ranks ask of each other for that."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from mpi4py import MPI

import numpy as np
import numpy.typing as npt

from dolfinx import fem

from hybrid.fem.meshes.bricks import Bricks, bricks_of
from hybrid.fem.meshes.lines import OnLines, on_lines
from hybrid.product import Product, different

Array = npt.NDArray[np.float64]
Indices = npt.NDArray[np.integer]

_PLACE = 2.0**-40
"""Of a brick's side: places that are nearer to each other than this are one."""
_FEW = 4096
_TIMES = 6
"""So many times as many values as there are points are computed at the most, where that saves gathering."""
PIECE = 1 << 14
"""Points that are dealt with at a time: what belongs to them stays near the processor."""


@dataclass(frozen=True)
class Places:
    """Where points are among this rank's cells.

    Attributes:
        cells: The cell of each point, -1 for none, (n,).
        rows: Of a table of basis functions, (n,); None where each point has a place of its own.
        table: Values of the basis functions at the different places, (rows, functions); or the points' reference coordinates.
    """

    cells: npt.NDArray[np.int32]
    rows: npt.NDArray[np.int32] | None
    table: Array

    def values(self, *functions: fem.Function) -> list[Array]:
        """Functions of one space there, (n,) each; zero where there is no cell."""
        space = functions[0].function_space
        dofs, found = space.dofmap.list, [np.zeros(len(self.cells)) for _ in functions]
        if not len(dofs) or not len(self.table):  # a rank may have no cells
            return found
        if self.rows is not None and len(dofs) * len(self.table) <= _TIMES * len(self.cells):
            # All places of all cells in one product: nothing is gathered for each point but its value.
            which = np.maximum(self.cells, 0).astype(np.int64) * len(self.table) + self.rows
            for values, function in zip(found, functions, strict=True):
                np.take(function.x.array[dofs] @ self.table.T, which, out=values, mode="clip")
                values[self.cells < 0] = 0.0
            return found
        for begin in range(0, len(self.cells), PIECE):
            piece = slice(begin, begin + PIECE)
            cells = self.cells[piece]
            rows = None if self.rows is None else self.rows[piece]
            basis = _basis(space, self.table[piece]) if rows is None else self.table[rows]
            for values, function in zip(found, functions, strict=True):
                local = function.x.array[dofs[cells]]
                values[piece] = np.where(cells >= 0, np.einsum("ij,ij->i", basis, local), 0.0)
        return found


def _basis(space: fem.FunctionSpace, places: Array) -> Array:
    """The basis functions at reference coordinates, (n, d) -> (n, functions)."""
    return np.ascontiguousarray(space.element.basix_element.tabulate(0, places)[0, :, :, 0])


def bricks_behind(space: fem.FunctionSpace) -> Bricks | None:
    """The bricks of the mesh, where arithmetic is enough to evaluate functions of the space; None otherwise; collective."""
    element = space.element
    scalar = space.dofmap.index_map_bs == 1 and space.value_size == 1
    if not scalar or element.needs_dof_transformations or not _is_lagrange(space):
        return None
    return bricks_of(space.mesh)


def _is_lagrange(space: fem.FunctionSpace) -> bool:
    try:
        return bool(space.element.basix_element.family.name == "P")
    except (AttributeError, RuntimeError):
        return False


def located(bricks: Bricks, space: fem.FunctionSpace, points: Product) -> Places:
    """Where points are among this rank's cells."""
    rank = space.mesh.comm.rank
    numbers, places = bricks.along(points)
    mine = bricks.within(rank, numbers, points)
    brick = np.zeros(len(mine), np.int64)
    for (low, high), number, index in zip(bricks.extents[rank], numbers, points.index, strict=True):
        brick = brick * (high - low) + (number[index[mine]] - low)
    cells = np.full(len(points), -1, np.int32)
    grids = [different(place, _PLACE) for place in places]
    size, count = math.prod(len(values) for values, _ in grids), len(bricks.patterns)
    if not count:  # a rank may have no cells
        return Places(cells, None, np.zeros((len(points), len(places))))
    if size * count * space.element.space_dimension > max(4 * len(mine), _FEW):
        own = np.zeros((len(points), len(places)))
        for begin in range(0, len(mine), PIECE):
            piece = mine[begin : begin + PIECE]
            here = brick[begin : begin + PIECE]
            inside = np.stack([p[i[piece]] for p, i in zip(places, points.index, strict=True)], axis=1)
            slot, _, own[piece] = bricks.cells_of(bricks.pattern[here], inside)
            cells[piece] = np.where(slot >= 0, bricks.table[here, slot], -1)
        return Places(cells, None, own)
    every = np.stack([g.ravel() for g in np.meshgrid(*(values for values, _ in grids), indexing="ij")], axis=1)
    slots, _, x = bricks.cells_of(np.repeat(np.arange(count), size), np.tile(every, (count, 1)))
    row = bricks.pattern[brick].astype(np.int64)
    for (values, which), index in zip(grids, points.index, strict=True):
        row = row * len(values) + which[index[mine]]
    slot = slots[row]
    cells[mine] = np.where(slot >= 0, bricks.table[brick, slot], -1)
    rows = np.zeros(len(points), np.int32)
    rows[mine] = row
    return Places(cells, rows, _basis(space, x))


class Transfer:
    """Values of functions of one space at points of which each rank has its own.

    Where the points are most of those of a tensor grid, and the cells are products of lines, all of the grid is evaluated,
    one direction after the other. Otherwise a point whose cell this rank has is evaluated here; the others are sent to the
    ranks that have cells of the tensor grid round them, and their values come back.

    Args:
        space: Of the functions, with `bricks_behind` it.
        bricks: Those.
        points: This rank's.

    Raises:
        ValueError: Points outside the mesh; on all ranks.
    """

    def __init__(self, space: fem.FunctionSpace, bricks: Bricks, points: Product) -> None:
        self.space, self.bricks = space, bricks
        self.comm: MPI.Comm = space.mesh.comm
        few = 2 * math.prod(points.shape) < len(points)
        self._lines: OnLines | None = on_lines(space, bricks, points)
        self._numbers = points.numbers() if few or self._lines is not None else None
        if self._lines is not None:
            return
        if few:
            points = points.whole()
        self.here = located(bricks, space, points)
        self._missing = np.flatnonzero(self.here.cells < 0)
        self._asked: list[Indices] = []
        self._there: Places | None = None
        missing = len(self._missing)
        if self.comm.size > 1:
            missing = self._ask(points.taken(self._missing))
        outside = self.comm.allreduce(missing)
        if outside:
            raise ValueError(f"{outside} points lie outside the mesh")

    def _ask(self, points: Product) -> int:
        """Send points to the ranks that may have them; how many nobody has; collective."""
        numbers, _ = self.bricks.along(points)
        none = np.empty(0, np.int64)
        self._asked = [
            none if r == self.comm.rank else self.bricks.within(r, numbers, points) for r in range(self.comm.size)
        ]
        counts = np.array([len(asked) for asked in self._asked], dtype=np.int64)
        self._counts, self._answers = counts, np.empty_like(counts)
        self.comm.Alltoall(counts, self._answers)
        dim = len(points.axes)
        received = np.empty((int(self._answers.sum()), dim))
        sent = points.taken(np.concatenate(self._asked)).points()
        self.comm.Alltoallv([sent, counts * dim], [received, self._answers * dim])
        self._there = located(self.bricks, self.space, Product.of(received))
        found = np.zeros(len(points), bool)
        has = self._returned((self._there.cells >= 0).astype(float))
        # The lowest rank that has a point gives its value.
        begin = 0
        for r, asked in enumerate(self._asked):
            new = (has[begin : begin + len(asked)] > 0) & ~found[asked]
            begin += len(asked)
            found[asked] |= new
            self._asked[r] = np.where(new, asked, -1)
        return int((~found).sum())

    def _returned(self, values: Array) -> Array:
        answers = np.empty(int(self._counts.sum()))
        self.comm.Alltoallv([values, self._answers], [answers, self._counts])
        return answers

    def __call__(self, *functions: fem.Function) -> list[Array]:
        """Functions of the space at the points, (n,) each; collective."""
        found = self._evaluated(functions) if self._lines is None else [self._lines(one) for one in functions]
        return found if self._numbers is None else [np.take(values, self._numbers) for values in found]

    def _evaluated(self, functions: Sequence[fem.Function]) -> list[Array]:
        found = self.here.values(*functions)
        if self._there is not None:
            which = np.concatenate(self._asked)
            for values, there in zip(found, self._there.values(*functions), strict=True):
                values[self._missing[which[which >= 0]]] = self._returned(there)[which >= 0]
        return found
