"""Networks that carry value, gradient and second derivatives forward together.

A *jet* is a tensor of shape (C, n, w): for n points and w functions the channels are

    0          the value                        u
    1 .. d     the gradient                     ∂_i u
    d+1 ..     second-order operators           A_k : ∇²u  =  Σ_ij (A_k)_ij ∂_ij u,

one for each symmetric d×d matrix A_k asked for. A linear layer acts on every channel alike (its bias on the value only),
and an activation σ by the chain rule,

    h = σ(z),   ∂_i h = σ'(z) ∂_i z,   A:∇²h = σ'(z) A:∇²z + σ''(z) ∇z·A∇z,

so that one forward sweep replaces the nested reverse sweeps of automatic differentiation. This is forward-mode (Taylor)
automatic differentiation: exact to rounding, not an approximation.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from functools import partial
from typing import Protocol

import torch
from torch import Tensor, nn

_EMBEDDED = 8192
"""Points that are embedded at once where a network is evaluated."""

VALUE = torch.zeros(0, 0, 0, dtype=torch.float64)
"""The operators of a jet that holds the value only."""


def gradient_only(dim: int) -> Tensor:
    """The operators of a jet that holds value and gradient."""
    return torch.zeros(0, dim, dim, dtype=torch.float64)


def laplacian(dim: int) -> Tensor:
    """The operators of a jet that holds value, gradient and Laplacian."""
    return torch.eye(dim, dtype=torch.float64)[None]


def hessian_pairs(dim: int) -> list[tuple[int, int]]:
    """(i, j) with i ≤ j, in the order of the channels of a Hessian."""
    return [(i, j) for i in range(dim) for j in range(i, dim)]


def hessian_operators(dim: int, pairs: Sequence[tuple[int, int]] | None = None) -> Tensor:
    """The operators whose channels are the entries ∂_ij, i ≤ j, of the Hessian (all of them, or the `pairs` given)."""
    pairs = hessian_pairs(dim) if pairs is None else pairs
    operators = torch.zeros(len(pairs), dim, dim, dtype=torch.float64)
    for k, (i, j) in enumerate(pairs):
        operators[k, i, j] += 0.5
        operators[k, j, i] += 0.5
    return operators


def product_jet(f: Tensor, g: Tensor, operators: Tensor) -> Tensor:
    """The jet of the product f g by Leibniz' rule; f and g broadcast in their last dimension."""
    dim = operators.shape[-1]
    df, dg = f[1 : 1 + dim], g[1 : 1 + dim]
    cross = 2 * torch.einsum("kij,inw,jnw->knw", operators, df, dg)
    return torch.cat([f[:1] * g[:1], f[:1] * dg + g[:1] * df, f[:1] * g[1 + dim :] + g[:1] * f[1 + dim :] + cross])


def tanh_jet(z: Tensor, operators: Tensor) -> Tensor:
    """The jet of tanh(z) from that of z, with σ' = 1 - σ² and σ'' = -2 σ σ'."""
    dim = operators.shape[-1]
    s = torch.tanh(z[0])
    s1 = 1 - s * s
    s2 = -2 * s * s1
    grad = z[1 : 1 + dim]
    channels = [s[None], s1 * grad]
    for k, terms in enumerate(entries(operators)):
        square = torch.zeros_like(s)
        for i, j, a in terms:
            square = square + a * grad[i] * grad[j]
        channels.append((s1 * z[1 + dim + k] + s2 * square)[None])
    return torch.cat(channels)


def entries(operators: Tensor) -> list[list[tuple[int, int, float]]]:
    """(i, j, A_ij) of each matrix that do not vanish; most of these matrices are sparse."""
    return [
        [(i, j, a) for i, row in enumerate(matrix) for j, a in enumerate(row) if a] for matrix in operators.tolist()
    ]


class Embedding(Protocol):
    """What a network's first layer sees instead of the bare coordinates."""

    width: int

    def jet(self, points: Tensor, operators: Tensor) -> Tensor:
        """The jet (C, n, width) at the points, (n, d)."""


