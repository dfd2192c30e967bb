"""What many runs say together: spreads over seeds, orders of convergence, and who is beaten by nobody."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)
"""97.5 % quantiles of Student's t for 1, 2, … degrees of freedom."""


@dataclass(frozen=True)
class Spread:
    """Of a number over runs: its median, its quartiles, and the largest."""

    median: float
    lower: float
    upper: float
    worst: float


@dataclass(frozen=True)
class Order:
    """An observed order, and the interval that covers it with 95 % where errors scatter about a power law.

    `low` and `high` are NaN where there are two points only.
    """

    slope: float
    low: float
    high: float


def spread(values: Sequence[float]) -> Spread:
    """Of one number or more."""
    lower, median, upper, worst = np.quantile(np.asarray(values, dtype=float), [0.25, 0.5, 0.75, 1.0])
    return Spread(float(median), float(lower), float(upper), float(worst))


def order(h: Sequence[float], errors: Sequence[float]) -> Order:
    """The slope of log(error) against log(h) by least squares; of two different h or more, all numbers positive."""
    x, y = np.log(np.asarray(h, dtype=float)), np.log(np.asarray(errors, dtype=float))
    x, y = x - x.mean(), y - y.mean()
    slope, free = float(x @ y / (x @ x)), len(x) - 2
    if free < 1:
        return Order(slope, math.nan, math.nan)
    student = _STUDENT[free - 1] if free <= len(_STUDENT) else 1.96 + 2.5 / free
    off = student * float(np.linalg.norm(y - slope * x) / np.sqrt(free * (x @ x)))
    return Order(slope, slope - off, slope + off)


def pareto(costs: Sequence[float], errors: Sequence[float]) -> list[int]:
    """Which are beaten by nobody in both, in the order of their costs."""
    best, kept = math.inf, []
    for k in np.lexsort((errors, costs)):
        if errors[k] < best:
            best = errors[k]
            kept.append(int(k))
    return kept
