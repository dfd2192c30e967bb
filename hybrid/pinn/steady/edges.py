"""What the edges and corners of a cube do to the solution of -Σ a*_ii ∂_ii u = f with u = 0 on the boundary.

With f ≠ 0 on an edge, u has a term XY log(X² + Y²) there (`hybrid.pinn.steady.corners`), which ends in a corner. In an octant
with f = 1 all of it is known: in X_i = x_i/√a*_ii, measured from the corner, with R = |X|,

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

from hybrid.pinn.functions.network import entries
from hybrid.pinn.steady.singular import corner_jets

_DOWN = Polynomial([1.0, 0.0, -3.0, 2.0])
_UP = Polynomial([0.0, 0.0, 3.0, -2.0])
_BLEND = (_DOWN, _UP)
"""η for a lower corner and for an upper one, over the side from 0 to 1."""

_CORNERS = tuple(itertools.product((0, 1), repeat=3))
_DEGREE = 9
"""Of the polynomials that stand for f along an edge."""
_ROUNDING = 1e-12
"""Of f on an edge: a polynomial that is smaller is left out."""

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
        tables = _Tables((points - low) / (high - low), high - low, operators)
        joined = corner_jets(points, self.box, self.diagonal, ((corner, 1.0) for corner in _CORNERS), operators)
        if joined is None:
            joined = torch.zeros(1, dtype=points.dtype, device=points.device)
            for corner in _CORNERS:
                upper = torch.tensor(corner, device=points.device, dtype=torch.bool)
                inward = torch.where(upper, -1.0, 1.0).to(points.dtype)
                octant = _octant((points - torch.where(upper, high, low)) * inward / root, inward / root, operators)
                joined = joined + _times(tables.product([_BLEND[side] for side in corner]), octant, operators)
        factor = torch.zeros_like(joined)
        for term in self.source:
            factor += tables.product(term)
        return _times(factor, joined, operators)[..., None]


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
        rest = along - along(0.0) * _DOWN - along(1.0) * _UP  # the corners have their part already
        if np.abs(rest(t)).max() <= _ROUNDING * np.abs(values).max():  # all of it, where f is constant along the edge
            continue
        term = [_BLEND[side] for side in sides]
        term.insert(k, rest)
        terms.append((term[0], term[1], term[2]))
    if not np.isfinite(np.concatenate(found)).all():
        return None
    ends = tuple((float(a), float(b)) for a, b in box)
    return EdgePart(ends, tuple(float(a) for a in np.diag(coefficient)), tuple(terms))


def _octant(local: Tensor, scale: Tensor, operators: Tensor) -> Tensor:
    """The jet (C, n) of S at X, (n, 3); `scale` are the derivatives of X by the points' own coordinates.

    Behind one face S is continued analytically: what is solved for on a box that boundary layers have moved is wanted there.
    Behind two at once, where that depends on the way around the edge, it is what it is behind the one that is farther away.
    """
    columns = local.T.contiguous()
    farthest = torch.arange(3, device=local.device)[:, None] == columns.argmin(0)
    columns = torch.where(farthest, columns, columns.clamp_min(0.0)) + 0.0  # no zero with a sign: it turns angles
    squares = columns * columns
    length = (squares[0] + squares[1] + squares[2]).sqrt().clamp_min(1e-150)
    hessian: dict[tuple[int, int], Tensor] = {}
    for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        away = (squares[i] + squares[j]).sqrt().clamp_min(1e-150)
        # Behind the face the sum would cancel.
        ratio = torch.where(columns[k] < 0, away / (length - columns[k]), (columns[k] + length) / away)
        hessian[i, j] = hessian[j, i] = torch.log(ratio) * (2 / math.pi)
        hessian[i, i] = torch.atan2(columns[j] * columns[k], columns[i] * length) * (-2 / math.pi)
    jet = local.new_zeros(1 + operators.shape[-1] + len(operators), len(local))
    for i in range(3):
        slope = hessian[i, 0] * columns[0] + hessian[i, 1] * columns[1] + hessian[i, 2] * columns[2]
        jet[0] += slope * columns[i] / 2
        if operators.shape[-1]:
            jet[1 + i] = slope * scale[i]
    for k, terms in enumerate(entries(operators)):
        for i, j, a in terms:
            jet[4 + k].add_(hessian[i, j], alpha=a * float(scale[i] * scale[j]))
    return jet


def _times(f: Tensor, g: Tensor, operators: Tensor) -> Tensor:
    """The jet (C, n) of a product by Leibniz' rule."""
    product = f * g[0]
    product[1:].addcmul_(f[0], g[1:])
    for k, terms in enumerate(entries(operators)):
        for i, j, a in terms:  # the operators are symmetric
            product[4 + k].addcmul_(f[1 + i], g[1 + j], value=2 * a)
    return product


class _Tables:
    """Jets of products of polynomials, one in each coordinate; what several products have in common is computed once.

    Args:
        unit: The points' coordinates scaled to [0, 1], (n, 3).
        size: The sides of the box.
        operators: (K, 3, 3).
    """

    def __init__(self, unit: Tensor, size: Tensor, operators: Tensor) -> None:
        self.columns, self.size, self.operators = unit.T.contiguous(), size, operators
        self._known: dict[tuple[int, bytes], list[Tensor]] = {}

    def product(self, factors: Sequence[Polynomial]) -> Tensor:
        """The jet (C, n)."""
        along = [self._along(i, factor) for i, factor in enumerate(factors)]
        x, y, z = (own[0] for own in along)
        pairs = (y * z, x * z, x * y)
        if self.operators.shape[-1] == 0:
            return (x * pairs[0])[None]
        channels = [x * pairs[0], *(own[1] * pair for own, pair in zip(along, pairs, strict=True))]
        for terms in entries(self.operators):
            total = torch.zeros_like(x)
            for i, j, a in terms:
                # The third coordinate of 0, 1 and 2 beside i and j.
                second = along[i][2] * pairs[i] if i == j else along[i][1] * along[j][1] * along[3 - i - j][0]
                total.add_(second, alpha=a)
            channels.append(total)
        return torch.stack(channels)

    def _along(self, i: int, polynomial: Polynomial) -> list[Tensor]:
        """The polynomial and its derivatives by the points' own coordinate i."""
        key = i, polynomial.coef.tobytes()
        if key not in self._known:
            orders = 3 if len(self.operators) else 2 if self.operators.shape[-1] else 1
            self._known[key] = [
                _at(polynomial.deriv(m) if m else polynomial, self.columns[i]) / self.size[i] ** m
                for m in range(orders)
            ]
        return self._known[key]


def _at(polynomial: Polynomial, t: Tensor) -> Tensor:
    """By Horner's rule."""
    total = torch.zeros_like(t)
    for coefficient in polynomial.coef[::-1]:
        total = total * t + float(coefficient)
    return total
