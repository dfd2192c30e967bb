"""A homogenized coefficient that depends on the slow variable, a*(x), as a polynomial that interpolates it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.polynomial import chebyshev

Array = npt.NDArray[np.float64]


def slow_nodes(domain: Sequence[Sequence[float]], count: int) -> Array:
    """The tensor Chebyshev nodes of a box, (count^d, d); interpolation there converges exponentially for smooth a*."""
    unit = np.cos(np.pi * (np.arange(count)[::-1] + 0.5) / count)
    axes = [(low + high) / 2 + (high - low) / 2 * unit for low, high in domain]
    return np.stack([g.ravel() for g in np.meshgrid(*axes, indexing="ij")], axis=1)


@dataclass(frozen=True)
class SlowCoefficient:
    """a*(x) for x in a box.

    Attributes:
        domain: The box, one (low, high) for each dimension.
        nodes: Where it was computed: `slow_nodes`, (n^d, d).
        values: What was computed there, (n^d, d, d).
    """

    domain: tuple[tuple[float, float], ...]
    nodes: Array
    values: Array

    def __call__(self, points: npt.ArrayLike) -> Array:
        """a* at points, (m, d) -> (m, d, d)."""
        return self._evaluate(points, None)

    def gradient(self, points: npt.ArrayLike) -> Array:
        """∂_k a*_ij at points, (m, d) -> (m, d, d, d) with k first."""
        return np.stack([self._evaluate(points, k) for k in range(len(self.domain))], axis=1)

    @property
    def truncation(self) -> float:
        """The last coefficients of the expansion against the largest one: about the relative error of interpolation."""
        magnitude = np.abs(self._expansion()).max(axis=(-2, -1))
        last = max(np.take(magnitude, [-2, -1], axis=k).max() for k in range(magnitude.ndim))
        return float(last / magnitude.max())

    def _expansion(self) -> Array:
        dim = len(self.domain)
        count = round(len(self.nodes) ** (1 / dim))
        unit = np.cos(np.pi * (np.arange(count)[::-1] + 0.5) / count)
        inverse = np.linalg.inv(chebyshev.chebvander(unit, count - 1))
        table = self.values.reshape((count,) * dim + self.values.shape[1:])
        for k in range(dim):
            table = np.moveaxis(np.tensordot(inverse, table, axes=(1, k)), 0, k)
        return table

    def _evaluate(self, points: npt.ArrayLike, derivative: int | None) -> Array:
        array = np.asarray(points, dtype=np.float64)
        table = self._expansion()
        result: Array | None = None
        for k, (low, high) in enumerate(self.domain):
            s = (2 * array[:, k] - low - high) / (high - low)
            count = table.shape[k]
            basis = chebyshev.chebvander(s, count - 1)
            if k == derivative:
                slopes = [chebyshev.chebval(s, chebyshev.chebder(row)) for row in np.eye(count)]
                basis = np.stack(slopes, axis=1) * 2 / (high - low)
            # The first dimension meets the whole table, the next ones what is left of it point by point.
            result = (
                np.tensordot(basis, table, axes=(1, 0))
                if result is None
                else np.einsum("mn,mn...->m...", basis, result)
            )
        assert result is not None
        return result
