"""Fluxes without divergence from any correctors, by Fourier series on the cell; and a* between two bounds that they prove.

For periodic χ_k and periodic fields σ_k without divergence, C = (mean σ_1, …, mean σ_d),

    C D⁻¹ Cᵀ  ≤  a*  ≤  E,     E_ij = mean (e_i + ∇χ_i)·a(e_j + ∇χ_j),     D_ij = mean σ_i·a⁻¹σ_j

as quadratic forms (Dirichlet's principle and Thomson's), whatever the χ_k and σ_k are. Here σ_k is the part without divergence
of a(e_k + ∇χ_k). Series of both kinds are cut off so early that the means over the grid are those over the cell, where a and
a⁻¹ have no more frequencies than are seen in them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hybrid.curls import CURL, potentials
from hybrid.equation import Equation
from hybrid.grids import COUNTS, quick_count
from hybrid.symbols import coordinates, evaluate
from hybrid.waves import LINE, coefficient_functions, spectra

Array = npt.NDArray[np.float64]

_SEEN = 1e-13
"""Of Fourier coefficients of a and a⁻¹, relative to the largest one."""
_FINE = LINE * 2 // 5
"""Frequencies from this one on are those of a kink, or of something that fine: there are more than are seen."""
_UNSEEN = 10 * _SEEN
"""What frequencies below that, and rounding, may make of a mean, relative."""


@dataclass(frozen=True)
class TwoSided:
    """a* between two matrices, in the order of quadratic forms.

    Attributes:
        lower: (d, d).
        upper: (d, d).
        margin: What both were moved apart by, for the quadrature and for rounding, relative.
        exact: Whether the quadrature is exact but for frequencies that are not seen in a and a⁻¹; else its error is estimated.
    """

    lower: Array
    upper: Array
    margin: float
    exact: bool


class Torus:
    """Trigonometric polynomials on a uniform grid of the cell that begins at its corner: values (…, n_1, …, n_d)."""

    def __init__(self, period: Sequence[float], counts: Sequence[int]) -> None:
        self.period, self.counts, self.dim = tuple(period), tuple(counts), len(period)
        self.axes = tuple(range(-self.dim, 0))
        numbers = [np.rint(np.fft.fftfreq(n, 1 / n)).astype(int) for n in counts]
        self.numbers = numbers
        waves = [2 * math.pi * k / p for k, p in zip(numbers, period, strict=True)]
        self.wave = np.stack(np.meshgrid(*waves, indexing="ij"))
        square = (self.wave**2).sum(axis=0)
        square.flat[0] = 1.0
        self.square = square

    def points(self) -> Array:
        """(n, d), the last direction fastest."""
        axes = [p * np.arange(n) / n for p, n in zip(self.period, self.counts, strict=True)]
        return np.stack([g.ravel() for g in np.meshgrid(*axes, indexing="ij")], axis=1)

    def series(self, values: Array) -> npt.NDArray[np.complex128]:
        """Fourier coefficients."""
        return np.asarray(np.fft.fftn(values, axes=self.axes) / math.prod(self.counts))

    def values(self, series: npt.NDArray[np.complex128]) -> Array:
        """The inverse of it."""
        return np.asarray(np.fft.ifftn(series, axes=self.axes).real * math.prod(self.counts))

    def cut(self, series: npt.NDArray[np.complex128], bands: Sequence[int]) -> npt.NDArray[np.complex128]:
        """Without the frequencies above the bands."""
        keep = [np.abs(k) <= band for k, band in zip(self.numbers, bands, strict=True)]
        return np.where(np.prod(np.meshgrid(*keep, indexing="ij"), axis=0) > 0, series, 0.0)

    def moved(self, series: npt.NDArray[np.complex128], other: Torus) -> npt.NDArray[np.complex128]:
        """The same series on another grid, but for frequencies that one of the two does not tell from their negatives."""
        lead = series.shape[: series.ndim - self.dim]
        found = np.zeros((*lead, *other.counts), dtype=complex)
        bands = [(min(n, m) - 1) // 2 for n, m in zip(self.counts, other.counts, strict=True)]
        places = [np.flatnonzero(np.abs(k) <= band) for k, band in zip(self.numbers, bands, strict=True)]
        targets = [k[place] % m for k, place, m in zip(self.numbers, places, other.counts, strict=True)]
        every = [range(n) for n in lead]
        found[np.ix_(*every, *targets)] = series[np.ix_(*every, *places)]
        return found

    def gradient(self, series: npt.NDArray[np.complex128]) -> npt.NDArray[np.complex128]:
        """(…, d, n_1 …)."""
        return np.asarray(1j * self.wave * np.expand_dims(series, -self.dim - 1))

    def potential(self, flux: npt.NDArray[np.complex128]) -> npt.NDArray[np.complex128]:
        """ψ of the flux's part without divergence, q = mean q + curl ψ + a gradient: (…, d, n_1 …) to (…, m, n_1 …), with the
        components of `hybrid.curls`."""
        parts = np.moveaxis(flux, -self.dim - 1, 0)
        turned = np.zeros((potentials(self.dim), *parts.shape[1:]), dtype=complex)
        for i, k, j, sign in CURL[self.dim]:
            turned[k] -= sign * 1j * self.wave[j] * parts[i]
        return np.asarray(np.moveaxis(turned / self.square, 0, -self.dim - 1), dtype=np.complex128)

    def curl(self, potential: npt.NDArray[np.complex128]) -> npt.NDArray[np.complex128]:
        """Of ψ, (…, m, n_1 …) to (…, d, n_1 …)."""
        parts = np.moveaxis(potential, -self.dim - 1, 0)
        turned = np.zeros((self.dim, *parts.shape[1:]), dtype=complex)
        for i, k, j, sign in CURL[self.dim]:
            turned[i] += sign * 1j * self.wave[j] * parts[k]
        return np.moveaxis(turned, 0, -self.dim - 1)

    def mean(self, series: npt.NDArray[np.complex128]) -> Array:
        """Of each function."""
        return np.asarray(np.moveaxis(series, self.axes, range(self.dim))[(0,) * self.dim].real)


def matrix_on(equation: Equation, points: Array) -> Array:
    """a at points of the cell, (n, d) -> (n, d, d)."""
    at, dim = coordinates(equation.fast, points), equation.dim
    rows = [
        [np.broadcast_to(evaluate(equation.medium.matrix[i, j], at), len(points)) for j in range(dim)]
        for i in range(dim)
    ]
    return np.asarray(np.moveaxis(np.array(rows, dtype=np.float64), 2, 0))


def bandwidths(equation: Equation) -> list[int]:
    """The highest frequencies of a and a⁻¹ in each direction; as many as there may be points where that is more than is
    seen."""
    functions = list(dict.fromkeys(coefficient_functions(equation)))
    found = spectra(functions, equation.fast, equation.period, _SEEN)
    wide = [max((k for k, _ in each), default=0) for each in found]
    return [k if k < _FINE else COUNTS[equation.dim].torus for k in wide]


def grids(equation: Equation, counts: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...], bool]:
    """How many frequencies correctors on a grid are left with in each direction, the points of a grid on which the energies of
    correctors and fluxes are exact, and whether they are."""
    wide = bandwidths(equation)
    bands = [(n - 1) // 2 for n in counts]
    most, fewest = COUNTS[equation.dim].torus, COUNTS[equation.dim].waves

    def wanted() -> list[int]:
        return [quick_count(4 * band + k + 1) for band, k in zip(bands, wide, strict=True)]

    while math.prod(wanted()) > most and max(bands) > fewest:
        i = max(range(len(bands)), key=lambda i: bands[i])
        bands[i] = max(bands[i] * 7 // 8, fewest)
    fine = wanted()
    exact = math.prod(fine) <= most
    while math.prod(fine) > most:
        i = max(range(len(fine)), key=lambda i: fine[i])
        fine[i] = 2 * (fine[i] * 7 // 16)
    return tuple(bands), tuple(quick_count(n) for n in fine), exact


def two_sided(equation: Equation, correctors: Array) -> TwoSided:
    """Bounds of a* from values of any periodic functions χ_k on a grid of the cell; the better these are the closer the two.

    Args:
        equation: Cell problems whose a, of y alone, is symmetric and has no jumps.
        correctors: (d, n_1, …, n_d), on the grid of `Torus`.
    """
    dim, given = equation.dim, Torus(equation.period, correctors.shape[1:])
    bands, counts, exact = grids(equation, given.counts)
    fine = Torus(equation.period, counts)
    a = matrix_on(equation, fine.points())
    chi = fine.cut(given.moved(given.series(correctors), fine), bands)
    strain = fine.values(fine.gradient(chi)).reshape(dim, dim, -1) + np.eye(dim)[:, :, None]
    flux = np.einsum("nij,kjn->kin", a, strain)
    series = fine.cut(fine.series(flux.reshape(dim, dim, *counts)), [2 * band for band in bands])
    mean = fine.mean(series)
    sigma = fine.values(fine.curl(fine.potential(series))).reshape(dim, dim, -1) + mean[:, :, None]
    inverse = np.linalg.inv(a)
    energies = [
        np.einsum("kin,lin->nkl", flux, strain),
        np.einsum("kin,nij,ljn->nkl", sigma, inverse, sigma, optimize=True),
    ]
    upper, dual = (density.mean(axis=0) for density in energies)
    lower = mean.T @ np.linalg.solve(dual, mean)
    margin = _UNSEEN * float(np.linalg.norm(upper, 2))
    if not exact:
        every = (*(slice(None, None, 2) for _ in counts), slice(None), slice(None))
        rough = [density.reshape(*counts, dim, dim)[every].mean(axis=tuple(range(dim))) for density in energies]
        again = mean.T @ np.linalg.solve(rough[1], mean)
        margin += float(np.linalg.norm(upper - rough[0], 2) + np.linalg.norm(lower - again, 2))
    size = float(np.linalg.norm(upper, 2))
    apart = margin * np.eye(dim)
    return TwoSided(_symmetric(lower) - apart, _symmetric(upper) + apart, margin / size, exact)


def _symmetric(matrix: Array) -> Array:
    return np.asarray((matrix + matrix.T) / 2)
