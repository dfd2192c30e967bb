"""Where a coefficient jumps or has a kink: level sets of its steps, and the planes among them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

import numpy as np
import sympy
from sympy import Expr, Symbol

from hybrid.symbols import evaluate

BROKEN = (sympy.Heaviside, sympy.Max, sympy.Min, sympy.Abs)
"""What makes expressions jump, or gives them kinks."""
_NEAR = 1e-12
"""Of a side of the box: planes nearer to one another are one plane, found from two level sets."""


def level_sets(matrix: sympy.MatrixBase) -> list[Expr]:
    """The functions φ whose zeros are the interfaces: the arguments of the steps in a, taken apart into factors."""
    found: dict[Expr, None] = {}

    def take(expression: Expr) -> None:
        if isinstance(expression, sympy.Mul | sympy.Max | sympy.Min):
            for part in expression.args:
                take(part)
        elif isinstance(expression, sympy.Pow) and expression.exp.is_positive:
            take(expression.base)  # |φ|³ would be smooth where φ vanishes
        elif expression.free_symbols and -expression not in found:
            found[expression] = None

    for step in sorted(matrix.atoms(sympy.Heaviside), key=str):
        take(step.args[0])
    return list(found)


def kinks(matrix: sympy.MatrixBase) -> list[Expr]:
    """The functions whose zeros are kinks: where the arguments of a maximum, a minimum or an absolute value meet."""
    found: dict[Expr, None] = {}
    for node in sorted(matrix.atoms(sympy.Max, sympy.Min, sympy.Abs), key=str):
        parts = node.args if len(node.args) > 1 else (node.args[0], -node.args[0])
        for one, other in itertools.combinations(parts, 2):
            if (one - other).free_symbols and other - one not in found:
                found[one - other] = None
    return list(found)


def curved(functions: Iterable[Expr]) -> list[Expr]:
    """Those whose zeros are no planes normal to an axis."""
    return [phi for phi in functions if len(phi.free_symbols) > 1]


def planes(
    functions: Iterable[Expr], symbols: Sequence[Symbol], box: Sequence[Sequence[float]], samples: int = 1000
) -> list[list[float]]:
    """For each symbol the sorted c in [low, high) for which it is c where one of the functions changes its sign.

    Functions of several symbols are left out. A zero at the upper end of the box is left out too: where functions are periodic
    it is that at the lower one.

    Args:
        functions: Of the symbols.
        symbols: One for each dimension.
        box: One (low, high) for each of them.
        samples: In each direction; between two of them a function that turns round near zero is looked at more closely.
    """
    found: list[list[float]] = [[] for _ in symbols]
    for phi in functions:
        if len(phi.free_symbols) != 1 or (symbol := next(iter(phi.free_symbols))) not in symbols:
            continue
        i = symbols.index(symbol)
        low, high = box[i]
        size = high - low
        ends = _with_crossings(phi, symbol, low + size * (np.arange(-1, samples + 3) - 0.4142) / samples)
        below, above = ends[:-1], ends[1:]
        sign = np.sign(evaluate(phi, {symbol: below}))
        change = sign != np.sign(evaluate(phi, {symbol: above}))
        below, above, sign = below[change], above[change], sign[change]
        for _ in range(50):
            middle = (below + above) / 2
            same = np.sign(evaluate(phi, {symbol: middle})) == sign
            below, above = np.where(same, middle, below), np.where(same, above, middle)
        near = _NEAR * size
        found[i] += [float(c) for c in (below + above) / 2 if low - near <= c < high - near]
    return [_distinct(each, high - low) for each, (low, high) in zip(found, box, strict=True)]


def _with_crossings(phi: Expr, symbol: Symbol, points: np.ndarray) -> np.ndarray:
    """The points, and between them those where φ turns round beyond zero: thin layers lie between two zeros near each other."""
    size = np.broadcast_to(np.abs(evaluate(phi, {symbol: points})), points.shape)
    sign = np.broadcast_to(np.sign(evaluate(phi, {symbol: points})), points.shape)
    turns = (size[1:-1] <= size[:-2]) & (size[1:-1] <= size[2:]) & (sign[1:-1] == sign[:-2]) & (sign[1:-1] == sign[2:])
    left, right, own = points[:-2][turns], points[2:][turns], sign[1:-1][turns]
    for _ in range(80):  # to the smallest value by thirds, or as far as a crossing
        one, other = left + (right - left) / 3, right - (right - left) / 3
        lower = own * evaluate(phi, {symbol: one}) < own * evaluate(phi, {symbol: other})
        left, right = np.where(lower, left, one), np.where(lower, other, right)
    lowest = (left + right) / 2
    beyond = own * evaluate(phi, {symbol: lowest}) < 0 if len(lowest) else np.zeros(0, dtype=bool)
    return np.asarray(np.sort(np.concatenate([points, lowest[beyond]])))


def _distinct(values: Sequence[float], size: float) -> list[float]:
    kept: list[float] = []
    for c in sorted(set(values)):
        if not kept or c - kept[-1] > _NEAR * size:
            kept.append(c)
    return kept
