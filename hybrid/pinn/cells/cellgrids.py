"""How fine a coefficient is: the frequencies that it and its inverse have in each direction, and grids that resolve them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hybrid.equation import Equation
from hybrid.grids import quick_count
from hybrid.pinn.sizes import CELLS
from hybrid.waves import LINE, coefficient_functions, spectra

Array = npt.NDArray[np.float64]

KINKS = LINE * 2 // 5
"""Frequencies up to this one are those of a kink or a jump, or of something that fine."""


def cell_bandwidths(equation: Equation, slow: Array | None = None) -> list[int]:
    """For each direction the highest frequency that a or its inverse has to nine digits; at some of the slow points where a
    depends on x. Where a has kinks it is about half of `LINE`."""
    symbols = equation.fast if slow is None else (*equation.slow, *equation.fast)
    found = spectra(coefficient_functions(equation), symbols, equation.period, slow=slow)
    return [max((k for k, _ in each), default=0) for each in found]


def resolved_counts(wide: Sequence[int], usual: int, most: int) -> tuple[int, ...]:
    """Even numbers of points in each direction: the usual one where that resolves the bandwidths, else two and a half for each
    period of the fastest wave, as many as there is memory for: first directions with nothing to resolve are made coarser."""
    needed = [max(usual, 2 * math.ceil(1.25 * k)) for k in wide]
    for i in sorted(range(len(wide)), key=lambda i: wide[i]):
        if math.prod(needed) > most:
            needed[i] = max(min(usual, CELLS[len(wide)].least), 2 * math.ceil(1.25 * wide[i]))
    while math.prod(needed) > most:
        i = max(range(len(wide)), key=lambda i: needed[i])
        needed[i] = 2 * (needed[i] * 7 // 16)
    return tuple(quick_count(n) for n in needed)
