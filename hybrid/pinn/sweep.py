"""The forward sweep of jets through the hidden layers and its adjoint, in memory that is used again and again.

A training step does the same small operations on the same shapes over and over. Written with fresh tensors it spends most of
its time on getting memory from the system; here every intermediate has its place. `Network.hidden_jet` is the same forward
sweep for torch to differentiate; the tests hold the two together.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from hybrid.pinn.network import Network

Fluxes = list[tuple[int, dict[int, list[tuple[int, float]]]]]


class Tape(NamedTuple):
    """What the adjoint of one layer needs.

    Attributes:
        inputs: The jet before the layer, (C, n, v).
        gradient: ∇z of the pre-activations, (d, n, w).
        value: s = tanh z, (n, w).
        slope: s' = 1 - s², (n, w).
        curved: A_k:∇²z - 2 s ∇z·A_k∇z, (K, n, w); s' times it is the activation's own second-order channel.
        square: ∇z·A_k∇z, (K, n, w).
    """

    inputs: Tensor
    gradient: Tensor
    value: Tensor
    slope: Tensor
    curved: Tensor
    square: Tensor


class Sweep:
    """Sweeps through the hidden layers of one network.

    Args:
        network: Its weights are used as they are at each call.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self._memory: dict[tuple[object, ...], Tensor] = {}
        self._one = torch.ones((), dtype=network.weights[-1].dtype, device=network.weights[-1].device)

    def _place(self, like: Tensor, *shape: int, name: tuple[object, ...]) -> Tensor:
        """Memory of this name; what was in it is lost."""
        size = math.prod(shape)
        found = self._memory.get(name)
        if found is None or found.numel() < size:
            found = self._memory[name] = torch.empty(size, dtype=like.dtype, device=like.device)
        return found[:size].view(shape)

    def forward(self, jet: Tensor, operators: Tensor, slot: int = 0) -> tuple[Tensor, list[Tape]]:
        """The jet of the last hidden layer, (C, n, w), and the tapes; both stay until the next call with the same slot."""
        tapes = []
        for layer, (weight, bias) in enumerate(zip(self.network.weights, self.network.biases, strict=False)):
            channels, n, _ = jet.shape
            pre = self._place(jet, channels, n, len(weight), name=("pre", slot, layer))
            torch.mm(jet.reshape(channels * n, -1), weight.T, out=pre.view(channels * n, -1))
            pre[0] += bias
            tape, jet = self._activate(jet, pre, operators, slot, layer)
            tapes.append(tape)
        return jet, tapes

    def _activate(self, inputs: Tensor, z: Tensor, operators: Tensor, slot: int, layer: int) -> tuple[Tape, Tensor]:
        """tanh on jets; the second-order channels of `z` are overwritten."""
        dim, (_, n, w) = operators.shape[-1], z.shape
        out = self._place(z, *z.shape, name=("out", slot, layer))
        slope = self._place(z, n, w, name=("slope", slot, layer))
        square = self._place(z, len(operators), n, w, name=("square", slot, layer))
        gradient, curved = z[1 : 1 + dim], z[1 + dim :]
        s = torch.tanh(z[0], out=out[0])
        torch.addcmul(self._one, s, s, value=-1, out=slope)
        torch.mul(gradient, slope, out=out[1 : 1 + dim])
        work = self._place(z, n, w, name=("work",))
        for k, entries in enumerate(_entries(operators)):
            _bilinear([(gradient[i], gradient[j], a) for i, j, a in entries], square[k])
            torch.mul(square[k], s, out=work)
            curved[k].sub_(work, alpha=2)
            torch.mul(curved[k], slope, out=out[1 + dim + k])
        return Tape(inputs, gradient, s, slope, curved, square), out

    def adjoint(self, tape: Tape, bar: Tensor, operators: Tensor) -> Tensor:
        """Pull the adjoint of a layer's output jet back to that of its pre-activations, in place of it."""
        dim, (_, n, w) = operators.shape[-1], bar.shape
        if not dim:
            return bar.mul_(tape.slope)
        work, more = (self._place(bar, n, w, name=(name,)) for name in ("work", "more"))
        curved = [(bar[1 + dim + k], tape.curved[k], 1.0) for k in range(len(operators))]
        _bilinear([(tape.gradient[i], bar[1 + i], 1.0) for i in range(dim)] + curved, work)
        work.mul_(tape.value)
        for k, entries in enumerate(_entries(operators)):
            second = bar[1 + dim + k]
            torch.mul(second, tape.square[k], out=more)
            work.addcmul_(more, tape.slope)
            torch.mul(second, tape.value, out=more)
            for i, j, a in entries:
                if i == j:
                    bar[1 + i].addcmul_(more, tape.gradient[i], value=-4 * a)
                else:
                    bar[1 + i].addcmul_(more, tape.gradient[j], value=-2 * a)
                    bar[1 + j].addcmul_(more, tape.gradient[i], value=-2 * a)
        bar[0].sub_(work, alpha=2)
        return bar.mul_(tape.slope)

    def before(self, pre: Tensor, layer: int) -> Tensor:
        """The adjoint of the jet before a layer from that of its pre-activations."""
        channels, n, _ = pre.shape
        weight = self.network.weights[layer]
        bar = self._place(pre, channels, n, weight.shape[1], name=("bar", layer))
        torch.mm(pre.view(channels * n, -1), weight, out=bar.view(channels * n, -1))
        return bar

    def last(self, coefficients: Tensor, adjoint: Tensor) -> Tensor:
        """The adjoint of the last hidden jet, (C, n, w), from coefficients (C, n) and the adjoint of their contraction."""
        bar = self._place(adjoint, len(coefficients), *adjoint.shape, name=("bar", len(self.network.biases)))
        return torch.mul(coefficients[:, :, None], adjoint, out=bar)


def _bilinear(terms: list[tuple[Tensor, Tensor, float]], out: Tensor) -> None:
    """Σ a f g over the terms (f, g, a)."""
    if not terms:
        out.zero_()
    for k, (f, g, a) in enumerate(terms):
        if k:
            out.addcmul_(f, g, value=a)
        else:
            torch.mul(f, g, out=out)
            if a != 1:
                out.mul_(a)


def _entries(operators: Tensor) -> list[list[tuple[int, int, float]]]:
    """(i, j, a) with z·A_k z = Σ a z_i z_j, i ≤ j, for symmetric A_k; most of these matrices are sparse."""
    return [
        [
            (i, j, row[j] if i == j else 2 * row[j])
            for i, row in enumerate(matrix)
            for j in range(i, len(matrix))
            if row[j]
        ]
        for matrix in operators.tolist()
    ]
