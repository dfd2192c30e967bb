"""A function given by a network, to be evaluated anywhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hybrid.pinn.network import VALUE, Network, gradient_only, hessian_operators, product_jet

Jet = Callable[[Tensor, Tensor], Tensor]
"""A known function as its jet (C, n, 1) of points (n, d) and operators (K, d, d)."""


@dataclass(frozen=True)
class Field:
    """u(x) = e φ(x) N(x) + s(x) + c: a network output with a factor φ and a known part s, either of which may be missing.

    Attributes:
        network: The network.
        output: Which of its outputs N is.
        dim: d.
        factor: The jet of φ, zero where u has a hard boundary condition.
        known: The jet of s.
        shift: c.
        unit: e, the unit in which the network measures u.
    """

    network: Network
    output: int
    dim: int
    factor: Jet | None = None
    known: Jet | None = None
    shift: float = 0.0
    unit: float = 1.0

    def jet(self, points: Tensor, operators: Tensor) -> Tensor:
        """The jet (C, n) at the points, (n, d); on the CPU, without gradients by the parameters."""
        jet = self.network.evaluate(points, operators)[..., self.output : self.output + 1]
        if self.factor is not None:
            jet = product_jet(self.factor(points, operators), jet, operators)
        if self.unit != 1:
            jet = self.unit * jet
        if self.known is not None:
            jet = jet + self.known(points, operators)
        return torch.cat([jet[:1] + self.shift, jet[1:]])[..., 0]

    def values(self, points: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """u at the points, (n, d) -> (n,)."""
        return self._evaluate(points, VALUE)[0]

    def gradients(self, points: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """∇u at the points, (n, d) -> (n, d), by automatic differentiation."""
        return self._evaluate(points, gradient_only(self.dim))[1:].T

    def values_and_gradients(self, points: npt.ArrayLike) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Both in one evaluation."""
        jet = self._evaluate(points, gradient_only(self.dim))
        return jet[0], jet[1:].T

    def hessians(self, points: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """∇²u at the points, (n, d) -> (n, d, d), by automatic differentiation."""
        channels = self._evaluate(points, hessian_operators(self.dim))[1 + self.dim :]
        out = np.empty((channels.shape[1], self.dim, self.dim))
        for channel, (i, j) in zip(channels, _pairs(self.dim), strict=True):
            out[:, i, j] = out[:, j, i] = channel
        return out

    def _evaluate(self, points: npt.ArrayLike, operators: Tensor) -> npt.NDArray[np.float64]:
        array = np.ascontiguousarray(points, dtype=np.float64)[:, : self.dim]
        return self.jet(torch.tensor(array), operators).numpy()


def _pairs(dim: int) -> list[tuple[int, int]]:
    return [(i, j) for i in range(dim) for j in range(i, dim)]
