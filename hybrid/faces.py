"""Faces of a box, and the half-strips of the medium behind them.

Seen from a face x_n = s the medium at z is that at y with y_n = s/ε ± z_n, z_n the depth, and y_k = z_k along the face: where ε
cuts a cell at the face, the strip begins there. Depths are in units of y.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hybrid.geometry import Geometry
from hybrid.trust import Estimate

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Face:
    """One of a box.

    Attributes:
        axis: The direction that is normal to it, n.
        upper: Whether it is the upper one of the two.
    """

    axis: int
    upper: bool

    def place(self, box: Geometry) -> float:
        """s."""
        return float(box.domain[self.axis][self.upper])

    def offset(self, box: Geometry) -> Array:
        """y where z = 0, in the cell, (d,)."""
        found = np.zeros(box.dim)
        period = box.period[self.axis]
        inside = (self.place(box) / box.eps) % period
        found[self.axis] = 0.0 if min(inside, period - inside) < 1e-9 * period else inside
        return found

    def signs(self, box: Geometry) -> Array:
        """∂y/∂z, the diagonal, (d,)."""
        return np.where(np.arange(box.dim) == self.axis, -1.0 if self.upper else 1.0, 1.0)

    def strip(self, box: Geometry, depth: float) -> tuple[tuple[float, float], ...]:
        """As a box of z, with so many periods in depth."""
        return tuple((0.0, p * (depth if k == self.axis else 1.0)) for k, p in enumerate(box.period))


def faces_of(box: Geometry) -> tuple[Face, ...]:
    """All of them, the lower one first in each direction."""
    return tuple(itertools.starmap(Face, itertools.product(range(box.dim), (False, True))))


@dataclass(frozen=True)
class Layer[F]:
    """w on the half-strip of a face: div(A ∇w) = 0, periodic along the face, w = -χ_n on it, and a constant far away.

    Attributes:
        face: The face.
        tail: The constant.
        function: w, a function of z.
        depth: Where the strip ends, in periods.
        estimate: How far w is from being constant there, relative to its largest value, or what else is known of its error.
    """

    face: Face
    tail: float
    function: F
    depth: float
    estimate: Estimate
