from __future__ import annotations

import pytest
import sympy

from hybrid import EllipticProblem, InputError
from hybrid.symbols import cos, pi, sin, x, y

GOOD = {"domain": [(0, 1), (0, 1)], "eps": 0.25, "a": 2 + sin(2 * pi * y[0]), "f": 1}


def test_a_scalar_becomes_a_matrix() -> None:
    problem = EllipticProblem(**GOOD)
    assert problem.medium.isotropic
    assert problem.medium.matrix == GOOD["a"] * sympy.eye(2)
    assert problem.periods == (4.0, 4.0)
    assert not problem.warnings()
    assert not problem.medium.depends_on
    assert EllipticProblem(**GOOD | {"a": GOOD["a"] + x[0]}).medium.depends_on


def test_the_digest_is_of_the_problem_and_nothing_else() -> None:
    one = EllipticProblem(**GOOD, name="one")
    assert one.digest == EllipticProblem(**GOOD, name="two").digest
    for change in ({"eps": 0.125}, {"f": 2}, {"a": 3}, {"domain": [(0, 1), (0, 2)]}, {"period": 2}):
        assert EllipticProblem(**GOOD | change).digest != one.digest


@pytest.mark.parametrize(
    ("change", "field", "part"),
    [
        ({"a": sin(2 * pi * y[0])}, "a", "not positive"),
        ({"a": 1 + sin(2 * pi * y[0])}, "a", "not positive"),  # zero in one point only
        ({"a": [[1, 2], [2, 1]]}, "a", "not positive"),
        ({"a": [[1, 0.1], [0, 1]]}, "a", "not symmetric"),
        ({"a": [[1, 0, 0], [0, 1, 0], [0, 0, 1]]}, "a", "shape 3×3"),
        ({"a": 2 + sin(y[0])}, "period", "does not have the period 1 in y0"),
        ({"a": 2 + y[2]}, "a", "y2 may not appear"),
        ({"a": "2"}, "a", "neither a number nor"),
        ({"a": 1 / sin(2 * pi * y[0]) ** 2}, "a", "not a finite number"),
        ({"a": 2 + sympy.Max(0, y[0] - 3)}, "period", "does not have the period"),  # periodic at first only
        ({"f": 0}, "f", "zero everywhere"),
        ({"eps": 1e300}, "eps", "no multiscale problem"),
        ({"domain": [(0, 1e-300), (0, 1)]}, "domain", "too small"),
        ({"eps": 10**400}, "eps", "not a number"),
        ({"f": y[0]}, "f", "y0 may not appear"),
        ({"f": 1 / (x[0] - x[0] + 0 * x[1])}, "f", ""),
        ({"eps": 0}, "eps", "positive"),
        ({"eps": "small"}, "eps", "not a number"),
        ({"period": [1, 1, 1]}, "period", "3 periods for 2"),
        ({"domain": [(0, 1), (1, 0)]}, "domain", "empty"),
        ({"domain": []}, "domain", "0 dimensions"),
        ({"domain": [(0,)]}, "domain", "not an interval"),
    ],
)
def test_wrong_input_is_named(change: dict[str, object], field: str, part: str) -> None:
    with pytest.raises(InputError) as caught:
        EllipticProblem(**GOOD | change)
    assert caught.value.where == field
    assert part in caught.value.what
    assert "\n" not in str(caught.value)


def test_steep_coefficients_of_high_contrast_are_accepted() -> None:
    steep = 1 + 9 * sympy.Min(sympy.Max(sin(2 * pi * y[0]) * 1e6, 0), 1)
    wide = (2 + sin(2 * pi * y[0])) ** 20 * (2 + cos(2 * pi * y[0])) ** 20
    for a in (steep, wide):
        EllipticProblem(**GOOD | {"a": a})


def test_broken_periods_are_warned_about() -> None:
    (warning,) = EllipticProblem(**GOOD | {"eps": 0.3}).warnings()
    assert "does not divide the domain into whole periods" in warning
    assert "e4" in warning


def test_other_periods() -> None:
    problem = EllipticProblem(domain=[(0, 1)], eps=0.01, a=2 + cos(y[0]), f=1, period=float(2 * pi))
    assert problem.periods[0] == pytest.approx(100 / 6.283185307179586)
