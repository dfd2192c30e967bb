"""Boundary layers for bounds: w_F in the half strip inwards of a face, and a potential of its flux.

div(a ∇w) = 0, w = -χ_n on the face, n the direction across it, periodic along it, and nearly constant some periods inwards:
there it is made the constant. With polynomials across and waves along the face, by conjugate gradients for the energy, and for
the complementary energy of a∇w ≈ curl Θ. A bound holds whatever w and Θ are, as long as w = -χ_n on the face.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.polynomial.legendre import legder, leggauss, legval, legvander

from hybrid.bounds.fields import CellFields, conjugate_gradients, second_order
from hybrid.equation import Equation
from hybrid.fluxes import Torus, matrix_on

Array = npt.NDArray[np.float64]

_DEGREE, _GAUSS = 12, 18
"""Of the polynomials in each period of depth, and points there."""
_STEPS, _SMALL = 200, 1e-7
"""Of conjugate gradients, at the most; and what is left of the residual after them."""


@dataclass(frozen=True)
class Layer:
    """w - c and Θ of a face.

    Attributes:
        axis: The direction across the face.
        upper: Whether it is the face at the upper end.
        tail: c, what w is far from the face.
        depth: Periods inwards where w - c and Θ are not zero.
        waves: 2π k / period of the series along the face.
        value: w - c: at nodes across, (T, m), and of series along the face.
        potential: Θ, the same.
        second: Potentials of second order, (3, T, m): `hybrid.bounds.fields.CellFields.second` in the layer.
    """

    axis: int
    upper: bool
    tail: float
    depth: int
    period: float
    waves: Array
    value: npt.NDArray[np.complex128]
    potential: npt.NDArray[np.complex128]
    second: npt.NDArray[np.complex128]

    def on(self, number: int, places: Array, y: Sequence[Array]) -> tuple[Array, Array, Array, Array, Array, Array]:
        """w - c, its gradient by y, Θ and its curl, (n,) and (2, n), on a tensor grid; and the same for those of second order.

        Args:
            number: Which period from the face.
            places: t in this period, counted in the direction of the axis.
            y: Coordinates along the axes; that across the face is not looked at.
        """
        depth = 1 - places if self.upper else places
        values, slopes = _basis(2 * depth - 1)
        nodes = slice(number * _DEGREE, number * _DEGREE + _DEGREE + 1)
        sign = (-2.0 if self.upper else 2.0) / self.period
        phases = np.exp(1j * np.outer(self.waves, y[1 - self.axis]))
        found = []
        for series in (self.value[nodes], self.potential[nodes], *self.second[:, nodes]):
            parts = [values @ (series * (1j * self.waves)) @ phases] * 2
            parts[self.axis] = sign * (slopes @ series @ phases)
            table = np.stack([values @ series @ phases, *parts]).real
            found.append((np.swapaxes(table, 1, 2) if self.axis == 1 else table).reshape(3, -1))
        (value, *strain), *others = found
        curls = [np.stack([own[2], -own[1]]) for own in others]
        potentials = np.stack([own[0] for own in others])
        return value, np.stack(strain), potentials[0], curls[0], potentials[1:], np.stack(curls)[1:]

    def at(self, t: Array, periods: int, y: Sequence[Array]) -> Array:
        """w on a tensor grid: t is the place across the face, in periods from the lower end, of so many."""
        deep = periods - t if self.upper else t
        numbers = np.clip(np.floor(deep), 0, self.depth).astype(int)
        shape = [len(axis) for axis in y]
        found = np.full(shape, self.tail)
        for number in range(self.depth):
            chosen = np.flatnonzero(numbers == number)
            places = deep[chosen] - number
            axes = [axis[chosen] if i == self.axis else axis for i, axis in enumerate(y)]
            value = self.on(number, 1 - places if self.upper else places, axes)[0]
            index = tuple(chosen if i == self.axis else slice(None) for i in range(len(y)))
            found[index] += value.reshape([len(axis) for axis in axes])
        return found


def layers_of(cell: CellFields, depth: int, origin: Sequence[float]) -> list[Layer]:
    """Those of all faces of a box in the plane that begins at y = `origin`."""
    return [_Strip(cell, axis, upper, depth, origin).layer() for axis in range(2) for upper in (False, True)]


class _Strip:
    """Polynomials of depth, continuous from period to period, times waves along the face."""

    def __init__(self, cell: CellFields, axis: int, upper: bool, depth: int, origin: Sequence[float]) -> None:
        self.cell, self.axis, self.upper, self.depth = cell, axis, upper, depth
        equation: Equation = cell.equation
        other = 1 - axis
        self.period, self.origin = equation.period[axis], origin
        self.along = Torus((equation.period[other],), (cell.torus.counts[other],))
        band = max(2 * _band(cell, other), 4)
        self.keep = np.abs(self.along.numbers[0]) <= min(band, (self.along.counts[0] - 1) // 2)
        gauss, share = leggauss(_GAUSS)
        values, slopes = _basis(gauss)
        count = depth * _DEGREE + 1
        self.values, self.slopes = np.zeros((depth * _GAUSS, count)), np.zeros((depth * _GAUSS, count))
        for k in range(depth):
            rows, columns = slice(k * _GAUSS, (k + 1) * _GAUSS), slice(k * _DEGREE, (k + 1) * _DEGREE + 1)
            self.values[rows, columns], self.slopes[rows, columns] = values, 2 / self.period * slopes
        self.weights = np.tile(share / 2 * self.period, depth)
        t = np.concatenate([k + (gauss + 1) / 2 for k in range(depth)]) * self.period
        self.depths = origin[axis] + (-t if upper else t)
        points = np.empty((len(t), self.along.counts[0], 2))
        points[..., axis] = self.depths[:, None]
        points[..., other] = origin[other] + self.along.points()[:, 0]
        self.a = np.moveaxis(
            matrix_on(equation, points.reshape(-1, 2)).reshape(*points.shape[:2], 2, 2), (2, 3), (0, 1)
        )

    def _gradient(self, u: npt.NDArray[np.complex128]) -> Array:
        """In the directions of the axes, (2, n, m), of series along the face at the nodes."""
        found = np.empty((2, len(self.values), self.along.counts[0]))
        found[self.axis] = self.along.values((-1 if self.upper else 1) * (self.slopes @ u))
        found[1 - self.axis] = self.along.values(self.values @ (1j * self.along.wave[0] * u))
        return found

    def _divergence(self, flux: Array) -> npt.NDArray[np.complex128]:
        """The transpose of it, with the weights of the integral over the depth."""
        series = self.along.series(flux * self.weights[:, None])
        across = (-1 if self.upper else 1) * (self.slopes.T @ series[self.axis])
        found = across + self.values.T @ (-1j * self.along.wave[0] * series[1 - self.axis])
        return np.asarray(np.where(self.keep, found, 0.0))

    def _solve(self, b: Array, load: Array, fixed: slice) -> npt.NDArray[np.complex128]:
        """u with ∫ ∇v·(b ∇u - load) = 0 for all v, both zero but at the nodes of the slice."""
        stiff = self.slopes.T @ (self.weights[:, None] * self.slopes)
        mass = self.values.T @ (self.weights[:, None] * self.values)
        inverse = np.linalg.inv((stiff + (self.along.wave[0] ** 2)[:, None, None] * mass)[:, fixed, fixed])

        def ahead(r: npt.NDArray[np.complex128]) -> npt.NDArray[np.complex128]:
            found = np.zeros_like(r)
            found[fixed] = np.einsum("kij,jk->ik", inverse, r[fixed])
            return found

        def tested(flux: Array) -> npt.NDArray[np.complex128]:
            every = self._divergence(flux)
            found = np.zeros_like(every)
            found[fixed] = every[fixed]
            return found

        return conjugate_gradients(lambda u: tested(_times(b, self._gradient(u))), ahead, tested(load), _STEPS, _SMALL)

    def layer(self) -> Layer:
        """w, made constant at the end of the strip, Θ, and the potentials of second order, zero there."""
        axis, other = self.axis, 1 - self.axis
        face = self.cell.on_face(axis, self.origin[axis], self.origin[other])[axis]
        lifted = np.asarray(-np.where(self.keep, face, 0.0) * self._ramp(0)[:, None], dtype=np.complex128)
        w = lifted + self._solve(self.a, -_times(self.a, self._gradient(lifted)), slice(1, None))
        tail = float(w[-1, 0].real)
        w[:, 0] -= tail
        w -= self._ramp(self.depth - 1, rising=True)[:, None] * w[-1]
        # |a^-½ (curl Θ - a∇w)|² with curl = R ∇: coefficient Rᵀ a⁻¹ R = a / det a, load Rᵀ ∇w.
        dual = self.a / (self.a[0, 0] * self.a[1, 1] - self.a[0, 1] ** 2)
        strain = self._gradient(w)
        theta = self._solve(dual, np.stack([-strain[1], strain[0]]), slice(None, -1))
        second = [self._solve(dual, load, slice(None, -1)) for load in self._second(w, theta)]
        phase = np.exp(-1j * self.along.wave[0] * self.origin[other])  # series in y itself
        return Layer(
            axis, self.upper, tail, self.depth, self.period, self.along.wave[0], w * phase, theta * phase,
            np.stack(second) * phase,
        )  # fmt: skip

    def _second(self, w: npt.NDArray[np.complex128], theta: npt.NDArray[np.complex128]) -> list[Array]:
        """Loads -Rᵀ a⁻¹ (Z_ij + curl Ψ_ij), with the layer's functions in Z_ij beside the cell's."""
        y = [self.depths, self.along.points()[:, 0] + self.origin[1 - self.axis]]
        fast = self.cell.on(y if self.axis == 0 else y[::-1])
        shape = [len(axis) for axis in (y if self.axis == 0 else y[::-1])]

        def turned(values: Array) -> Array:
            """(…, n) to (…, across, along)."""
            table = values.reshape(*values.shape[:-1], *shape)
            return table if self.axis == 0 else np.swapaxes(table, -1, -2)

        chi, psi = turned(fast.chi).copy(), turned(fast.psi[:, 0]).copy()
        chi[self.axis] += self.along.values(self.values @ w)
        psi[self.axis] += self.along.values(self.values @ theta)
        curls = turned(fast.second_curls)
        found = []
        for z, curl in zip(second_order(self.a, chi, psi), curls, strict=True):
            off = np.moveaxis(z + curl, 0, 2)[..., None]
            strain = np.moveaxis(np.linalg.solve(np.moveaxis(self.a, (0, 1), (2, 3)), off)[..., 0], 2, 0)
            found.append(np.stack([strain[1], -strain[0]]))
        return found

    def _ramp(self, number: int, *, rising: bool = False) -> Array:
        """At the nodes: from one to zero in a period of depth, or from zero to one."""
        found = np.zeros(self.values.shape[1])
        inside = (_lobatto() + 1) / 2
        found[number * _DEGREE : (number + 1) * _DEGREE + 1] = inside if rising else 1 - inside
        return found


def _band(cell: CellFields, axis: int) -> int:
    """The highest frequency of the correctors in a direction."""
    size = np.moveaxis(np.abs(cell.chi).max(axis=0), axis, 0).reshape(cell.torus.counts[axis], -1).max(axis=1)
    return int(np.abs(cell.torus.numbers[axis])[size > 0].max(initial=0))


def _times(a: Array, field: Array) -> Array:
    return np.asarray(np.einsum("ij...,j...->i...", a, field))


@functools.cache
def _lobatto() -> Array:
    """Nodes on [-1, 1] with both ends."""
    unit = np.zeros(_DEGREE + 1)
    unit[-1] = 1.0
    inner = np.sort(np.polynomial.legendre.legroots(legder(unit)).real)
    return np.array([-1.0, *inner, 1.0])


def _basis(at: Array) -> tuple[Array, Array]:
    """Lagrange's polynomials of these nodes and their derivatives, (n, degree + 1)."""
    inverse = np.linalg.inv(legvander(_lobatto(), _DEGREE))
    slopes = np.stack([legval(at, legder(row)) for row in np.eye(_DEGREE + 1)], axis=1)
    return legvander(at, _DEGREE) @ inverse, slopes @ inverse
