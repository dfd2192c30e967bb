"""What networks on a half-strip are made of: the medium as it is seen from a face, and decay away from it."""

from __future__ import annotations

import torch
from torch import Tensor

from hybrid.pinn.functions.network import Embedding


class Seen:
    """An embedding of y at y = offset + signs · z.

    Args:
        inner: Of y.
        offset: (d,).
        signs: (d,), of 1 and -1.
    """

    def __init__(self, inner: Embedding, offset: Tensor, signs: Tensor) -> None:
        self.inner, self.offset, self.signs, self.width = inner, offset, signs, inner.width

    def jet(self, points: Tensor, operators: Tensor) -> Tensor:
        """The jet (C, n, width) in z."""
        dim = operators.shape[-1]
        own = operators * self.signs[:, None] * self.signs if dim else operators
        jet = self.inner.jet(self.offset + self.signs * points, own)
        if dim:
            jet[1 : 1 + dim] *= self.signs[:, None, None]
        return jet


class Decay:
    """exp(-rate z_n): an embedding of width 1, and as a `Jet` a factor.

    Args:
        axis: n.
        rate: Positive.
    """

    def __init__(self, axis: int, rate: float) -> None:
        self.axis, self.rate, self.width = axis, rate, 1

    def jet(self, points: Tensor, operators: Tensor) -> Tensor:
        """The jet (C, n, 1)."""
        count, dim = operators.shape[0], operators.shape[-1]
        jet = torch.zeros(1 + dim + count, len(points), 1, dtype=points.dtype)
        jet[0, :, 0] = torch.exp(-self.rate * points[:, self.axis])
        if dim:
            jet[1 + self.axis] = -self.rate * jet[0]
            jet[1 + dim :] = self.rate**2 * operators[:, self.axis, self.axis, None, None] * jet[0]
        return jet

    def __call__(self, points: Tensor, operators: Tensor) -> Tensor:
        """The same."""
        return self.jet(points, operators)
