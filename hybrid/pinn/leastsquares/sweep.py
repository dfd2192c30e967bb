"""The forward sweep of jets through the hidden layers and its adjoint, in memory that is used again and again.

A training step does the same small operations on the same shapes over and over. Written with fresh tensors it spends most of
its time on getting memory from the system; here every intermediate has its place, and between the matrix products a compiled
kernel goes through memory once. `Network.hidden_jet` is the same forward sweep for torch to differentiate; the tests hold the
three together.

With s = tanh z, s' = 1 - s² and q_k = ∇z·A_k∇z the activation's channels are s, s' ∂_i z and s' (A_k:∇²z - 2 s q_k). For
adjoints b of these, those of z's are

    s' ( b_0 - 2 s Σ_c b_c z_c + (6 s² - 2) Σ_k b_k q_k ),    s' ( b_i - 4 s Σ_k b_k (A_k∇z)_i ),    s' b_k.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor

from hybrid.pinn.functions import kernel
from hybrid.pinn.functions.network import Network, entries


def own_hidden_layers(network: Network) -> bool:
    """Whether a subclass computes its hidden layers in its own way, so that the sweeps here would be another function's."""
    return type(network).hidden_jet is not Network.hidden_jet


class Tape(NamedTuple):
    """What the adjoint of one layer needs: jets before it, (C, n, v), of its pre-activations and of its output, (C, n, w)."""

    inputs: Tensor
    pre: Tensor
    output: Tensor


class Sweep:
    """Sweeps through the hidden layers of one network.

    Args:
        network: Its weights are used as they are at each call.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self.own = own_hidden_layers(network)
        self._memory: dict[tuple[object, ...], Tensor] = {}
        weight = network.weights[-1]
        library = kernel.load() if weight.device.type == "cpu" else None
        kind = {torch.float64: "double", torch.float32: "single"}.get(weight.dtype)
        self._kernel = None if library is None or kind is None else (
            getattr(library, f"forward_{kind}"), getattr(library, f"adjoint_{kind}")
        )  # fmt: skip

    def _place(self, like: Tensor, *shape: int, name: tuple[object, ...]) -> Tensor:
        """Memory of this name; what was in it is lost."""
        size = math.prod(shape)
        found = self._memory.get(name)
        if found is None or found.numel() < size:
            found = self._memory[name] = torch.empty(size, dtype=like.dtype, device=like.device)
        return found[:size].view(shape)

    def forward(self, jet: Tensor, operators: Tensor, slot: int = 0) -> tuple[Tensor, list[Tape]]:
        """The jet of the last hidden layer, (C, n, w), and the tapes; both stay until the next call with the same slot.

        A network with a `hidden_jet` of its own has no tapes: torch has to differentiate it.
        """
        if self.own:
            return self.network.hidden_jet(jet, operators), []
        tapes = []
        for layer, (weight, bias) in enumerate(zip(self.network.weights, self.network.biases, strict=False)):
            channels, n, _ = jet.shape
            pre, out = (self._place(jet, channels, n, len(weight), name=(name, slot, layer)) for name in ("pre", "out"))
            torch.mm(jet.reshape(channels * n, -1), weight.T, out=pre.view(channels * n, -1))
            pre[0].add_(bias)
            if self._kernel is not None:
                self._call(self._kernel[0], operators, pre, out)
            else:
                self._activate(pre, out, operators)
            tapes.append(Tape(jet, pre, out))
            jet = out
        return jet, tapes

    def adjoint(self, tape: Tape, bar: Tensor, operators: Tensor) -> Tensor:
        """Pull the adjoint of a layer's output jet back to that of its pre-activations, in place of it."""
        pre, out = tape.pre, tape.output
        if pre.shape[1] != bar.shape[1]:  # rows that all see one point
            pre, out = (jet.expand(bar.shape).contiguous() for jet in (pre, out))
        if self._kernel is not None:
            bar = bar.contiguous()
            self._call(self._kernel[1], operators, pre, out, bar)
            return bar
        return self._pull_back(pre, out[0], bar, operators)

    def _call(self, function: Any, operators: Tensor, *jets: Tensor) -> None:
        operators = operators.to(jets[0].dtype).contiguous()
        pointers = [tensor.data_ptr() for tensor in (operators, *jets)]
        function(jets[0][0].numel(), operators.shape[-1], len(operators), *pointers)

    def _activate(self, z: Tensor, out: Tensor, operators: Tensor) -> None:
        """What the kernel does, for other devices."""
        dim, (_, n, w) = operators.shape[-1], z.shape
        s = torch.tanh(z[0], out=out[0])
        slope, square = (self._place(z, n, w, name=(name,)) for name in ("slope", "square"))
        torch.mul(s, s, out=slope).neg_().add_(1)
        torch.mul(z[1 : 1 + dim], slope, out=out[1 : 1 + dim])
        for k, terms in enumerate(entries(operators)):
            square.zero_()
            for i, j, a in terms:
                square.addcmul_(z[1 + i], z[1 + j], value=a)
            square.mul_(s)
            torch.sub(z[1 + dim + k], square, alpha=2, out=out[1 + dim + k]).mul_(slope)

    def _pull_back(self, z: Tensor, s: Tensor, bar: Tensor, operators: Tensor) -> Tensor:
        dim, (_, n, w) = operators.shape[-1], bar.shape
        first, second, work, flux = (self._place(bar, n, w, name=(k,)) for k in ("first", "second", "work", "flux"))
        first.zero_()
        for c in range(1, len(bar)):
            first.addcmul_(bar[c], z[c])
        bar[0].addcmul_(first, s, value=-2)
        torch.mul(s, s, out=second)
        torch.mul(second, 6, out=first).sub_(2)
        slope = second.neg_().add_(1)
        for k, terms in enumerate(entries(operators)):
            for i in range(dim):
                own = [(j, a) for row, j, a in terms if row == i]
                if own:
                    flux.zero_()
                    for j, a in own:
                        flux.add_(z[1 + j], alpha=a)
                    flux.mul_(bar[1 + dim + k])
                    bar[1 + i].addcmul_(flux, s, value=-4)
                    torch.mul(flux, z[1 + i], out=work)
                    bar[0].addcmul_(work, first)
        return bar.mul_(slope)

    def before(self, pre: Tensor, layer: int) -> Tensor:
        """The adjoint of the jet before a layer from that of its pre-activations."""
        channels, n, _ = pre.shape
        weight = self.network.weights[layer].T.contiguous().T  # laid out like this the product runs a fifth faster
        bar = self._place(pre, channels, n, weight.shape[1], name=("bar", layer))
        torch.mm(pre.view(channels * n, -1), weight, out=bar.view(channels * n, -1))
        return bar

    def last(self, coefficients: Tensor, adjoint: Tensor) -> Tensor:
        """The adjoint of the last hidden jet, (C, n, w), from coefficients (C, n) and the adjoint of their contraction."""
        bar = self._place(adjoint, len(coefficients), *adjoint.shape, name=("bar", len(self.network.biases)))
        return torch.mul(coefficients[:, :, None], adjoint, out=bar)
