"""Points whose coordinates repeat."""

from __future__ import annotations

import numpy as np

from hybrid.product import Product, different


def test_a_shuffled_grid_is_found_again() -> None:
    axes = np.linspace(0, 1, 33), np.linspace(-2, 5, 17) ** 3
    points = np.stack([g.ravel() for g in np.meshgrid(*axes, indexing="ij")], axis=1)
    points = points[np.random.default_rng(0).permutation(len(points))]
    found = Product.of(points * (1 + 2e-16))
    assert found.shape == (33, 17)
    assert found.repeats
    assert np.abs(found.grid()[found.numbers()] - points).max() < 1e-13
    assert np.array_equal(found.taken(np.array([3, 5])).points(), found.points()[[3, 5]])


def test_scattered_points_stay_what_they_are() -> None:
    points = np.random.default_rng(0).random((5000, 2))
    found = Product.of(points)
    assert not found.repeats
    for axis, index, column in zip(found.axes, found.index, points.T, strict=True):
        assert (np.diff(axis) > 0).all()
        assert np.array_equal(axis[index], column)


def test_maps_make_coordinates_the_same() -> None:
    x = np.linspace(0, 1, 65)
    found = Product.of(np.stack([x, x], axis=1)).mapped([lambda t: np.mod(8 * t, 1.0), lambda t: t], 1e-12)
    assert found.shape == (8, 65)


def test_no_points_and_one_number() -> None:
    assert len(Product.of(np.empty((0, 2)))) == 0
    values, index = different(np.full(7, 3.0))
    assert values.tolist() == [3.0]
    assert index.tolist() == [0] * 7
