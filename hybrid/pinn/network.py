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
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn

VALUE = torch.zeros(0, 0, 0, dtype=torch.float64)
"""The operators of a jet that holds the value only."""


def gradient_only(dim: int) -> Tensor:
    """The operators of a jet that holds value and gradient."""
    return torch.zeros(0, dim, dim, dtype=torch.float64)


def laplacian(dim: int) -> Tensor:
    """The operators of a jet that holds value, gradient and Laplacian."""
    return torch.eye(dim, dtype=torch.float64)[None]


def hessian_operators(dim: int, pairs: Sequence[tuple[int, int]] | None = None) -> Tensor:
    """The operators whose channels are the entries ∂_ij, i ≤ j, of the Hessian (all of them, or the `pairs` given)."""
    pairs = [(i, j) for i in range(dim) for j in range(i, dim)] if pairs is None else pairs
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


class Tape(NamedTuple):
    """What the backward sweep of one layer needs: its input jet and its pre-activation jet."""

    inputs: Tensor
    pre: Tensor


class Tanh:
    """σ = tanh on jets, with the adjoint that Gauss–Newton needs (σ' = 1 - σ², and so on)."""

    @staticmethod
    def derivatives(z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """σ, σ' and σ'' at z."""
        s = torch.tanh(z)
        s1 = 1 - s * s
        return s, s1, -2 * s * s1

    @staticmethod
    def forward(z: Tensor, operators: Tensor) -> Tensor:
        """The jet of σ(z) from that of z."""
        dim = operators.shape[-1]
        s, s1, s2 = Tanh.derivatives(z[0])
        grad = z[1 : 1 + dim]
        curvature = torch.einsum("kinw,inw->knw", _apply(operators, grad), grad)
        return torch.cat([s[None], s1 * grad, s1 * z[1 + dim :] + s2 * curvature])

    @staticmethod
    def adjoint(z: Tensor, bar: Tensor, operators: Tensor) -> Tensor:
        """Pull the adjoint of the output jet back to the adjoint of the pre-activation jet."""
        dim = operators.shape[-1]
        s, s1, s2 = Tanh.derivatives(z[0])
        s3 = -2 * (s1 * s1 + s * s2)
        grad, grad_bar, second_bar = z[1 : 1 + dim], bar[1 : 1 + dim], bar[1 + dim :]
        flux = _apply(operators, grad)
        curvature = torch.einsum("kinw,inw->knw", flux, grad)
        value = s1 * bar[0] + s2 * (grad * grad_bar).sum(0) + (second_bar * (s2 * z[1 + dim :] + s3 * curvature)).sum(0)
        first = s1 * grad_bar + 2 * s2 * torch.einsum("knw,kinw->inw", second_bar, flux)
        return torch.cat([value[None], first, s1 * second_bar])


def _apply(operators: Tensor, grad: Tensor) -> Tensor:
    """A_k ∇z, (K, d, n, w)."""
    return torch.einsum("kij,jnw->kinw", operators, grad)


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
        embedding: The map e, see `hybrid.pinn.embedding`.
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

    def hidden_jet(self, jet: Tensor, operators: Tensor, tape: list[Tape] | None = None) -> Tensor:
        """The jet of the last hidden layer from that of the embedding; `tape` collects what the adjoint needs."""
        for weight, bias in zip(self.weights, self.biases, strict=False):
            pre = jet @ weight.T
            pre = torch.cat([pre[:1] + bias, pre[1:]])
            if tape is not None:
                tape.append(Tape(jet, pre))
            jet = Tanh.forward(pre, operators)
        return jet

    def jet(self, points: Tensor, operators: Tensor) -> Tensor:
        """The jet (C, n, outputs) at the points, (n, d)."""
        return self.hidden_jet(self.embedding.jet(points, operators), operators) @ self.weights[-1].T

    @torch.no_grad()
    def evaluate(self, points: Tensor, operators: Tensor) -> Tensor:
        """The jet (C, n, outputs) on the CPU, without gradients, in pieces that fit the processor's cache."""
        device = self.weights[-1].device
        channels = 1 + operators.shape[-1] + operators.shape[0]
        size = max(64, 200_000 // (channels * max(w.shape[0] for w in self.weights)))
        parts = [self.jet(part.to(device), operators.to(device)).cpu() for part in points.split(size)]
        return torch.cat(parts, dim=1)

    def forward(self, points: Tensor) -> Tensor:
        """The values, (n, outputs)."""
        return self.jet(points, VALUE.to(points.device))[0]
