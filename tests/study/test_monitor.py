"""The error of a network while it trains."""

from __future__ import annotations

import pytest

from hybrid import EllipticProblem
from hybrid.pinn import LevenbergMarquardt, homogenized_networks, solve_homogenized
from hybrid.study.monitor import Monitor, significant, thinned
from hybrid.symbols import y


def test_errors_are_kept_every_few_steps_and_averaged_over_the_last() -> None:
    passed: list[int] = []
    now = {"value": 0.0}
    monitor = Monitor(lambda: {"e1": now["value"]}, 10, lambda step, *_: passed.append(step), last=20)
    for step in range(51):
        now["value"] = float(step)
        monitor(step, 50, 1.0)
    curve = monitor.curve()
    assert passed == list(range(51))
    assert curve["epochs"] == [0, 10, 20, 30, 40, 50]
    assert curve["errors"]["e1"] == [0, 10, 20, 30, 40, 50]
    assert curve["averages"]["e1"] == pytest.approx(45.0)


def test_networks_trained_one_after_the_other_keep_their_own_errors() -> None:
    monitor = Monitor(lambda: {"chi_1": 1.0, "chi_2": 2.0}, 5, lambda *_: None, last=6, separate=True)
    for _ in range(2):
        for step in range(11):
            monitor(step, 10, 1.0)
    curve = monitor.curve()
    assert curve["epochs"] == [0, 5, 10]
    assert curve["errors"] == {"chi_1": [1, 1, 1], "chi_2": [2, 2, 2]}
    assert curve["averages"] == {"chi_1": 1.0, "chi_2": 2.0}


def test_long_histories_are_thinned_from_the_end() -> None:
    loss = [1 / (k + 1) for k in range(1001)]
    kept = thinned(loss, 100)
    assert kept["steps"] == 1000
    assert len(kept["loss"]) <= 101
    assert kept["loss"][-1] == pytest.approx(loss[-1], rel=1e-5)
    assert kept["loss"][-2] == pytest.approx(loss[-1 - kept["loss_every"]], rel=1e-5)
    assert thinned([1.0, 0.5])["loss"] == [1.0, 0.5]
    assert significant([1.23456789]) == [1.23457]


def test_a_monitor_sees_the_copies_that_are_trained() -> None:
    """Solvers leave the networks that they are given as they are."""
    problem = EllipticProblem(domain=[(0, 1)], eps=0.1, a=2 + 0 * y[0], f=1)
    networks = homogenized_networks(problem, hidden=(6,))
    seen: list[float] = []

    def measure() -> dict[str, float]:
        seen.append(float(networks[0].weights[0].sum()))
        return {"e1": 0.0}

    monitor = Monitor(measure, 1, lambda *_: None, last=1)
    monitor.networks = networks
    optimizer = LevenbergMarquardt(steps=3)
    found = solve_homogenized(problem, [[1.0]], points=30, networks=networks, progress=monitor, optimizer=optimizer)
    assert len(set(seen)) == 4
    assert seen[-1] == float(found.networks[0].weights[0].sum())
