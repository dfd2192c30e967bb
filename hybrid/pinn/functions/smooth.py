"""Networks at many points of a tensor grid: as many evaluations as the function's smoothness needs, the rest is interpolation.

A network is an analytic function, so that its interpolants converge exponentially: at tensor Chebyshev nodes, and at uniform
ones where it is periodic. How many nodes each direction needs is seen from the coefficients along a few lines: so many that
those left out are below the tolerance, or below what rounding leaves in them. Then the interpolant is compared with the network
at random points. Where it does not stand that, or would take more nodes than it saves, there is none: kinks, and functions that
oscillate as fast as the points resolve. The interpolant of a network is kept as long as its weights are what they were.

The rounding of a network is measured: by its values at points that differ in the last bits. Frozen features have last layers of
large numbers that cancel; what is left of the digits then is all that two evaluations can agree in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hybrid.pinn.functions.embedding import AffineEmbedding, PeriodicEmbedding
from hybrid.pinn.functions.interpolant import Box, Interpolant, interpolated, nodes, transform
from hybrid.pinn.functions.network import VALUE, Network, entries
from hybrid.pinn.functions.sharp import sharp
from hybrid.product import Product

Array = npt.NDArray[np.float64]

_TOLERANCE = 1e-12
"""Of interpolants, relative to the largest value."""
MUCH = 5e8
"""Numbers in the widest hidden layer at all points: what takes less is evaluated point by point; less
than a tenth of it where there is an interpolant already, or where few nodes are enough: a periodic network's."""
_FEW = 2e6
"""The same: what takes less is evaluated as in trainings, to the last bit, by `Network.evaluate`. Of frozen features other
sums are other numbers in the tenth digit, and of what is trained on these more of them would change."""
_BITS = 2.0**-50
NEAR = 1e-12
"""Of a side: a network may be interpolated so far outside of its box, which is rounding."""
_LINES, _FIRST, _MOST, _GROWTH, _TESTS = 6, 64, 1024, 1.125, 200
"""Lines in each direction, nodes on them at first and at the most, growth of the counts after a failed test, test points."""


@dataclass(frozen=True)
class _Kept:
    """An interpolant of a network: of all channels, or of the values alone where these can be derived."""

    weights: list[Tensor]
    operators: Tensor
    found: Interpolant

    def serves(self, network: Network, operators: Tensor) -> bool:
        """Whether the network is still the one that was interpolated, and has these channels."""
        if not all(map(torch.equal, self.weights, network.parameters())):
            return False
        dim = operators.shape[-1]
        return self.found.periodic or not dim or (self.operators.shape[-1] == dim and not len(operators)) or torch.equal(
            self.operators, operators
        )  # fmt: skip


_KEPT: WeakKeyDictionary[Network, _Kept] = WeakKeyDictionary()


