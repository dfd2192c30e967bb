"""What a problem must satisfy before anything is solved: shapes, symbols, and values sampled over the domain and the cell."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy
from sympy import Expr, ImmutableMatrix, Symbol

from hybrid import grids
from hybrid.definite import definite
from hybrid.failures import InputError
from hybrid.grids import COUNTS, uniform
from hybrid.symbols import as_steps, evaluate, t

if TYPE_CHECKING:
    from hybrid.geometry import Geometry


def positive(value: Any, where: str) -> float:
    """A positive finite number, or InputError."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise InputError(where, f"{value!r} is not a number") from None
    if not (math.isfinite(number) and number > 0):
        raise InputError(where, f"{number:g} is not allowed; it must be positive and finite")
    return number


SIZES = (1e-15, 1e15)
"""Of domains: smaller ones DOLFINx takes for points, and the squares of what is computed in much larger ones overflow."""


def check_domain(domain: Any, where: str = "domain") -> tuple[tuple[float, float], ...]:
    """The box as pairs of numbers, or InputError."""
    box = []
    try:
        intervals = list(domain)
    except TypeError:
        raise InputError(where, f"{domain!r} is no list of intervals [low, high], one for each dimension") from None
    for interval in intervals:
        try:
            low, high = map(float, interval)
        except (TypeError, ValueError):
            raise InputError(where, f"{interval!r} is not an interval [low, high]") from None
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise InputError(where, f"[{low:g}, {high:g}] is empty; low must be below high")
        size, far = high - low, max(abs(low), abs(high))
        if not (SIZES[0] < size < SIZES[1] and size > 1e-6 * far):
            raise InputError(
                where, f"[{low:g}, {high:g}] is too small, too large or too far from zero to compute in: allowed are sizes "
                f"from {SIZES[0]:g} to {SIZES[1]:g}, and a millionth of the distance from zero; take other units"
            )  # fmt: skip
        box.append((low, high))
    if not 1 <= len(box) <= 3:
        raise InputError(where, f"{len(box)} dimensions; 1, 2 and 3 are possible")
    return tuple(box)


def check_period(period: Any, dim: int) -> tuple[float, ...]:
    """The period in each dimension from one for all or one for each, or InputError."""
    periods = period if isinstance(period, Sequence) else (period,) * dim
    if len(periods) != dim:
        raise InputError("period", f"{len(periods)} periods for {dim} dimensions; give one, or one for each")
    return tuple(positive(p, "period") for p in periods)


