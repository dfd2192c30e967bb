"""Inputs of a network that are made for one coefficient: the waves it has, its logarithm, and the fast variables alone."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence

import numpy as np
import sympy
import torch
from torch import Tensor

from hybrid.equation import Equation
from hybrid.failures import InputError
from hybrid.pinn.functions.embedding import PeriodicEmbedding
from hybrid.pinn.functions.network import Embedding, Network
from hybrid.pinn.sizes import CELLS
from hybrid.symbols import coordinates, evaluate


class PeriodicWaves(PeriodicEmbedding):
    """e(y) = ( sin(2π m y_i / p_i), cos(2π m y_i / p_i) ) for the frequencies m given for each direction i."""

    def __init__(self, period: Sequence[float], frequencies: Sequence[Sequence[int]]) -> None:
        if len(frequencies) != len(period):
            raise InputError("frequencies", f"for {len(frequencies)} directions; there are {len(period)}")
        self.frequencies = [
            (i, 2 * math.pi * m / p) for i, (p, own) in enumerate(zip(period, frequencies, strict=True)) for m in own
        ]
        if any(int(m) != m or m < 1 for own in frequencies for m in own):
            raise InputError("frequencies", f"{frequencies}; they are whole numbers from 1")
        self.width = 2 * len(self.frequencies)


class MediumEmbedding:
    """e = ( log a_11, … ), the diagonal entries that differ and are not constant, each scaled to [-1, 1]: near a steep minimum
    of a the correctors vary as fast as log a does, and a laminate's gradient is a function of a alone.

    Where a depends on x, log a at that y where x changes it most is an input too: g(x) + b(y) depends on x by it alone.
    """

    def __init__(self, equation: Equation) -> None:
        self.symbols = (*equation.slow, *equation.fast) if equation.medium.depends_on else equation.fast
        entries = dict.fromkeys(equation.medium.matrix[i, i] for i in range(equation.dim))
        self.functions = [sympy.log(entry) for entry in entries if entry.free_symbols & set(equation.fast)]
        slow = set(equation.slow)
        self.functions += [
            sympy.log(entry.subs(_most_changed(equation, entry))) for entry in entries if entry.free_symbols & slow
        ]
        self.width = len(self.functions)
        slopes = [[sympy.diff(function, one) for one in self.symbols] for function in self.functions]
        self._slopes = [[(slope, [sympy.diff(slope, one) for one in self.symbols]) for slope in own] for own in slopes]
        generator = torch.Generator().manual_seed(5)
        slow_box = equation.domain if equation.medium.depends_on else ()
        lows = [low for low, _ in slow_box] + [0.0] * equation.dim
        highs = [high for _, high in slow_box] + list(equation.period)
        low, high = torch.tensor(lows, dtype=torch.float64), torch.tensor(highs, dtype=torch.float64)
        sample = low + (high - low) * torch.rand(4096, len(lows), generator=generator, dtype=torch.float64)
        self.middle, self.scales = [], []
        for function in self.functions:
            value = self._value(function, sample)
            self.middle.append(float((value.max() + value.min()) / 2))
            self.scales.append(2 / max(float(value.max() - value.min()), 1e-3))

    def _value(self, expression: sympy.Expr, points: Tensor) -> Tensor:
        value = evaluate(expression, coordinates(self.symbols, points), "torch")
        return torch.as_tensor(value, dtype=points.dtype, device=points.device).expand(len(points))

    def jet(self, points: Tensor, operators: Tensor) -> Tensor:
        """The jet (C, n, width)."""
        count, dim = operators.shape[0], operators.shape[-1]
        jet = torch.zeros(1 + dim + count, len(points), self.width, dtype=points.dtype, device=points.device)
        for column, function in enumerate(self.functions):
            jet[0, :, column] = self._value(function, points) - self.middle[column]
            for i, (slope, seconds) in enumerate(self._slopes[column][:dim]):
                jet[1 + i, :, column] = self._value(slope, points)
                for j, second in enumerate(seconds if count else ()):
                    if operators[:, i, j].any():
                        jet[1 + dim :, :, column] += operators[:, i, j, None] * self._value(second, points)
            jet[:, :, column] *= self.scales[column]
        return jet


def _most_changed(equation: Equation, entry: sympy.Expr) -> dict[sympy.Symbol, float]:
    """The y, of many, where an entry changes by the largest factor with x, of many."""
    generator = np.random.default_rng(23)
    count = CELLS[equation.dim].medium
    low, high = np.asarray(equation.domain).T
    slow = low + (high - low) * generator.random((100, equation.dim))
    fast = np.asarray(equation.period) * generator.random((count, equation.dim))
    joint = np.hstack([np.repeat(slow, count, axis=0), np.tile(fast, (len(slow), 1))])
    values = np.asarray(evaluate(entry, coordinates((*equation.slow, *equation.fast), joint)))
    sizes = np.log(np.broadcast_to(values, len(joint))).reshape(len(slow), count)
    best = fast[int(np.argmax(np.ptp(sizes, axis=0)))]
    return dict(zip(equation.fast, best.tolist(), strict=True))


class Axes:
    """An embedding of some of the coordinates, the others are left out."""

    def __init__(self, inner: Embedding, axes: Sequence[int]) -> None:
        self.inner, self.axes, self.width = inner, list(axes), inner.width

    def jet(self, points: Tensor, operators: Tensor) -> Tensor:
        """The jet (C, n, width) of points (n, d)."""
        count, dim = operators.shape[0], operators.shape[-1]
        own = operators[:, self.axes][:, :, self.axes] if dim else operators
        inner = self.inner.jet(points[:, self.axes], own)
        if not dim:
            return inner
        jet = torch.zeros(1 + dim + count, len(points), self.width, dtype=points.dtype, device=points.device)
        jet[0], jet[1 + dim :] = inner[0], inner[1 + len(self.axes) :]
        jet[[1 + i for i in self.axes]] = inner[1 : 1 + len(self.axes)]
        return jet


class FastOnly:
    """An embedding of y as one of (x, y): what is made of it does not depend on x."""

    def __init__(self, inner: Embedding) -> None:
        self.inner, self.width = inner, inner.width

    def jet(self, points: Tensor, operators: Tensor) -> Tensor:
        """The jet (C, n, width) of points (n, 2d)."""
        count, dim, half = operators.shape[0], operators.shape[-1], points.shape[1] // 2
        own = operators[:, half:, half:] if dim else operators
        inner = self.inner.jet(points[:, half:], own)
        if not dim:
            return inner
        jet = torch.zeros(1 + dim + count, len(points), self.width, dtype=points.dtype, device=points.device)
        jet[0], jet[1 + half : 1 + dim], jet[1 + dim :] = inner[0], inner[1 : 1 + half], inner[1 + half :]
        return jet


def of_fast(network: Network) -> Network:
    """A network with such inputs as one of y; the weights are the same ones."""
    assert isinstance(network.embedding, FastOnly)
    inner = copy.copy(network)
    inner.embedding = network.embedding.inner
    return inner
