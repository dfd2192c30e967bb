"""What many runs say together, against what is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hybrid.sweep.statistics import order, pareto, spread


def test_spreads() -> None:
    found = spread([5.0, 1.0, 2.0, 4.0, 3.0])
    assert (found.median, found.lower, found.upper, found.worst) == (3.0, 2.0, 4.0, 5.0)


def test_orders_of_power_laws_and_of_two_points() -> None:
    h = np.array([0.5, 0.25, 0.125, 0.0625])
    exact = order(h, 3 * h**1.5)
    assert (exact.slope, exact.low, exact.high) == pytest.approx((1.5, 1.5, 1.5))
    two = order(h[:2], 3 * h[:2] ** 2)
    assert two.slope == pytest.approx(2.0)
    assert math.isnan(two.low)
    assert math.isnan(two.high)


def test_intervals_of_orders_cover_as_often_as_they_say() -> None:
    random, h = np.random.default_rng(0), np.array([0.5, 0.25, 0.125, 0.0625, 0.03125])
    found = [order(h, h * np.exp(0.1 * random.standard_normal(len(h)))) for _ in range(2000)]
    assert np.mean([one.low <= 1.0 <= one.high for one in found]) == pytest.approx(0.95, abs=0.015)


def test_nobody_beats_the_frontier() -> None:
    assert pareto([1.0, 2.0, 3.0, 1.0, 4.0], [0.1, 0.2, 0.05, 0.3, 0.05]) == [0, 2]
