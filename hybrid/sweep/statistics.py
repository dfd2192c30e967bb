"""TEMP."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Spread:
    median: float
    lower: float
    upper: float
    worst: float


@dataclass(frozen=True)
class Order:
    slope: float
    low: float
    high: float


def spread(values):
    v = np.array(values)
    return Spread(float(np.median(v)), *map(float, np.quantile(v, [0.25, 0.75])), float(v.max()))


def order(h, errors):
    x, y = np.log(h), np.log(errors)
    c, cov = np.polyfit(x, y, 1, cov=False), None
    res = y - np.polyval(c, x)
    n = len(x)
    se = np.sqrt((res**2).sum() / max(n - 2, 1) / ((x - x.mean()) ** 2).sum()) if n > 2 else np.nan
    return Order(float(c[0]), float(c[0] - 3 * se), float(c[0] + 3 * se))


def pareto(costs, errors):
    best = np.inf
    out = []
    for i in np.lexsort((errors, costs)):
        if errors[i] < best:
            best = errors[i]
            out.append(int(i))
    return out
