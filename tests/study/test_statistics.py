"""Spreads, orders and frontiers, against what is known of them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hybrid.study.statistics import cost, grouped, order, pareto, spread, student


def test_a_spread_is_that_of_the_runs_that_have_the_number() -> None:
    found = spread([1.0, 2.0, 3.0, 4.0, None], [True, True, True, False, None])
    assert (found.low, found.median, found.high, found.worst, found.count) == (1.75, 2.5, 3.25, 4.0, 5)
    assert found.failed == pytest.approx(2 / 5)
    assert math.isnan(spread([None, None]).median)


# Tables of Student's distribution, two-sided 95 % and 99 %.
@pytest.mark.parametrize(
    ("confidence", "free", "t"),
    [(0.95, 1, 12.7062), (0.95, 2, 4.30265), (0.95, 3, 3.18245), (0.95, 10, 2.22814), (0.99, 7, 3.49948)],
)
def test_students_distribution_is_that_of_the_tables(confidence: float, free: int, t: float) -> None:
    assert student(confidence, free) == pytest.approx(t, rel=1e-5)


def test_an_exact_power_has_its_order_and_no_interval_to_speak_of() -> None:
    h = 2.0 ** -np.arange(2, 8)
    found = order(h, 3 * h**1.5)
    assert found.order == pytest.approx(1.5, abs=1e-12)
    assert found.constant == pytest.approx(3, rel=1e-12)
    assert found.high - found.low < 1e-12
    assert order(h[:2], h[:2]).high == math.inf


def test_intervals_hold_the_order_as_often_as_they_say() -> None:
    generator, h = np.random.default_rng(0), 2.0 ** -np.arange(2, 8)
    held = 0
    for _ in range(2000):
        found = order(h, h * np.exp(0.1 * generator.normal(size=len(h))), confidence=0.9)
        held += found.low <= 1 <= found.high
    assert abs(held / 2000 - 0.9) < 4 * math.sqrt(0.09 / 2000)


def test_orders_leave_out_what_has_no_logarithm() -> None:
    assert order([0.5, 0.25, 0.125, 0.1], [0.5, 0.25, None, 0.0]).points == 2
    with pytest.raises(ValueError, match="two different h"):
        order([0.5, 0.5], [1.0, 2.0])


def test_a_frontier_is_what_nothing_beats() -> None:
    costs, errors = [1.0, 2.0, 2.0, 3.0, 4.0, None], [1.0, 0.5, 0.4, 0.6, 0.1, 0.0]
    found = pareto(costs, errors)
    assert found.tolist() == [0, 2, 4]
    for i in range(5):
        others = [(costs[j], errors[j]) for j in range(5) if (costs[j], errors[j]) != (costs[i], errors[i])]
        beaten = any(c <= costs[i] and e <= errors[i] for c, e in others)
        assert beaten != (i in found)


def test_rows_are_grouped_in_their_order() -> None:
    rows = [{"eps": 0.2, "e": 1}, {"eps": 0.1, "e": 2}, {"eps": 0.2, "e": 3}]
    assert {key: [row["e"] for row in group] for key, group in grouped(rows, ["eps"]).items()} == {
        (0.2,): [1, 3],
        (0.1,): [2],
    }


def test_costs_are_those_of_the_way() -> None:
    row = {"seconds.cell": 1.0, "seconds.v": 0.5, "seconds.pinn_cell": None, "seconds.pinn_homogenized": 2.0}
    assert cost(row, "FEM") == 1.5
    assert math.isnan(cost(row, "networks"))
