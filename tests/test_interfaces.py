"""Where coefficients jump."""

from __future__ import annotations

import math

import pytest
import sympy

from hybrid.interfaces import curved, kinks, level_sets, planes
from hybrid.symbols import FUNCTIONS, cos, pi, sin, x, y

step = FUNCTIONS["step"]
CELL = [(0.0, 1.0), (0.0, 1.0)]


def _matrix(a: sympy.Expr) -> sympy.Matrix:
    return sympy.Matrix([[a]])


def test_planes_are_found_where_factors_change_their_signs() -> None:
    functions = level_sets(_matrix(1 + step(sin(2 * pi * y[0]) * sin(2 * pi * y[1]))))
    first, second = planes(functions, y[:2], CELL)
    assert first == pytest.approx([0.0, 0.5], abs=1e-15)
    assert second == pytest.approx([0.0, 0.5], abs=1e-15)


def test_one_plane_from_two_level_sets_is_one_plane() -> None:
    functions = level_sets(_matrix(1 + step(sin(2 * pi * y[0])) + step(sin(4 * pi * y[0]))))
    assert planes(functions, y[:2], CELL)[0] == pytest.approx([0, 0.25, 0.5, 0.75], abs=1e-14)


def test_curves_and_slow_variables_are_no_planes_of_the_cell() -> None:
    a = _matrix(1 + step(sin(2 * pi * (y[0] + y[1]))) + step(x[0] - 0.3))
    assert len(curved(level_sets(a))) == 1
    assert planes(level_sets(a), y[:2], CELL) == [[], []]
    assert planes(level_sets(a), x[:1], [(0.0, 2.0)])[0] == pytest.approx([0.3], abs=1e-14)


def test_kinks_are_where_the_arguments_of_a_maximum_meet() -> None:
    a = _matrix(2 + FUNCTIONS["abs"](cos(2 * pi * y[0])) + FUNCTIONS["max"](sin(2 * pi * y[0]), 0))
    assert planes(kinks(a), y[:1], CELL[:1])[0] == pytest.approx([0, 0.25, 0.5, 0.75], abs=1e-14)


@pytest.mark.parametrize("middle", [0.0, 0.37, 0.99995])
def test_layers_thinner_than_the_samples_are_seen(middle: float) -> None:
    phi = sympy.cos(2 * sympy.pi * (y[0] - middle)) - math.cos(2 * math.pi * 1e-5)
    (found,) = planes([phi], y[:1], [(0.0, 1.0)])
    assert found == pytest.approx(sorted(((middle + s) % 1.0) for s in (-1e-5, 1e-5)), abs=1e-9)
