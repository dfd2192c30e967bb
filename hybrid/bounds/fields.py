"""What a reconstruction and its flux are made of: fast functions, periodic in x/ε, and slow ones, of x."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from hybrid.curls import CURL
from hybrid.equation import Equation
from hybrid.fluxes import Torus, bandwidths, grids, matrix_on

Array = npt.NDArray[np.float64]
Operator = Callable[[npt.NDArray[np.complex128]], npt.NDArray[np.complex128]]

PAIRS = ((0, 0), (0, 1), (1, 1))
"""Second derivatives in the plane."""
_MOST = 2**18
"""Points at which the smallest eigenvalue of a is looked for."""
_STEPS, _REST = 200, 1e-6
"""Of conjugate gradients, at the most; and what is left of the residual after them."""
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
        second: Potentials of second order, (pairs, n).
        second_curls: Their curls, (pairs, d, n).
    """

    a: Array
    chi: Array
    slopes: Array
    psi: Array
    curls: Array
    second: Array
    second_curls: Array


@dataclass(frozen=True)
class CellFields:
    """The χ_j, cut off to trigonometric polynomials, and potentials of the fluxes a (e_j + ∇χ_j).

    Attributes:
        torus: The grid that their products with a are exact on, where `exact`.
        chi: Series of the χ_j.
        psi: Series of the ψ_j.
        second: In the plane those of the potentials Ψ_ij, i ≤ j, (3, …): what ε (curl ψ_j e_i-part - a χ_j e_i) ∂_ij u_0 of τ
            - a∇r has without divergence goes into τ as ε² curl( Ψ_ij ∂_ij u_0 ).
        lowest: A lower bound of the eigenvalues of a.
        exact: Whether a and a⁻¹ have no frequencies but those that the grid resolves.
    """

    equation: Equation
    torus: Torus
    chi: npt.NDArray[np.complex128]
    psi: npt.NDArray[np.complex128]
    second: npt.NDArray[np.complex128]
    lowest: float
    exact: bool

    @classmethod
    def of(cls, equation: Equation, correctors: Array) -> CellFields:
        """From values of the χ_j on a grid of `Torus`, (d, n_1, …)."""
        given = Torus(equation.period, correctors.shape[1:])
        series = given.series(correctors)
        size = np.abs(series).max(axis=0)
        size.flat[0] = 0.0  # constants mean nothing
        last = [_last(size, i) for i in range(equation.dim)]
        bands, counts, exact = grids(equation, [2 * band + 1 for band in last])
        torus = Torus(equation.period, counts)
        chi = torus.cut(given.moved(series, torus), bands)
        chi.reshape(equation.dim, -1)[:, 0] = 0.0
        a = matrix_on(equation, torus.points())
        strains = torus.values(torus.gradient(chi)).reshape(equation.dim, equation.dim, -1)
        flux = np.einsum("nij,kjn->kin", a, strains + np.eye(equation.dim)[:, :, None])
        psi = torus.potential(torus.series(flux.reshape(*flux.shape[:2], *counts)))
        psi = torus.cut(psi, [2 * band for band in bands])
        none = np.zeros((0, *counts), dtype=complex)
        found = cls(equation, torus, chi, psi, none, _lowest(equation), exact)
        return found if equation.dim != 2 else replace(found, second=_second(found, a, bands))

    def on(self, axes: Sequence[Array]) -> Fast:
        """On a tensor grid of coordinates y."""
        points = np.stack([g.ravel() for g in np.meshgrid(*axes, indexing="ij")], axis=1)
        second = self.second[:, None]
        curls = self.torus.curl(second) if len(second) else second
        fields = (
            self.chi, self.torus.gradient(self.chi), self.psi, self.torus.curl(self.psi), self.second, curls,
        )  # fmt: skip
        lead = [found.shape[: found.ndim - self.torus.dim] for found in fields]
        flat = [found.reshape(*own, len(points)) for own, found in zip(lead, self._on(axes, fields), strict=True)]
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


