"""Networks whose features are products of functions of one coordinate each, and how many of those a problem needs.

A layer of tanh(w·x + b) needs about as many features as there are products of frequencies, and steep ones where the solution
has a layer along one side only. Here every coordinate has a subnet of its own, and the features are all their products,

    u(x) = Σ_j c_j Π_i h_{i, j_i}( x_i ),    h_i(s) = R_i tanh( w_i s + b_i ),

the separable form of Cho et al. 2023 (Separable PINN, arXiv:2306.15969), with random w_i and b_i. Random features are nearly
dependent; R_i takes the left singular functions of many of them, as steep as it takes for so many to be independent in float64.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from hybrid.pinn.functions.embedding import AffineEmbedding
from hybrid.pinn.functions.network import VALUE, Network, entries

Array = npt.NDArray[np.float64]

_INDEPENDENT = 1e-13
"""Singular values below this fraction of the largest are rounding."""
_AT_ONCE = 4096
"""Points that are evaluated at once."""
_HALVINGS = 12
_DRAWN = 3
"""Random features for each function that is made of them."""


class SeparableNetwork(Network):
    """u(x) = Σ_j c_j Π_i h_{i, j_i}( x_i ) on a box, see above.

    Args:
        box: One (low, high) for each dimension.
        counts: How many functions of each coordinate; the features are Π counts.
        outputs: Number of functions, all on the same features.
        seed: Of the subnets' weights.
    """

    def __init__(self, box: Sequence[Sequence[float]], counts: Sequence[int], outputs: int, seed: int) -> None:
        nn.Module.__init__(self)
        self.embedding = AffineEmbedding(box)
        self._scales = [2 / (high - low) for low, high in box]
        generator = torch.Generator().manual_seed(seed)
        first, mixed, biases = [], [], []
        for count in counts:
            weight, bias, mixing = _subnet(count, generator)
            first.append(weight)
            biases.append(bias)
            mixed.append(mixing)
        width = math.prod(counts)
        last = 0.1 / math.sqrt(width) * torch.randn(outputs, width, generator=generator, dtype=torch.float64)
        self.weights = nn.ParameterList([*first, *mixed, last])
        self.biases = nn.ParameterList(biases)

    def hidden_jet(self, jet: Tensor, operators: Tensor) -> Tensor:
        """The jet (C, n, Π counts) of the features from that of the scaled coordinates; the last coordinate's run fastest."""
        tables = self._tables(jet[0])

        def feature(orders: Sequence[int]) -> Tensor:
            first, *others = (table[k] for table, k in zip(tables, orders, strict=True))
            for other in others:
                first = (first[:, :, None] * other[:, None, :]).reshape(len(first), -1)
            return first

        return torch.stack(_channels(len(tables), feature, operators))

    @torch.no_grad()
    def evaluate(self, points: Tensor, operators: Tensor) -> Tensor:
        """The jet (C, n, outputs) in float64 on the CPU, without gradients: coordinate by coordinate, never all features."""
        last = self.weights[-1]
        counts = [self.weights[len(self.biases) + i].shape[0] for i in range(len(self.biases))]
        coefficients = last.reshape(-1, *counts)
        parts = []
        for part in points.split(_AT_ONCE):
            tables = self._tables(self.embedding.jet(part.to(last.device), VALUE)[0].to(last.dtype))

            def value(orders: Sequence[int], tables: Sequence[Sequence[Tensor]] = tables) -> Tensor:
                *others, inner = (table[k] for table, k in zip(tables, orders, strict=True))
                found = torch.einsum("o...k,nk->no...", coefficients, inner)
                for other in reversed(others):
                    found = torch.einsum("no...k,nk->no...", found, other)
                return found

            parts.append(torch.stack(_channels(len(tables), value, operators)).cpu())
        return torch.cat(parts, dim=1).double()

    def _tables(self, scaled: Tensor) -> list[tuple[Tensor, Tensor, Tensor]]:
        """For each coordinate the values, (n, count), of its functions, and their first and second derivatives by x_i."""
        tables = []
        for i, bias in enumerate(self.biases):
            slope = self.weights[i][:, 0]
            mixing = self.weights[len(self.biases) + i]
            value = torch.tanh(scaled[:, i : i + 1] * slope + bias)
            slope = slope * self._scales[i]
            first = (1 - value * value) * slope
            tables.append((value @ mixing.T, first @ mixing.T, (-2 * value * first * slope) @ mixing.T))
        return tables


def _channels(dim: int, derivative: Callable[[Sequence[int]], Tensor], operators: Tensor) -> list[Tensor]:
    """The channels of a jet on R^dim, from what gives ∂^α u for the orders α."""

    def along(*axes: int) -> Tensor:
        return derivative([axes.count(k) for k in range(dim)])

    second = [sum(((a * along(i, j)) for i, j, a in terms), torch.zeros(())) for terms in entries(operators)]
    return [along(), *(along(i) for i in range(operators.shape[-1])), *second]


def subnet_cost(count: int) -> float:
    """Floating-point operations, about, of finding so many functions of a coordinate."""
    return 4.0 * (_HALVINGS + 1) * (4 * count + 40) * (_DRAWN * count) ** 2


def _subnet(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """w (M, 1), b (M,) and R (count, M)."""
    drawn = max(_DRAWN * count, 40)
    slopes = torch.randn(drawn, 1, generator=generator, dtype=torch.float64)
    shifts = 2 * torch.rand(drawn, generator=generator, dtype=torch.float64) - 1
    at, weights = np.polynomial.legendre.leggauss(4 * count + 40)
    points, roots = torch.as_tensor(at)[:, None], torch.as_tensor(weights).sqrt()[:, None]

    def features(scale: float) -> Tensor:
        return roots * torch.tanh(scale * (points @ slopes.T + shifts))

    low, high = 0.25, 4.0 * count
    for _ in range(_HALVINGS):
        middle = math.sqrt(low * high)
        singular = torch.linalg.svdvals(features(middle))
        if int((singular > _INDEPENDENT * singular[0]).sum()) >= count:
            high = middle
        else:
            low = middle
    _, singular, right = torch.linalg.svd(features(high), full_matrices=False)
    mixing = right[:count] / singular[:count, None]
    return high * slopes, high * shifts, mixing.contiguous()
