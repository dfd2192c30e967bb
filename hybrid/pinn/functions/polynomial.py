"""Networks of (x, y) whose hidden layers see y, and whose last layer is a polynomial of x."""

from __future__ import annotations

import math
from collections.abc import Sequence
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt
import torch
from numpy.polynomial import chebyshev
from torch import Tensor

from hybrid.media.interpolated import SlowCoefficient, slow_nodes
from hybrid.pinn.functions.embedding import AffineEmbedding, SideBySide
from hybrid.pinn.functions.network import (
    VALUE,
    Embedding,
    Network,
    entries,
    gradient_only,
    hessian_operators,
    product_jet,
)

Array = npt.NDArray[np.float64]

_AT_ONCE = 4096
"""Points that are evaluated at once."""


_KEPT: WeakKeyDictionary[Network, dict[object, Tensor]] = WeakKeyDictionary()
"""What the hidden layers gave: many x are asked for on one grid of y."""
_MEMORY, _MOST = 2**28, 64
"""Bytes of that for a network, and how often."""
_GROUP = 32
"""Points at one x, on the mean, from which on its last layer pays."""


class PolynomialNetwork(Network):
    """u(x, y) = Σ_k T_k(x) W_k h(y): products of Chebyshev polynomials of the x_i, and the hidden layers h of a `Network` of y.

    That is linear in the W_k, and for given values at the nodes of x each of these is a problem of y alone.

    Args:
        box: Of x, one (low, high) for each direction.
        counts: Of polynomials in each direction; one where nothing depends on it.
        embedding: Of y.
        hidden: Widths of the hidden layers.
        outputs: Number of functions.
        seed: Of the initial weights.
        scale: Factor on the initial hidden weights.
    """

    def __init__(
        self, box: Sequence[Sequence[float]], counts: Sequence[int], embedding: Embedding, hidden: Sequence[int],
        outputs: int, seed: int, *, scale: float = 1.0,
    ) -> None:  # fmt: skip
        super().__init__(embedding, hidden, outputs, seed, scale=scale)
        self.box = tuple((float(low), float(high)) for low, high in box)
        self.counts, self.fast = tuple(counts), embedding
        self.embedding = SideBySide(AffineEmbedding(self.box), embedding, len(self.box))
        width = math.prod(self.counts) * hidden[-1]
        self.weights[-1] = torch.nn.Parameter(torch.zeros(outputs, width, dtype=torch.float64))

    @property
    def nodes(self) -> Array:
        """Of x, (n, d): `hybrid.media.interpolated.slow_nodes`."""
        return slow_nodes(self.box, self.counts)

    def of_fast(self) -> Network:
        """One of y with these hidden layers, whose last layer is another one."""
        own = Network(self.fast, [len(b) for b in self.biases], self.weights[-1].shape[0], 0)
        own.weights = torch.nn.ParameterList([*self.weights[:-1], own.weights[-1]])
        own.biases = self.biases
        return own

    @torch.no_grad()
    def interpolate(self, layers: Sequence[Tensor]) -> None:
        """Take the last layers of the problems at the nodes, (outputs, width) each."""
        table = SlowCoefficient(self.box, self.nodes, torch.stack(list(layers)).numpy()).expansion()
        flat = torch.from_numpy(np.ascontiguousarray(table)).reshape(-1, *layers[0].shape)
        self.weights[-1].copy_(flat.permute(1, 0, 2).reshape(layers[0].shape[0], -1))

    def hidden_jet(self, jet: Tensor, operators: Tensor) -> Tensor:
        """The jet (C, n, Π counts · width) of all products from that of the scaled x beside the inputs of y."""
        d = len(self.box)
        found = super().hidden_jet(jet[..., d:], operators)
        for k in reversed(range(d)):
            own = _chebyshev(jet[..., k], self.counts[k], operators)
            pairs = [product_jet(own[..., i : i + 1], found, operators) for i in range(self.counts[k])]
            found = torch.cat(pairs, dim=2)
        return found

    @torch.no_grad()
    def evaluate(self, points: Tensor, operators: Tensor) -> Tensor:
        """The jet (C, n, outputs) in float64 on the CPU, without gradients: the hidden layers once for each y, and where there
        are fewer x than y the last one for each of these."""
        d, last = len(self.box), self.weights[-1].detach().cpu().double()
        slow, fast = points[:, :d].numpy(), points[:, d:].contiguous().numpy()
        (x, at_x), (y, at_y) = _distinct(slow), _distinct(fast)
        table = last.reshape(len(last), *self.counts, -1)
        channels = _channels(operators, d)
        out = torch.empty(len(channels), len(points), len(last), dtype=torch.float64)
        if len(x) <= len(y) and len(x) * _GROUP <= len(points):
            order = np.argsort(at_x, kind="stable")
            for k, group in enumerate(np.split(order, np.cumsum(np.bincount(at_x))[:-1])):
                own: dict[tuple[int, ...], Tensor] = {}
                for begin in range(0, len(group), _AT_ONCE):
                    part = group[begin : begin + _AT_ONCE]
                    hidden = self._hidden(torch.from_numpy(fast[part]), channels)
                    for c, terms in enumerate(channels):
                        out[c, part] = sum(  # type: ignore[assignment]
                            a * hidden[beta] @ own.setdefault(alpha, self._at(table, x[k : k + 1], alpha)[0]).T
                            for a, alpha, beta in terms
                        )
            return out
        order = np.argsort(at_y, kind="stable")
        ends = np.cumsum(np.bincount(at_y))
        for begin in range(0, len(y), _AT_ONCE // 4):
            end = min(begin + _AT_ONCE // 4, len(y))
            part = order[ends[begin - 1] if begin else 0 : ends[end - 1]]
            hidden = self._hidden(torch.from_numpy(y[begin:end]), channels)
            # (outputs, counts, distinct y) for every derivative by y, then the polynomials point by point.
            tables = {beta: torch.einsum("o...f,nf->no...", table, h) for beta, h in hidden.items()}
            for one in np.array_split(part, -(-len(part) // _AT_ONCE)):
                number = torch.from_numpy(at_y[one] - begin)
                for c, terms in enumerate(channels):
                    out[c, one] = sum(  # type: ignore[assignment]
                        a * self._contracted(tables[beta][number], slow[one], alpha) for a, alpha, beta in terms
                    )
        return out

    def _hidden(self, y: Tensor, channels: Sequence[Sequence[Term]]) -> dict[tuple[int, ...], Tensor]:
        """The derivatives of the hidden layers that are asked for, (n, width) each."""
        wanted, d = {beta for terms in channels for _, _, beta in terms}, y.shape[1]
        highest = max(map(sum, wanted))
        operators = (VALUE, gradient_only(d), hessian_operators(d))[highest]
        versions = [p._version for p in (*self.weights[:-1], *self.biases)]
        key = highest, y.shape, y.numpy().tobytes(), tuple(versions)
        kept = _KEPT.setdefault(self, {})
        jet = kept.get(key)
        if jet is None:
            jet = super().hidden_jet(self.fast.jet(y, operators), operators)
            if len(kept) == _MOST or 8 * (jet.numel() + sum(other.numel() for other in kept.values())) > _MEMORY:
                kept.clear()
            kept[key] = jet
        names = [tuple([0] * d)]
        if highest:
            names += [_orders(d, i) for i in range(d)]
        if highest == 2:
            names += [_orders(d, i, j) for i in range(d) for j in range(i, d)]
        return {name: part for name, part in zip(names, jet, strict=True) if name in wanted}

    def _at(self, table: Tensor, x: Array, orders: Sequence[int]) -> Tensor:
        """A derivative of the last layer at a few x, (n, outputs, width)."""
        return self._contracted(table.movedim(-1, 1).expand(len(x), *table.movedim(-1, 1).shape), x, orders)

    def _contracted(self, table: Tensor, x: Array, orders: Sequence[int]) -> Tensor:
        """Of tables of polynomials, (n, …, counts), a derivative at x, (n, …)."""
        for k in reversed(range(len(self.box))):
            low, high = self.box[k]
            basis = torch.from_numpy(_basis((2 * x[:, k] - low - high) / (high - low), self.counts[k], orders[k]))
            table = torch.einsum("n...k,nk->n...", table, basis * (2 / (high - low)) ** orders[k])
        return table


Term = tuple[float, tuple[int, ...], tuple[int, ...]]
"""A factor, and how often it is derived by each x and by each y."""


def _channels(operators: Tensor, d: int) -> list[list[Term]]:
    """What a jet asks for."""

    def term(a: float, *along: int) -> Term:
        return a, _orders(d, *(k for k in along if k < d)), _orders(d, *(k - d for k in along if k >= d))

    second = [[term(a, i, j) for i, j, a in terms] for terms in entries(operators)]
    return [[term(1.0)], *([term(1.0, k)] for k in range(operators.shape[-1])), *second]


def _orders(d: int, *along: int) -> tuple[int, ...]:
    return tuple(along.count(k) for k in range(d))


def _distinct(points: Array) -> tuple[Array, npt.NDArray[np.int64]]:
    """The different rows, and which of them each one is."""
    rows = np.ascontiguousarray(points + 0.0).view([("", points.dtype)] * points.shape[1]).ravel()
    found, number = np.unique(rows, return_inverse=True)
    return found.view(points.dtype).reshape(-1, points.shape[1]), number.reshape(-1)


def _basis(s: Array, count: int, order: int) -> Array:
    """T_0 … of s, or a derivative of them, (n, count)."""
    if not order:
        return np.asarray(chebyshev.chebvander(s, count - 1))
    derived = [
        chebyshev.chebval(s, chebyshev.chebder(row, order)) if len(row) > order else 0 * s for row in np.eye(count)
    ]
    return np.stack(derived, axis=1)


def _chebyshev(s: Tensor, count: int, operators: Tensor) -> Tensor:
    """The jets (C, n, count) of T_0 … T_count-1 from that of s, (C, n), by T_k+1 = 2 s T_k - T_k-1."""
    one = torch.zeros_like(s)[..., None]
    one[0] = 1.0
    found = [one, s[..., None]]
    while len(found) < count:
        found.append(2 * product_jet(found[1], found[-1], operators) - found[-2])
    return torch.cat(found[:count], dim=2)
