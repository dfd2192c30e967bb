"""Networks at many points: by the compiled kernel, and with sums over the last hidden layer that lose no digits.

`Network.evaluate` is what trainings depend on, to the last bit; this is for what is done with networks afterwards. It takes a
third of the time. And frozen features have last layers of large numbers that cancel: of an ordinary sum of 1000 of them eight
digits are left, of this one nine or ten.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

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
    linear = len(network.biases) == 1 and type(network.embedding) is AffineEmbedding and network.embedding.is_linear
    parts = _of_linear(network, points, operators) if linear else _of_any(network, points, operators)
    return torch.cat(list(parts), dim=1)


def _of_any(network: Network, points: Tensor, operators: Tensor) -> Iterator[Tensor]:
    channels = 1 + operators.shape[-1] + operators.shape[0]
    size = max(64, _SIZE // (channels * max(w.shape[0] for w in network.weights)))
    memory: dict[tuple[int, int], list[Tensor]] = {}
    outer = _Product(network.weights[-1].T)
    for many in points.split(size * -(-_EMBEDDED // size)):  # what is embedded is small, and embedding it has its price
        for part in network.embedding.jet(many, operators).split(size, dim=1):
            yield outer(_hidden(network, part, operators, memory))


def _of_linear(network: Network, points: Tensor, operators: Tensor) -> Iterator[Tensor]:
    """Of one layer whose pre-activations z are linear in x: of s = tanh z the channels are sums of s, of s' ∂_i z and of
    -2 s s' ∇z·A_k∇z, and the derivatives of z are numbers, which belong to the weights."""
    weight, bias, last = network.weights[0], network.biases[0], network.weights[-1]
    dim, outputs, size = operators.shape[-1], len(last), max(64, _SIZE // (3 * len(bias)))
    embedded = network.embedding.jet(points, gradient_only(points.shape[1]))
    slopes = embedded[1:, 0] @ weight.T  # ∂_i z, (d, width)
    squares = torch.einsum("kij,iw,jw->kw", operators, slopes, slopes) if dim else slopes[:0]
    factors = [torch.ones_like(slopes[:1]), *([slopes, -2 * squares] if dim else [])]
    outer = [_Product((f[:, None] * last).reshape(-1, len(bias)).T) for f in factors if len(f)]
    memory = last.new_empty(3, size, len(bias))
    for part in embedded[0].split(size):
        value, slope, product = (place[None, : len(part)] for place in memory)
        torch.addmm(bias, part, weight.T, out=slope[0])
        if not kernel.activate(slope, VALUE, value):
            torch.tanh(slope, out=value)
        if dim:
            torch.mul(value, value, out=slope).neg_().add_(1)
            torch.mul(value, slope, out=product)
        sums = [one(hidden)[0] for one, hidden in zip(outer, (value, slope, product), strict=False)]
        yield torch.cat([t.reshape(len(part), -1, outputs) for t in sums], dim=1).transpose(0, 1)


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
