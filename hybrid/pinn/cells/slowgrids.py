"""How fast a coefficient varies in the slow variables: Chebyshev nodes of a*(x), and points where an error would show."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from hybrid.equation import Equation
from hybrid.pinn.sizes import CELLS
from hybrid.symbols import evaluate
from hybrid.waves import coefficient_functions

Array = npt.NDArray[np.float64]

_SUFFICES = 1e-8
_TARGET = 1e-10
_LINE = 1025
_LINES = 4


def degrees(equation: Equation, floor: float) -> list[int]:
    """For each slow direction the highest degree of a Chebyshev polynomial that a or its inverse has there above the floor,
    relative to the largest, along seeded lines; `_LINE` where it has no end."""
    dim, generator = equation.dim, np.random.default_rng(11)
    unit = np.cos(np.pi * (np.arange(_LINE) + 0.5) / _LINE)
    low, high = np.asarray(equation.domain).T
    symbols = (*equation.slow, *equation.fast)
    found = []
    for i in range(dim):
        largest = np.zeros(_LINE)
        for _ in range(_LINES):
            ends = generator.random(2 * dim)
            at = np.tile(
                np.concatenate([low + (high - low) * ends[:dim], np.asarray(equation.period) * ends[dim:]]), (_LINE, 1)
            )
            at[:, i] = (low[i] + high[i]) / 2 + (high[i] - low[i]) / 2 * unit
            values = dict(zip(symbols, at.T, strict=True))
            for function in coefficient_functions(equation):
                with np.errstate(all="ignore"):
                    line = np.broadcast_to(np.asarray(evaluate(function, values), dtype=np.float64), _LINE)
                size = _coefficients(line)
                if np.isfinite(size).all() and size.max() > 0:
                    largest = np.maximum(largest, size / size.max())
        above = np.flatnonzero(largest > floor)
        found.append(int(above.max()) if len(above) else 0)
    return found


def _coefficients(values: Array) -> Array:
    """Of the interpolating Chebyshev polynomial, from the values at cos(π (k + 1/2) / n)."""
    n = len(values)
    doubled = np.fft.rfft(np.concatenate([values, values[::-1]]))[:n]
    return np.abs(doubled * np.exp(-0.5j * math.pi * np.arange(n) / n)) / n


def nodes_for(equation: Equation) -> list[int]:
    """How many nodes in each direction: the usual ones where they resolve a, else as many as it takes, if that can be; one in
    a direction that a does not depend on."""
    sizes, varies = CELLS[equation.dim], [s in equation.medium.matrix.free_symbols for s in equation.slow]
    needed = degrees(equation, _SUFFICES)
    if max(needed) < sizes.nodes - 1:
        return [sizes.nodes if own else 1 for own in varies]
    counts = [
        max(min(d + 3, sizes.nodes_along), 2) if own else 1
        for d, own in zip(degrees(equation, _TARGET), varies, strict=True)
    ]
    while math.prod(counts) > sizes.nodes_most:
        counts[int(np.argmax(counts))] -= 1
    return counts


def probes(equation: Equation) -> Array:
    """Seeded points of the domain: half of them anywhere, half where a varies most from one to the next."""
    count, dim = CELLS[equation.dim].probes, equation.dim
    generator = np.random.default_rng(17)
    low, high = np.asarray(equation.domain).T
    at = low + (high - low) * generator.random((count + 400, dim))
    fast = generator.random((400, dim)) * np.asarray(equation.period)
    steep = np.zeros(400)
    for i in range(dim):
        step = np.zeros(dim)
        step[i] = 1e-3 * (high[i] - low[i])
        ends = []
        for side in (at[count:] + step, at[count:] - step):
            values = dict(zip((*equation.slow, *equation.fast), np.hstack([side, fast]).T, strict=True))
            with np.errstate(all="ignore"):
                ends.append(np.log(np.broadcast_to(evaluate(equation.medium.matrix.trace(), values), 400)))
        steep = np.fmax(steep, np.abs(ends[0] - ends[1]))
    return np.vstack([at[:count], at[count:][np.argsort(-steep, kind="stable")[:count]]])
