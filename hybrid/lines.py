"""Functions of one slow and one fast variable, φ(x, y), periodic in y: what the next cell problems on a line are made of.

There the next cell problems are integrals. A function is kept by its values at uniform y, for Chebyshev nodes in x where it
depends on x; integrals in y are those of its Fourier series, derivatives in x those of its interpolant.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

POINTS = 4096
"""Uniform ones in y."""
_STENCIL = 6
"""Neighbours between which values are interpolated in y."""


@dataclass(frozen=True, eq=False)
class Line:
    """φ at nodes in x times uniform points in y.

    Attributes:
        period: Of φ in y.
        nodes: In x, (m,), of Chebyshev; one of any value where φ does not depend on x.
        values: (m, n).
    """

    period: float
    nodes: Array
    values: Array

    @classmethod
    def of(cls, function: Callable[[Array, Array], Array], period: float, nodes: Sequence[float] | Array) -> Line:
        """From a function of points (x, y), (n,) and (n,) -> (n,)."""
        at = np.asarray(nodes, dtype=float)
        x, y = np.repeat(at, POINTS), np.tile(grid(period), len(at))
        return cls(period, at, np.asarray(function(x, y), dtype=float).reshape(len(at), POINTS))

    def __mul__(self, other: Line) -> Line:
        return replace(self, values=self.values * other.values)

    def __add__(self, other: Line) -> Line:
        return replace(self, values=self.values + other.values)

    def times(self, factor: float) -> Line:
        """A multiple."""
        return replace(self, values=factor * self.values)

    def centred(self) -> Line:
        """Less its mean over y."""
        return replace(self, values=self.values - self.values.mean(axis=1, keepdims=True))

    def mean(self) -> float:
        """Over y, of one that does not depend on x."""
        (values,) = self.values
        return float(values.mean())

    def integral(self) -> Line:
        """The function of mean zero whose derivative in y is this one less its mean."""
        found = np.fft.rfft(self.values, axis=1)
        factor = np.zeros(found.shape[1], dtype=complex)
        factor[1:] = self.period / (2j * np.pi * np.arange(1, found.shape[1]))
        return replace(self, values=np.fft.irfft(found * factor, self.values.shape[1], axis=1))

    def slope(self) -> Line:
        """∂_x φ."""
        return replace(self, values=_differentiation(self.nodes) @ self.values)

    def at(self, x: Array, y: Array) -> Array:
        """Values at points, (n,) and (n,) -> (n,)."""
        count = self.values.shape[1]
        place = np.mod(y / self.period, 1.0) * count
        first = np.floor(place).astype(np.int64) - _STENCIL // 2 + 1
        s, inner = place - first, np.zeros((len(self.nodes), len(place)))
        for k in range(_STENCIL):
            weight = np.ones(len(s))
            for m in range(_STENCIL):
                if m != k:
                    weight *= (s - m) / (k - m)
            inner += weight * self.values[:, (first + k) % count]
        return inner[0] if len(self.nodes) == 1 else np.asarray((_basis(self.nodes, x).T * inner).sum(axis=0))


def grid(period: float) -> Array:
    """The points in y."""
    return period * np.arange(POINTS) / POINTS


def _weights(nodes: Array) -> Array:
    """Barycentric, of Chebyshev's nodes of the first kind in ascending order."""
    m = len(nodes)
    return np.asarray((-1.0) ** np.arange(m) * np.sin(np.pi * (np.arange(m) + 0.5) / m))


def _basis(nodes: Array, x: Array) -> Array:
    """Lagrange's functions at points, (n, m)."""
    difference = x[:, None] - nodes
    exact = difference == 0
    terms = _weights(nodes) / np.where(exact, 1.0, difference)
    hit = exact.any(axis=1)
    terms[hit] = exact[hit]
    return np.asarray(terms / terms.sum(axis=1, keepdims=True))


def _differentiation(nodes: Array) -> Array:
    """The matrix that takes values at the nodes to slopes there."""
    w, difference = _weights(nodes), nodes[:, None] - nodes
    np.fill_diagonal(difference, 1.0)
    matrix = w / w[:, None] / difference
    np.fill_diagonal(matrix, 0.0)
    np.fill_diagonal(matrix, -matrix.sum(axis=1))
    return np.asarray(matrix)
