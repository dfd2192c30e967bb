"""What three solutions say of the error of the finest: orders are used as they are seen."""

from __future__ import annotations

import math

import pytest

from hybrid.fem.norms import extrapolated, richardson_of_values


def values(order: float, count: int = 3) -> list[float]:
    """Of 1 + h^order on meshes of size 1/8, 1/4, 1/2."""
    return [1 + 0.1 * (2.0**k / 8) ** order for k in range(count)]


@pytest.mark.parametrize("order", [0.17, 0.6, 1.0, 2.0, 5.0])
def test_orders_below_one_are_used_too(order: float) -> None:
    finest = values(order)[0]
    assert richardson_of_values(values(order), [2, 2], 8) == pytest.approx((finest - 1) / finest, rel=1e-6)


def test_no_order_is_better_than_the_elements() -> None:
    assert extrapolated(1e-4, 1.0, [2, 2], 3) == pytest.approx(1e-4 / 7)


@pytest.mark.parametrize("second", [1e-3, 0.5e-3, 0.0])
def test_differences_that_grow_say_nothing(second: float) -> None:
    assert extrapolated(1e-3, second, [2, 2], 3) == math.inf


@pytest.mark.parametrize("differences", [(1e-13, 1e-13), (0.0, 0.0), (3e-14, 1e-14), (0.0, 1e-16)])
def test_rounding_is_no_reason_for_doubt(differences: tuple[float, float]) -> None:
    assert 1e-15 <= extrapolated(*differences, [2, 2], 3) < 2e-13


def test_a_mesh_that_was_compared_with_itself_says_nothing() -> None:
    assert extrapolated(0.0, 0.0, [1, 1], 3) == math.inf


def test_zero_is_right_where_all_are_zero() -> None:
    assert richardson_of_values([0.0, 0.0, 0.0], [2, 2], 4) == 0
    assert richardson_of_values([0.0, 1e-3, 2e-3], [2, 2], 4) == math.inf
