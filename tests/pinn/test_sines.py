"""Sines on the points of a box, and the equation by differences."""

from __future__ import annotations

import numpy as np
import pytest

from hybrid.pinn.steady.sines import SineGrid, solve

GRID = SineGrid(((0.0, 1.0), (0.0, 2.0)), (48, 64))


def _solution() -> np.ndarray:
    x, y = GRID.points().T
    return np.asarray((np.sin(np.pi * x) * np.sin(np.pi * y / 2) * np.exp(x)).reshape(GRID.shape))


def _right(a11: np.ndarray | float, a12: float, a22: float, slope: float) -> np.ndarray:
    """-∂_i( a_ij ∂_j u ), where a_11 depends on x with this slope."""
    x, y = GRID.points().T
    s, c = np.sin(np.pi * y / 2), np.pi / 2 * np.cos(np.pi * y / 2)
    e, p = np.exp(x), np.pi
    g = e * np.sin(p * x)
    g1 = e * (np.sin(p * x) + p * np.cos(p * x))
    g2 = e * ((1 - p**2) * np.sin(p * x) + 2 * p * np.cos(p * x))
    value = -(a11 * g2 * s + slope * g1 * s + 2 * a12 * g1 * c - a22 * (p / 2) ** 2 * g * s)
    return np.asarray(value.reshape(GRID.shape))


def test_the_transform_is_its_own_inverse() -> None:
    values = np.random.default_rng(0).random(GRID.shape)
    assert np.abs(GRID.transform(GRID.transform(values)) - values).max() < 1e-13


@pytest.mark.parametrize("a12", [0.0, 0.9])
def test_a_constant_coefficient(a12: float) -> None:
    found = solve(GRID, np.array([[2.0, a12], [a12, 1.0]]), _right(2.0, a12, 1.0, 0.0))
    assert GRID.norm(found - _solution()) < 2e-3 * GRID.norm(_solution())


def test_a_coefficient_that_depends_on_x() -> None:
    middles = GRID.middles()
    a = np.zeros((*GRID.cells, 2, 2))
    a[..., 0, 0] = (1 + 10 * middles[:, 0]).reshape(GRID.cells)
    a[..., 0, 1] = a[..., 1, 0] = 0.5
    a[..., 1, 1] = 2.0
    found = solve(GRID, a, _right(1 + 10 * GRID.points()[:, 0], 0.5, 2.0, 10.0))
    assert GRID.norm(found - _solution()) < 3e-3 * GRID.norm(_solution())


def test_numbers_whose_squares_vanish() -> None:
    tiny = solve(GRID, np.eye(2), 1e-200 * _right(1.0, 0.0, 1.0, 0.0))
    assert GRID.norm(tiny) == pytest.approx(1e-200 * GRID.norm(_solution()), rel=2e-3)
