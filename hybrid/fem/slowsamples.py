"""A coefficient that depends on x, sampled: at which x its cell problem is the hardest, and how well nodes in x resolve it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hybrid.coefficient import SlowCoefficient, relative_change, slow_nodes
from hybrid.problems import EllipticProblem
from hybrid.symbols import evaluate

Array = npt.NDArray[np.float64]


def _samples(problem: EllipticProblem, x: Array) -> Array:
    """a at places x, (n, d), and at some y, the same for all: (n, m, d, d)."""
    count = {1: 256, 2: 24, 3: 8}[problem.dim]
    axes = [p * (np.arange(count) + 0.4142) / count for p in problem.period]
    y = np.stack([g.ravel() for g in np.meshgrid(*axes, indexing="ij")], axis=1)
    joint = [np.repeat(column, len(y)) for column in x.T] + [np.tile(column, len(x)) for column in y.T]
    values = dict(zip((*problem.slow, *problem.fast), joint, strict=True))
    found = np.empty((len(x) * len(y), problem.dim, problem.dim))
    for i in range(problem.dim):
        for j in range(problem.dim):
            found[:, i, j] = evaluate(problem.matrix[i, j], values)
    return found.reshape(len(x), len(y), problem.dim, problem.dim)


def steepest(problem: EllipticProblem, x: Array) -> int:
    """At which of these places a has the largest contrast over the cell: its cell problem is the hardest."""
    eigenvalues = np.linalg.eigvalsh(_samples(problem, x))
    return int(np.argmax(eigenvalues.max(axis=(1, 2)) / eigenvalues.min(axis=(1, 2))))


def interpolation_error(problem: EllipticProblem, counts: Sequence[int]) -> float:
    """How far a(x, y) itself, and the arithmetic and harmonic means over y that a*(x) lies between, are from their interpolants
    at so many nodes, relative, at many x between them: the decay of an expansion says nothing of what is narrower than the
    distance of the nodes, and little where coefficients of the expansion vanish every now and then."""
    count = {1: 2001, 2: 61, 3: 13}[problem.dim]
    nodes = slow_nodes(problem.domain, counts)
    axes = [
        np.linspace(low, high, count if n > 1 else 1) for (low, high), n in zip(problem.domain, counts, strict=True)
    ]
    x = np.stack([g.ravel() for g in np.meshgrid(*axes, indexing="ij")], axis=1)
    domain = tuple((float(low), float(high)) for low, high in problem.domain)
    samples = _samples(problem, nodes)
    interpolant = SlowCoefficient(domain, nodes, samples)
    means = [SlowCoefficient(domain, nodes, mean) for mean in _means(samples)]
    worst = 0.0
    for part in np.array_split(x, max(1, len(x) * samples.shape[1] // 500_000)):
        exact = _samples(problem, part)
        size = exact.diagonal(axis1=2, axis2=3).min(axis=2)
        worst = max(worst, float((np.abs(interpolant(part) - exact).max(axis=(2, 3)) / size).max()))
        for mean, here in zip(means, _means(exact), strict=True):
            worst = max(worst, relative_change(mean(part) - here, here))
    return worst


def _means(samples: Array) -> tuple[Array, Array]:
    """Over y: the arithmetic and the harmonic mean."""
    diagonal = samples.diagonal(axis1=2, axis2=3)
    dim = diagonal.shape[2]
    if dim == 1 or not samples[:, :, ~np.eye(dim, dtype=bool)].any():
        harmonic = (1 / (1 / diagonal).mean(axis=1))[:, :, None] * np.eye(dim)
    else:
        harmonic = np.linalg.inv(np.linalg.inv(samples).mean(axis=1))
    return samples.mean(axis=1), harmonic
