"""Sines on the uniform interior points of a box: the transform, and -∂_i( a_ij ∂_j δ ) = r, δ = 0 on ∂Ω, by differences.

With a constant diagonal a the differences are diagonal in sines, and the equation is solved exactly; any other symmetric
positive a(x) by conjugate gradients, preconditioned with that. The differences are those of the energy

    ½ ∫ ∇δ·a∇δ  ≈  ½ Σ_i Σ_faces a_ii (D_i δ)² + Σ_{i<j} Σ_cells a_ij (mean D_i δ)(mean D_j δ),

which is positive where a is, because the square of a mean is at most the mean of the squares.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SineGrid:
    """Uniform points of a box, its boundary left out.

    Attributes:
        box: One (low, high) for each dimension.
        cells: N for each dimension; N - 1 points lie inside.
    """

    box: tuple[tuple[float, float], ...]
    cells: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Points along each side."""
        return tuple(n - 1 for n in self.cells)

    @property
    def steps(self) -> Array:
        """Distances of the points."""
        return np.array([(high - low) / n for (low, high), n in zip(self.box, self.cells, strict=True)])

    def points(self) -> Array:
        """(Π (N_i - 1), d), the last coordinate running fastest."""
        return _product([low + (high - low) * np.arange(1, n) / n for (low, high), n in self._sides()])

    def middles(self) -> Array:
        """The middles of the Π N_i cells, (Π N_i, d)."""
        return _product([low + (high - low) * (np.arange(n) + 0.5) / n for (low, high), n in self._sides()])

    def _sides(self) -> zip[tuple[tuple[float, float], int]]:
        return zip(self.box, self.cells, strict=True)

    def coarse(self) -> SineGrid:
        """Every second point."""
        return SineGrid(self.box, tuple(n // 2 for n in self.cells))

    def halved(self, values: Array) -> Array:
        """Values at the points, (..., *shape), on those of `coarse`."""
        for axis in range(-len(self.cells), 0):
            values = np.moveaxis(np.moveaxis(values, axis, 0)[1::2], 0, axis)
        return values

    def transform(self, values: Array) -> Array:
        """Coefficients of sines from values in the last d axes, and back: it is its own inverse."""
        for axis in range(-len(self.cells), 0):
            values = np.moveaxis(_sine(np.moveaxis(values, axis, -1)), -1, axis)
        return values

    def symbol(self, diagonal: Array) -> Array:
        """What -Σ a_ii ∂_ii does to each sine, by differences."""
        total = np.zeros(self.shape)
        for i, (h, n) in enumerate(zip(self.steps, self.cells, strict=True)):
            own = diagonal[i] * (2 / h * np.sin(np.pi * np.arange(1, n) / (2 * n))) ** 2
            total = total + own.reshape([-1 if k == i else 1 for k in range(len(self.cells))])
        return total

    def norm(self, values: Array) -> float:
        """The L2 norm of values that vanish on the boundary."""
        largest = float(np.abs(values).max(initial=0.0))  # first taken out: squares of small numbers are zero
        return largest * float(np.sqrt(np.square(values / largest).sum() * self.steps.prod())) if largest else 0.0


def solve(
    grid: SineGrid,
    a: Array,
    right: Array,
    iterations: int = 200,
    tolerance: float = 1e-3,
    reaction: Array | None = None,
) -> Array:
    """δ from r at the points, `grid.shape`.

    Args:
        grid: The points.
        a: Symmetric and positive, (d, d), or in the middles of the cells, (*cells, d, d).
        right: r.
        iterations: Of conjugate gradients, at the most.
        tolerance: Reduction of the residual at which they stop; an estimate needs no more.
        reaction: c at the points, if there is one.
    """
    size = float(np.abs(right).max(initial=0.0))
    if not size or not np.isfinite(size):
        return right * 0.0
    right = right / size
    dim = len(grid.cells)
    diagonal = np.array([a[..., i, i].mean() for i in range(dim)])
    symbol = grid.symbol(diagonal)
    if reaction is not None:
        symbol = symbol + reaction.mean()

    def inverse(values: Array) -> Array:
        return grid.transform(grid.transform(values) / symbol)

    if a.ndim == 2 and not (a - np.diag(diagonal)).any() and (reaction is None or not np.ptp(reaction)):
        return inverse(right) * size
    cells = np.broadcast_to(a, (*grid.cells, dim, dim))
    solution, residual = np.zeros(grid.shape), right
    step = inverse(residual)
    direction, product = step, float((residual * step).sum())
    target = tolerance**2 * product
    for _ in range(iterations):
        image = _apply(grid, cells, direction)
        if reaction is not None:
            image = image + reaction * direction
        length = product / float((direction * image).sum())
        solution, residual = solution + length * direction, residual - length * image
        step = inverse(residual)
        before, product = product, float((residual * step).sum())
        if product <= target:
            break
        direction = step + product / before * direction
    return solution * size


def _apply(grid: SineGrid, cells: Array, inside: Array) -> Array:
    """The differences; the transpose of each map is applied in reverse."""
    dim, h = len(grid.cells), grid.steps
    values = np.pad(inside, 1)
    total = np.zeros_like(values)
    for i in range(dim):
        # On the faces' edges along i: a_ii averaged over the cells around, zero weight outside.
        weight = cells[..., i, i]
        for k in range(dim):
            if k != i:
                weight = _spread(weight, k)
        _add_difference(total, i, weight * np.diff(values, axis=i) / h[i] ** 2)
    for i, j in itertools.combinations(range(dim), 2):
        if cells[..., i, j].any():
            slopes = {k: _mean(np.diff(values, axis=k) / h[k], [m for m in range(dim) if m != k]) for k in (i, j)}
            for own, other in ((i, j), (j, i)):
                flux = cells[..., i, j] * slopes[other] / h[own]
                for k in range(dim):
                    if k != own:
                        flux = _spread(flux, k)
                _add_difference(total, own, flux)
    return np.asarray(total[(slice(1, -1),) * dim])


def _mean(values: Array, axes: Sequence[int]) -> Array:
    for k in axes:
        values = (np.take(values, range(values.shape[k] - 1), k) + np.take(values, range(1, values.shape[k]), k)) / 2
    return values


def _spread(values: Array, axis: int) -> Array:
    """The transpose of the mean of neighbours."""
    padded = np.pad(values, [(1, 1) if k == axis else (0, 0) for k in range(values.ndim)])
    return _mean(padded, [axis])


def _add_difference(total: Array, axis: int, flux: Array) -> None:
    """Add the transpose of the difference of neighbours."""
    before: list[slice] = [slice(None)] * total.ndim
    after = list(before)
    before[axis], after[axis] = slice(None, -1), slice(1, None)
    total[tuple(before)] -= flux
    total[tuple(after)] += flux


def _sine(values: Array) -> Array:
    """√(2/N) Σ_k v_k sin(π k m / N) along the last axis, by a Fourier transform of the odd continuation."""
    n = values.shape[-1] + 1
    zero = np.zeros((*values.shape[:-1], 1))
    odd = np.concatenate([zero, values, zero, -values[..., ::-1]], axis=-1)
    return -np.fft.rfft(odd)[..., 1:n].imag / np.sqrt(2 * n)


def _product(axes: Sequence[Array]) -> Array:
    return np.stack([g.ravel() for g in np.meshgrid(*axes, indexing="ij")], axis=1)
