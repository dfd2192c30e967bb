"""Continuous functions that are multilinear between the points of a lattice, which is shared out over the ranks in blocks."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from itertools import product
from typing import Any

from mpi4py import MPI
from petsc4py import PETSc

import numpy as np
import numpy.typing as npt

from hybrid.fem.algebra.assembly import aij
from hybrid.fem.meshes.box import blocks

Array = npt.NDArray[np.float64]
Indices = npt.NDArray[np.integer]
_NEAR = 1e-6
"""Of a lattice's spacing: what is nearer to a lattice point than this is that point."""
PIECE = 1 << 16
"""Points that are dealt with at a time: what belongs to them stays near the processor."""


class Lattice:
    """Points at equal distances in a box: counts_i intervals in direction i, the first direction fastest in all numbers.

    Args:
        comm: The ranks that share the points.
        low: The lower corner of the box, (d,).
        high: The upper one.
        counts: Intervals in each direction.
        periodic: Whether the upper faces are the lower ones.
    """

    def __init__(self, comm: MPI.Comm, low: Array, high: Array, counts: Sequence[int], periodic: bool) -> None:
        self.comm, self.low, self.high, self.counts, self.periodic = comm, low, high, list(counts), periodic
        parts = blocks(comm.size, counts)  # on small lattices some are empty
        ends = [n + (not periodic) for n in counts]
        starts = [
            np.append(-(np.arange(part) * -n // part), end) for part, n, end in zip(parts, counts, ends, strict=True)
        ]
        self._sizes = [np.diff(s) for s in starts]
        at = np.unravel_index(comm.rank, parts, order="F")
        self.own = [(int(s[i]), int(s[i + 1])) for s, i in zip(starts, at, strict=True)]
        volumes = np.ones(1, np.int64)
        for s in self._sizes:
            volumes = np.multiply.outer(s, volumes).ravel()
        self.first = np.concatenate([[0], np.cumsum(volumes)])
        self.owned = int(volumes[comm.rank])
        # For every index in a direction: the block's share of the block number, the place in the block, the block's size.
        steps = np.cumprod([1, *parts[:-1]])
        places = [np.repeat(np.arange(len(s)), s) for s in self._sizes]
        self._block = [a * step for a, step in zip(places, steps, strict=True)]
        self._within = [np.arange(len(a)) - s[a] for a, s in zip(places, starts, strict=True)]
        self._extent = [s[a] for a, s in zip(places, self._sizes, strict=True)]

    @property
    def spacing(self) -> Array:
        """The distance of neighbours in each direction, (d,)."""
        return (self.high - self.low) / self.counts

    def points(self) -> Array:
        """This rank's points, (n, d), in the order of their numbers."""
        axes = [a + h * np.arange(*own) for a, h, own in zip(self.low, self.spacing, self.own, strict=True)]
        return np.stack([x.ravel() for x in np.meshgrid(*reversed(axes), indexing="ij")][::-1], axis=1)

    def local(self, index: Sequence[Any]) -> Any:
        """From indices in each direction, arrays that broadcast, to numbers among this rank's points."""
        number: Any = 0
        for i, (begin, end) in zip(reversed(index), reversed(self.own), strict=True):
            number = number * (end - begin) + (i - begin)
        return number

    def inside(self, index: Sequence[Any]) -> list[Any]:
        """In each direction whether the index is one of this rank's points'."""
        return [(i >= begin) & (i < end) for i, (begin, end) in zip(index, self.own, strict=True)]

    def numbers(self, index: Sequence[Any]) -> Any:
        """From indices in each direction to the numbers of the points among all: block after block."""
        block, number = self._block[-1][index[-1]], self._within[-1][index[-1]]
        for i, at, within, extent in zip(
            index[-2::-1], self._block[-2::-1], self._within[-2::-1], self._extent[-2::-1], strict=True
        ):
            block = block + at[i]
            number = number * extent[i] + within[i]
        return self.first[block] + number

    def wrapped(self, index: Sequence[Any]) -> Sequence[Any]:
        """Indices of the points that these are round a period."""
        return [i % n for i, n in zip(index, self.counts, strict=True)] if self.periodic else index

    def interpolation(self, points: Array, fixed: Indices) -> tuple[PETSc.Mat, PETSc.Vec]:
        """The matrix from values at lattice points to those of the multilinear interpolant; collective.

        Args:
            points: This rank's, (n, d).
            fixed: Which of them have Dirichlet values, and rows of zeros in the matrix.

        Returns:
            The matrix, and a vector with zeros for the lattice points in the places of fixed ones, whose columns are zero too,
            and ones for the others.
        """
        number, dim = points.shape
        pieces = [slice(begin, min(begin + PIECE, number)) for begin in range(0, number, PIECE)]
        sizes = np.empty(number, PETSc.IntType)
        for piece in pieces:
            sizes[piece] = self._own_corners(*self._located(points[piece])[:2])
        rows = np.zeros(number + 1, PETSc.IntType)
        np.cumsum(sizes, out=rows[1:])
        columns, weights = np.empty(rows[-1], PETSc.IntType), np.empty(rows[-1])
        others = [(np.empty(0, PETSc.IntType), np.empty(0, PETSc.IntType), np.empty(0))]  # in other ranks' columns
        for piece in pieces:
            kind, base, part = self._located(points[piece])
            for k in range(2**dim):
                used = np.flatnonzero(kind == k)
                place, lower, right = rows[piece][used], [b[used] for b in base], [p[used] for p in part]
                edge = self._edge(lower)
                for corner in corners([k >> i & 1 for i in range(dim)]):
                    weight: Any = np.ones(len(used))
                    for i in range(dim):
                        if k >> i & 1:
                            weight = weight * (right[i] if corner[i] else 1.0 - right[i])
                    index = self.wrapped([b + c if c else b for b, c in zip(lower, corner, strict=True)])
                    column = self.local(index)
                    step: Any = 1
                    if len(edge):
                        far = edge[~functools.reduce(np.logical_and, self.inside([i[edge] for i in index]))]
                        others.append((piece.start + used[far], self.numbers([i[far] for i in index]), weight[far]))
                        step = np.ones(len(used), bool)
                        step[far] = False
                        columns[place[step]], weights[place[step]] = column[step], weight[step]
                    else:
                        columns[place], weights[place] = column, weight
                    place += step
        far_rows, far_numbers, far_weights = (np.concatenate(each) for each in zip(*others, strict=True))
        if self.periodic:
            sort(rows, columns, weights)
        weights[ranges(rows[fixed], rows[fixed + 1])] = 0.0
        far_weights[np.isin(far_rows, fixed)] = 0.0
        matrix = aij(self.comm, self.owned, rows, columns, weights, (far_rows, far_numbers, far_weights))
        kept = matrix.createVecRight()
        kind, base, _ = self._located(points[fixed])
        here = self.numbers(self.wrapped([b[kind == 0] for b in base])).astype(PETSc.IntType)
        kept.setValues(here, np.ones(len(here)))
        kept.assemble()
        kept.array[:] = kept.array_r == 0.0
        matrix.diagonalScale(None, kept)
        return matrix, kept

    def _located(self, points: Array) -> tuple[npt.NDArray[np.uint8], list[Any], list[Any]]:
        """Whether points are between lattice points in direction i (bit i), the lower of these, and how far on they are."""
        kind = np.zeros(len(points), np.uint8)
        base, part = [], []
        for i, (x, low, high, n) in enumerate(zip(points.T, self.low, self.high, self.counts, strict=True)):
            at = (x - low) * (n / (high - low))
            floor = np.floor(at + _NEAR)
            at -= floor
            kind |= (at > _NEAR).astype(np.uint8) << np.uint8(i)
            base.append(floor.astype(PETSc.IntType))
            part.append(at)
        return kind, base, part

    def _edge(self, base: Sequence[Indices]) -> Indices:
        """Which points may be near lattice points of other ranks."""
        if self.comm.size == 1:
            return np.empty(0, np.int64)
        inner = [(b >= begin) & (b < end - 1) for b, (begin, end) in zip(base, self.own, strict=True)]
        return np.flatnonzero(~functools.reduce(np.logical_and, inner))

    def _own_corners(self, kind: npt.NDArray[np.uint8], base: Sequence[Indices]) -> Indices:
        """How many of this rank's lattice points are round each point."""
        dim = len(base)
        sizes = np.array([2 ** k.bit_count() for k in range(2**dim)], PETSc.IntType)[kind]
        edge = self._edge(base)
        sizes[edge] = 0
        for corner in corners([1] * dim) if len(edge) else ():
            index = self.wrapped([b[edge] + c for b, c in zip(base, corner, strict=True)])
            there = [kind[edge] >> i & 1 >= c for i, c in enumerate(corner)]  # a point's place has only itself
            sizes[edge] += functools.reduce(np.logical_and, [*there, *self.inside(index)])
        return sizes


def corners(sides: Sequence[int]) -> list[tuple[int, ...]]:
    """Of a cell, with a side in direction i or not; the first direction fastest."""
    return [corner[::-1] for corner in product(*(range(side + 1) for side in reversed(sides)))]


def sort(rows: Indices, columns: Indices, values: Array) -> None:
    """Put the entries in the order of their columns, in the rows where a period has broken it."""
    number = np.repeat(np.arange(len(rows) - 1), np.diff(rows))
    wrong = np.flatnonzero((np.diff(columns) < 0) & (np.diff(number) == 0))
    chosen = np.flatnonzero(np.isin(number, number[wrong]))
    order = chosen[np.lexsort((columns[chosen], number[chosen]))]
    columns[chosen], values[chosen] = columns[order], values[order]


def ranges(begin: Indices, end: Indices) -> Indices:
    """All the numbers from each begin up to its end."""
    sizes = end - begin
    return np.repeat(begin - np.cumsum(sizes) + sizes, sizes) + np.arange(sizes.sum())
