"""Whether a coefficient is finite and positive definite over the domain and the cell: sampled, and looked for from the lowest
samples."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import sympy
from sympy import ImmutableMatrix, Symbol

from hybrid.failures import InputError
from hybrid.grids import COUNTS, uniform
from hybrid.symbols import evaluate, x, y

Box = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Samples:
    """Of a coefficient.

    Attributes:
        matrix: Of x and y, symmetric, (d, d).
        name: Of its field.
        points: Where it was sampled, (n, 2d).
        values: What it is there, (n, d, d).
    """

    matrix: ImmutableMatrix
    name: str
    points: np.ndarray
    values: np.ndarray

    def __call__(self, at: np.ndarray) -> np.ndarray:
        """The coefficient at other points, (m, 2d) -> (m, d, d)."""
        return _sampled(self.matrix, at)

    def place(self, row: np.ndarray) -> str:
        """A point in words."""
        return _place(self.matrix, row)


def _sampled(matrix: ImmutableMatrix, at: np.ndarray) -> np.ndarray:
    d = len(matrix.tolist())
    values = dict(zip((*x[:d], *y[:d]), at.T, strict=True))
    out = np.empty((len(at), d, d))
    with np.errstate(all="ignore"):
        for i in range(d):
            for j in range(d):
                out[:, i, j] = evaluate(matrix[i, j], values)
    return out


def _is_slow(matrix: ImmutableMatrix) -> bool:
    return bool(matrix.free_symbols & set(x))


def _place(matrix: ImmutableMatrix, row: np.ndarray) -> str:
    d = len(matrix.tolist())
    symbols: tuple[Symbol, ...] = (*(x[:d] if _is_slow(matrix) else ()), *y[:d])
    return ", ".join(f"{s} = {v:.4g}" for s, v in zip(symbols, row[-len(symbols) :], strict=True))


@lru_cache(maxsize=64)
def definite(domain: Box, cell: Box, matrix: ImmutableMatrix, name: str) -> Samples:
    """Samples of a coefficient that is finite and positive definite; of one that was looked at before the same.

    Args:
        domain: The box.
        cell: The cell.
        matrix: Of x and y, symmetric, (d, d).
        name: Of its field.

    Raises:
        InputError: With the place where it is not.
    """
    d, slow_too = len(domain), _is_slow(matrix)
    count = COUNTS[d].checked
    # Extremes sit on quarters of the period, singularities between: look at both, but not where a may jump.
    fast = np.vstack([uniform(cell, count), uniform(cell, count, 0.0)][: 1 if matrix.has(sympy.Heaviside) else 2])
    slow = uniform(domain, COUNTS[d].checked_slow if slow_too else 1)
    points = np.hstack([np.repeat(slow, len(fast), axis=0), np.tile(fast, (len(slow), 1))])

    def check_finite(a: np.ndarray, points: np.ndarray) -> None:
        finite = np.isfinite(a).all(axis=(1, 2))
        if not finite.all():
            raise InputError(name, f"not a finite number at {_place(matrix, points[np.argmin(finite)])}")

    a = _sampled(matrix, points)
    check_finite(a, points)
    eigenvalues = np.linalg.eigvalsh(a)
    middle = len(points) // 2  # numpy's median loads masked arrays first
    usual = min(float(np.partition(eigenvalues[:, -1], middle)[middle]), float(eigenvalues[:, 0].max()))
    box = np.array([*domain, *cell]).T

    def lowest(at: np.ndarray) -> np.ndarray:
        found = _sampled(matrix, at)
        finite = np.isfinite(found).all(axis=(1, 2))
        return np.where(finite, np.linalg.eigvalsh(np.where(finite[:, None, None], found, 0.0))[:, 0], -np.inf)

    start = points[np.argsort(eigenvalues[:, 0], kind="stable")[:_LOWEST]]
    deepest = _descended(start, lowest, box, count, range(0 if slow_too else d, 2 * d))
    found = _sampled(matrix, deepest)
    check_finite(found, deepest)
    # Zero to rounding counts as zero: against the matrix at the point, and against what is usual elsewhere.
    candidates, eigenvalues = np.vstack([points, deepest]), np.vstack([eigenvalues, np.linalg.eigvalsh(found)])
    spare = eigenvalues[:, 0] - 1e-12 * np.maximum(eigenvalues[:, -1], usual)
    if (spare <= 0).any():
        worst = int(np.argmin(spare))
        what = "" if matrix == matrix[0, 0] * sympy.eye(d) else "smallest eigenvalue "
        raise InputError(
            name,
            f"not positive: {what}{eigenvalues[worst, 0]:.4g} at {_place(matrix, candidates[worst])}; {name} must be positive",
        )
    return Samples(matrix, name, points, a)


_LOWEST = 24
"""Samples from which lower ones are looked for."""


def _descended(
    points: np.ndarray, value: Callable[[np.ndarray], np.ndarray], box: np.ndarray, count: int, axes: Sequence[int]
) -> np.ndarray:
    """Points nearby with smaller values: steps along the axes that matter, halved where no step helps."""
    at, best = points.copy(), value(points)
    step = np.full(len(at), 0.5 / count)
    size, rows = box[1] - box[0], np.arange(len(at))
    for _ in range(60):
        offered = [at]
        for axis, side in itertools.product(axes, (-1, 1)):
            moved = at.copy()
            moved[:, axis] = np.clip(at[:, axis] + side * step * size[axis], *box[:, axis])
            offered.append(moved)
        values = np.vstack([best[None], value(np.concatenate(offered[1:])).reshape(-1, len(at))])
        chosen = np.argmin(values, axis=0)
        at, best = np.stack(offered)[chosen, rows], values[chosen, rows]
        step = np.where(chosen > 0, step, step / 2)
    return at
