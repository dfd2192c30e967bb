"""∫_Ω q(x) p(x/ε) dx for smooth q and periodic p, at a cost that does not grow with 1/ε.

A direction is cut into panels of whole periods, of one period at the ends and twice as long each further in. On a panel q is the
polynomial through its values at Gauss's points. On each period that polynomial is a sum of Legendre polynomials L_α of the place t in
the period, and what is left are the moments ∫ p L_α dt: one table for p, one for each direction for the sums over all periods.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.polynomial.legendre import leggauss, legvander

from hybrid.failures import InputError

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Line:
    """One direction of the box.

    Attributes:
        low: Where it begins.
        high: Where it ends.
        step: The length of a period, ε times that of the cell.
        nodes: Gauss's points of all panels, (S,).
        weights: Of a plain integral, (S,).
        table: (S, K): ∫ q(x) p(x/ε) dx = Σ_s q(x_s) Σ_α table_sα ∫_0^1 p L_α dt, t counted from `low`.
    """

    low: float
    high: float
    step: float
    nodes: Array
    weights: Array
    table: Array

    @classmethod
    def of(cls, low: float, high: float, step: float, inner: int, outer: int) -> Line:
        """With so many points in each panel, and in those of the first and last period.

        Raises:
            InputError: There are not two whole periods, or no whole number of them.
        """
        periods = round((high - low) / step)
        if periods < 2 or abs(periods * step - (high - low)) > 1e-9 * (high - low):
            raise InputError(
                "eps", f"{(high - low) / step:.6g} periods in a direction of the domain; a bound is found for whole ones, two "
                "or more"
            )  # fmt: skip
        count = max(inner, outer)
        gauss, share = leggauss(count + 1)
        basis = _legendre((gauss + 1) / 2, count)
        nodes, weights, tables, begin = [], [], [], 0
        lengths = panels(periods)
        for place, length in enumerate(lengths):
            own = outer if place in {0, len(lengths) - 1} else inner
            points, unit = leggauss(own)
            inside = (np.arange(length)[:, None] + (gauss + 1) / 2) / length  # periods, places
            values = _interpolation(points, 2 * inside - 1)
            nodes.append(low + step * (begin + length * (points + 1) / 2))
            weights.append(step * length * unit / 2)
            tables.append(step * np.einsum("bgk,g,ga->ka", values, share / 2, basis))
            begin += length
        return cls(low, high, step, *map(np.concatenate, (nodes, weights, tables)))


def panels(periods: int) -> list[int]:
    """Lengths: 1, 1, 2, 4, … from both ends."""
    half, found = periods // 2, [1]
    while sum(found) + (size := sum(found)) <= half:
        found.append(size)
    rest = periods - 2 * sum(found)
    return [*found, *([rest] if rest else []), *reversed(found)]


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


def gram(lines: Sequence[Line], slow: Array, fast: Array, dual: Array) -> Array:
    """∫ s_m s_n V_m·U_n for all m, n, (R, R), for functions s of x and V, U of x/ε.

    Args:
        lines: The directions.
        slow: s_m at their nodes, (R, S_1, …, S_d).
        fast: V_m on a uniform grid of the cell, (R, C, m_1, …, m_d).
        dual: U_m there.
    """
    rows, counts = len(slow), fast.shape[2:]
    weights = [moments(count, line.table.shape[1]) for count, line in zip(counts, lines, strict=True)]
    found = np.zeros((rows, rows))
    for m in range(rows):
        for n in range(m, rows):
            found[m, n] = found[n, m] = contracted(lines, weights, slow[m] * slow[n], (fast[m] * dual[n]).sum(axis=0))
    return found


def contracted(lines: Sequence[Line], weights: Sequence[Array], slow: Array, fast: Array) -> float:
    """∫ q(x) p(x/ε) dx from values of q at the nodes, (S_1, …), and of p on the grid, (m_1, …)."""
    if not slow.any() or not fast.any():
        return 0.0
    for line, own in zip(lines, weights, strict=True):  # each takes the first direction and puts its degrees last
        slow = np.tensordot(slow, line.table, axes=(0, 0))
        fast = np.tensordot(fast, own, axes=(0, 0))
    return float((slow * fast).sum())
