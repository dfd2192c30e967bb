"""A coefficient that depends on x, sampled: at which x its cell problem is the hardest, and how well nodes in x resolve it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from dolfinx import fem

from hybrid.equation import Equation
from hybrid.fem.sizes import SIZES
from hybrid.grids import product
from hybrid.media.interpolated import SlowCoefficient, relative_change, slow_nodes
from hybrid.symbols import evaluate
from hybrid.trust import Estimate

Array = npt.NDArray[np.float64]

_OFFSET = 0.4142
"""Of the points from where symmetries and interfaces are wont to lie, against their distance."""
_LINE = 2001
_LINES = 3


def _samples(equation: Equation, x: Array, y: Array) -> Array:
    """a at places x, (n, d), and at y, (m, d), the same for all: (n, m, d, d)."""
    joint = [np.repeat(column, len(y)) for column in x.T] + [np.tile(column, len(x)) for column in y.T]
    values = dict(zip((*equation.slow, *equation.fast), joint, strict=True))
    found = np.empty((len(x) * len(y), equation.dim, equation.dim))
    for i in range(equation.dim):
        for j in range(equation.dim):
            found[:, i, j] = evaluate(equation.medium.matrix[i, j], values)
    return found.reshape(len(x), len(y), equation.dim, equation.dim)


def _over_the_cell(equation: Equation, count: int) -> Array:
    """So many y in each direction, (n, d)."""
    return product([p * (np.arange(count) + _OFFSET) / count for p in equation.period])


def hardness(equation: Equation, x: Array) -> Array:
    """How hard the cell problems at places x are, by three measures of a over the cell, (3, n): its contrast, how steep it is,
    and what high frequencies it has."""
    samples = _samples(equation, x, _over_the_cell(equation, SIZES[equation.dim].cell))
    if (
        equation.dim > 1
    ):  # against its own mean at that x: anisotropy that is the same all over the cell makes no problem harder
        root = np.linalg.inv(np.linalg.cholesky(samples.mean(axis=1)))[:, None]
        samples = root @ samples @ np.swapaxes(root, -1, -2)
    eigenvalues = np.linalg.eigvalsh(samples)
    return np.stack([eigenvalues.max(axis=(1, 2)) / eigenvalues.min(axis=(1, 2)), *_roughness(equation, x)])


def hardest(measures: Array, count: int = 0) -> list[int]:
    """Of n places those that are the first by some measure, (k, n), where one does for several if it is within 1 % of the
    largest; and more, by all measures in turn, until there are so many."""
    chosen: list[int] = []
    for measure in measures:
        worst = int(np.argmax(measure))
        if not (measure[chosen] >= 0.99 * measure[worst]).any():
            chosen.append(worst)
    for i in np.argsort(-measures, axis=1, kind="stable").T.ravel():
        if len(chosen) >= count:
            break
        if i not in chosen:
            chosen.append(int(i))
    return chosen


def surplus(correctors: Sequence[fem.Function], dim: int) -> Array:
    """What correctors of n places, d for each, have in their highest degree, (n,): zero where that is the first. They are on
    one mesh."""
    found = np.zeros(len(correctors) // dim)
    space = correctors[0].function_space if correctors else None
    if space is None or (degree := space.element.basix_element.degree) < 2:
        return found
    lower, again = fem.Function(fem.functionspace(space.mesh, ("Lagrange", degree - 1))), fem.Function(space)
    for k, chi in enumerate(correctors):
        lower.interpolate(chi)
        again.interpolate(lower)
        found[k // dim] += float(np.square(chi.x.array - again.x.array).mean())
    return np.sqrt(found)


def _roughness(equation: Equation, x: Array) -> tuple[Array, Array]:
    """At places x along seeded lines through the cell: the largest slope of log a, and its fourth derivative, (n,) each."""
    count, lines = SIZES[equation.dim].line, SIZES[equation.dim].lines
    generator = np.random.default_rng(23)
    slopes, curls = np.zeros(len(x)), np.zeros(len(x))
    fourth = np.arange(count // 2 + 1.0) ** 4 / count
    for i, symbol in enumerate(equation.fast):
        if symbol not in equation.medium.matrix.free_symbols:
            continue
        for _ in range(lines):
            y = np.tile(np.asarray(equation.period) * generator.random(equation.dim), (count, 1))
            y[:, i] = equation.period[i] * np.arange(count) / count
            for part in np.array_split(np.arange(len(x)), _parts(len(x), count)):
                a = _samples(equation, x[part], y)
                root = np.sqrt(a.diagonal(axis1=2, axis2=3))
                size = root[:, :, :, None] * root[:, :, None, :]
                step = np.abs(np.roll(a, -1, axis=1) - a) / np.minimum(size, np.roll(size, -1, axis=1))
                slopes[part] = np.maximum(slopes[part], step.max(axis=(1, 2, 3)) * count / equation.period[i])
                waves = np.fft.rfft(a / size.mean(axis=1, keepdims=True), axis=1) * fourth[:, None, None]
                curls[part] = np.maximum(
                    curls[part], np.linalg.norm(waves, axis=1).max(axis=(1, 2)) / equation.period[i] ** 4
                )
    return slopes, curls


def harmonic_means(equation: Equation, x: Array) -> tuple[Array, Array]:
    """1 / mean of 1/a over y at places x, (n, 1), which is a*(x) in one dimension; and by how much it changed, relative, when
    the points of the rule were doubled for the last time: (n,) each."""
    means, changes = np.full(len(x), np.inf), np.full(len(x), np.inf)
    left, count = (
        np.arange(len(x)),
        2048,
    )  # trapezoids: exact for a periodic function, but for what is beyond all powers
    while len(left) and count <= 1 << 16:
        y = _over_the_cell(equation, count)
        for part in np.array_split(left, _parts(len(left), count)):
            mean = 1 / (1 / _samples(equation, x[part], y)[:, :, 0, 0]).mean(axis=1)
            changes[part] = np.abs(mean - means[part]) / mean
            means[part] = mean
        left = left[changes[left] > 1e-13]
        count *= 2
    return means, changes


def against_means(equation: Equation, x: Array, values: Array) -> list[Estimate]:
    """Of the values of a* at places x in one dimension, (n, 1, 1), where a does not jump."""
    means, changes = harmonic_means(equation, x)
    off = np.abs(values[:, 0, 0] / means - 1) + changes
    return [Estimate(float(e), "a* at each node against the harmonic mean of a") for e in off]


def interpolation_error(equation: Equation, counts: Sequence[int]) -> float:
    """How far a(x, y) itself, and the arithmetic and harmonic means over y that a*(x) lies between, are from their interpolants
    at so many nodes, relative, at many x between them: the decay of an expansion says nothing of what is narrower than the
    distance of the nodes, and little where coefficients of the expansion vanish every now and then.

    Where a depends on one direction of x they are 2001 in that direction. Else they are a grid; a finer grid, for a few y; and
    as many lines of 2001 in each direction, for some y: a front is as narrow along a line as it is.
    """
    ends = equation.domain
    several = [i for i, n in enumerate(counts) if n > 1]
    whole = _over_the_cell(equation, SIZES[equation.dim].cell)

    def grid(count: int) -> Array:
        return product(
            [np.linspace(low, high, count if n > 1 else 1) for (low, high), n in zip(ends, counts, strict=True)]
        )

    if len(several) < 2:
        return _missed(equation, counts, grid(_LINE), whole)
    dim, generator = len(several), np.random.default_rng(29)
    low, high = np.asarray(ends).T
    lines = []
    for i in several:
        for _ in range(_LINES):
            line = np.tile(low + (high - low) * generator.random(equation.dim), (_LINE, 1))
            line[:, i] = np.linspace(low[i], high[i], _LINE)
            lines.append(line)
    some, few = (np.asarray(equation.period) * generator.random((count, equation.dim)) for count in (48, 8))
    return max(
        _missed(equation, counts, grid(SIZES[equation.dim].between), whole),
        _missed(equation, counts, grid(SIZES[dim].between_fine), few),
        _missed(equation, counts, np.vstack(lines), some),
    )


def _missed(equation: Equation, counts: Sequence[int], x: Array, y: Array) -> float:
    """The same at places x, for these y."""
    nodes = slow_nodes(equation.domain, counts)
    domain = tuple((float(low), float(high)) for low, high in equation.domain)
    samples = _samples(equation, nodes, y)
    interpolant = SlowCoefficient(domain, nodes, samples)
    means = [SlowCoefficient(domain, nodes, mean) for mean in _means(samples)]
    worst = 0.0
    for part in np.array_split(x, _parts(len(x), len(y))):
        exact = _samples(equation, part, y)
        size = exact.diagonal(axis1=2, axis2=3).min(axis=2)
        worst = max(worst, float((np.abs(interpolant(part) - exact).max(axis=(2, 3)) / size).max()))
        for mean, here in zip(means, _means(exact), strict=True):
            worst = max(worst, relative_change(mean(part) - here, here))
    return worst


def _parts(places: int, points: int) -> int:
    """In how many parts places are dealt with, at so many points each."""
    return max(1, places * points // 500_000)


def _means(samples: Array) -> tuple[Array, Array]:
    """Over y: the arithmetic and the harmonic mean."""
    diagonal = samples.diagonal(axis1=2, axis2=3)
    dim = diagonal.shape[2]
    if not samples[:, :, ~np.eye(dim, dtype=bool)].any():
        harmonic = (1 / (1 / diagonal).mean(axis=1))[:, :, None] * np.eye(dim)
    else:
        harmonic = np.linalg.inv(np.linalg.inv(samples).mean(axis=1))
    return samples.mean(axis=1), harmonic
