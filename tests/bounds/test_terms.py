"""Every term of r and of τ, whatever the correctors are: r vanishes on the boundary, E is its gradient, and τ has the right
divergence."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from hybrid import EllipticProblem
from hybrid.bounds.reconstruction import Reconstruction
from hybrid.bounds.slow import Jet, Slow
from hybrid.bounds.twoscale import Piece
from hybrid.fluxes import Torus
from hybrid.symbols import cos, pi, sin, y


class Sines(Slow):
    """u_0 = Π sin(k_i π x_i) on the unit box."""

    def __init__(self, numbers: Sequence[int]) -> None:
        self.numbers = [math.pi * k for k in numbers]

    def jet(self, axes: Sequence[np.ndarray]) -> Jet:
        parts = [
            (np.sin(k * x), k * np.cos(k * x), -k * k * np.sin(k * x)) for k, x in zip(self.numbers, axes, strict=True)
        ]

        def derived(*along: int) -> np.ndarray:
            found = np.ones(())
            for i, part in enumerate(parts):
                found = np.multiply.outer(found, part[along.count(i)])
            return found

        every = range(len(parts))
        hessian = np.stack([np.stack([derived(i, j) for j in every]) for i in every])
        return Jet(derived(), np.stack([derived(i) for i in every]), hessian)


A2 = [[2 + sin(2 * pi * y[0]), cos(2 * pi * y[1]) / 2], [cos(2 * pi * y[1]) / 2, 3 + sin(2 * pi * (y[0] + y[1]))]]


def _made(dim: int, periods: int) -> Reconstruction:
    """From correctors that are none."""
    a = A2 if dim == 2 else 3 + sin(2 * pi * y[0]) * cos(2 * pi * y[1]) + cos(2 * pi * y[2])
    equation = EllipticProblem(domain=[(0, 1)] * dim, eps=1 / periods, a=a, f=1).cell_problems()
    torus = Torus(equation.period, (12,) * dim)
    noise = np.random.default_rng(dim).standard_normal((dim, *torus.counts))
    chi = torus.values(torus.cut(torus.series(noise), [2] * dim)) / 5
    star = np.eye(dim) * 2 + 0.3
    return Reconstruction.of(equation, Sines((1, 2, 1)[:dim]), chi, star)


def _at(made: Reconstruction, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """∇r, τ and r at one point."""
    zone = []
    depth = made.layers[0].depth if made.layers else 0
    for value, (low, high), step in zip(x, made.equation.domain, made.steps, strict=True):
        number, count = math.floor((value - low) / step), round((high - low) / step)
        near = [n if n < depth else None for n in (number, count - 1 - number)]
        one = np.ones((1, 1))
        zone.append(Piece(np.array([value]), np.ones(1), one, np.array([(value - low) / step - number]), one, *near))
    terms, _, _ = made.products(zone)
    slow = np.array([s.item() for s in terms.slow])
    total = sum(c.item() * v.item() for c, v in zip(terms.weights, terms.values, strict=True))
    return slow @ np.stack(terms.strains)[:, :, 0], slow @ np.stack(terms.fluxes)[:, :, 0], total


@pytest.mark.parametrize(("dim", "periods"), [(2, 5), (2, 2), (3, 3)])
def test_gradient_and_divergence(dim: int, periods: int) -> None:
    """In all zones, by differences of sixth order; near the faces layers or the cutoff are at work."""
    made = _made(dim, periods)
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
    made = _made(dim, periods)
    axes = [np.linspace(0, 1, 31 if dim < 3 else 11)] * dim
    values = made.on(axes)
    inside = np.abs(values).max()
    for axis in range(dim):
        for end in (0, -1):
            assert np.abs(np.take(values, end, axis=axis)).max() < 1e-12 * inside
