"""How far correctors and a* are off, from the strains of the correctors on a grid of the cell.

For a periodic χ_k with the error δ_k the flux q = a (e_k + ∇χ_k) has a divergence, and -div(a ∇δ_k) = div q. Any field g
with div(q - g) = 0 bounds the error, ‖a^½ ∇δ_k‖² ≤ mean of g·a⁻¹g (Prager, Synge 1947). The first g is the longitudinal part
of q, by a Fourier transform. Then a few steps of conjugate gradients find an approximation d of δ_k, and the bound is that of
d and of the remainder, ‖a^½ ∇δ_k‖ ≤ ‖a^½ ∇d‖ + (that of q + a ∇d): sharp even where a has a large contrast.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Array = npt.NDArray[np.float64]

_STEPS = 80
_WINDOW = 12
_SHARP = 0.3
"""A remainder of this size against what was found is good enough."""
ROUNDING = 1e-15
"""Relative, of a mean over the cell."""


@dataclass(frozen=True)
class Distance:
    """Of one corrector from the exact one.

    Attributes:
        energy: Upper bound of the mean of ∇δ·a∇δ.
        value: Upper bound of ‖δ‖, the root of the mean square, δ of mean zero.
    """

    energy: float
    value: float


def distances(period: Sequence[float], counts: Sequence[int], a: Tensor, strains: Tensor) -> list[Distance]:
    """Of all correctors.

    Args:
        period: Of the cell.
        counts: Of the grid's points in each direction; they begin at the corner of the cell.
        a: (n, d, d).
        strains: (d, n, d): e_k + ∇χ_k, k first.
    """
    grid = _Grid(period, counts, a)
    return [grid.distance(strain.T.reshape(len(period), *counts)) for strain in strains]


class _Grid:
    """Trigonometric polynomials on a grid."""

    def __init__(self, period: Sequence[float], counts: Sequence[int], a: Tensor) -> None:
        self.dim, self.counts = len(period), tuple(counts)
        self.axes = tuple(range(-self.dim, 0))
        frequencies = [
            (torch.fft.fftfreq if i < self.dim - 1 else torch.fft.rfftfreq)(n, p / n, dtype=torch.float64) * 2 * math.pi
            for i, (n, p) in enumerate(zip(counts, period, strict=True))
        ]
        self.wave = torch.stack(torch.meshgrid(*frequencies, indexing="ij"))
        # The highest frequency of an even number of points has no derivative: whatever is there counts as an error.
        self.highest = torch.zeros(self.wave.shape[1:], dtype=torch.bool)
        for i, n in enumerate(counts):
            if n % 2 == 0:
                self.highest.movedim(i, 0)[n // 2] = True
        square = self.wave.square().sum(0)
        square.view(-1)[0] = math.inf
        self.inverse = torch.where(self.highest, 0.0, 1 / square)
        self.longest = max(period) / (2 * math.pi)
        self.a = a.permute(1, 2, 0).reshape(self.dim, self.dim, *counts)
        diagonal = all(bool((self.a[i, j] == 0).all()) for i in range(self.dim) for j in range(self.dim) if i != j)
        self.isotropic = diagonal and all(torch.equal(self.a[0, 0], self.a[i, i]) for i in range(1, self.dim))
        eigen = torch.linalg.eigvalsh(a) if not diagonal else a.diagonal(dim1=1, dim2=2)
        self.lowest = float(eigen.min())
        self.inverted = None if self.isotropic else torch.linalg.inv(a).permute(1, 2, 0).reshape(self.a.shape)

    def _times(self, field: Tensor) -> Tensor:
        return self.a[0, 0] * field if self.isotropic else torch.einsum("ij...,j...->i...", self.a, field)

    def _square(self, field: Tensor) -> float:
        """The mean of g·a⁻¹g."""
        if self.inverted is None:
            return float((field.square().sum(0) / self.a[0, 0]).mean())
        return float(torch.einsum("i...,ij...,j...->...", field, self.inverted, field).mean())

    def _forward(self, field: Tensor) -> Tensor:
        return torch.fft.rfftn(field, dim=self.axes)

    def _back(self, transform: Tensor) -> Tensor:
        return torch.fft.irfftn(transform, s=self.counts, dim=self.axes)

    def _gradient(self, transform: Tensor) -> Tensor:
        return self._back(1j * self.wave * torch.where(self.highest, 0.0, transform))

    def _divergence(self, transform: Tensor) -> Tensor:
        return torch.where(self.highest, 0.0, 1j * (self.wave * transform).sum(0))

    def _remainder(self, flux: Tensor) -> tuple[Tensor, Tensor]:
        """The longitudinal part of a flux, with all of its highest frequencies, and the transform of its divergence."""
        transform = self._forward(flux)
        divergence = self._divergence(transform)
        part = -1j * self.wave * (divergence * self.inverse)
        return self._back(torch.where(self.highest, transform, part)), divergence

    def distance(self, strain: Tensor) -> Distance:
        """By conjugate gradients for -div(a ∇d) = div q, preconditioned by the Laplacian."""
        flux = self._times(strain)
        rest, residual = self._remainder(flux)
        remainder = math.sqrt(self._square(rest))
        found, slope = torch.zeros_like(residual), torch.zeros_like(flux)
        best = Distance(remainder**2, self.longest * remainder / math.sqrt(self.lowest))
        if not math.isfinite(remainder):
            return Distance(math.inf, math.inf)
        size = float(self._times(strain).mul(strain).sum(0).mean())
        tiny = ROUNDING * math.sqrt(size)
        direction = ahead = residual * self.inverse
        product = _dot(residual, ahead)
        history: list[float] = []
        for _ in range(_STEPS):
            history.append(remainder)
            if len(history) > _WINDOW and remainder > 0.7 * history[-1 - _WINDOW]:
                break  # the rest is what the grid does not see
            if remainder <= tiny or product == 0:
                break
            along = self._gradient(direction)
            pushed = self._times(along)
            step = product / _dot(direction, -self._divergence(self._forward(pushed)))
            if not math.isfinite(step):
                break
            found, slope = found + step * direction, slope + step * along
            rest, residual = self._remainder(flux + self._times(slope))
            remainder = math.sqrt(self._square(rest))
            energy = math.sqrt(float(self._times(slope).mul(slope).sum(0).mean()))
            value = float(self._back(found).square().mean().sqrt())
            left = self.longest * remainder / math.sqrt(self.lowest)
            best = Distance(min(best.energy, (energy + remainder) ** 2), min(best.value, value + left))
            if remainder <= _SHARP * energy and left <= _SHARP * value:
                break
            ahead = residual * self.inverse
            product, before = _dot(residual, ahead), product
            direction = ahead + product / before * direction
        return best


def _dot(one: Tensor, other: Tensor) -> float:
    """Of two real functions given by their transforms, up to a factor: all but the first and last frequencies are halves."""
    weight = torch.full((one.shape[-1],), 2.0, dtype=torch.float64)
    weight[0] = 1.0
    return float(((one.real * other.real + one.imag * other.imag) * weight).sum())


def subgrid_difference(values: Array, counts: Sequence[int]) -> Array:
    """How much the mean over a grid differs from that over every other of its points, (n, …) -> (…): for a function that the
    grid resolves this is far more than the error of its own mean."""
    table = values.reshape(*counts, *values.shape[1:])
    every = tuple(slice(None, None, 2) for _ in counts)
    axes = tuple(range(len(counts)))
    return np.asarray(np.abs(table.mean(axes) - table[every].mean(axes)))
