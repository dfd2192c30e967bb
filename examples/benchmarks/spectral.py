"""Cell problems by a Fourier Galerkin method: the reference, to rounding, that the benchmarks measure errors against.

For a smooth coefficient the error falls faster than any power of the number of frequencies; the conjugate gradients are
preconditioned by the inverse Laplacian, so that their number does not depend on it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hybrid.physics import EllipticProblem
from hybrid.symbols import coordinates, evaluate

Array = npt.NDArray[np.float64]


def solve_cell(problem: EllipticProblem, count: int, tolerance: float = 1e-14) -> tuple[Array, Array, Array]:
    """-∂_i( a_ij (∂_j χ_k + δ_jk) ) = 0 in Y with χ_k periodic and of mean zero.

    Args:
        problem: Gives a (of y alone) and the period.
        count: Points along each side of the cell, odd, so that every frequency has its opposite.
        tolerance: Of the conjugate gradients, relative to the first residual.

    Returns:
        The points (n, d), the correctors there (n, d), and a* (d, d).
    """
    if count % 2 == 0:
        raise ValueError(f"count = {count}; an odd number is needed")
    dim, shape = problem.dim, (count,) * problem.dim
    axes = tuple(range(-dim, 0))
    lines = [p * np.arange(count) / count for p in problem.period]
    points = np.stack([g.ravel() for g in np.meshgrid(*lines, indexing="ij")], axis=1)
    values = coordinates(problem.fast, points)
    a = np.array(
        [[np.broadcast_to(evaluate(e, values), len(points)) for e in row] for row in problem.medium.matrix.tolist()]
    )
    a = a.reshape(dim, dim, *shape)
    waves = [2j * np.pi * np.fft.fftfreq(count, p / count) for p in problem.period]
    k = np.stack(np.meshgrid(*waves, indexing="ij"))
    inverse = -(k * k).sum(0).real
    inverse.flat[0] = np.inf

    def gradient(u: Array) -> Array:
        return np.fft.ifftn(k * np.fft.fftn(u), axes=axes).real

    def divergence(flux: Array) -> Array:
        return np.fft.ifftn((k * np.fft.fftn(flux, axes=axes)).sum(0)).real

    def flux_of(strain: Array) -> Array:
        return np.einsum("ij...,j...->i...", a, strain)

    correctors, columns = [], []
    for unit in np.eye(dim).reshape(dim, dim, *(1,) * dim):
        u = np.zeros(shape)
        residual = divergence(flux_of(np.broadcast_to(unit, (dim, *shape))))
        direction, before, first = np.zeros(shape), np.inf, None
        for _ in range(500):
            z = np.fft.ifftn(np.fft.fftn(residual) / inverse).real
            product = float((residual * z).sum())
            first = product if first is None else first
            if product <= tolerance**2 * first:
                break
            direction = z + product / before * direction
            applied = -divergence(flux_of(gradient(direction)))
            step = product / float((direction * applied).sum())
            u, residual, before = u + step * direction, residual - step * applied, product
        u -= u.mean()
        correctors.append(u.ravel())
        columns.append(flux_of(gradient(u) + unit).reshape(dim, -1).mean(1))
    return points, np.stack(correctors, axis=1), np.stack(columns, axis=1)
