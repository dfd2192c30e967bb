"""What oscillates in the homogenized equation, and how fast: the frequencies that a network's features should have.

f, divided by what the equation does to each frequency, is about what the solution holds; its Fourier coefficients under a
Hann window say up to which frequency that matters (`band`), and whether a few plane waves make up all that is fast (`waves`).
The same is asked of a*(x), which the solution inherits. Frequencies belong to coordinates scaled to [-1, 1]: those of
`hybrid.pinn.functions.embedding.AffineEmbedding`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from hybrid.equation import Equation
from hybrid.media.interpolated import SlowCoefficient
from hybrid.pinn.sizes import BOXES
from hybrid.pinn.steady.operators import flux_of, reaction_at
from hybrid.pinn.steady.sines import SineGrid
from hybrid.symbols import numpy_function

Array = npt.NDArray[np.float64]

_SLOW = 3
"""Waves with fewer periods than this over the box are no waves: any network follows them."""
_MATTERS = 1e-4
_MISSED = 3e-4
"""Of the energy of what is fast, outside the waves."""
_MOST = 8


@dataclass(frozen=True)
class Spectrum:
    """What a function oscillates with.

    Attributes:
        band: The largest frequency that matters.
        waves: The vectors of plane waves that make up what is fast; none where they do not.
    """

    band: float
    waves: tuple[tuple[float, ...], ...]


def spectrum_of(equation: Equation) -> Spectrum:
    """Of f, of a*(x) and of c(x) together."""
    a = flux_of(equation)
    if isinstance(a, SlowCoefficient):
        values = a.values.mean(axis=0)
        found = [measured(equation.domain, numpy_function(equation.source), values)]
        for i in range(equation.dim):
            found.append(measured(equation.domain, lambda x, i=i: a(x)[:, i, i], values, 1))  # type: ignore[misc]
    else:
        values = a
        found = [measured(equation.domain, numpy_function(equation.source), a)]
    if equation.reaction is not None and equation.reaction.depends_on:
        found.append(measured(equation.domain, partial(reaction_at, equation), values))
    lines = all(part.waves or part.band <= _SLOW * math.pi for part in found)
    waves = dict.fromkeys(wave for part in found for wave in part.waves)
    return Spectrum(max(part.band for part in found), tuple(waves) if lines else ())


def measured(box: Sequence[Sequence[float]], function: Callable[[Array], Array], a: Array, order: int = 2) -> Spectrum:
    """Of a function over a box.

    Args:
        box: One (low, high) for each dimension.
        function: Of points, (n, d) -> (n,).
        a: (d, d); k·a k weighs the frequency k.
        order: Of the weight, 2 for k·a k and 1 for its root.
    """
    dim = len(box)
    count = BOXES[dim].spectrum
    unit = (np.arange(count) + 0.5) / count
    axes = [low + (high - low) * unit for low, high in box]
    points = np.stack([g.ravel() for g in np.meshgrid(*axes, indexing="ij")], axis=1)
    with np.errstate(all="ignore"):
        values = np.asarray(function(points)).reshape((count,) * dim)
    largest = float(np.abs(values).max())
    if not (math.isfinite(largest) and largest > 0):
        return Spectrum(0.0, ())
    window = np.sin(np.pi * unit) ** 2
    weight = np.ones(())
    for _ in range(dim):
        weight = np.multiply.outer(weight, window)
    raw = np.abs(np.fft.fftn(values / largest * weight))
    bins = np.fft.fftfreq(count, 1 / count)
    grids = np.meshgrid(*[bins] * dim, indexing="ij", sparse=True)
    lengths = np.array([high - low for low, high in box])
    metric = a / np.outer(lengths, lengths)
    symbol = np.zeros(raw.shape)
    for i in range(dim):
        for j in range(dim):
            symbol = symbol + metric[i, j] * grids[i] * grids[j]
    held = raw / np.maximum(symbol, np.linalg.eigvalsh(metric)[0] / 4) ** (order / 2)
    fastest = np.zeros(raw.shape)
    for g in grids:
        fastest = np.maximum(fastest, np.abs(g))
    energy = np.bincount(np.round(fastest).astype(int).ravel(), weights=np.square(held).ravel())
    tail = np.sqrt(np.cumsum(energy[::-1])[::-1] / energy.sum())
    band = math.pi * int(np.flatnonzero(tail > _MATTERS)[-1])
    return Spectrum(band, _lines(raw, held, fastest, bins))


def _lines(raw: Array, held: Array, fastest: Array, bins: Array) -> tuple[tuple[float, ...], ...]:
    """The plane waves behind the peaks, where nothing else is fast."""
    dim, count = raw.ndim, len(bins)
    fast = np.where(fastest >= _SLOW, held, 0.0)
    rest, total = fast.copy(), float(np.square(fast).sum())
    waves: list[tuple[float, ...]] = []
    if total < _MATTERS * _MATTERS * float(np.square(held).sum()):
        return ()
    while np.square(rest).sum() > _MISSED * total:
        peak = np.unravel_index(int(rest.argmax()), rest.shape)
        if len(waves) == _MOST or not all(_sharp(raw, peak, i) for i in range(dim)):
            return ()
        vector = [_between(raw, peak, i, float(bins[peak[i]])) for i in range(dim)]
        if max(map(abs, vector)) < _SLOW - 1:  # the foot of something slow
            return ()
        for sign in (1, -1):
            around = [[(sign * int(bins[m]) + shift) % count for shift in range(-3, 4)] for m in peak]
            rest[np.ix_(*around)] = 0.0
        first = next(v for v in vector if v)
        waves.append(tuple(math.pi * v * math.copysign(1.0, first) for v in vector))
    return tuple(waves)


def _sharp(raw: Array, peak: tuple[np.intp, ...], axis: int) -> bool:
    """Whether little is left a few bins further on: a wave under a Hann window is three bins wide."""
    at = list(peak)
    found = []
    for shift in (-4, 4):
        at[axis] = (peak[axis] + shift) % raw.shape[axis]  # type: ignore[assignment]
        found.append(float(raw[tuple(at)]))
    return min(found) < 0.1 * float(raw[peak])


def _between(raw: Array, peak: tuple[np.intp, ...], axis: int, own: float) -> float:
    """The frequency along an axis, which lies between the bins: exact for one wave under a Hann window."""
    at = list(peak)
    values = []
    for shift in (-1, 0, 1):
        at[axis] = (peak[axis] + shift) % raw.shape[axis]  # type: ignore[assignment]
        values.append(float(raw[tuple(at)]))
    if abs(own) < 2:
        return own
    side = 1 if values[2] > values[0] else -1
    ratio = values[1 + side] / values[1]
    found = own + side * (2 * ratio - 1) / (ratio + 1)
    half = round(2 * found) / 2
    return half if abs(found - half) < 0.02 else found


def chebyshev_degrees(grid: SineGrid, values: Array, tolerance: float) -> tuple[int, ...]:
    """Along each side, the degree of Chebyshev polynomials from which on a function's coefficients are within the tolerance.

    Args:
        grid: The points.
        values: At the points, `grid.shape`; zero on the boundary.
        tolerance: Of the L2 norm of the coefficients that are left out, relative to all.
    """
    found = []
    for axis, cells in enumerate(grid.cells):
        lines = np.moveaxis(np.pad(values, 1), axis, 0).reshape(cells + 1, -1)
        angles = (np.arange(cells) + 0.5) * np.pi / cells
        at = (1 - np.cos(angles)) / 2 * cells
        coefficients = np.cos(np.outer(np.arange(cells), angles)) @ _cubic(lines, at)
        energy = np.square(coefficients).sum(axis=1)
        tail = np.sqrt(np.cumsum(energy[::-1])[::-1] / (energy.sum() or 1.0))
        found.append(int(np.flatnonzero(tail > tolerance)[-1]) + 1 if energy.any() else 1)
    return tuple(found)


def _cubic(lines: Array, at: Array) -> Array:
    """Cubic interpolation between the four nearest of the points 0, 1, … along the first axis."""
    first = np.clip(np.floor(at).astype(int) - 1, 0, len(lines) - 4)
    s = at - first
    total = np.zeros((len(at), lines.shape[1]))
    for k in range(4):
        weight = np.ones(len(at))
        for m in range(4):
            if m != k:
                weight = weight * (s - m) / (k - m)
        total += weight[:, None] * lines[first + k]
    return total
