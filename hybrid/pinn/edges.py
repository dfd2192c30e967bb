"""What the edges and corners of a cube do to the solution of -Σ a*_ii ∂_ii u = f with u = 0 on the boundary.

With f ≠ 0 on an edge, u has a term XY log(X² + Y²) there (`hybrid.pinn.corners`), which ends in a corner. In an octant with
f = 1 all of it is known: in X_i = x_i/√a*_ii, measured from the corner, with R = |X|,

    S = ½ Σ_ij X_i X_j H_ij,   H_ij = (2/π) log( (X_k + R)/√(X_i² + X_j²) ),   H_ii = -(2/π) arctan( X_j X_k / (X_i R) )

for i, j, k different. H is the Hessian of S, which is homogeneous of degree two: H_12 is the potential of the two half-lines of
charge that the odd continuation of f = 1 has for ∂_12 f, and -H_11 is one on the face X_1 = 0 and zero on the others. So
-ΔS = -tr H = 1, and S = 0 on the three faces.

The octants of the eight corners are joined by T = Σ η S, where η is a product of cubics with η(0) = 1, η(1) = 0, η' = 0 at both
ends and η(t) + η(1 - t) = 1, and F T is taken off, where F is f on the edges and continued between them by the same cubics.
What is left is smoother by one order; the network learns it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from numpy.polynomial import Polynomial
from torch import Tensor

from hybrid.pinn.network import product_jet

_DOWN = Polynomial([1.0, 0.0, -3.0, 2.0])
_UP = Polynomial([0.0, 0.0, 3.0, -2.0])
_BLEND = (_DOWN, _UP)
"""η for a lower corner and for an upper one, over the side from 0 to 1."""

_CORNERS = tuple(itertools.product((0, 1), repeat=3))
_DEGREE = 9
"""Of the polynomials that stand for f along an edge."""

Term = tuple[Polynomial, Polynomial, Polynomial]


@dataclass(frozen=True)
class EdgePart:
    """F T, as a `Jet`.

    Attributes:
        box: Ω, one (low, high) for each of three dimensions.
        diagonal: a*_11, a*_22 and a*_33.
        source: F, a sum of products of polynomials in the coordinates scaled to [0, 1].
    """

    box: tuple[tuple[float, float], ...]
    diagonal: tuple[float, ...]
    source: tuple[Term, ...]

    def __call__(self, points: Tensor, operators: Tensor) -> Tensor:
        """The jet (C, n, 1)."""
        low, high = torch.tensor(self.box, dtype=points.dtype, device=points.device).T
        root = torch.tensor(self.diagonal, dtype=points.dtype, device=points.device).sqrt()
        unit, size = (points - low) / (high - low), high - low
        joined = torch.zeros((), dtype=points.dtype, device=points.device)
        for corner in _CORNERS:
            upper = torch.tensor(corner, device=points.device, dtype=torch.bool)
            inward = torch.where(upper, -1.0, 1.0).to(points.dtype)
            octant = _octant((points - torch.where(upper, high, low)) * inward / root, inward / root, operators)
            blend = _product([_BLEND[side] for side in corner], unit, size, operators)
            joined = joined + product_jet(blend, octant, operators)
        factor = sum(_product(term, unit, size, operators) for term in self.source)
        return product_jet(factor, joined, operators)  # type: ignore[arg-type]


def edge_part(
    box: Sequence[Sequence[float]],
    coefficient: npt.NDArray[np.float64],
    source: Callable[[npt.ArrayLike], npt.NDArray[np.float64]],
) -> EdgePart | None:
    """The edges' terms for a constant a*, (3, 3); None where none are known (a* not diagonal, f not finite)."""
    # As for corners, a small off-diagonal entry leaves the leading term what it is.
    if abs(coefficient - np.diag(np.diag(coefficient))).max() > 1e-2 * abs(coefficient).max():
        return None
    low, high = np.array(box, dtype=float).T

    def at(unit: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        with np.errstate(all="ignore"):
            return np.asarray(source(low + (high - low) * unit))

    t = (1 - np.cos(np.pi * np.linspace(0, 1, 33))) / 2
    terms: list[Term] = []
    corners = at(np.array(_CORNERS, dtype=float))
    found = [corners]
    for value, corner in zip(corners, _CORNERS, strict=True):
        one, two, three = (_BLEND[side] for side in corner)
        terms.append((one * float(value), two, three))
    for k, sides in itertools.product(range(3), itertools.product((0, 1), repeat=2)):
        line = np.insert(np.tile(np.array(sides, dtype=float), (33, 1)), k, t, axis=1)
        values = at(line)
        found.append(values)
        if not np.isfinite(values).all():
            return None
        along = Polynomial.fit(t, values, _DEGREE).convert()
        term = [_BLEND[side] for side in sides]
        term.insert(k, along - along(0.0) * _DOWN - along(1.0) * _UP)  # the corners have their part already
        terms.append((term[0], term[1], term[2]))
    if not np.isfinite(np.concatenate(found)).all():
        return None
    ends = tuple((float(a), float(b)) for a, b in box)
    return EdgePart(ends, tuple(float(a) for a in np.diag(coefficient)), tuple(terms))


def _octant(local: Tensor, scale: Tensor, operators: Tensor) -> Tensor:
    """The jet of S at X, (n, 3); `scale` are the derivatives of X by the points' own coordinates."""
    columns = local.clamp_min(0.0).T
    length = columns.norm(dim=0).clamp_min(1e-150)
    hessian = torch.empty(3, 3, len(local), dtype=local.dtype, device=local.device)
    for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        away = torch.hypot(columns[i], columns[j]).clamp_min(1e-150)
        hessian[i, j] = hessian[j, i] = 2 / math.pi * torch.log((columns[k] + length) / away)
        hessian[i, i] = -2 / math.pi * torch.atan2(columns[j] * columns[k], columns[i] * length)
    gradient = torch.einsum("ijn,jn->in", hessian, columns)
    value = (gradient * columns).sum(0) / 2
    if operators.shape[-1] == 0:
        return value[None, :, None]
    second = torch.einsum("kij,i,j,ijn->kn", operators, scale, scale, hessian)
    return torch.cat([value[None], gradient * scale[:, None], second])[..., None]


def _product(factors: Sequence[Polynomial], unit: Tensor, size: Tensor, operators: Tensor) -> Tensor:
    """The jet of a product of polynomials, one in each coordinate."""
    value, first, second = (
        torch.stack([_at(p.deriv(m) if m else p, t) for p, t in zip(factors, unit.T, strict=True)]) for m in range(3)
    )
    product = value.prod(0)
    if operators.shape[-1] == 0:
        return product[None, :, None]
    gradient = torch.empty_like(value)
    hessian = torch.empty(3, *value.shape, dtype=unit.dtype, device=unit.device)
    for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        gradient[i] = first[i] * value[j] * value[k]
        hessian[i, i] = second[i] * value[j] * value[k]
        hessian[i, j] = hessian[j, i] = first[i] * first[j] * value[k]
    channels = torch.einsum("kij,i,j,ijn->kn", operators, 1 / size, 1 / size, hessian)
    return torch.cat([product[None], gradient / size[:, None], channels])[..., None]


def _at(polynomial: Polynomial, t: Tensor) -> Tensor:
    """By Horner's rule."""
    total = torch.zeros_like(t)
    for coefficient in polynomial.coef[::-1]:
        total = total * t + float(coefficient)
    return total
