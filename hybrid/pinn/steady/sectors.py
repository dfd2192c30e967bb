"""What a corner does to the solution of -∂_i( a_ij ∂_j u ) = f, u = 0 on the boundary, for any a in two dimensions.

A linear map X = T t of the coordinates t along the two legs makes a, as it is in the corner, the identity, and the corner a
sector of the angle ω, cos ω = -a_12/√(a_11 a_22) (with the sign of a_12 changed in every other corner). There, with
z = X_1 + iX_2, solutions are made of smooth functions and of (Grisvard, Elliptic Problems in Nonsmooth Domains, chapter 4)

    Im z^μ,   μ = kπ/ω,   k = 1, 2, …

whose strengths are not known from f near the corner: they are found together with the network's last layer, by least squares.
Where μ comes close to an integer m, the functions

    ( Im z^μ - Im z^m + (sin mω / sinᵐ ω) X_2^m ) / (μ - m)

take their place, which differ by polynomials and in the limit are those with z^m log z of a resonance with f: for a diagonal
a, where ω = π/2 and m = 2, the one of `hybrid.pinn.steady.corners`. All are zero on both legs, and a cutoff flat in the
corner makes them zero on the far sides too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from hybrid.media.interpolated import SlowCoefficient
from hybrid.pinn.functions.network import product_jet
from hybrid.pinn.steady.corners import angle_from
from hybrid.pinn.steady.operators import Medium

_HIGHEST = 6.6
"""Of the exponents: what is left out is smoother than other errors."""
_FLAT = 6
"""The cutoff is 1 - t̂^6 in each coordinate."""
_NEAR = 0.2

_CORNERS = ((False, False), (False, True), (True, False), (True, True))


@dataclass(frozen=True)
class Sector:
    """One function of one corner.

    Attributes:
        upper: Which corner.
        maps: T, (2, 2), the upper triangle by rows.
        angle: ω.
        exponent: μ.
    """

    upper: tuple[bool, bool]
    maps: tuple[float, float, float]
    angle: float
    exponent: float


@dataclass(frozen=True)
class SectorPart:
    """Σ strengths · functions, as a `Jet`.

    Attributes:
        box: Ω.
        functions: The functions.
        strengths: Their strengths.
    """

    box: tuple[tuple[float, float], ...]
    functions: tuple[Sector, ...]
    strengths: tuple[float, ...] = ()

    def __call__(self, points: Tensor, operators: Tensor) -> Tensor:
        """The jet (C, n, 1)."""
        return self.jets(points, operators) @ torch.tensor(self.strengths, dtype=points.dtype)[:, None]

    def jets(self, points: Tensor, operators: Tensor) -> Tensor:
        """Of every function, (C, n, functions)."""
        return torch.cat([self._jet(one, points, operators) for one in self.functions], dim=2)

    def _jet(self, one: Sector, points: Tensor, operators: Tensor) -> Tensor:
        low, high = torch.tensor(self.box, dtype=points.dtype).T
        at_upper = torch.tensor(one.upper)
        inward = torch.where(at_upper, -1.0, 1.0).to(points.dtype)
        local = (points - torch.where(at_upper, high, low)) * inward
        (alpha, beta, gamma), size = one.maps, high - low
        maps = torch.tensor([[alpha, beta], [0.0, gamma]], dtype=points.dtype)
        singular = _chain(*_singular(one, local @ maps.T), maps * inward, operators)
        unit = local / size
        value, first, second = 1 - unit**_FLAT, -_FLAT * unit ** (_FLAT - 1), -_FLAT * (_FLAT - 1) * unit ** (_FLAT - 2)
        (a, b), (da, db), (dda, ddb) = value.T, first.T, second.T
        hessian = torch.stack([torch.stack([dda * b, da * db]), torch.stack([da * db, a * ddb])])
        cutoff = _chain(a * b, torch.stack([da * b, a * db]), hessian, torch.diag(inward / size), operators)
        return product_jet(singular, cutoff, operators)


def sector_part(box: Sequence[Sequence[float]], a: Medium) -> SectorPart | None:
    """The functions of all corners; None outside of two dimensions, and where a is constant and diagonal (to 1e-6)."""
    if len(box) != 2 or (not isinstance(a, SlowCoefficient) and abs(a[0, 1]) <= 1e-6 * abs(a).max()):
        return None
    ends = tuple((float(low), float(high)) for low, high in box)
    lengths = np.array([high - low for low, high in ends])
    found = []
    for upper in _CORNERS:
        corner = np.array([[ends[i][at] for i, at in enumerate(upper)]])
        local = a(corner)[0] if isinstance(a, SlowCoefficient) else a
        cross = (local[0, 1] + local[1, 0]) / 2 * (1 if upper[0] == upper[1] else -1)
        alpha = 1 / math.sqrt(local[0, 0] - cross**2 / local[1, 1])
        beta, gamma = -alpha * cross / local[1, 1], 1 / math.sqrt(local[1, 1])
        size = max(alpha * lengths[0], math.hypot(beta, gamma) * lengths[1])
        angle = math.atan2(gamma, beta)
        maps = (float(alpha / size), float(beta / size), float(gamma / size))
        for k in range(1, 1 + int(_HIGHEST * angle / math.pi)):
            found.append(Sector(upper, maps, angle, k * math.pi / angle))
    return SectorPart(ends, tuple(found))


def _singular(one: Sector, mapped: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Value (n,), gradient (2, n) and Hessian (2, 2, n) in X."""
    x, y = mapped.T
    logarithm = torch.complex(0.5 * torch.log((x * x + y * y).clamp_min(1e-200)), angle_from(x, y, one.angle))
    mu, m = one.exponent, round(one.exponent)
    if abs(mu - m) > _NEAR:
        return _holomorphic([torch.exp((mu - k) * logarithm) * c for k, c in enumerate((1, mu, mu * (mu - 1)))])
    powers = [torch.exp((m - k) * logarithm) for k in range(3)]
    sine = math.sin(one.angle) ** m
    if abs(mu - m) < 1e-7:
        slope = -one.angle * math.cos(m * one.angle) / sine
        parts = [
            powers[0] * logarithm,
            powers[1] * (m * logarithm + 1),
            powers[2] * (m * (m - 1) * logarithm + 2 * m - 1),
        ]
    else:
        slope = math.sin(m * one.angle) / sine / (mu - m)
        ratio = [torch.exp((mu - m) * logarithm) * c for c in (1, mu, mu * (mu - 1))]
        parts = [p * (r - c) / (mu - m) for p, r, c in zip(powers, ratio, (1, m, m * (m - 1)), strict=True)]
    value, first, second = _holomorphic(parts)
    value = value + slope * y**m
    first[1] += slope * m * y ** (m - 1)
    second[1, 1] += slope * m * (m - 1) * y ** (m - 2)
    return value, first, second


def _holomorphic(parts: Sequence[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """Im w with its derivatives from w, w' and w''."""
    w, first, second = parts
    mixed = torch.stack([second.imag, second.real])
    return w.imag, torch.stack([first.imag, first.real]), torch.stack([mixed, torch.stack([second.real, -second.imag])])


def _chain(value: Tensor, first: Tensor, second: Tensor, maps: Tensor, operators: Tensor) -> Tensor:
    """The jet, (C, n, 1), in x of a function of X = M x."""
    if operators.shape[-1] == 0:
        return value[None, :, None]
    curvature = torch.einsum("kij,ai,bj,abn->kn", operators, maps, maps, second)
    return torch.cat([value[None], maps.T @ first, curvature])[..., None]
