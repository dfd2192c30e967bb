"""Points whose coordinates repeat: the nodes of meshes of boxes are few different numbers along each axis."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Indices = npt.NDArray[np.integer]

_SAME = 2.0**-48
"""Of the largest coordinate: two that are nearer than this are one, and rounding."""
_PLACES = 1 << 20


@dataclass(frozen=True)
class Product:
    """Points that are some of those of a tensor grid.

    Attributes:
        axes: The different coordinates in each direction, (m_k,) each.
        index: Which of them each point has, (n,) each.
        given: The points as they were given, (n, d), from which the grid's differ by rounding.
    """

    axes: tuple[Array, ...]
    index: tuple[Indices, ...]
    given: Array | None = None

    @classmethod
    def of(cls, points: Array) -> Product:
        """From coordinates, (n, d)."""
        array = np.asarray(points, dtype=np.float64)
        found = [different(column) for column in array.T]
        return cls(tuple(axis for axis, _ in found), tuple(index for _, index in found), array)

    def __len__(self) -> int:
        return len(self.index[0])

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the tensor grid."""
        return tuple(map(len, self.axes))

    @property
    def repeats(self) -> bool:
        """Whether the tensor grid has hardly more points than there are: what is known on it is quickly known at them."""
        return math.prod(self.shape) <= 2 * len(self)

    def points(self, piece: slice = slice(None)) -> Array:
        """Coordinates, (n, d)."""
        if self.given is not None:
            return np.ascontiguousarray(self.given[piece])
        return np.stack([axis[index[piece]] for axis, index in zip(self.axes, self.index, strict=True)], axis=1)

    def grid(self) -> Array:
        """The tensor grid, (Π m_k, d), the last direction fastest."""
        return np.stack([g.ravel() for g in np.meshgrid(*self.axes, indexing="ij")], axis=1)

    def whole(self) -> Product:
        """All points of the tensor grid."""
        index = np.indices(self.shape, np.int32).reshape(len(self.axes), -1)
        return Product(self.axes, tuple(index))

    def numbers(self, piece: slice = slice(None)) -> Indices:
        """Which point of the tensor grid each one is, (n,)."""
        number = self.index[0][piece].astype(np.int64)
        for size, index in zip(self.shape[1:], self.index[1:], strict=True):
            number = number * size + index[piece]
        return number

    def mapped(self, maps: Sequence[Callable[[Array], Array]], same: float = _SAME) -> Product:
        """The points with each coordinate mapped by a function of it, of which more of them may be the same."""
        axes, index = [], []
        for axis, old, change in zip(self.axes, self.index, maps, strict=True):
            values, new = different(change(axis), same)
            axes.append(values)
            index.append(new[old])
        return Product(tuple(axes), tuple(index))

    def beyond(self, box: Sequence[tuple[float, float]], near: float = 0.0) -> Indices:
        """Which points are outside of a box, by more than `near` times a side."""
        out = np.zeros(len(self), bool)
        for (low, high), axis, index in zip(box, self.axes, self.index, strict=True):
            side = near * (high - low)
            own = (axis < low - side) | (axis > high + side)
            if own.any():
                out |= own[index]
        return np.flatnonzero(out)

    def taken(self, chosen: Indices) -> Product:
        """Some of the points."""
        given = None if self.given is None else self.given[chosen]
        return Product(self.axes, tuple(index[chosen] for index in self.index), given)


def different(column: Array, same: float = _SAME) -> tuple[Array, Indices]:
    """The different numbers in a column, ascending, and which of them each entry is.

    Numbers are put into a table by their size, which takes no sorting; only where two different ones share a place are they
    sorted.
    """
    if not len(column):
        return np.empty(0), np.empty(0, np.int32)
    low, high = float(column.min()), float(column.max())
    near = same * max(abs(low), abs(high))
    if high - low <= near:
        return np.array([low]), np.zeros(len(column), np.int32)
    places = min(_PLACES, 16 * len(column))
    place = np.rint((column - low) * ((places - 1) / (high - low))).astype(np.int32)
    table = np.full(places, np.nan)
    table[place] = column
    if np.abs(table[place] - column).max() > near:
        values, index = np.unique(column, return_inverse=True)
        return values, index.astype(np.int32)
    used = np.flatnonzero(~np.isnan(table))
    number = np.empty(places, np.int32)
    number[used] = np.arange(len(used), dtype=np.int32)
    return table[used], number[place]
