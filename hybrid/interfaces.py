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
        samples: In each direction; what changes its sign twice between two of them is not seen.
    """
    found: list[list[float]] = [[] for _ in symbols]
    for phi in functions:
        if len(phi.free_symbols) != 1 or (symbol := next(iter(phi.free_symbols))) not in symbols:
            continue
        i = symbols.index(symbol)
        low, high = box[i]
        size = high - low
        ends = low + size * (np.arange(samples + 1) - 0.4142) / samples
        below, above = ends[:-1], ends[1:]
        sign = np.sign(evaluate(phi, {symbol: below}))
        change = sign != np.sign(evaluate(phi, {symbol: above}))
        below, above, sign = below[change], above[change], sign[change]
        for _ in range(50):
            middle = (below + above) / 2
            same = np.sign(evaluate(phi, {symbol: middle})) == sign
            below, above = np.where(same, middle, below), np.where(same, above, middle)
        found[i] += [float(c) for c in (below + above) / 2]
    return [_distinct(each, high - low) for each, (low, high) in zip(found, box, strict=True)]


def _distinct(values: Sequence[float], size: float) -> list[float]:
    kept: list[float] = []
    for c in sorted(set(values)):
        if not kept or c - kept[-1] > _NEAR * size:
            kept.append(c)
    return kept
