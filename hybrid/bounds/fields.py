"""What a reconstruction and its flux are made of: fast functions, periodic in x/ε, and slow ones, of x."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hybrid.equation import Equation
from hybrid.fluxes import Torus, bandwidths, grids, matrix_on

Array = npt.NDArray[np.float64]

COUNTS = {1: 512, 2: 96, 3: 20}
"""Points along each side of the cell where correctors are taken."""
_SMALL = 1e-7
"""Of a corrector's Fourier coefficients, relative to the largest: those after the last one above it are left out."""


@dataclass(frozen=True)
class Fast:
    """Functions of the cell at n points.

    Attributes:
        a: (n, d, d).
        chi: χ_j, (d, n).
        slopes: ∂_i χ_j, (d, d, n), j first.
        psi: Potentials ψ_j, (d, m, n), m = 0, 1, 3.
        curls: curl ψ_j, (d, d, n), j first.
    """

    a: Array
    chi: Array
    slopes: Array
    psi: Array
    curls: Array


@dataclass(frozen=True)
class CellFields:
    """The χ_j, cut off to trigonometric polynomials, and potentials of the fluxes a (e_j + ∇χ_j).

    Attributes:
        torus: The grid that their products with a are exact on, where `exact`.
        chi: Series of the χ_j.
        psi: Series of the ψ_j.
        lowest: A lower bound of the eigenvalues of a.
        exact: Whether a and a⁻¹ have no frequencies but those that the grid resolves.
    """

    equation: Equation
    torus: Torus
    chi: npt.NDArray[np.complex128]
    psi: npt.NDArray[np.complex128]
    lowest: float
    exact: bool

    @classmethod
    def of(cls, equation: Equation, correctors: Array) -> CellFields:
        """From values of the χ_j on a grid of `Torus`, (d, n_1, …)."""
        given = Torus(equation.period, correctors.shape[1:])
        series = given.series(correctors)
        size = np.abs(series).max(axis=0)
        size.flat[0] = 0.0  # constants mean nothing
        bands = [_last(size, i) for i in range(equation.dim)]
        bands, counts, exact = grids(equation, [2 * band + 1 for band in bands])
        torus = Torus(equation.period, counts)
        chi = torus.cut(given.moved(series, torus), bands)
        chi[(slice(None), *(0,) * equation.dim)] = 0.0
        a = matrix_on(equation, torus.points())
        strains = torus.values(torus.gradient(chi)).reshape(equation.dim, equation.dim, -1)
        flux = np.einsum("nij,kjn->kin", a, strains + np.eye(equation.dim)[:, :, None])
        psi = torus.potential(torus.series(flux.reshape(*flux.shape[:2], *counts)))
        psi = torus.cut(psi, [2 * band for band in bands])
        return cls(equation, torus, chi, psi, _lowest(equation, torus, a, exact), exact)

    def on(self, axes: Sequence[Array]) -> Fast:
        """On a tensor grid of coordinates y."""
        points = np.stack([g.ravel() for g in np.meshgrid(*axes, indexing="ij")], axis=1)
        fields = (self.chi, self.torus.gradient(self.chi), self.psi, self.torus.curl(self.psi))
        flat = [found.reshape(*found.shape[: found.ndim - self.torus.dim], -1) for found in self._on(axes, fields)]
        return Fast(matrix_on(self.equation, points), *flat)

    def at(self, axes: Sequence[Array]) -> Array:
        """The χ_j on a tensor grid of coordinates y, (d, n_1, …)."""
        return self._on(axes, (self.chi,))[0]

    def on_face(self, axis: int, value: float, origin: float) -> npt.NDArray[np.complex128]:
        """Series of the χ_j along a face y_axis = value in the plane, from `origin` on, (d, m)."""
        k, other = self.torus.wave, 1 - axis
        turn = np.exp(1j * (k[axis] * value + k[other] * origin))
        return np.asarray((self.chi * turn).sum(axis=1 + axis))

    def _on(self, axes: Sequence[Array], fields: Sequence[npt.NDArray[np.complex128]]) -> list[Array]:
        waves = [
            np.exp(2j * np.pi / p * np.outer(k, axis))
            for axis, k, p in zip(axes, self.torus.numbers, self.torus.period, strict=True)
        ]
        found = []
        for values in fields:
            first = values.ndim - self.torus.dim
            for i, wave in enumerate(waves):
                values = np.moveaxis(np.tensordot(values, wave, axes=(first + i, 0)), -1, first + i)
            found.append(np.ascontiguousarray(values.real))
        return found


def _last(size: Array, axis: int) -> int:
    """The highest frequency of a direction that matters, at least one where there is any."""
    along = np.moveaxis(size, axis, 0).reshape(size.shape[axis], -1).max(axis=1)
    numbers = np.abs(np.fft.fftfreq(len(along), 1 / len(along)))
    seen = numbers[along > _SMALL * max(size.max(), 1e-300)]
    return int(min(max(seen.max(initial=1), 1), (len(along) - 1) // 2))


def _lowest(equation: Equation, torus: Torus, a: Array, exact: bool) -> float:
    """From the largest of ξ·a⁻¹ξ on the grid: between m points trigonometric polynomials of degree k < m/2 are at most 1/cos(πk/m)
    times that (Ehlich and Zeller 1964). Where a⁻¹ is none, nine tenths of what is seen."""
    found = float(np.linalg.eigvalsh(a)[:, 0].min())
    shares = [min(k / m, 0.4) for k, m in zip(bandwidths(equation), torus.counts, strict=True)]
    return found * (float(np.prod(np.cos(np.pi * np.array(shares)))) if exact else 0.9)
