"""Coefficients a(x, y) = g(x) b(y): one cell problem, that of b, says everything."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import sympy
from sympy import Expr, ImmutableMatrix

from hybrid.equation import Equation
from hybrid.failures import InputError
from hybrid.grids import COUNTS, closed
from hybrid.interfaces import BROKEN
from hybrid.media.expression import Expression
from hybrid.symbols import numpy_function


@dataclass(frozen=True)
class Weighted[F]:
    """Σ_m h_m(x) ψ_m(y).

    Attributes:
        weights: The h_m, expressions of the slow variables.
        functions: The ψ_m.
    """

    weights: tuple[Expr, ...]
    functions: tuple[F, ...]


def without_slow(equation: Equation) -> tuple[Equation, tuple[Expr, ...]]:
    """Cell problems that are the same for all x, and how a varies with x: those of b and the (∂_m g)/g; or these, and nothing.

    Raises:
        InputError: a is no product g(x) b(y), or g is not smooth.
    """
    if not equation.flux.depends_on:
        return equation, ()
    product = separated(equation)
    if product is None or product[0].has(*BROKEN):
        raise InputError(
            "a", "it is no product g(x) b(y) with a smooth g: there are no cell problems that are the same for all x"
        )
    factor, fixed = product
    weights = tuple(sympy.diff(factor, s) / factor for s in equation.slow)
    at = closed(equation.domain, COUNTS[equation.dim].slow)
    with np.errstate(all="ignore"):
        if not all(np.isfinite(numpy_function(h)(at)).all() for h in weights):
            raise InputError(
                "a", "its slow part has slopes that are not finite: its reconstructions end with the first order"
            )
    return fixed, weights


def frozen_at(equation: Equation, place: Sequence[float]) -> Equation:
    """The cell problems at one x."""
    values = dict(zip(equation.slow, map(sympy.Float, place), strict=True))
    return replace(equation, flux=Expression(equation.medium.matrix.subs(values)))


@functools.lru_cache(maxsize=32)
def separated(equation: Equation) -> tuple[Expr, Equation] | None:
    """g and the equation with b in place of a, if a(x, y) = g(x) b(y) with a positive g; None otherwise."""
    if not isinstance(equation.flux, Expression) or not equation.flux.depends_on:
        return None
    slow = set(equation.slow)
    factor: Expr | None = None
    entries = []
    for entry in equation.medium.matrix:
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
            ratio = _constant_ratio(equation, g, factor)
            if ratio is None:
                return None
            b = ratio * b
        entries.append(b)
    assert factor is not None
    middle = numpy_function(factor)(np.array([[(low + high) / 2 for low, high in equation.domain]]))[0]
    sign = -1 if middle < 0 else 1
    matrix = ImmutableMatrix(equation.dim, equation.dim, [sign * b for b in entries])
    return sign * factor, replace(equation, flux=Expression(matrix))


def _constant_ratio(equation: Equation, one: Expr, other: Expr) -> Expr | None:
    """one / other, if that is a number: by SymPy, or at many points if neither jumps."""
    ratio = one / other
    if not ratio.free_symbols:
        return ratio
    if ratio.has(*BROKEN):
        return None
    low, high = np.array(equation.domain).T
    points = low + (high - low) * np.random.default_rng(0).random((200, equation.dim))
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
