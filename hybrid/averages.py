"""Means over the cell of functions that may jump, by quadrature between the jumps, with an estimate of its error."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import sympy
from sympy import Expr, Symbol

from hybrid.grids import COUNTS
from hybrid.symbols import evaluate

Array = npt.NDArray[np.float64]
_HALVINGS = 60


def cell_mean(expression: Expr, symbols: Sequence[Symbol], periods: Sequence[float]) -> tuple[float, float]:
    """The mean of an expression over a cell, and an estimate of the error of that number.

    Along the last direction it is integrated piece by piece: where the arguments of steps, and the differences of what minima
    and maxima compare, change their signs there are jumps and kinks, which bisection finds. In the other directions there are
    midpoints. All is done twice, the second time with about half as many pieces and lines; their difference is the estimate.
    """
    intervals, lines = COUNTS[len(symbols)].intervals, COUNTS[len(symbols)].lines
    fine = _mean(expression, symbols, periods, intervals, lines)
    coarse = _mean(expression, symbols, periods, intervals // 2 + 1, lines // 2 + 1)
    return fine, abs(fine - coarse)


def _mean(expression: Expr, symbols: Sequence[Symbol], periods: Sequence[float], intervals: int, lines: int) -> float:
    outer = [p * (np.arange(lines) + 0.4142) / lines for p in periods[:-1]]
    across = [axis.ravel()[:, None] for axis in np.meshgrid(*outer, indexing="ij")]
    count = across[0].shape[0] if across else 1

    def values(function: Expr, along: Array) -> Array:
        """At places along the last direction, (lines, n), one row for each line."""
        at = dict(zip(symbols, (*across, along), strict=True))
        with np.errstate(all="ignore"):
            return np.broadcast_to(np.asarray(evaluate(function, at), dtype=float), along.shape)

    edges = np.broadcast_to(np.linspace(0.0, periods[-1], intervals + 1), (count, intervals + 1))
    cuts = [edges[:, :-1], edges[:, 1:]]
    for switch in _switches(expression):
        left, right = edges[:, :-1].copy(), edges[:, 1:].copy()
        sign = values(switch, left) > 0
        crossing = sign != (values(switch, right) > 0)
        if not crossing.any():
            continue
        for _ in range(_HALVINGS):
            middle = (left + right) / 2
            same = (values(switch, middle) > 0) == sign
            left, right = np.where(same, middle, left), np.where(same, right, middle)
        cuts.append(np.where(crossing, right, edges[:, 1:]))
    ordered = np.sort(np.stack(cuts), axis=0)
    points, weights = np.polynomial.legendre.leggauss(6)
    total = 0.0
    for begin, end in itertools.pairwise(ordered):
        size = end - begin
        for point, weight in zip(points, weights, strict=True):
            inside = values(expression, begin + size * (1 + point) / 2)
            total += float(np.where(size > 0, inside * size, 0.0).sum()) * weight / 2
    return total / (count * periods[-1])


def _switches(expression: Expr) -> list[Expr]:
    """What changes its sign where the expression jumps or has a kink."""
    found = [step.args[0] for step in expression.atoms(sympy.Heaviside)]
    for extreme in expression.atoms(sympy.Max, sympy.Min):
        found += [a - b for i, a in enumerate(extreme.args) for b in extreme.args[:i]]
    found += [size.args[0] for size in expression.atoms(sympy.Abs)]
    return sorted({f for f in found if f.free_symbols}, key=sympy.default_sort_key)
