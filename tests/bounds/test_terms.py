"""Every term of r and of τ, whatever the correctors are: r vanishes on the boundary, E is its gradient, and τ has the right
divergence."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from hybrid.bounds.reconstruction import Reconstruction

sys.path.insert(0, str(Path(__file__).parent))
from reconstructions import made_of_noise, zone_of


def _at(made: Reconstruction, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """∇r, τ and r at one point."""
    terms, _, _ = made.products(zone_of(made, x))
    slow = np.array([s.item() for s in terms.slow])
    total = sum(c.item() * v.item() for c, v in zip(terms.weights, terms.values, strict=True))
    return slow @ np.stack(terms.strains)[:, :, 0], slow @ np.stack(terms.fluxes)[:, :, 0], total


@pytest.mark.parametrize(("dim", "periods"), [(2, 5), (2, 2), (3, 3)])
def test_gradient_and_divergence(dim: int, periods: int) -> None:
    """In all zones, by differences of sixth order; near the faces layers or the cutoff are at work."""
    made = made_of_noise(dim, periods)
    rng = np.random.default_rng(0)
    corners = [
        np.zeros(dim),
        np.full(dim, periods - 1),
        np.full(dim, periods // 2),
        *rng.integers(0, periods, (2, dim)),
    ]
    h = 1e-3 / periods
    for corner in corners:
        x = (corner + rng.uniform(0.05, 0.95, dim)) / periods
        strain, _, value = _at(made, x)
        jet = made.slow.jet([x[i : i + 1] for i in range(dim)])
        assert value == pytest.approx(made.on([x[i : i + 1] for i in range(dim)]).item(), abs=1e-11)
        slope, divergence = np.zeros(dim), 0.0
        for i in range(dim):
            for k, share in ((1, 3 / 4), (2, -3 / 20), (3, 1 / 60)):
                up, down = (_at(made, x + s * k * h * np.eye(dim)[i]) for s in (1, -1))
                slope[i] += share * (up[2] - down[2]) / h
                divergence += share * (up[1][i] - down[1][i]) / h
        assert np.abs(slope - strain).max() < 1e-7
        assert divergence == pytest.approx((made.star * jet.hessian.reshape(dim, dim)).sum(), abs=1e-6)


@pytest.mark.parametrize(("dim", "periods"), [(2, 5), (2, 2), (3, 2)])
def test_it_vanishes_on_the_boundary(dim: int, periods: int) -> None:
    made = made_of_noise(dim, periods)
    axes = [np.linspace(0, 1, 31 if dim < 3 else 11)] * dim
    values = made.on(axes)
    inside = np.abs(values).max()
    for axis in range(dim):
        for end in (0, -1):
            assert np.abs(np.take(values, end, axis=axis)).max() < 1e-12 * inside
