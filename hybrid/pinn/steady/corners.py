"""What a right-angled corner does to the solution of -a*_11 ∂_11 u - a*_22 ∂_22 u = f with u = 0 on the boundary.

With f ≠ 0 in the corner, u has a term r² log r that no smooth network follows. In X = x_1/√a*_11, Y = x_2/√a*_22, measured
from the corner, and z = X + iY, it is (Grisvard, Elliptic Problems in Nonsmooth Domains, chapter 5)

    s = -f(corner)/π · [ Im(z² log z) + (π/2) Y² ],      -ΔX,Y s = f(corner),   s = 0 on both legs.

Cut off by (1 - x̂_1²)(1 - x̂_2²), x̂ the coordinates scaled to the box, s vanishes on the far sides too and leaves behind only
terms r⁴ log r. The factor is known, so nothing is fitted: the network learns the smooth rest.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hybrid.pinn.functions.network import product_jet
from hybrid.pinn.steady.singular import corner_jets


@dataclass(frozen=True)
class CornerPart:
    """The sum of the corners' terms, cut off, as a `Jet`.

    Attributes:
        box: Ω, one (low, high) for each of two dimensions.
        diagonal: a*_11 and a*_22.
        strengths: -f/π in the corners, x_2 running fastest.
    """

    box: tuple[tuple[float, float], ...]
    diagonal: tuple[float, float]
    strengths: tuple[float, ...]

    def __call__(self, points: Tensor, operators: Tensor) -> Tensor:
        """The jet (C, n, 1)."""
        compiled = corner_jets(points, self.box, self.diagonal, zip(_CORNERS, self.strengths, strict=True), operators)
        if compiled is not None:
            return compiled[..., None]
        low, high = torch.tensor(self.box, dtype=points.dtype, device=points.device).T
        root = torch.tensor(self.diagonal, dtype=points.dtype, device=points.device).sqrt()
        total = torch.zeros((), dtype=points.dtype, device=points.device)
        for upper, strength in zip(_CORNERS, self.strengths, strict=True):
            at_upper = torch.tensor(upper, device=points.device)
            corner = torch.where(at_upper, high, low)
            inward = torch.where(at_upper, -1.0, 1.0).to(points.dtype)
            local, size = (points - corner) * inward, high - low
            singular = _singular(local, root, inward, operators)
            total = total + strength * product_jet(singular, _cutoff(local / size, inward / size, operators), operators)
        return total


_CORNERS = tuple(itertools.product((False, True), repeat=2))


def corner_part(
    box: Sequence[Sequence[float]],
    coefficient: npt.NDArray[np.float64],
    source: Callable[[npt.ArrayLike], npt.NDArray[np.float64]],
) -> CornerPart | None:
    """The corners' terms for a constant a*, (d, d); None where none are known (1D, 3D, a* not diagonal)."""
    # A small off-diagonal entry, of a network's a* for instance, leaves the leading term what it is.
    if len(box) != 2 or max(abs(coefficient[0, 1]), abs(coefficient[1, 0])) > 1e-2 * abs(coefficient).max():
        return None
    corners = np.array([[box[i][upper] for i, upper in enumerate(at)] for at in _CORNERS])
    with np.errstate(all="ignore"):
        strengths = tuple(float(-f / math.pi) if math.isfinite(f) else 0.0 for f in source(corners))
    return CornerPart(
        ((float(box[0][0]), float(box[0][1])), (float(box[1][0]), float(box[1][1]))),
        (float(coefficient[0, 0]), float(coefficient[1, 1])),
        strengths,
    )


def _singular(local: Tensor, root: Tensor, inward: Tensor, operators: Tensor) -> Tensor:
    """Im(z² log z) + (π/2) Y² with the derivatives w' = 2 z log z + z and w'' = 2 log z + 3 of w = z² log z."""
    x, y = (local / root).T
    radius2 = (x * x + y * y).clamp_min(1e-290)
    log, angle = 0.5 * torch.log(radius2), angle_from(x, y, math.pi / 2)
    value = (x * x - y * y) * angle + 2 * x * y * log + 0.5 * math.pi * y * y
    first = torch.stack([2 * (x * angle + y * log) + y, 2 * (x * log - y * angle) + x + math.pi * y])
    xx, xy = 2 * angle, 2 * log + 3
    second = torch.stack([torch.stack([xx, xy]), torch.stack([xy, math.pi - xx])])
    scale = inward / root
    return _chain(value, first, second, scale, operators)


def angle_from(x: Tensor, y: Tensor, sector: float) -> Tensor:
    """The angle of points in and around a sector that begins at 0: it jumps opposite of the sector, on neither side of it.

    What is solved for on a box that boundary layers have moved is wanted behind its sides, and there behind one corner too.
    """
    angle = torch.atan2(y, x)
    return torch.where(angle < sector / 2 - math.pi, angle + 2 * math.pi, angle)


def _cutoff(unit: Tensor, scale: Tensor, operators: Tensor) -> Tensor:
    """(1 - x̂_1²)(1 - x̂_2²)."""
    a, b = (1 - unit**2).T
    da, db = (-2 * unit).T
    first = torch.stack([da * b, a * db])
    second = torch.stack([torch.stack([-2 * b, da * db]), torch.stack([da * db, -2 * a])])
    return _chain(a * b, first, second, scale, operators)


def _chain(value: Tensor, first: Tensor, second: Tensor, scale: Tensor, operators: Tensor) -> Tensor:
    """The jet in the points' own coordinates of a function of scaled ones."""
    dim = operators.shape[-1]
    if dim == 0:
        return value[None, :, None]
    gradient = first * scale[:, None]
    curvature = torch.einsum("kij,i,j,ijn->kn", operators, scale, scale, second)
    return torch.cat([value[None], gradient, curvature])[..., None]
