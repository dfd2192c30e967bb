"""What many runs say together: spreads over seeds, observed orders, the best error for the time. Plain functions on arrays."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Values = npt.ArrayLike | Sequence[float | None]


@dataclass(frozen=True)
class Spread:
    """Of a number over seeds.

    Attributes:
        count: How many runs there are.
        low, median, high: Quartiles and median of those that have the number.
        worst: The largest of them.
        failed: The share of runs that failed to train: they have not the number, or `trained` says so.
    """

    count: int
    low: float
    median: float
    high: float
    worst: float
    failed: float


def spread(values: Values, trained: Sequence[bool | None] | None = None) -> Spread:
    """Of values, one for each seed; None or nan where a run has failed.

    Quartiles are those of the runs that have the number, interpolated linearly (Hyndman and Fan 1996, type 7); a network that
    failed to train counts among them with the error that it has.

    Args:
        values: One for each run.
        trained: Whether the networks of each have trained (`hybrid.study.rows.trained`); a failed run has None.
    """
    array = _floats(values)
    known = array[~np.isnan(array)]
    bad = np.isnan(array)
    if trained is not None:
        bad = bad | np.array([one is not True for one in trained])
    low, median, high = np.quantile(known, [0.25, 0.5, 0.75]) if known.size else (math.nan,) * 3
    worst = float(known.max()) if known.size else math.nan
    return Spread(
        len(array), float(low), float(median), float(high), worst, float(bad.mean()) if len(array) else math.nan
    )


@dataclass(frozen=True)
class Order:
    """e ≈ C h^p, fitted to logarithms by least squares.

    Attributes:
        order: p.
        low, high: Where p is with the confidence asked for, if deviations from the line are independent and normal.
        constant: C.
        points: How many points the line goes through.
    """

    order: float
    low: float
    high: float
    constant: float
    points: int


def order(h: Values, errors: Values, confidence: float = 0.95) -> Order:
    """The observed order of an error in h or ε, with an interval (Student's t for the slope of a line, n - 2 degrees of
    freedom).

    Points without a positive error are left out. Two points give a line and no interval: its ends are infinite.

    Raises:
        ValueError: There are fewer than two different h, or `confidence` is not between 0 and 1.
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence = {confidence}; allowed is a number between 0 and 1")
    x, y = _floats(h), _floats(errors)
    good = (x > 0) & (y > 0) & np.isfinite(x) & np.isfinite(y)
    x, y = np.log(x[good]), np.log(y[good])
    if len(np.unique(x)) < 2:
        raise ValueError("an order needs errors at two different h")
    spread_of_x = float(((x - x.mean()) ** 2).sum())
    p = float(((x - x.mean()) * (y - y.mean())).sum() / spread_of_x)
    rest = y - y.mean() - p * (x - x.mean())
    free = len(x) - 2
    half = math.inf
    if free:
        half = student(confidence, free) * math.sqrt(float((rest**2).sum()) / free / spread_of_x)
    return Order(p, p - half, p + half, math.exp(float(y.mean() - p * x.mean())), len(x))


def student(confidence: float, free: int) -> float:
    """t for which a variable of Student's distribution with so many degrees of freedom lies in [-t, t] with this probability.

    By bisection of the probability, which is a finite sum for whole degrees of freedom (Abramowitz and Stegun, 26.7.3 and 4).
    """

    def probability(t: float) -> float:
        theta = math.atan(t / math.sqrt(free))
        c2, term, total = math.cos(theta) ** 2, 1.0, 0.0
        if free % 2:
            term = math.cos(theta)
            for k in range(1, (free - 1) // 2 + 1):
                total += term
                term *= 2 * k / (2 * k + 1) * c2
            return 2 / math.pi * (theta + math.sin(theta) * total)
        for k in range(1, free // 2 + 1):
            total += term
            term *= (2 * k - 1) / (2 * k) * c2
        return math.sin(theta) * total

    low, high = 0.0, 1.0
    while probability(high) < confidence:
        high *= 2
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if probability(middle) < confidence else (low, middle)
    return (low + high) / 2


def pareto(costs: Values, errors: Values) -> npt.NDArray[np.intp]:
    """Which runs are on the frontier of work against precision: none is both cheaper, or as cheap, and more accurate.

    Returns:
        Their indices, by cost.
    """
    cost, error = _floats(costs), _floats(errors)
    found, best = [], math.inf
    for i in np.lexsort((error, cost)):
        if error[i] < best and np.isfinite(cost[i]):
            found.append(int(i))
            best = error[i]
    return np.array(found, dtype=np.intp)


def grouped(rows: Sequence[Mapping[str, Any]], by: Sequence[str]) -> dict[tuple[Any, ...], list[Mapping[str, Any]]]:
    """Rows (`table.to_pylist()`) with the same values in some columns together, in the order in which they come first."""
    found: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for row in rows:
        found.setdefault(tuple(row.get(name) for name in by), []).append(row)
    return found


COSTS: Mapping[str, tuple[str, ...]] = {
    "FEM": ("seconds.cell", "seconds.v"),
    "networks": ("seconds.pinn_cell", "seconds.pinn_homogenized"),
    "reference": ("seconds.reference",),
}
"""Whose seconds are the cost of what: of e4, of e1 and e5, and of the reference itself."""


def cost(row: Mapping[str, Any], of: str) -> float:
    """The seconds of a way to the solution, one of `COSTS`; nan where a run has them not."""
    parts = [row.get(name) for name in COSTS[of]]
    return math.nan if None in parts else float(sum(part for part in parts if part is not None))


def _floats(values: Values) -> npt.NDArray[np.float64]:
    """As an array, nan for None."""
    return np.array([math.nan if value is None else value for value in values], dtype=np.float64)  # type: ignore[union-attr]
