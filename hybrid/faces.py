"""Faces of a box, and the half-strips of the medium behind them.

Seen from a face x_n = s the medium at z is that at y with y_n = s/ε ± z_n, z_n the depth, and y_k = z_k along the face: where ε
cuts a cell at the face, the strip begins there. Depths are in units of y.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from hybrid.geometry import Geometry
from hybrid.grids import COUNTS, product
from hybrid.media.interpolated import SlowCoefficient, slow_nodes
from hybrid.trust import Estimate, largest

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

    def first_period(self, box: Geometry) -> Array:
        """Points that fill the first period of its strip, (n, d)."""
        count = COUNTS[box.dim].strip
        return product([high * (np.arange(count) + 0.3) / count for _, high in self.strip(box, 1.0)])


def faces_of(box: Geometry) -> tuple[Face, ...]:
    """All of them, the lower one first in each direction."""
    return tuple(itertools.starmap(Face, itertools.product(range(box.dim), (False, True))))


def nodes_of(face: Face, box: Geometry, varying: Sequence[bool]) -> Array:
    """Chebyshev nodes of a face in those directions in which something varies along it, (n, d)."""
    counts = [COUNTS[box.dim].faces if own and k != face.axis else 1 for k, own in enumerate(varying)]
    nodes = slow_nodes(box.domain, counts)
    nodes[:, face.axis] = face.place(box)
    return nodes


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


@dataclass(frozen=True)
class SlowLayer[F]:
    """Layers at the nodes of a face along which A varies; between the nodes polynomials.

    Attributes:
        face: The face.
        domain: The box that it is one of.
        nodes: `nodes_of` it, (n, d).
        parts: The layers, of A at the nodes.
        estimate: The largest of theirs, and what the interpolation cuts off.
    """

    face: Face
    domain: tuple[tuple[float, float], ...]
    nodes: Array
    parts: tuple[Layer[F], ...]
    estimate: Estimate

    def between(self, values: Array) -> SlowCoefficient:
        """What is given at the nodes, (n, …), as a polynomial."""
        return SlowCoefficient(self.domain, self.nodes, values.reshape(len(self.nodes), -1, 1))

    @property
    def tail(self) -> SlowCoefficient:
        """The constants, as (1, 1) matrices."""
        return self.between(np.array([part.tail for part in self.parts]))

    @classmethod
    def of(cls, box: Geometry, nodes: Array, parts: Sequence[Layer[F]], values: Array, scale: float) -> Self:
        """From its parts.

        Args:
            box: Whose face it is.
            nodes: Of the face.
            parts: The layers there.
            values: Of these at some points, (n, m).
            scale: What estimates are relative to.
        """
        domain = tuple((float(low), float(high)) for low, high in box.domain)
        found = cls(parts[0].face, domain, nodes, tuple(parts), largest([part.estimate for part in parts]))
        series = np.abs(found.between(values).expansion())
        cut = max(
            (float(np.take(series, [-2, -1], axis=k).max()) for k in range(box.dim) if series.shape[k] > 1), default=0.0
        )
        error, how = found.estimate.error, f"{found.estimate.how}, and the interpolation along the face"
        return replace(
            found, estimate=Estimate(None if error is None else error + (cut / scale if scale else 0.0), how)
        )
