"""A coefficient that depends on x, sampled: closed forms, and features that few samples miss."""

from __future__ import annotations

import numpy as np
import pytest
import sympy

from hybrid import EllipticProblem
from hybrid.fem.cells.slowsamples import hardest, hardness, harmonic_means, interpolation_error
from hybrid.media.interpolated import slow_nodes
from hybrid.symbols import exp, pi, sin, x, y

FRONT = 4 * exp(-(((x[0] - 0.5083) / 0.0015) ** 2))


def _problem(a: object, dim: int = 1) -> EllipticProblem:
    return EllipticProblem(domain=[(0, 1)] * dim, eps=0.1, a=a, f=1)


def _bump(width: float) -> sympy.Expr:
    """One in each cell."""
    return exp(-((sin(pi * (y[0] - 0.52)) / (pi * width)) ** 2))


def test_harmonic_means_are_closed_forms() -> None:
    at = np.linspace(0, 1, 7)[:, None]
    means, changes = harmonic_means(_problem(2 + (1 + 0.999 * x[0]) * sin(2 * pi * y[0])).cell_problems(), at)
    exact = np.sqrt(4 - (1 + 0.999 * at[:, 0]) ** 2)
    assert np.abs(means / exact - 1).max() < 1e-13
    assert changes.max() <= 1e-13


def test_harmonic_means_of_a_kink_are_off_by_what_they_say() -> None:
    """1/a = |cos 2πy| + 1 has the mean 2/π + 1."""
    problem = _problem((1 + x[0]) / (1 + sympy.Abs(sympy.cos(2 * pi * y[0]))))
    means, changes = harmonic_means(problem.cell_problems(), np.array([[0.5]]))
    off = abs(means[0] / (1.5 / (1 + 2 / np.pi)) - 1)
    assert off <= changes[0] < 1e-7


def test_a_narrow_bump_of_little_contrast_is_hard() -> None:
    problem = _problem(exp(2 * (1 - x[0]) * sin(2 * pi * y[0])) + 3 * x[0] * _bump(0.01))
    chosen = hardest(hardness(problem.cell_problems(), slow_nodes(problem.domain, 9)))
    assert 0 in chosen  # the largest contrast
    assert 8 in chosen


def test_anisotropy_that_is_the_same_all_over_the_cell_is_not_hard() -> None:
    varying = 1 + x[0] * sin(2 * pi * y[0]) / 2
    a = sympy.Matrix([[100 * (1.1 - x[0]) * varying, 0], [0, varying]])
    assert hardest(hardness(_problem(a, 2).cell_problems(), np.array([[0.0, 0.5], [0.5, 0.5], [1.0, 0.5]]))) == [2]


def test_more_places_are_the_next_ones_by_each_measure() -> None:
    measures = np.array([[1.0, 2.0, 3.0, 9.0], [9.0, 3.0, 2.0, 1.0]])
    assert hardest(measures) == [3, 0]
    assert hardest(measures, 3) == [3, 0, 2]
    assert sorted(hardest(measures, 9)) == [0, 1, 2, 3]


@pytest.mark.parametrize("other", [0, x[1] / 10])
def test_a_narrow_front_along_one_of_two_directions_is_seen(other: sympy.Expr) -> None:
    counts = [9, 9 if other else 1]
    assert interpolation_error(_problem(2 + sin(2 * pi * y[0]) + FRONT + other, 2).cell_problems(), counts) > 0.1
    assert (
        interpolation_error(_problem((2 + sin(2 * pi * y[0])) * (1 + x[0] + other), 2).cell_problems(), counts) < 1e-12
    )


def test_a_narrow_front_along_one_of_three_directions_is_seen() -> None:
    assert interpolation_error(_problem(2 + sin(2 * pi * y[0]) + FRONT + x[2] / 10, 3).cell_problems(), [5, 1, 5]) > 0.1
