"""Interpolants on a box: by Chebyshev polynomials, or by sines and cosines where the function is periodic."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from numpy.polynomial import chebyshev

from hybrid.media.interpolated import slow_nodes

Array = npt.NDArray[np.float64]
Box = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Interpolant:
    """Several functions by their coefficients.

    Attributes:
        box: One (low, high) for each dimension; of a periodic function its periods.
        coefficients: (functions, N_1, …, N_d), in the order of degrees, or of frequencies; N_i are odd for periodic functions.
        periodic: Whether the functions are.
    """

    box: Box
    coefficients: Array
    periodic: bool = False

    def first(self, count: int) -> Interpolant:
        """So many of the functions."""
        return replace(self, coefficients=self.coefficients[:count])

    def on_grid(self, axes: Sequence[Array], orders: Sequence[int] | None = None) -> Array:
        """On a tensor grid, (functions, Π m_k), the last direction fastest; derivatives of periodic ones."""
        table = self.coefficients
        for k, axis in enumerate(axes):
            basis = self._basis(k, axis, 0 if orders is None else orders[k])
            table = np.moveaxis(np.tensordot(basis, table, axes=(1, k + 1)), 0, k + 1)
        return table.reshape(len(table), -1)

    def at(self, points: Array) -> Array:
        """At a few points, (n, d) -> (functions, n)."""
        result = np.tensordot(self.coefficients, self._basis(0, points[:, 0]), axes=(1, 1))
        for k in range(1, len(self.box)):
            result = np.einsum("fj...n,nj->f...n", result, self._basis(k, points[:, k]))
        return result

    def _basis(self, k: int, axis: Array, order: int = 0) -> Array:
        (low, high), count = self.box[k], self.coefficients.shape[k + 1]
        if self.periodic:
            return _waves((axis - low) / (high - low), count, order) / (high - low) ** order
        assert not order  # its rounding would grow like the square of the degree
        return np.asarray(chebyshev.chebvander((2 * axis - low - high) / (high - low), count - 1))


def nodes(box: Box, counts: Sequence[int], periodic: bool) -> Array:
    """Those of `interpolated`, (Π N_i, d): uniform ones for periodic functions, of Chebyshev otherwise."""
    if not periodic:
        return slow_nodes(box, counts)
    axes = [low + (high - low) * np.arange(n) / n for (low, high), n in zip(box, counts, strict=True)]
    return np.stack([g.ravel() for g in np.meshgrid(*axes, indexing="ij")], axis=1)


def interpolated(box: Box, values: Array, counts: Sequence[int], periodic: bool) -> Interpolant:
    """From values at the `nodes`, (functions, Π N_i)."""
    table = values.reshape(len(values), *counts)
    for k, n in enumerate(counts):
        table = np.moveaxis(np.tensordot(transform(n, periodic), table, axes=(1, k + 1)), 0, k + 1)
    return Interpolant(box, table, periodic)


def transform(count: int, periodic: bool) -> Array:
    """The matrix from values at the nodes of one direction to coefficients."""
    if periodic:
        matrix = _waves(np.arange(count) / count, count).T * (2 / count)
    else:
        angles = np.pi * (np.arange(count)[::-1] + 0.5) / count
        matrix = np.cos(np.outer(np.arange(count), angles)) * (2 / count)
    matrix[0] /= 2
    return np.asarray(matrix)


def _waves(part: Array, count: int, order: int = 0) -> Array:
    """1, cos, sin, cos, sin, … of 2π k times the part of the period, derived so many times, (n, count)."""
    table = np.empty((len(part), count))
    table[:, 0] = float(not order)
    slopes = 2 * math.pi * np.arange(1, count // 2 + 1)
    phase = np.outer(part, slopes) + order * math.pi / 2
    table[:, 1::2], table[:, 2::2] = np.cos(phase) * slopes**order, np.sin(phase) * slopes**order
    return table
