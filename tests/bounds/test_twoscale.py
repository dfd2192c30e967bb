"""Integrals of functions of both scales against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hybrid import InputError
from hybrid.bounds.twoscale import Rule, contracted, moments, panels, pieces


@pytest.mark.parametrize("periods", [2, 3, 4, 7, 8, 64, 1024])
def test_a_wave_times_an_exponential(periods: int) -> None:
    """∫_0^1 e^x sin²(2π n x) dx = (e - 1)/2 · (1 - 1/(1 + (4π n)²)), in periods of layers and in those between."""
    exact = (math.e - 1) / 2 * (1 - 1 / (1 + (4 * math.pi * periods) ** 2))
    for depth in (0, 1, min(2, periods)):
        total = 0.0
        for piece in pieces(0.0, 1.0, 1 / periods, 24, Rule(10, 10, 1.0), depth):
            wave = np.sin(2 * np.pi * piece.places) ** 2
            total += contracted([piece], np.exp(piece.nodes), wave)
        assert total == pytest.approx(exact, rel=1e-13)


def test_two_directions_and_their_order() -> None:
    """∫∫ x_0 sin(2π x_0/ε) x_1² over the unit square = -ε/(2π) · 1/3."""
    zones = [pieces(0.0, 1.0, 1 / 8, count, Rule(6, 6, 1.0), 0)[0] for count in (16, 12)]
    slow = np.multiply.outer(zones[0].nodes, zones[1].nodes ** 2)
    fast = np.multiply.outer(np.sin(2 * np.pi * zones[0].places), np.ones(12))
    assert contracted(zones, slow, fast) == pytest.approx(-1 / (8 * 2 * math.pi * 3), rel=1e-12)


def test_moments_are_exact_for_waves() -> None:
    """∫_0^1 cos(2πkt) dt = 0 and ∫_0^1 sin(2πkt) √3 (2t - 1) dt = -√3/(πk)."""
    table = moments(20, 4)
    t = np.arange(20) / 20
    for k in range(1, 10):
        assert np.cos(2 * np.pi * k * t) @ table[:, 0] == pytest.approx(0, abs=1e-14)
        assert np.sin(2 * np.pi * k * t) @ table[:, 1] == pytest.approx(-math.sqrt(3) / (math.pi * k), rel=1e-12)


def test_panels_fill_the_line() -> None:
    assert panels(8, 0) == [1, 1, 2, 2, 1, 1]
    for before in (0, 1, 2, 4):
        for periods in range(1, 70):
            assert sum(panels(periods, before)) == periods


def test_cut_periods_are_refused() -> None:
    for step in (0.3, 0.7):
        with pytest.raises(InputError, match="whole ones"):
            pieces(0.0, 1.0, step, 8, Rule(4, 4, 1.0), 0)
