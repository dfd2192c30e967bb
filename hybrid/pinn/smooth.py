"""Networks at many points of a tensor grid: as many evaluations as the function's smoothness needs, the rest is interpolation.

A network is an analytic function, so that its interpolants at tensor Chebyshev nodes converge exponentially. The number of
nodes along each side grows until the last third of the coefficients is below the tolerance, or below what rounding leaves in
them; then the interpolant is compared with the network at random points. Where it does not stand that, or would take more nodes
than it saves, there is none: kinks, and functions that oscillate as fast as the points resolve.

The rounding of a network is measured: by its values at points that differ in the last bits. Frozen features have last layers of
large numbers that cancel; what is left of the digits then is all that two evaluations can agree in.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from numpy.polynomial import chebyshev
from torch import Tensor

from hybrid.media.interpolated import slow_nodes
from hybrid.pinn.embedding import AffineEmbedding, PeriodicEmbedding
from hybrid.pinn.network import Network
from hybrid.pinn.sharp import sharp
from hybrid.product import Product

Array = npt.NDArray[np.float64]

TOLERANCE = 1e-12
"""Of interpolants, relative to the largest value."""
_MUCH = 5e8
"""Numbers in the widest hidden layer at all points: what takes less is evaluated point by point, by `Network.evaluate`."""
_SAVING = 3
"""Nodes are at most this part of the points."""
_BITS = 2.0**-50
_GLOBAL = (AffineEmbedding, PeriodicEmbedding)
_FIRST, _LEAST, _MOST, _TESTS = 16, 1.125, 3.0, 200


@dataclass(frozen=True)
class Interpolant:
    """Polynomials on a box by their Chebyshev coefficients.

    Attributes:
        box: One (low, high) for each dimension.
        coefficients: (functions, N_1, …, N_d).
    """

    box: tuple[tuple[float, float], ...]
    coefficients: Array

    def on_grid(self, axes: Sequence[Array]) -> Array:
        """On a tensor grid, (functions, Π m_k), the last direction fastest."""
        table = self.coefficients
        for k, (axis, count) in enumerate(zip(axes, self.coefficients.shape[1:], strict=True)):
            table = np.moveaxis(np.tensordot(self._basis(k, axis, count), table, axes=(1, k + 1)), 0, k + 1)
        return table.reshape(len(table), -1)

    def at(self, points: Array) -> Array:
        """At a few points, (n, d) -> (functions, n)."""
        counts = self.coefficients.shape[1:]
        result = np.tensordot(self.coefficients, self._basis(0, points[:, 0], counts[0]), axes=(1, 1))
        for k in range(1, len(counts)):
            result = np.einsum("fj...n,nj->f...n", result, self._basis(k, points[:, k], counts[k]))
        return result

    def _basis(self, k: int, axis: Array, count: int) -> Array:
        low, high = self.box[k]
        return np.asarray(chebyshev.chebvander((2 * axis - low - high) / (high - low), count - 1))


def jets_on(network: Network, points: Product, operators: Tensor) -> Array:
    """The network's jet at points, (C, n, outputs): as `Network.evaluate` gives it, or as near to it as its rounding."""
    count, size = len(points), math.prod(points.shape)
    fewest = min(count, size)
    much = points.repeats and _is_much(network, fewest, operators)
    table = _on_grid(network, points, operators, fewest) if much else None
    if table is None:
        if size > count // 2:
            return _plain(network, points.points(), operators)
        table = _flat(_plain(network, points.grid(), operators))
    taken = np.take(table, points.numbers(), axis=1)
    return np.moveaxis(taken.reshape(1 + operators.shape[-1] + operators.shape[0], -1, count), 1, 2)


def _is_much(network: Network, count: int, operators: Tensor) -> bool:
    channels = 1 + operators.shape[-1] + operators.shape[0]
    return count * channels * max(w.shape[0] for w in network.weights) > _MUCH


