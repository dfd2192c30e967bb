"""What is looked for between the samples: minima of a, jumps of r; and what warnings say."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import sympy

from hybrid import EllipticProblem, ReactionDiffusionProblem
from hybrid.averages import cell_mean
from hybrid.checks import check_domain
from hybrid.failures import InputError
from hybrid.symbols import Abs, cos, exp, pi, sin, sqrt, x, y

step = sympy.Heaviside
UNITS = [1e-20, 1.0, 1e20]


def elliptic(a: Any, dim: int = 1) -> EllipticProblem:
    return EllipticProblem(domain=[(0, 1)] * dim, eps=0.1, a=a, f=1)


def reacting(r: Any, dim: int = 1, **given: Any) -> ReactionDiffusionProblem:
    usual = {"domain": [(0, 1)] * dim, "eps": 0.1, "D": 1.0, "f": 1, "u0": 0, "T": 1.0}
    return ReactionDiffusionProblem(r=r, **usual | given)


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("dim", [1, 2])
@pytest.mark.parametrize("waves", [7, 31, 97])
def test_minima_between_the_samples(dim: int, waves: int, unit: float) -> None:
    wave = sin(2 * pi * waves * y[dim - 1] + 0.1)
    elliptic(unit * (1.02 + wave), dim)
    for shift in (0.9999, 1):
        with pytest.raises(InputError, match=r"^a: not positive"):
            elliptic(unit * (shift + wave), dim)


def test_minima_in_the_slow_variable() -> None:
    with pytest.raises(InputError, match=r"^a: not positive.* at x0 = 0.3"):
        elliptic((1.0001 - exp(-1000 * (x[0] - 0.3) ** 2) * 1.001) * (2 + sin(2 * pi * y[0])))


@pytest.mark.parametrize(
    "a", [1 + sqrt(Abs(sin(2 * pi * y[0]))), 1 + 1e6 * step(sin(2 * pi * y[0])), exp(9 * sin(2 * pi * y[0]))]
)
def test_infinite_slopes_jumps_and_contrasts_are_allowed(a: Any) -> None:
    assert elliptic(a).dim == 1


@pytest.mark.parametrize("unit", UNITS)
def test_means_of_functions_that_jump(unit: float) -> None:
    inside = step(cos(2 * pi * y[0]) - cos(sympy.Rational(3, 10) * pi))
    reacting(10 * unit * (inside - sympy.Rational(3, 10)))
    with pytest.raises(InputError, match=r"^r: its mean"):
        reacting(10 * unit * (inside - 0.3001))


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_means_along_the_axes(dim: int) -> None:
    """Jumps are found to rounding along the last axis, and by lines across the others."""
    stripe = step(cos(2 * pi * y[dim - 1]) - cos(0.3 * pi))
    mean, error = cell_mean(stripe * (1 + sin(2 * pi * y[0])), y[:dim], (1.0,) * dim)
    assert mean == pytest.approx(0.3, abs=1e-12)
    assert error < 1e-12


def test_means_between_curves_know_their_error() -> None:
    disc = step(cos(2 * pi * y[0]) + cos(2 * pi * y[1]) - 1)
    mean, error = cell_mean(disc, y[:2], (1.0, 1.0))
    points = (np.arange(2_000_000) + 0.5) / 2_000_000
    inner = np.clip(1 - np.cos(2 * np.pi * points), -1, 1)
    exact = float(np.mean(np.where(np.cos(2 * np.pi * points) > 0, np.arccos(inner) / np.pi, 0)))
    assert abs(mean - exact) < 2 * error + 1e-9
    assert error < 1e-3
    reacting(disc - exact, 2)
    with pytest.raises(InputError, match=r"^r: its mean"):
        reacting(disc - exact - 0.01, 2)


def test_kinks_of_minima_and_maxima() -> None:
    reacting(sympy.Max(cos(2 * pi * y[0]), 0) - 1 / pi)


def test_small_means_are_means() -> None:
    for unit in UNITS:
        with pytest.raises(InputError, match=r"^r: its mean"):
            reacting(unit * (cos(2 * pi * y[0]) + 1e-5))


def test_a_mean_is_refused_if_it_matters_until_the_end() -> None:
    """∂_t u + (m/ε) u = … makes exp(-m T / ε) of u, which homogenization does not see."""
    r = cos(2 * pi * y[0]) + 1e-9
    assert reacting(r, T=10.0).doubt == pytest.approx(1e-7, rel=1e-3)
    with pytest.raises(InputError, match=r"^r: its mean .* mean T / eps = 1e-05"):
        reacting(r, T=1000.0)
    assert reacting(cos(2 * pi * y[0]), T=1000.0).doubt < 1e-11


def test_a_mean_that_quadrature_does_not_tell_from_zero_is_known_by_what_it_may_make() -> None:
    disc = step(cos(2 * pi * y[0]) + cos(2 * pi * y[1]) - 1)
    mean, error = cell_mean(disc, y[:2], (1.0, 1.0))
    effect = reacting(disc - mean, 2, T=2.0, eps=0.1).doubt
    assert 1e-5 < 20 * error <= effect < 100 * error


def test_what_has_the_solution_zero() -> None:
    with pytest.raises(InputError, match=r"^f, u0: zero everywhere"):
        reacting(cos(2 * pi * y[0]), f=0)
    assert reacting(0, f=0, u0=sin(pi * x[0])).r == 0


def test_a_warning_where_the_expansion_does_not_hold() -> None:
    r = cos(2 * pi * y[0])
    strong = reacting(r, D=1e-3)
    assert strong.first_order_term == pytest.approx(0.1 / (4 * math.pi**2 * 1e-3), rel=1e-3)
    (warning,) = strong.warnings()
    assert "2.53" in warning
    assert reacting(r).warnings() == []
    # And the advice cures it.
    assert "eps below 0.0039" in warning
    assert reacting(r, D=1e-3, eps=1 / 260).warnings() == []


@pytest.mark.parametrize("size", [1e-12, 1e-7, 1e9, 1e12])
def test_sizes_that_can_be_computed_in(size: float) -> None:
    assert check_domain([(0, size)]) == ((0.0, size),)


@pytest.mark.parametrize("domain", [[(0, 1e-16)], [(0, 1e16)], [(1e9, 1e9 + 1)], 3, [(0, math.nan)]])
def test_sizes_that_cannot(domain: Any) -> None:
    with pytest.raises(InputError, match=r"^domain: "):
        check_domain(domain)
