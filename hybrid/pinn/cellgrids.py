"""How fine a coefficient is: the frequencies that it and its inverse have in each direction, and grids that resolve them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import sympy

from hybrid.problems import EllipticProblem
from hybrid.symbols import coordinates, evaluate

Array = npt.NDArray[np.float64]

LINE = 4096
"""Samples along a line of the cell, so that no frequency above half of them is seen."""
KINKS = LINE * 2 // 5
"""Frequencies up to this one are those of a kink or a jump, or of something that fine."""
_LINES = 6
MOST = {1: 2**14, 2: 2**18, 3: 2**18}
"""Points of a grid of the cell at the most."""
_LEAST = {1: 64, 2: 64, 3: 24}


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


def coefficient_functions(problem: EllipticProblem, *, inverse: bool = True) -> list[sympy.Expr]:
    """The entries of a that are not zero, each once, and with them the inverses of those on the diagonal."""
    entries = list(dict.fromkeys(entry for entry in problem.matrix if entry != 0))
    return entries + [1 / problem.matrix[i, i] for i in range(problem.dim)][: None if inverse else 0]


def cell_bandwidths(problem: EllipticProblem, slow: Array | None = None) -> list[int]:
    """For each direction the highest frequency that a or its inverse has to nine digits; at some of the slow points where a
    depends on x. Where a has kinks it is about half of `LINE`."""
    symbols = problem.fast if slow is None else (*problem.slow, *problem.fast)
    found = spectra(coefficient_functions(problem), symbols, problem.period, slow=slow)
    return [max((k for k, _ in each), default=0) for each in found]


def resolved_counts(wide: Sequence[int], usual: int, most: int) -> tuple[int, ...]:
    """Even numbers of points in each direction: the usual one where that resolves the bandwidths, else two and a half for each
    period of the fastest wave, as many as there is memory for: first directions with nothing to resolve are made coarser."""
    dim = len(wide)
    needed = [max(usual, 2 * math.ceil(1.25 * k)) for k in wide]
    least = [max(min(usual, _LEAST[dim]), min(2 * math.ceil(1.25 * k), usual)) for k in wide]
    for i in sorted(range(dim), key=lambda i: wide[i]):
        if math.prod(needed) > most:
            needed[i] = max(least[i], 2 * (most // (2 * (math.prod(needed) // needed[i]))) if least[i] < usual else 0)
    while math.prod(needed) > most:
        i = max(range(dim), key=lambda i: needed[i])
        needed[i] = max(2 * (needed[i] * 7 // 16), 8)
    return tuple(_quick(n) for n in needed)


def _quick(count: int) -> int:
    """The next even number without a prime factor above five: its Fourier transform is quick."""
    count += count % 2
    while True:
        rest = count
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return count
        count += 2
