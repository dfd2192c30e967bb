"""The frequencies that a coefficient has in each direction of the cell."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import sympy

from hybrid.equation import Equation
from hybrid.media.base import Medium
from hybrid.symbols import coordinates, evaluate

Array = npt.NDArray[np.float64]

LINE = 4096
"""Samples along a line of the cell, so that no frequency above half of them is seen."""
_LINES = 6
_MATTERS = 1e-2
"""Of Fourier coefficients, relative to the largest one: what a solution shows."""
_WEAK, _CELLS = (0.65, 0.2), (4.0, 1.5)
"""Of Fourier coefficients, relative to the largest one that is not the mean: cells for a wave of this size or more."""


def spectra(
    functions: Sequence[sympy.Expr], symbols: Sequence[sympy.Symbol], period: Sequence[float], floor: float = 1e-9,
    slow: Array | None = None,
) -> list[list[tuple[int, float]]]:  # fmt: skip
    """For each direction the frequencies whose Fourier coefficients are above the floor, relative to the largest one of the
    function, with these sizes; sampled along seeded lines through the cell.

    Args:
        functions: Of the symbols.
        symbols: The coordinates of the cell come last; the slow ones, if there are slow points, before them.
        period: Of the coordinates of the cell.
        floor: Of the sizes.
        slow: Values for the slow coordinates, (m, d).
    """
    dim = len(period)
    generator = np.random.default_rng(13)
    found: list[list[tuple[int, float]]] = []
    for i, own in enumerate(period):
        largest = np.zeros(LINE // 2 + 1)
        for _ in range(_LINES if dim > 1 or slow is not None else 1):
            at = np.tile(generator.random(dim) * np.asarray(period), (LINE, 1))
            at[:, i] = own * np.arange(LINE) / LINE
            if slow is not None:
                at = np.hstack([np.tile(slow[generator.integers(len(slow))], (LINE, 1)), at])
            values = coordinates(symbols, at)
            for function in functions:
                with np.errstate(all="ignore"):
                    line = np.broadcast_to(np.asarray(evaluate(function, values), dtype=np.float64), LINE)
                    size = np.abs(np.fft.rfft(line))
                if np.isfinite(size).all() and size.max() > 0:
                    largest = np.maximum(largest, size / size.max())
        found.append([(k, float(s)) for k, s in enumerate(largest) if k and s > floor])
    return found


def coefficient_functions(equation: Equation, *, inverse: bool = True) -> list[sympy.Expr]:
    """The entries of a that are not zero, each once, and with them the inverses of those on the diagonal."""
    entries = [*equation.flux.expressions]
    return entries + [1 / equation.medium.matrix[i, i] for i in range(equation.dim)][: None if inverse else 0]


def cells_to_see(equation: Equation, *, inverse: bool = False) -> int:
    """Cells per period, at the least, of a mesh that sees what a, or r, oscillates with: four for each of the strongest waves,
    one and a half for each that is weaker. On a mesh twice as coarse, with which it is compared, they are still seen.

    0 where the coefficient jumps: then interfaces are what a mesh has to follow.

    Args:
        equation: The equation.
        inverse: Whether what a⁻¹ oscillates with is to be seen too, as its narrow peaks are where u_ε is steep.
    """
    if equation.flux.interfaces:
        return 0
    functions = [*equation.varying]
    if inverse and isinstance(equation.flux, Medium):
        functions += coefficient_functions(equation)
    functions = list(dict.fromkeys(functions))
    symbols, slow = equation.fast, None
    if equation.varying.free_symbols & set(equation.slow):
        low, high = np.array(equation.domain, dtype=float).T
        slow = low + (high - low) * np.random.default_rng(17).random((16, equation.dim))
        symbols = (*equation.slow, *equation.fast)
    needed = 0.0
    for function in functions:
        for each in spectra([function], symbols, equation.period, _MATTERS, slow):
            largest = max((size for _, size in each), default=0.0)
            for cells, part in zip(_CELLS, _WEAK, strict=True):
                needed = max(needed, cells * max((k for k, size in each if size >= part * largest), default=0))
    return math.ceil(needed)
