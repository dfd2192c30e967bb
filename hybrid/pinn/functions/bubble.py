"""The factor that makes a network vanish on the boundary of a box."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from hybrid.pinn.functions.network import product_jet


@dataclass(frozen=True)
class Bubble:
    """φ = Π 4 (x_i - low_i)(high_i - x_i) / (high_i - low_i)², which is 1 in the middle of the box and 0 on ∂Ω, as a `Jet`."""

    box: tuple[tuple[float, float], ...]

    def __call__(self, points: Tensor, operators: Tensor) -> Tensor:
        """The jet (C, n, 1)."""
        count, dim = operators.shape[0], operators.shape[-1]
        product = None
        for i, (low, high) in enumerate(self.box):
            part = torch.zeros(1 + dim + count, len(points), 1, dtype=points.dtype, device=points.device)
            scale, x = 4 / (high - low) ** 2, points[:, i]
            part[0, :, 0] = scale * (x - low) * (high - x)
            if dim:
                part[1 + i, :, 0] = scale * (low + high - 2 * x)
                part[1 + dim :, :, 0] = -2 * scale * operators[:, i, i, None]
            product = part if product is None else product_jet(product, part, operators)
        assert product is not None
        return product
