"""A homogenized coefficient that depends on the slow variable, a*(x): a polynomial that interpolates it, or g(x) b*."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import sympy
from numpy.polynomial import chebyshev
from sympy import Expr, ImmutableMatrix

from hybrid.interfaces import BROKEN
from hybrid.problems import EllipticProblem
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
    return np.stack([g.ravel() for g in np.meshgrid(*axes, indexing="ij")], axis=1)


def _unit(count: int) -> Array:
    return np.asarray(np.cos(np.pi * (np.arange(count)[::-1] + 0.5) / count))


@dataclass(frozen=True)
class SlowCoefficient:
    """a*(x) for x in a box.

    Attributes:
        domain: The box, one (low, high) for each dimension.
        nodes: Where it was computed: `slow_nodes`, (n, d).
        values: What was computed there, (n, d, d).
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
    def counts(self) -> tuple[int, ...]:
        """Nodes in each direction."""
        return tuple(len(np.unique(column)) for column in self.nodes.T)

    @property
    def tails(self) -> tuple[float, ...]:
        """In each direction the last coefficients of the expansion against the largest one; 0 where there is one node."""
        magnitude = np.abs(self._expansion()).max(axis=(-2, -1))
        return tuple(
            float(np.take(magnitude, [-2, -1], axis=k).max() / magnitude.max()) if magnitude.shape[k] > 1 else 0.0
            for k in range(magnitude.ndim)
        )

    @property
    def truncation(self) -> float:
        """The last coefficients of the expansion against the largest one: about the relative error of interpolation."""
        return max(self.tails)

    def _expansion(self) -> Array:
        table = self.values.reshape(*self.counts, *self.values.shape[1:])
        for k, count in enumerate(self.counts):
            inverse = np.linalg.inv(chebyshev.chebvander(_unit(count), count - 1))
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


@dataclass(frozen=True)
class ProductCoefficient(SlowCoefficient):
    """a*(x) = g(x) b*, exactly: fronts and jumps of g as they are.

    Attributes:
        factor: g, an expression of the slow variables.
        base: b*, (d, d).
    """

    factor: Expr
    base: Array

    @classmethod
    def of(cls, domain: Sequence[Sequence[float]], factor: Expr, base: Array) -> ProductCoefficient:
        """With values at a few nodes, for who wants to see some."""
        dim = len(domain)
        nodes = slow_nodes(domain, [{1: 33, 2: 9, 3: 5}[dim] if s in factor.free_symbols else 1 for s in x[:dim]])
        values = numpy_function(factor)(nodes)[:, None, None] * base
        return cls(tuple((float(low), float(high)) for low, high in domain), nodes, values, factor, base)

    @property
    def tails(self) -> tuple[float, ...]:
        """Nothing is cut off."""
        return (0.0,) * len(self.domain)

    def _evaluate(self, points: npt.ArrayLike, derivative: int | None) -> Array:
        part = self.factor
        if derivative is not None:  # that of a step is zero but for one point
            part = sympy.diff(part, x[derivative]).replace(sympy.DiracDelta, lambda *_: sympy.S.Zero)
        return np.asarray(numpy_function(part)(points)[:, None, None] * self.base)


@functools.lru_cache(maxsize=32)
def separated(problem: EllipticProblem) -> tuple[Expr, EllipticProblem] | None:
    """g and the problem with b in place of a, if a(x, y) = g(x) b(y) with a positive g; None otherwise."""
    if not problem.depends_on_slow:
        return None
    slow = set(problem.slow)
    factor: Expr | None = None
    entries = []
    for entry in problem.matrix:
        if entry == 0:
            entries.append(entry)
            continue
        parts = _product(entry, slow)
        if parts is None:
            return None
        g, b = parts
        if factor is None:
            factor = g
        elif g != factor:
            ratio = _constant_ratio(problem, g, factor)
            if ratio is None:
                return None
            b = ratio * b
        entries.append(b)
    assert factor is not None
    middle = numpy_function(factor)(np.array([[(low + high) / 2 for low, high in problem.domain]]))[0]
    sign = -1 if middle < 0 else 1
    matrix = ImmutableMatrix(problem.dim, problem.dim, [sign * b for b in entries])
    rest = EllipticProblem(problem.domain, problem.eps, a=matrix, f=problem.f, period=problem.period, name=problem.name)
    return sign * factor, rest


def _constant_ratio(problem: EllipticProblem, one: Expr, other: Expr) -> Expr | None:
    """one / other, if that is a number: by SymPy, or at many points if neither jumps."""
    ratio = one / other
    if not ratio.free_symbols:
        return ratio
    if ratio.has(*BROKEN):
        return None
    low, high = np.array(problem.domain).T
    points = low + (high - low) * np.random.default_rng(0).random((200, problem.dim))
    values = numpy_function(ratio)(points)
    constant = bool(np.isfinite(values).all() and np.ptp(values) <= 1e-13 * np.abs(values).max())
    return sympy.Float(values[0]) if constant else None


def _product(entry: Expr, slow: set[sympy.Symbol]) -> tuple[Expr, Expr] | None:
    """As it was written, or with what all its terms have in common taken out."""
    return _parted(entry, slow) or _parted(sympy.factor_terms(entry), slow)


def _parted(product: Expr, slow: set[sympy.Symbol]) -> tuple[Expr, Expr] | None:
    g: Expr = sympy.S.One
    b: Expr = sympy.S.One
    for part in sympy.Mul.make_args(product):
        if not part.free_symbols & slow:
            b *= part
        elif part.free_symbols <= slow:
            g *= part
        else:
            return None
    return g, b


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


def positive_definite(coefficient: SlowCoefficient) -> bool:
    """Whether a*(x) is, at many points of its box."""
    count = {1: 2001, 2: 61, 3: 17}[len(coefficient.domain)]
    axes = [np.linspace(low, high, count) for low, high in coefficient.domain]
    points = np.stack([g.ravel() for g in np.meshgrid(*axes, indexing="ij")], axis=1)
    values = coefficient(points)
    lowest = np.linalg.eigvalsh((values + values.swapaxes(1, 2)) / 2)[:, 0].min()
    return bool(math.isfinite(lowest) and lowest > 0)
