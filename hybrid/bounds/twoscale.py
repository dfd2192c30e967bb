"""∫_Ω q(x) p(x/ε) dx for smooth q and periodic p, at a cost that does not grow with 1/ε.

A direction is cut into panels of whole periods, of one period at the ends and twice as long each further in. On a panel q is
the polynomial through its values at Gauss's points. On each period that polynomial is a sum of Legendre polynomials L_α of the
place t in the period, and what is left are the moments ∫ p L_α dt: one table for p, one for each direction for the sums over
all periods. The first and the last periods may have functions p of their own, those of layers: they are pieces by themselves.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.polynomial.legendre import leggauss, legvander

from hybrid.failures import InputError

Array = npt.NDArray[np.float64]

_AT_ONCE = 4_000_000
"""Numbers."""


@dataclass(frozen=True)
class Piece:
    """A part of a direction whose periods all have the same functions of x/ε.

    Attributes:
        nodes: Gauss's points of its panels, (S,).
        weights: Of a plain integral, (S,).
        table: (S, K): ∫ q(x) p(x/ε) dx = Σ_s q(x_s) Σ_α table_sα ∫_0^1 p L_α dt, t counted from where the direction begins.
        places: t of the points where p is taken.
        moments: Their weights, (n, K), for ∫_0^1 p L_α dt.
        low: Which period from the lower end it is, where it is one of a layer's.
        high: The same from the upper end.
    """

    nodes: Array
    weights: Array
    table: Array
    places: Array
    moments: Array
    low: int | None = None
    high: int | None = None


@dataclass(frozen=True)
class Rule:
    """How finely to integrate.

    Attributes:
        inner: Points of a panel.
        outer: Of one that is a period at the end.
        layer: Points of a period across a layer, for each of the uniform grid; Gauss's rule wants no more.
    """

    inner: int
    outer: int
    layer: float


def periods_of(low: float, high: float, step: float) -> int:
    """How many periods of this length there are.

    Raises:
        InputError: Not two, or no whole number of them.
    """
    periods = round((high - low) / step)
    if periods < 2 or abs(periods * step - (high - low)) > 1e-9 * (high - low):
        raise InputError(
            "eps", f"{(high - low) / step:.6g} periods in a direction of the domain; bounds of errors are found for whole "
            "ones, two or more"
        )  # fmt: skip
    return periods


def pieces(low: float, high: float, step: float, count: int, rule: Rule, depth: int) -> list[Piece]:
    """A direction in pieces.

    Args:
        low: Where it begins.
        high: Where it ends.
        step: The length of a period.
        count: Points of the uniform grid of a period, on which periodic functions are known.
        rule: The points of panels.
        depth: Periods of a layer at each end.
    """
    periods = periods_of(low, high, step)
    degrees = max(rule.inner, rule.outer)
    gauss, share = leggauss(max(round(rule.layer * count), round(50 * rule.layer)))
    across = (gauss + 1) / 2, _legendre((gauss + 1) / 2, degrees) * (share / 2)[:, None]
    uniform = np.arange(count) / count, moments(count, degrees)
    found = []
    for k in range(periods):
        from_low, from_high = (n if n < depth else None for n in (k, periods - 1 - k))
        if from_low is not None or from_high is not None:
            found.append(Piece(*_panels(low, step, k, [1], rule, degrees), *across, from_low, from_high))
        elif k == depth:
            lengths = panels(periods - 2 * depth, depth)
            found.append(Piece(*_panels(low, step, k, lengths, rule, degrees), *uniform))
    return found


def panels(periods: int, before: int) -> list[int]:
    """Lengths of panels: from both ends as long as what is before them, one at the least; the longest are in the middle."""
    found: list[int] = []
    while sum(found) + (size := max(before + sum(found), 1)) <= periods // 2:
        found.append(size)
    rest = periods - 2 * sum(found)
    return [*found, *([rest] if rest else []), *reversed(found)]


def _panels(
    low: float, step: float, begin: int, lengths: Sequence[int], rule: Rule, degrees: int
) -> tuple[Array, Array, Array]:
    """Nodes, weights and table of panels of so many periods each."""
    gauss, share = leggauss(degrees + 1)
    basis = _legendre((gauss + 1) / 2, degrees) * (share / 2)[:, None]
    nodes, weights, tables = [], [], []
    for length in lengths:
        points, unit = leggauss(rule.outer if length == 1 else rule.inner)
        inside = (np.arange(length)[:, None] + (gauss + 1) / 2) / length  # periods, places
        nodes.append(low + step * (begin + length * (points + 1) / 2))
        weights.append(step * length * unit / 2)
        tables.append(step * np.einsum("bgk,ga->ka", _interpolation(points, 2 * inside - 1), basis))
        begin += length
    return np.concatenate(nodes), np.concatenate(weights), np.concatenate(tables)


def _interpolation(points: Array, at: Array) -> Array:
    """Values of Lagrange's polynomials for Gauss's points on [-1, 1], (…, k)."""
    inverse = np.linalg.inv(legvander(points, len(points) - 1))
    return np.asarray(legvander(at, len(points) - 1) @ inverse)


def _legendre(t: Array, count: int) -> Array:
    """L_0 … on [0, 1], orthonormal, (n, count)."""
    return np.asarray(legvander(2 * t - 1, count - 1) * np.sqrt(2 * np.arange(count) + 1))


def moments(count: int, degrees: int) -> Array:
    """Weights on a uniform grid of the period, (count, degrees), for ∫_0^1 p L_α dt: exact for trigonometric polynomials."""
    nodes, share = leggauss(count + degrees + 16)
    t = (nodes + 1) / 2
    numbers = np.rint(np.fft.fftfreq(count, 1 / count))
    waves = np.exp(2j * np.pi * np.outer(t, numbers))
    if count % 2 == 0:  # of the highest frequency the grid sees the cosine
        waves[:, count // 2] = waves[:, count // 2].real
    exact = (waves * (share / 2)[:, None]).T @ _legendre(t, degrees)
    return np.asarray(np.fft.fft(exact, axis=0).real / count)


def gram(zone: Sequence[Piece], slow: Array, fast: Array, dual: Array) -> Array:
    """∫ s_m s_n V_m·U_n for all m, n, (R, R), for functions s of x and V, U of x/ε with V_m·U_n = V_n·U_m.

    Args:
        zone: A piece of each direction.
        slow: s_m at their nodes, (R, S_1, …, S_d).
        fast: V_m on the grid of their places, (R, C, n_1, …, n_d).
        dual: U_m there.
    """
    rows = len(slow)
    found = np.zeros((rows, rows))
    one, other = np.triu_indices(rows)
    for part in np.array_split(np.arange(len(one)), max(1, len(one) * math.prod(fast.shape[1:]) // _AT_ONCE)):
        m, n = one[part], other[part]
        sums = _degrees(slow[m] * slow[n], [piece.table for piece in zone])
        means = _degrees(np.einsum("mc...,mc...->m...", fast[m], dual[n]), [piece.moments for piece in zone])
        found[m, n] = found[n, m] = (sums * means).sum(axis=1)
    return found


def _degrees(values: Array, tables: Sequence[Array]) -> Array:
    """Functions on a tensor grid, (R, n_1, …), against Legendre polynomials, (R, K^d)."""
    for table in tables:  # each takes the first direction and puts its degrees last
        rows, count = values.shape[:2]
        rest = values.shape[2:]
        turned = values.reshape(rows, count, -1).swapaxes(1, 2) @ table
        values = turned.reshape(rows, *rest, table.shape[1])
    return values.reshape(len(values), -1)


def contracted(zone: Sequence[Piece], slow: Array, fast: Array) -> float:
    """∫ q(x) p(x/ε) dx from values of q at the nodes, (S_1, …), and of p at the places, (n_1, …)."""
    sums = _degrees(slow[None], [piece.table for piece in zone])
    return float((sums * _degrees(fast[None], [piece.moments for piece in zone])).sum())