class Network(nn.Module):
    """A fully connected tanh network u(x) = W_L tanh(… tanh(W_1 e(x) + b_1) …), with an embedding e and no last bias.

    The constant that a last bias could add is no unknown of the problems here: correctors have mean zero, solutions are
    tied to the boundary.

    Args:
        embedding: The map e, see `hybrid.pinn.functions.embedding`.
        hidden: Widths of the hidden layers.
        outputs: Number of functions, all on the same hidden layers.
        seed: Of the initial weights.
        scale: Factor on the initial hidden weights; frozen features want more than one (steeper, so richer, functions).
    """

    def __init__(
        self, embedding: Embedding, hidden: Sequence[int], outputs: int, seed: int, *, scale: float = 1.0
    ) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.embedding = embedding
        widths = [embedding.width, *hidden]
        weights, biases = [], []
        for before, after in itertools.pairwise(widths):
            spread = scale / math.sqrt(before)
            weights.append(spread * torch.randn(after, before, generator=generator, dtype=torch.float64))
            biases.append(scale * (2 * torch.rand(after, generator=generator, dtype=torch.float64) - 1))
        spread = 0.1 / math.sqrt(widths[-1])
        weights.append(spread * torch.randn(outputs, widths[-1], generator=generator, dtype=torch.float64))
        self.weights = nn.ParameterList(weights)
        self.biases = nn.ParameterList(biases)

    def hidden_jet(self, jet: Tensor, operators: Tensor) -> Tensor:
        """The jet of the last hidden layer from that of the embedding; torch can differentiate it."""
        for weight, bias in zip(self.weights, self.biases, strict=False):
            pre = jet @ weight.T
            pre = torch.cat([pre[:1] + bias, pre[1:]])
            jet = tanh_jet(pre, operators)
        return jet

    def jet(self, points: Tensor, operators: Tensor) -> Tensor:
        """The jet (C, n, outputs) at the points, (n, d)."""
        jet = self.embedding.jet(points, operators).to(self.weights[-1].dtype)
        return self.hidden_jet(jet, operators) @ self.weights[-1].T

    @torch.no_grad()
    def evaluate(self, points: Tensor, operators: Tensor) -> Tensor:
        """The jet (C, n, outputs) in float64 on the CPU, without gradients, in pieces that fit the processor's cache."""
        device = self.weights[-1].device
        channels = 1 + operators.shape[-1] + operators.shape[0]
        size = max(64, 200_000 // (channels * max(w.shape[0] for w in self.weights)))
        operators = operators.to(device)
        if type(self).jet is not Network.jet:
            parts = [self.jet(part.to(device), operators).cpu() for part in points.split(size)]
            return torch.cat(parts, dim=1).double()
        last, parts = self.weights[-1], []
        memory: dict[tuple[int, ...], list[Tensor]] = {}
        own = type(self).hidden_jet is not Network.hidden_jet
        hidden = self.hidden_jet if own else partial(self._hidden_into, memory)
        for many in points.split(
            size * -(-_EMBEDDED // size)
        ):  # what is embedded is small, and embedding it has its price
            jet = self.embedding.jet(many.to(device), operators).to(last.dtype)
            parts += [(hidden(part, operators) @ last.T).cpu() for part in jet.split(size, dim=1)]
        return torch.cat(parts, dim=1).double()

    def _hidden_into(self, memory: dict[tuple[int, ...], list[Tensor]], jet: Tensor, operators: Tensor) -> Tensor:
        """`hidden_jet` to the last bit, in memory that the next call uses again: to get it from the system takes longer."""
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=False)):
            key = (layer, *jet.shape)
            if key not in memory:
                shape = (*jet.shape[:2], len(weight))
                memory[key] = [jet.new_empty(shape), jet.new_empty(shape), jet.new_empty(shape[1:])]
            pre, out, slope = memory[key]
            torch.mm(jet.reshape(-1, jet.shape[2]), weight.T, out=pre.view(-1, len(weight)))
            pre[0] += bias
            if len(operators):
                jet = tanh_jet(pre, operators)
                continue
            torch.tanh(pre[0], out=out[0])
            if len(pre) > 1:
                torch.mul(out[0], out[0], out=slope)
                torch.sub(1, slope, out=slope)
                torch.mul(slope, pre[1:], out=out[1:])
            jet = out
        return jet

    def forward(self, points: Tensor) -> Tensor:
        """The values, (n, outputs)."""
        return self.jet(points, VALUE.to(points.device))[0]
