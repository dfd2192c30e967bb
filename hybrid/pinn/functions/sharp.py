"""Networks at many points: by the compiled kernels, and with sums over the last hidden layer that lose no digits.

`Network.evaluate` is what trainings depend on, to the last bit; this is for what is done with networks afterwards. It takes a
third of the time, and less where there is one hidden layer whose pre-activations are linear in x. And frozen features have
last layers of large numbers that cancel: of an ordinary sum of 1000 of them eight digits are left, of this one nine or ten.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from hybrid.pinn.functions import kernel
from hybrid.pinn.functions.embedding import AffineEmbedding
from hybrid.pinn.functions.network import VALUE, Network, gradient_only, tanh_jet

_SIZE = 200_000
"""Numbers in a jet that are dealt with at a time: they stay near the processor."""
_EMBEDDED = 8192


@torch.no_grad()
def sharp(network: Network, points: Tensor, operators: Tensor) -> Tensor:
    """The jet (C, n, outputs) of `Network.evaluate`, up to its rounding."""
    last = network.weights[-1]
    ordinary = type(network) is Network and len(network.biases) > 0
    if not ordinary or last.device.type != "cpu" or last.dtype != torch.float64:
        return network.evaluate(points, operators)
    layer = _Layer.of(network, points.shape[1], operators)
    parts = _of_any(network, points, operators) if layer is None else map(layer, points.split(_EMBEDDED))
    return torch.cat(list(parts), dim=1)


@dataclass(frozen=True)
class _Layer:
    """One hidden layer whose pre-activations z are linear in x, or of which only values are asked: with s = tanh z the channels
    are sums of s, of s' ∂_i z and of -2 s s' ∇z·A_k∇z, and the derivatives of z are numbers, which belong to the weights.

    Attributes:
        network: Of this layer.
        counts: How many sums there are of s, of s' and of s s'.
        last: The numbers in the sums, (width, sums).
    """

    network: Network
    counts: tuple[int, int, int]
    last: Tensor

    @classmethod
    def of(cls, network: Network, dim: int, operators: Tensor) -> _Layer | None:
        """None where it is otherwise, or the kernel cannot."""
        linear = type(network.embedding) is AffineEmbedding and network.embedding.is_linear
        if len(network.biases) != 1 or (operators.shape[-1] and not linear):
            return None
        weight, last = network.weights[0], network.weights[-1]
        factors = [torch.ones_like(weight[None, :, 0])]
        if operators.shape[-1]:
            anywhere = torch.zeros(1, dim, dtype=torch.float64)
            slopes = network.embedding.jet(anywhere, gradient_only(dim))[1:, 0] @ weight.T  # ∂_i z, (d, width)
            factors += [slopes, -2 * torch.einsum("kij,iw,jw->kw", operators, slopes, slopes)]
        counts = [len(factor) * len(last) for factor in factors] + [0, 0]
        if not kernel.can_sum(sum(counts)):
            return None
        numbers = torch.cat([(factor[:, None] * last).reshape(-1, len(weight)) for factor in factors])
        return cls(network, (counts[0], counts[1], counts[2]), numbers.T.contiguous())

    def __call__(self, points: Tensor) -> Tensor:
        """The jet (C, n, outputs)."""
        embedded = self.network.embedding.jet(points, VALUE)[0].T.contiguous()
        found = kernel.sums(embedded, self.network.weights[0], self.network.biases[0], self.counts, self.last)
        return found.unflatten(0, (-1, self.counts[0])).transpose(1, 2)


def _of_any(network: Network, points: Tensor, operators: Tensor) -> Iterator[Tensor]:
    channels = 1 + operators.shape[-1] + operators.shape[0]
    size = max(64, _SIZE // (channels * max(w.shape[0] for w in network.weights)))
    memory: dict[tuple[int, int], list[Tensor]] = {}
    outer = _Product(network.weights[-1].T)
    for many in points.split(size * -(-_EMBEDDED // size)):  # what is embedded is small, and embedding it has its price
        for part in network.embedding.jet(many, operators).split(size, dim=1):
            yield outer(_hidden(network, part, operators, memory))


def _hidden(network: Network, jet: Tensor, operators: Tensor, memory: dict[tuple[int, int], list[Tensor]]) -> Tensor:
    """The jet of the last hidden layer, in memory that the next call uses again."""
    for layer, (weight, bias) in enumerate(zip(network.weights, network.biases, strict=False)):
        channels, n, _ = jet.shape
        if (layer, n) not in memory:
            memory[layer, n] = [jet.new_empty(channels, n, len(weight)) for _ in range(2)]
        pre, out = memory[layer, n]
        torch.mm(jet.reshape(channels * n, -1), weight.T, out=pre.view(channels * n, -1))
        pre[0] += bias
        jet = out if kernel.activate(pre, operators, out) else tanh_jet(pre, operators)
    return jet


class _Product:
    """jet @ weights, (C, n, w) and (w, outputs), with an error as small as if no sum were rounded.

    Both factors are cut into a leading part of so few bits that all sums of products of these are exact, and a rest (Ozaki et
    al. 2012, Error-free transformations of matrix multiplication).
    """

    def __init__(self, weights: Tensor) -> None:
        self.weights = weights
        self.bits = (53 - math.ceil(math.log2(max(len(weights), 2)))) // 2
        self.heavy = torch.empty_like(weights)
        for k, column in enumerate(weights.T):
            shift = _shift(float(column.abs().max()), self.bits)
            self.heavy[:, k] = (column + shift) - shift
        self.light = weights - self.heavy
        self._place = weights.new_empty(0)

    def __call__(self, jet: Tensor) -> Tensor:
        """The product; the jet becomes its rest."""
        if self._place.shape != jet.shape:
            self._place = torch.empty_like(jet)
        leading = self._place
        for channel, place in zip(jet, leading, strict=True):
            low, high = torch.aminmax(channel)
            shift = _shift(max(-float(low), float(high)), self.bits)
            torch.add(channel, shift, out=place).sub_(shift)
            channel.sub_(place)
        return leading @ self.heavy + (leading @ self.light + jet @ self.weights)


def _shift(largest: float, bits: int) -> float:
    """What to add and take away again so that of numbers up to this size the leading bits are left."""
    return 0.75 * 2.0 ** (math.frexp(largest)[1] + 53 - bits) if 0 < largest < math.inf else 0.0
