"""A reconstruction from anything: what tests of its terms have in common."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

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


def made_of_noise(dim: int, periods: int) -> Reconstruction:
    """From correctors that are none."""
    a = A2 if dim == 2 else 3 + sin(2 * pi * y[0]) * cos(2 * pi * y[1]) + cos(2 * pi * y[2])
    equation = EllipticProblem(domain=[(0, 1)] * dim, eps=1 / periods, a=a, f=1).cell_problems()
    torus = Torus(equation.period, (12,) * dim)
    noise = np.random.default_rng(dim).standard_normal((dim, *torus.counts))
    chi = torus.values(torus.cut(torus.series(noise), [2] * dim)) / 5
    star = np.eye(dim) * 2 + 0.3
    return Reconstruction.of(equation, Sines((1, 2, 1)[:dim]), chi, star)


def zone_of(made: Reconstruction, x: np.ndarray) -> list[Piece]:
    """One point as a zone."""
    zone = []
    depth = made.layers[0].depth if made.layers else 0
    for value, (low, high), step in zip(x, made.equation.domain, made.steps, strict=True):
        number, count = math.floor((value - low) / step), round((high - low) / step)
        near = [n if n < depth else None for n in (number, count - 1 - number)]
        one = np.ones((1, 1))
        zone.append(Piece(np.array([value]), np.ones(1), one, np.array([(value - low) / step - number]), one, *near))
    return zone
