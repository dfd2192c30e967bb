"""Grids on which functions are looked at, and how fine they are in each dimension."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Counts:
    """Points along each side, unless it says otherwise.

    Attributes:
        checked: Of the cell, where a coefficient is checked.
        checked_slow: Of Ω, where a coefficient depends on x.
        mean: Of the cell, for the mean of a smooth function and its Fourier coefficients.
        intervals: Of the last direction, for the mean of a function that may jump.
        lines: In each of the other directions, for that mean.
        nodes: Chebyshev nodes of a*(x) to begin with.
        slow: Of Ω, where an interpolant a*(x) is checked.
        slow_fine: Of Ω, where a jump in x is looked for.
        faces: Chebyshev nodes of a face, where layers vary along it.
        strip: Of the first period of a half-strip, where layers are compared.
        torus: Of a grid of the cell for Fourier series, all of them at the most.
        waves: That such series are left with, where these points do not do for all that a asks for.
    """

    checked: int
    checked_slow: int
    mean: int
    intervals: int
    lines: int
    nodes: int
    slow: int
    slow_fine: int
    faces: int
    strip: int
    torus: int
    waves: int


COUNTS = {
    1: Counts(
        256, 17, mean=512, intervals=1024, lines=1, nodes=33, slow=2001, slow_fine=4001, faces=1, strip=1,
        torus=2**14, waves=64,
    ),
    2: Counts(
        32, 5, mean=64, intervals=64, lines=512, nodes=9, slow=61, slow_fine=201, faces=7, strip=20,
        torus=2**17, waves=24,
    ),
    3: Counts(
        12, 3, mean=24, intervals=24, lines=40, nodes=5, slow=17, slow_fine=41, faces=5, strip=9,
        torus=2**17, waves=12,
    ),
}  # fmt: skip
"""By dimension."""


def product(axes: Sequence[Array]) -> Array:
    """The points of a tensor grid, (n, d), the last direction fastest."""
    return np.stack([g.ravel() for g in np.meshgrid(*axes, indexing="ij")], axis=1)


def uniform(box: Sequence[Sequence[float]], count: int, offset: float = 0.4142) -> Array:
    """Uniform points of a box, (count^d, d); by default off the lines of symmetry and never on the boundary."""
    return product([low + (high - low) * (np.arange(count) + offset) / count for low, high in box])


def closed(box: Sequence[Sequence[float]], count: int) -> Array:
    """Uniform points of a box with its boundary, (count^d, d)."""
    return product([np.linspace(low, high, count) for low, high in box])


def quick_count(count: int) -> int:
    """The next even number without a prime factor above five: its Fourier transform is quick."""
    count += count % 2
    while True:
        rest = count
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return count
        count += 2