def _lowest(equation: Equation) -> float:
    """From the largest of ξ·a⁻¹ξ on a grid: between m points trigonometric polynomials of degree k < m/2 are at most
    1/cos(πk/m) times that (Ehlich and Zeller 1964). Where a⁻¹ has more frequencies than that, nine tenths of what is seen."""
    wide = bandwidths(equation)
    counts = [8 * k + 1 for k in wide]
    resolved = math.prod(counts) <= _MOST
    while math.prod(counts) > _MOST:
        i = max(range(len(counts)), key=lambda i: counts[i])
        counts[i] = counts[i] * 7 // 8
    resolved = resolved or all(4 * k < m for k, m in zip(wide, counts, strict=True))
    found = float(np.linalg.eigvalsh(matrix_on(equation, Torus(equation.period, counts).points()))[:, 0].min())
    margins = [math.cos(math.pi * k / m) for k, m in zip(wide, counts, strict=True)]
    return found * (math.prod(margins) if resolved else 0.9)


def crossed(along: int, psi: Array) -> Array:
    """curl(ψ q) - q curl ψ = (this) ∂_i q for one direction i, (d, …), from the components of ψ, (m, …)."""
    dim = {0: 1, 1: 2, 3: 3}[len(psi)]
    found = np.zeros((dim, *psi.shape[1:]))
    for row, k, i, sign in CURL[dim]:
        if i == along:
            found[row] += sign * psi[k]
    return found


def second_order(a: Array, chi: Array, psi: Array) -> Array:
    """What multiplies ε ∂_ij u_0, i ≤ j, in τ - a∇r: (3, 2, n) from a, (2, 2, n), and functions that multiply the slopes of
    ∂_0 u_0 and ∂_1 u_0, χ, (2, n), in r and ψ, (2, n), in τ."""
    found = []
    for i, j in PAIRS:
        parts = [crossed(k, psi[m][None]) - a[:, k] * chi[m] for k, m in {(i, j), (j, i)}]
        found.append(np.sum(parts, axis=0))
    return np.stack(found)


def _second(cell: CellFields, a: Array, bands: Sequence[int]) -> npt.NDArray[np.complex128]:
    """The Ψ_ij that make |a^-½ (Z_ij + curl Ψ_ij)|² small, Z_ij of `second_order`: -div(a/det a ∇Ψ) = div Rᵀ a⁻¹ Z, curl = R
    ∇."""
    torus = cell.torus
    chi, psi = (torus.values(series).reshape(2, -1) for series in (cell.chi, cell.psi[:, 0]))
    dual, table = a / np.linalg.det(a)[:, None, None], np.moveaxis(a, 0, 2)
    found = []
    for z in second_order(table, chi, psi):
        strain = np.linalg.solve(a, z.T[:, :, None])[:, :, 0].T
        load = np.stack([strain[1], -strain[0]])  # -Rᵀ a⁻¹ Z
        found.append(_periodic(torus, dual, load, [2 * band for band in bands]))
    return np.stack(found)


def _periodic(torus: Torus, b: Array, load: Array, bands: Sequence[int]) -> npt.NDArray[np.complex128]:
    """u with ∫ ∇v·(b ∇u - load) = 0 for all v, among the waves of the bands."""

    def divergence(flux: Array) -> npt.NDArray[np.complex128]:
        series = torus.cut(torus.series(flux.reshape(2, *torus.counts)), bands)
        return np.asarray((-1j * torus.wave * series).sum(axis=0))

    def times(u: npt.NDArray[np.complex128]) -> npt.NDArray[np.complex128]:
        return divergence(np.einsum("nij,jn->in", b, torus.values(torus.gradient(u)).reshape(2, -1)))

    return conjugate_gradients(times, lambda r: r / torus.square, divergence(load), _STEPS, _REST)


def conjugate_gradients(
    times: Operator, ahead: Operator, load: npt.NDArray[np.complex128], steps: int, rest: float
) -> npt.NDArray[np.complex128]:
    """An approximation is good enough here: no bound needs more."""
    found, residual = np.zeros_like(load), load
    direction = ahead(residual)
    size = first = np.vdot(residual, direction).real
    for _ in range(steps):
        if size <= rest**2 * first or size <= 0:
            break
        image = times(direction)
        step = size / np.vdot(direction, image).real
        found, residual = found + step * direction, residual - step * image
        then = ahead(residual)
        size, before = np.vdot(residual, then).real, size
        direction = then + size / before * direction
    return found