def jets_on(network: Network, points: Product, operators: Tensor, few: float = _FEW) -> Array:
    """The network's jet at points, (C, n, outputs): as near to what `Network.evaluate` gives as its rounding, and to the last
    bit where there are few numbers in the widest hidden layer."""
    count, size = len(points), math.prod(points.shape)
    table = _on_grid(network, points, operators, min(count, size)) if points.repeats else None
    if table is None:
        if size > count // 2:
            return _plain(network, points.points(), operators, few)
        table = _flat(_plain(network, points.grid(), operators, few))
    taken = np.take(table, points.numbers(), axis=1)
    channels = _channels(operators)
    return np.moveaxis(taken.reshape(channels, len(table) // channels, count), 1, 2)


def _channels(operators: Tensor) -> int:
    return 1 + operators.shape[-1] + operators.shape[0]


def _numbers(network: Network, count: int, operators: Tensor) -> int:
    return count * _channels(operators) * max(w.shape[0] for w in network.weights)


def _on_grid(network: Network, points: Product, operators: Tensor, count: int) -> Array | None:
    """By interpolation on the tensor grid, (C outputs, Π m_k); None where `count` evaluations are quicker."""
    numbers = _numbers(network, count, operators)
    much = MUCH / 10 if _is_periodic(network) else MUCH
    if 10 * numbers <= much or not _covers(network, points):
        return None
    kept = _KEPT.get(network)
    if kept is None or not kept.serves(network, operators):
        most = count * _channels(operators) if _is_periodic(network) else count  # of periodic ones values are enough
        found = interpolant(network, operators, most) if numbers > much else None
        if found is None:
            return None
        kept = _KEPT[network] = _Kept([p.detach().clone() for p in network.parameters()], operators, found)
    if not kept.found.periodic:
        return kept.found.first(_channels(operators) * network.weights[-1].shape[0]).on_grid(points.axes)
    table = [kept.found.on_grid(points.axes)]
    table += [kept.found.on_grid(points.axes, _orders(i, dim=len(points.axes))) for i in range(operators.shape[-1])]
    for terms in entries(operators):
        second = [a * kept.found.on_grid(points.axes, _orders(i, j, dim=len(points.axes))) for i, j, a in terms]
        table.append(np.sum(second, axis=0))
    return np.concatenate(table)


def _orders(*along: int, dim: int) -> list[int]:
    """How often each direction is derived in."""
    return [along.count(k) for k in range(dim)]


def _covers(network: Network, points: Product) -> bool:
    """Whether the network can be interpolated where the points are."""
    box = _box(network)
    if box is None or _is_periodic(network):
        return box is not None
    return all(
        low - NEAR * (high - low) <= axis.min() and axis.max() <= high + NEAR * (high - low)
        for (low, high), axis in zip(box, points.axes, strict=True)
    )


def _box(network: Network) -> Box | None:
    """Where the network can be interpolated; None where its inputs may have features that no test point meets."""
    embedding = network.embedding
    if type(network) is not Network or not network.biases:
        return None
    return embedding.box if type(embedding) in (AffineEmbedding, PeriodicEmbedding) else None  # type: ignore[attr-defined]


def _is_periodic(network: Network) -> bool:
    return type(network.embedding) is PeriodicEmbedding


def interpolant(network: Network, operators: Tensor, most: int) -> Interpolant | None:
    """The interpolant on the box of the network's inputs: of all channels of all outputs, channel by channel, or of the values
    alone where it is periodic, as derivatives are then as good; None where it takes more than `most` nodes."""
    box = _box(network)
    if box is None:
        return None
    periodic, dim = _is_periodic(network), len(box)
    operators = VALUE if periodic else operators
    low, high = np.array(box).T
    generator = np.random.default_rng(0)
    tests = low + (high - low) * generator.random((_TESTS, dim))
    exact = _flat(_sharp(network, tests, operators))
    rounding = np.abs(exact - _flat(_sharp(network, tests * (1 + _BITS), operators))).max(axis=1)
    tolerance = np.maximum(_TOLERANCE * np.abs(exact).max(axis=1), 3 * rounding)
    if not np.isfinite(tolerance).all():
        return None
    lines = low + (high - low) * generator.random((_LINES, dim))
    counts, spent = [_count(network, box, k, lines, operators, tolerance, rounding) for k in range(dim)], 0
    while (spent := spent + math.prod(counts)) <= most:
        found = interpolated(box, _flat(_sharp(network, nodes(box, counts, periodic), operators)), counts, periodic)
        if (np.abs(found.at(tests) - exact).max(axis=1) <= tolerance).all():
            return found
        counts = [_odd(math.ceil(_GROWTH * n), periodic) for n in counts]
    return None


def _count(
    network: Network, box: Box, k: int, lines: Array, operators: Tensor, tolerance: Array, rounding: Array
) -> int:
    """How many nodes direction k needs, from the coefficients along lines; one more than are allowed where it has no end."""
    periodic, count = _is_periodic(network), _odd(_FIRST, _is_periodic(network))
    while count <= _MOST:
        points = np.repeat(lines, count, axis=0)
        points[:, k] = np.tile(nodes(box[k : k + 1], [count], periodic)[:, 0], len(lines))
        values = _flat(_sharp(network, points, operators)).reshape(-1, len(lines), count)
        sizes = np.abs(values @ transform(count, periodic).T).max(axis=1)
        # In a coefficient the rounding of many values: its mean, times what the functions' sizes make of it.
        floor = np.maximum(tolerance / (100 if periodic else 10), 4 * rounding * math.sqrt(2 / count))
        last = int(np.flatnonzero((sizes > floor[:, None]).any(axis=0)).max(initial=0))
        if 3 * last < 2 * count:
            return _odd(last + 2, periodic)
        count = _odd(2 * count, periodic)
    return count


def _odd(count: int, periodic: bool) -> int:
    """Waves come in pairs, beside the constant."""
    return count | 1 if periodic else count


def _plain(network: Network, points: Array, operators: Tensor, few: float) -> Array:
    """(C, n, outputs) at points one by one."""
    if _numbers(network, len(points), operators) > few:
        return _sharp(network, points, operators)
    return np.asarray(network.evaluate(torch.tensor(points), operators).numpy())


def _sharp(network: Network, points: Array, operators: Tensor) -> Array:
    return np.asarray(sharp(network, torch.tensor(points), operators).numpy())


def _flat(jets: Array) -> Array:
    """(C, n, outputs) as (C outputs, n)."""
    return np.moveaxis(jets, 2, 1).reshape(jets.shape[0] * jets.shape[2], jets.shape[1])
