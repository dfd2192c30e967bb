"""A function given by a network, to be evaluated anywhere."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hybrid.pinn.functions.network import VALUE, Network, gradient_only, hessian_operators, hessian_pairs, product_jet
from hybrid.pinn.functions.smooth import jets_on
from hybrid.product import Product

Jet = Callable[[Tensor, Tensor], Tensor]
"""A known function as its jet (C, n, 1) of points (n, d) and operators (K, d, d)."""

_PIECE = 8192
"""Points at which known parts are computed at once: what belongs to them stays near the processor."""


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

    @property
    def is_more_than_its_network(self) -> bool:
        """Whether anything is done to the network's output."""
        return self.factor is not None or self.known is not None or self.unit != 1 or self.shift != 0

    def jet(self, points: Tensor, operators: Tensor) -> Tensor:
        """The jet (C, n) at the points, (n, d); on the CPU, without gradients by the parameters."""
        return self._whole(self.network.evaluate(points, operators)[..., self.output], points, operators)

    def _whole(self, output: Tensor, points: Tensor, operators: Tensor) -> Tensor:
        """The jet (C, n) from that of the network's output, (C, n)."""
        jet = output[..., None]
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
        for channel, (i, j) in zip(channels, hessian_pairs(self.dim), strict=True):
            out[:, i, j] = out[:, j, i] = channel
        return out

    def _evaluate(self, points: npt.ArrayLike, operators: Tensor) -> npt.NDArray[np.float64]:
        array = np.asarray(points, dtype=np.float64)[:, : self.dim]
        (found,) = evaluated([self], Product.of(array), operators)
        return found


def evaluated(fields: Sequence[Field], points: Product, operators: Tensor) -> list[npt.NDArray[np.float64]]:
    """The jets (C, n) of several fields at the same points; networks that they share are evaluated once."""
    if points.given is None and 2 * math.prod(points.shape) < len(points):  # those of a cell, of a strip
        number = points.numbers()
        return [np.take(jet, number, axis=1) for jet in evaluated(fields, points.whole(), operators)]
    known: dict[Network, npt.NDArray[np.float64]] = {}
    found = []
    for one in fields:
        if one.network not in known:
            known[one.network] = jets_on(one.network, points, operators)
        outputs = np.array(known[one.network][..., one.output])  # a copy: another field may have the same output
        for begin in range(0, len(points) if one.is_more_than_its_network else 0, _PIECE):
            piece = slice(begin, begin + _PIECE)
            own, at = torch.from_numpy(outputs[:, piece]), torch.from_numpy(points.points(piece))
            outputs[:, piece] = one._whole(own, at, operators).numpy()
        found.append(outputs)
    return found