def _on_grid(network: Network, points: Product, operators: Tensor, count: int) -> Array | None:
    """By interpolation on the tensor grid, (C outputs, Π m_k); None where `count` evaluations are quicker."""
    box = [(float(axis.min()), float(axis.max())) for axis in points.axes]
    found = interpolant(network, box, operators, count // _SAVING)
    return None if found is None else found.on_grid(points.axes)


def interpolant(
    network: Network, box: Sequence[tuple[float, float]], operators: Tensor, most: int
) -> Interpolant | None:
    """The interpolant of all channels of all outputs, channel by channel; None where it takes more than `most` nodes."""
    dim = len(box)
    low, high = np.array(box, dtype=float).T
    if type(network) is not Network or not network.biases or not (high > low).all():
        return None
    if type(network.embedding) not in _GLOBAL:  # inputs may have features that no test point meets
        return None
    tests = low + (high - low) * np.random.default_rng(0).random((_TESTS, dim))
    exact = _flat(_sharp(network, tests, operators))
    rounding = np.abs(exact - _flat(_sharp(network, tests * (1 + _BITS), operators))).max(axis=1)
    counts, spent = [_FIRST] * dim, 0
    while (spent := spent + math.prod(counts)) <= most:
        values = _flat(_sharp(network, slow_nodes(box, counts), operators))
        scale = np.abs(values).max(axis=1)
        if not np.isfinite(scale).all():
            return None
        found = Interpolant(tuple(box), _expanded(values, counts))
        # In a coefficient the rounding of many values: its mean, times what the polynomials' sizes make of it.
        floor = np.maximum(TOLERANCE * scale, 4 * rounding * math.sqrt(2**dim / math.prod(counts)))
        wanted = [_wanted(found.coefficients, k, n, floor) for k, n in enumerate(counts)]
        if wanted == counts:
            off = np.abs(found.at(tests) - exact).max(axis=1)
            if (off <= np.maximum(TOLERANCE * scale, 3 * rounding)).all():
                return found
            wanted = [math.ceil(_LEAST * n) for n in counts]
        counts = wanted
    return None


def _wanted(coefficients: Array, k: int, count: int, floor: Array) -> int:
    """How many nodes direction k needs so that the last third of the coefficients is below the floor of each function.

    As many as there are, if it is. More follow from how fast the coefficients fall from the second third to the last one.
    """
    table = np.moveaxis(np.abs(coefficients), k + 1, 1).reshape(len(coefficients), count, -1).max(axis=2)
    middle, last = table[:, count // 3 : 2 * count // 3].max(axis=1), table[:, 2 * count // 3 :].max(axis=1)
    rough = last > floor
    if not rough.any():
        return count
    fall = np.log(np.maximum(middle[rough] / last[rough], 1.0 + 1e-3)) / (count / 3)
    more = float((np.log(last[rough] / floor[rough]) / fall).max())
    return math.ceil(count * min(max(1 + 1.2 * more / count, _LEAST), _MOST))


def _expanded(values: Array, counts: Sequence[int]) -> Array:
    """From values at `slow_nodes` to coefficients."""
    table = values.reshape(len(values), *counts)
    for k, n in enumerate(counts):
        angles = np.pi * (np.arange(n)[::-1] + 0.5) / n
        transform = np.cos(np.outer(np.arange(n), angles)) * (2 / n)
        transform[0] /= 2
        table = np.moveaxis(np.tensordot(transform, table, axes=(1, k + 1)), 0, k + 1)
    return table


def _plain(network: Network, points: Array, operators: Tensor) -> Array:
    """(C, n, outputs) at points one by one."""
    if _is_much(network, len(points), operators):
        return _sharp(network, points, operators)
    return np.asarray(network.evaluate(torch.tensor(points), operators).numpy())


def _sharp(network: Network, points: Array, operators: Tensor) -> Array:
    return np.asarray(sharp(network, torch.tensor(points), operators).numpy())


def _flat(jets: Array) -> Array:
    """(C, n, outputs) as (C outputs, n)."""
    return np.moveaxis(jets, 2, 1).reshape(-1, jets.shape[1])
