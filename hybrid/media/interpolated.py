"""A homogenized coefficient that depends on the slow variable, a*(x): a polynomial that interpolates it, or g(x) b*."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import sympy
from numpy.polynomial import chebyshev
from sympy import Expr, ImmutableMatrix, Symbol

from hybrid.grids import COUNTS, closed, product
from hybrid.interfaces import level_sets
from hybrid.media.base import Coefficient
from hybrid.symbols import numpy_function, x

Array = npt.NDArray[np.float64]


def slow_nodes(domain: Sequence[Sequence[float]], count: int | Sequence[int]) -> Array:
    """The tensor Chebyshev nodes of a box, (n, d); interpolation there converges exponentially for smooth a*.

    Args:
        domain: One (low, high) for each dimension.
        count: Nodes in each direction; one number, or one for each.
    """
    counts = [count] * len(domain) if isinstance(count, int) else count
    axes = [(low + high) / 2 + (high - low) / 2 * _unit(n) for (low, high), n in zip(domain, counts, strict=True)]
    return product(axes)


def _unit(count: int) -> Array:
    return np.asarray(np.cos(np.pi * (np.arange(count)[::-1] + 0.5) / count))


@dataclass(frozen=True, eq=False)
class SlowCoefficient(Coefficient):
    """a*(x) for x in a box.

    Attributes:
        domain: The box, one (low, high) for each dimension.
        nodes: Where it was computed: `slow_nodes`, (n, d).
        values: What was computed there, (n, d, d).
    """

    domain: tuple[tuple[float, float], ...]
    nodes: Array
    values: Array

    @property
    def expressions(self) -> tuple[Expr, ...]:
        """None: a polynomial."""
        return ()

    @property
    def interfaces(self) -> tuple[Expr, ...]:
        """None: a polynomial."""
        return ()

    @property
    def depends_on(self) -> frozenset[Symbol]:
        """The slow variables of its box."""
        return frozenset(x[: len(self.domain)])

    def __call__(self, points: npt.ArrayLike) -> Array:
        """a* at points, (m, d) -> (m, d, d)."""
        return self._evaluate(points, None)

    def gradient(self, points: npt.ArrayLike) -> Array:
        """∂_k a*_ij at points, (m, d) -> (m, d, d, d) with k first."""
        return np.stack([self._evaluate(points, k) for k in range(len(self.domain))], axis=1)

    @property
    def counts(self) -> tuple[int, ...]:
        """Nodes in each direction."""
        return tuple(len(np.unique(column)) for column in self.nodes.T)

    @property
    def tails(self) -> tuple[float, ...]:
        """In each direction the last coefficients of the expansion against the largest one; 0 where there is one node."""
        magnitude = np.abs(self.expansion()).max(axis=(-2, -1))
        return tuple(
            float(np.take(magnitude, [-2, -1], axis=k).max() / magnitude.max()) if magnitude.shape[k] > 1 else 0.0
            for k in range(magnitude.ndim)
        )

    @property
    def truncation(self) -> float:
        """The last coefficients of the expansion against the largest one: about the relative error of interpolation."""
        return max(self.tails)

    def expansion(self) -> Array:
        """Coefficients of products of Chebyshev polynomials, (*counts, d, d), or what the values are in place of (d, d)."""
        table = self.values.reshape(*self.counts, *self.values.shape[1:])
        for k, count in enumerate(self.counts):
            inverse = np.linalg.inv(chebyshev.chebvander(_unit(count), count - 1))
            table = np.moveaxis(np.tensordot(inverse, table, axes=(1, k)), 0, k)
        return table

    def thinned(self, most: Sequence[int]) -> SlowCoefficient:
        """Between at most so many nodes in each direction."""
        nodes = slow_nodes(self.domain, [min(own, count) for own, count in zip(self.counts, most, strict=True)])
        return SlowCoefficient(self.domain, nodes, self(nodes))

    def written(self, i: int, j: int) -> Expr:
        """a*_ij as a polynomial of the slow variables."""
        table = self.expansion()[..., i, j]
        units = [(2 * s - low - high) / (high - low) for s, (low, high) in zip(x, self.domain, strict=False)]
        for k in range(table.ndim):
            powers = np.array(
                [np.pad(chebyshev.cheb2poly(row), (0, len(row)))[: len(row)] for row in np.eye(table.shape[k])]
            )
            table = np.moveaxis(np.tensordot(powers.T, table, axes=(1, k)), 0, k)

        def horner(part: Array, rest: Sequence[Expr]) -> Expr:
            if not rest:
                return sympy.Float(float(part))
            total: Expr = sympy.S.Zero
            for row in part[::-1]:
                total = total * rest[0] + horner(row, rest[1:])
            return total

        return horner(table, units)

    def _evaluate(self, points: npt.ArrayLike, derivative: int | None) -> Array:
        array = np.asarray(points, dtype=np.float64)
        table = self.expansion()
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


@dataclass(frozen=True, eq=False)
class SumCoefficient(SlowCoefficient):
    """a*(x) = Σ_k g_k(x) B_k, exactly: fronts and jumps of the g_k as they are.

    Attributes:
        terms: g_k, an expression of the slow variables, and B_k, (d, d).
    """

    terms: tuple[tuple[Expr, Array], ...]

    @classmethod
    def of(cls, domain: Sequence[Sequence[float]], *terms: tuple[Expr, Array]) -> Self:
        """With values at a few nodes, for who wants to see some."""
        dim = len(domain)
        varying = set[Symbol]().union(*(factor.free_symbols for factor, _ in terms))
        nodes = slow_nodes(domain, [COUNTS[dim].nodes if s in varying else 1 for s in x[:dim]])
        values = sum(numpy_function(factor)(nodes)[:, None, None] * matrix for factor, matrix in terms)
        return cls(tuple((float(low), float(high)) for low, high in domain), nodes, np.asarray(values), terms)

    @property
    def expressions(self) -> tuple[Expr, ...]:
        """The g_k."""
        return tuple(factor for factor, _ in self.terms)

    @property
    def interfaces(self) -> tuple[Expr, ...]:
        """Those of the g_k."""
        return tuple(level_sets(ImmutableMatrix([self.expressions])))

    @property
    def tails(self) -> tuple[float, ...]:
        """Nothing is cut off."""
        return (0.0,) * len(self.domain)

    def _evaluate(self, points: npt.ArrayLike, derivative: int | None) -> Array:
        total: Array | float = 0.0
        for factor, matrix in self.terms:
            part = factor
            if derivative is not None:  # that of a step is zero but for one point
                part = sympy.diff(part, x[derivative]).replace(sympy.DiracDelta, lambda *_: sympy.S.Zero)
            total = total + numpy_function(part)(points)[:, None, None] * matrix
        return np.asarray(total)


@dataclass(frozen=True, eq=False)
class ProductCoefficient(SumCoefficient):
    """a*(x) = g(x) b*."""

    @property
    def factor(self) -> Expr:
        """g."""
        return self.terms[0][0]

    @property
    def base(self) -> Array:
        """b*, (d, d)."""
        return self.terms[0][1]


def relative_change(change: npt.ArrayLike, a: npt.ArrayLike) -> float:
    """The smallest δ with -δ a ≤ change ≤ δ a as quadratic forms, the largest over all matrices given, (d, d) or (n, d, d).

    That is what a change of a* can do to a solution; the norm of a matrix would hide what happens to its small entries.
    Infinite where a is not positive definite, or something is not finite.
    """
    matrices = np.asarray(a, dtype=np.float64)
    delta = np.asarray(change, dtype=np.float64)
    if not (np.isfinite(matrices).all() and np.isfinite(delta).all()):
        return math.inf
    try:
        root = np.linalg.inv(np.linalg.cholesky((matrices + np.swapaxes(matrices, -1, -2)) / 2))
    except np.linalg.LinAlgError:
        return math.inf
    turned = root @ delta @ np.swapaxes(root, -1, -2)
    return float(np.linalg.norm(turned, ord=2, axis=(-2, -1)).max())


def positive_definite(coefficient: SlowCoefficient, box: Sequence[Sequence[float]] | None = None) -> bool:
    """Whether a*(x) is, at many points of a box, by default its own."""
    values = coefficient(closed(box or coefficient.domain, COUNTS[len(coefficient.domain)].slow))
    lowest = np.linalg.eigvalsh((values + values.swapaxes(1, 2)) / 2)[:, 0].min()
    return bool(math.isfinite(lowest) and lowest > 0)
