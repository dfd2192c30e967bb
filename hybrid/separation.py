"""Coefficients a(x, y) = g(x) b(y): one cell problem, that of b, says everything."""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np
import sympy
from sympy import Expr, ImmutableMatrix

from hybrid.interfaces import BROKEN
from hybrid.physics.elliptic import EllipticProblem
from hybrid.symbols import numpy_function


@functools.lru_cache(maxsize=32)
def separated(problem: EllipticProblem) -> tuple[Expr, EllipticProblem] | None:
    """g and the problem with b in place of a, if a(x, y) = g(x) b(y) with a positive g; None otherwise."""
    if not problem.medium.depends_on:
        return None
    slow = set(problem.slow)
    factor: Expr | None = None
    entries = []
    for entry in problem.medium.matrix:
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
    return sign * factor, replace(problem, a=matrix)


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
