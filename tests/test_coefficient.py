from __future__ import annotations

import numpy as np

from hybrid.coefficient import SlowCoefficient, slow_nodes


def test_interpolation_and_derivatives_in_two_dimensions() -> None:
    domain = ((0.0, 2.0), (-1.0, 1.0))
    nodes = slow_nodes(domain, 20)

    def exact(p: np.ndarray) -> np.ndarray:
        f = np.exp(np.sin(p[:, 0]) * p[:, 1])
        return f[:, None, None] * np.array([[2.0, 0.5], [0.5, 1.0]])

    coefficient = SlowCoefficient(domain, nodes, exact(nodes))
    points = np.random.default_rng(0).random((30, 2)) * 2 - [0, 1]
    assert np.abs(coefficient(points) - exact(points)).max() < 1e-10
    gradient = coefficient.gradient(points)
    by_hand = np.stack([np.cos(points[:, 0]) * points[:, 1], np.sin(points[:, 0])], axis=1)[:, :, None, None]
    assert np.abs(gradient - by_hand * exact(points)[:, None]).max() < 1e-8
    assert coefficient.truncation < 1e-10
    assert SlowCoefficient(domain, slow_nodes(domain, 3), exact(slow_nodes(domain, 3))).truncation > 1e-3