def check_count(value: Any, where: str, least: int = 1) -> int:
    """A whole number, or InputError."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise InputError(where, f"{value!r} is not allowed; it must be a whole number, {least} or more")
    return int(value)


def check_degree(value: Any) -> int:
    """The degree of Lagrange elements, or InputError."""
    degree = check_count(value, "degree")
    if degree > 10:
        raise InputError("degree", f"{degree} is not allowed; elements have degrees from 1 to 10")
    return degree


def check_comm(comm: Any) -> None:
    """A communicator of MPI, or InputError."""
    if not (hasattr(comm, "allreduce") and hasattr(comm, "rank")):
        raise InputError("comm", f"{comm!r} is not a communicator of mpi4py; MPI.COMM_WORLD is one")


def check_expression(value: Any, allowed: Sequence[Symbol], where: str) -> Expr:
    """A finite SymPy expression of the allowed symbols, or InputError."""
    try:
        expression = sympy.sympify(value, strict=True)
    except sympy.SympifyError:
        raise InputError(where, f"{value!r} is neither a number nor a SymPy expression") from None
    if expression.has(sympy.zoo, sympy.nan, sympy.oo, -sympy.oo, sympy.I):
        raise InputError(where, f"{expression} is not a finite real number")
    expression = as_steps(expression)
    if any(step.args[0].has(sympy.Heaviside) for step in expression.atoms(sympy.Heaviside)):
        raise InputError(where, "a step inside a step; write it as a product or a sum of steps")
    strange = expression.free_symbols - set(allowed)
    if strange:
        names = ", ".join(sorted(map(str, strange)))
        raise InputError(where, f"{names} may not appear here; allowed are {', '.join(map(str, allowed))}")
    return expression


def check_matrix(a: Any, dim: int, allowed: Sequence[Symbol], where: str = "a") -> ImmutableMatrix:
    """The coefficient as a symmetric d×d matrix, or InputError."""
    if isinstance(a, sympy.MatrixBase):
        rows = a.tolist()
    elif isinstance(a, Sequence) and not isinstance(a, str):
        rows = [list(row) if isinstance(row, Sequence) else [row] for row in a]
    else:
        return ImmutableMatrix(check_expression(a, allowed, where) * sympy.eye(dim))
    if len(rows) != dim or any(len(row) != dim for row in rows):
        raise InputError(
            where, f"a matrix of shape {len(rows)}×{len(rows[0]) if rows else 0}; the domain asks for {dim}×{dim}"
        )
    matrix = ImmutableMatrix([[check_expression(entry, allowed, where) for entry in row] for row in rows])
    for i in range(dim):
        for j in range(i):
            if sympy.simplify(matrix[i, j] - matrix[j, i]) != 0:
                raise InputError(
                    where, f"not symmetric: {where}[{i}][{j}] = {matrix[i, j]} but {where}[{j}][{i}] = {matrix[j, i]}"
                )
    return matrix


def check_coefficient(geometry: Geometry, matrix: ImmutableMatrix, name: str) -> None:
    """A coefficient must be finite and positive definite over the domain and the cell (`hybrid.definite`), and periodic in y.

    Args:
        geometry: The box and the cell.
        matrix: Of x and y, symmetric, (d, d).
        name: Of its field.

    Raises:
        InputError: With the place where it is not.
    """
    d = geometry.dim
    a = definite(tuple(map(tuple, geometry.domain)), geometry.cell, matrix, name)
    for i, count in itertools.product(range(d), _shifts(geometry)):
        moved = a.points.copy()
        period = geometry.period[i]
        moved[:, d + i] += count * period
        jump = np.abs(a(moved) - a.values).max(axis=(1, 2))
        if not jump.max() <= 1e-5 * np.abs(a.values).max():
            worst = int(np.argmax(jump))
            raise InputError(
                "period", f"{name} does not have the period {period:.6g} in y{i}: it jumps by {jump[worst]:.3g} "
                f"from {a.place(a.points[worst])} to {count} cells further"
            )  # fmt: skip


def check_finite(
    geometry: Geometry, expression: Expr, name: str, times: Sequence[float] = (0.0,), *, closed: bool = False
) -> None:
    """An expression of x and t must be finite over the domain, with its boundary if that is `closed`.

    Raises:
        InputError: It is not.
    """
    points = uniform(geometry.domain, 17)
    if closed:
        points = np.vstack([points, grids.closed(geometry.domain, 17)])
    slow = dict(zip(geometry.slow, points.T, strict=True))
    for time in times:
        with np.errstate(all="ignore"):
            value = np.asarray(evaluate(expression, slow | {t: time}), dtype=float)
        if not np.isfinite(value).all():
            raise InputError(name, "not a finite number everywhere in the domain")


def check_not_zero(sources: Mapping[str, Expr]) -> None:
    """What drives a solution may not be zero all together; a problem file's 0 is a float, which SymPy does not take for equal
    to the integer.

    Raises:
        InputError: All of it is.
    """
    if all(expression.is_Number and expression.is_zero for expression in sources.values()):
        raise InputError(
            ", ".join(sources), "zero everywhere: the solution is zero, and no relative error has a meaning"
        )


def _shifts(geometry: Geometry) -> list[int]:
    """Over how many periods to compare a periodic coefficient with itself: to the next cell, and as far as x/ε goes."""
    reach = [bound / (geometry.eps * p) for interval, p in zip(geometry.domain, geometry.period) for bound in interval]
    far = [round(r) for r in reach if 1 < abs(r) < 1e6]
    return sorted({1, 2, *far})


def samples(geometry: Geometry, expression: Expr) -> tuple[np.ndarray, np.ndarray]:
    """Points of the cell, (n, d), and the values of an expression of y there, (n,)."""
    points = uniform(geometry.cell, COUNTS[geometry.dim].mean)
    return points, _values(geometry, expression, points)


def check_periodic(geometry: Geometry, expression: Expr, name: str) -> None:
    """An expression of y must have the periods of the cell.

    Raises:
        InputError: It does not.
    """
    points, values = samples(geometry, expression)
    for i, period in enumerate(geometry.period):
        moved = points.copy()
        moved[:, i] += period
        if np.abs(_values(geometry, expression, moved) - values).max() > 1e-8 * np.abs(values).max():
            raise InputError("period", f"{name} does not have the period {period:.6g} in y{i}")


def _values(geometry: Geometry, expression: Expr, points: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        value = evaluate(expression, dict(zip(geometry.fast, points.T, strict=True)))
    return np.broadcast_to(np.asarray(value, dtype=float), len(points))
