"""First layers: affine scaling of a box to [-1, 1]^d, and an exactly periodic embedding."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor


class AffineEmbedding:
    """e(x) = the coordinates of x scaled so that the box becomes [-1, 1]^d."""

    def __init__(self, box: Sequence[Sequence[float]]) -> None:
        bounds = torch.tensor(box, dtype=torch.float64)
        self.middle, self.scale = bounds.mean(1), 2 / (bounds[:, 1] - bounds[:, 0])
        self.width = len(box)

    def jet(self, points: Tensor, operators: Tensor) -> Tensor:
        """The jet (C, n, d)."""
        count, dim = operators.shape[0], operators.shape[-1]
        jet = torch.zeros(1 + dim + count, *points.shape, dtype=points.dtype, device=points.device)
        scale = self.scale.to(points.device)
        jet[0] = (points - self.middle.to(points.device)) * scale
        for i in range(dim):
            jet[1 + i, :, i] = scale[i]
        return jet


class PeriodicEmbedding:
    """e(y) = ( sin(2π m y_i / p_i), cos(2π m y_i / p_i) ), i = 1..d, m = 1..harmonics: every network of it is periodic."""

    def __init__(self, period: Sequence[float], harmonics: int = 1) -> None:
        self.frequencies = [
            (i, 2 * math.pi * m / p) for i, p in enumerate(period) for m in range(1, harmonics + 1)
        ]  # fmt: skip
        self.width = 2 * len(self.frequencies)

    def jet(self, points: Tensor, operators: Tensor) -> Tensor:
        """The jet (C, n, 2 d harmonics)."""
        count, dim = operators.shape[0], operators.shape[-1]
        jet = torch.zeros(1 + dim + count, len(points), self.width, dtype=points.dtype, device=points.device)
        for column, (i, k) in enumerate(self.frequencies):
            s, c = torch.sin(k * points[:, i]), torch.cos(k * points[:, i])
            for at, (value, slope) in ((2 * column, (s, k * c)), (2 * column + 1, (c, -k * s))):
                jet[0, :, at] = value
                if dim:
                    jet[1 + i, :, at] = slope
                    jet[1 + dim :, :, at] = -k * k * operators[:, i, i, None] * value
        return jet
