"""u_0 and its derivatives on tensor grids: of a network as it is, of finite elements by a spline through their values."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.polynomial.legendre import legder, leggauss, legval, legvander

from dolfinx import fem

from hybrid.bounds.fields import PAIRS
from hybrid.bounds.sizes import SIZES
from hybrid.comparison.transfer import on_points
from hybrid.failures import SolverError
from hybrid.pinn.functions.field import Field, evaluated
from hybrid.pinn.functions.network import VALUE, hessian_operators
from hybrid.product import Product

Array = npt.NDArray[np.float64]

_DEGREE = 5
_ZERO = 1e-10
"""Of the largest value: corner functions are zero on the boundary but for rounding."""
_SMOOTH = 16
"""Polynomials in each direction, of what is near second derivatives."""


@dataclass(frozen=True)
class Jet:
    """At the points of a grid.

    Attributes:
        value: u_0, (n_1, …).
        slope: ∂_i u_0, (d, n_1, …).
        hessian: ∂_ij u_0, (d, d, n_1, …).
    """

    value: Array
    slope: Array
    hessian: Array


class Slow(ABC):
    """A function that vanishes on the boundary of the box, with square integrable second derivatives."""

    @abstractmethod
    def jet(self, axes: Sequence[Array]) -> Jet:
        """On a tensor grid of coordinates."""


class Smooth:
    """Polynomials near the second derivatives ∂_ij u_0, i ≤ j, in the plane, by Gauss's rule: with slopes that are known."""

    def __init__(self, slow: Slow, domain: Sequence[Sequence[float]]) -> None:
        self.domain = domain
        unit, share = leggauss(2 * _SMOOTH)
        basis = legvander(unit, _SMOOTH - 1)
        transform = (basis * share[:, None]).T * (np.arange(_SMOOTH) + 0.5)[:, None]
        hessian = slow.jet([(low + high) / 2 + (high - low) / 2 * unit for low, high in domain]).hessian
        self.tables = [transform @ hessian[i, j] @ transform.T for i, j in PAIRS]

    def on(self, axes: Sequence[Array]) -> list[tuple[Array, Array]]:
        """Each with its derivatives, (n_1, n_2) and (2, n_1, n_2), on a tensor grid."""
        values, slopes = [], []
        for axis, (low, high) in zip(axes, self.domain, strict=True):
            at = (2 * axis - low - high) / (high - low)
            values.append(legvander(at, _SMOOTH - 1))
            slopes.append(np.stack([legval(at, legder(row)) for row in np.eye(_SMOOTH)], axis=1) * 2 / (high - low))
        return [
            (
                values[0] @ table @ values[1].T,
                np.stack([slopes[0] @ table @ values[1].T, values[0] @ table @ slopes[1].T]),
            )
            for table in self.tables
        ]


class OfNetwork(Slow):
    """A network.

    Raises:
        SolverError: It does not vanish on the boundary.
    """

    def __init__(self, field: Field, domain: Sequence[Sequence[float]]) -> None:
        self.field = field
        rng = np.random.default_rng(0)
        points = np.array([low + (high - low) * rng.random(400) for low, high in domain]).T
        inside = np.abs(field.values(points)).max()
        for i, ends in enumerate(domain):
            for end in ends:
                edge = points.copy()
                edge[:, i] = end
                if np.abs(field.values(edge)).max() > _ZERO * inside:
                    raise SolverError(
                        "the network's homogenized solution does not vanish on the boundary, so that no bound can be "
                        "proved for it: train it with boundary = 'hard', or certify with --path fem"
                    )

    def jet(self, axes: Sequence[Array]) -> Jet:
        """By automatic differentiation."""
        dim, counts = len(axes), [len(axis) for axis in axes]
        index = tuple(g.ravel() for g in np.meshgrid(*map(np.arange, counts), indexing="ij"))
        (found,) = evaluated([self.field], Product(tuple(axes), index), hessian_operators(dim) if dim else VALUE)
        table = found.reshape(-1, *counts)
        hessian = np.empty((dim, dim, *counts))
        for k, (i, j) in enumerate(zip(*np.triu_indices(dim), strict=True)):
            hessian[i, j] = hessian[j, i] = table[1 + dim + k]
        return Jet(table[0], table[1 : 1 + dim], hessian)


class OfFiniteElements(Slow):
    """The tensor spline of degree 5 through values of a finite element function: with second derivatives, which that has not.

    Whatever it is, it vanishes on the boundary where the function does; collective.
    """

    def __init__(self, function: fem.Function, domain: Sequence[Sequence[float]]) -> None:
        count = SIZES[len(domain)].intervals
        self.knots = [_knots(low, high, count) for low, high in domain]
        places = [_greville(knots) for knots in self.knots]
        grid = np.stack([g.ravel() for g in np.meshgrid(*places, indexing="ij")], axis=1)
        table = on_points(function, grid).reshape([len(at) for at in places])
        for i, (knots, at) in enumerate(zip(self.knots, places, strict=True)):
            inverse = np.linalg.inv(_splines(knots, at, 0))
            table = np.moveaxis(np.tensordot(inverse, table, axes=(1, i)), 0, i)
        self.table = table

    def jet(self, axes: Sequence[Array]) -> Jet:
        """Exactly."""
        dim = len(axes)
        bases = [[_splines(knots, axis, k) for k in range(3)] for knots, axis in zip(self.knots, axes, strict=True)]

        def derived(*along: int) -> Array:
            found = self.table
            for i in range(dim):
                found = np.moveaxis(np.tensordot(bases[i][along.count(i)], found, axes=(1, i)), 0, i)
            return found

        slope = np.stack([derived(i) for i in range(dim)])
        hessian = np.stack([np.stack([derived(i, j) for j in range(dim)]) for i in range(dim)])
        return Jet(derived(), slope, hessian)


def _knots(low: float, high: float, count: int) -> Array:
    return np.concatenate([[low] * _DEGREE, np.linspace(low, high, count + 1), [high] * _DEGREE])


def _greville(knots: Array) -> Array:
    size = len(knots) - _DEGREE - 1
    places = np.array([knots[i + 1 : i + 1 + _DEGREE].mean() for i in range(size)])
    places[[0, -1]] = knots[[0, -1]]
    return places


def _splines(knots: Array, at: Array, derivative: int) -> Array:
    """Values or derivatives of the B-splines at places, (n, number), by the recursions of Cox and de Boor."""
    last = len(knots) - _DEGREE - 2
    cell = np.clip(np.searchsorted(knots, at, side="right") - 1, _DEGREE, last)
    table = np.zeros((len(at), len(knots) - 1))
    table[np.arange(len(at)), cell] = 1.0
    for degree in range(1, _DEGREE + 1):
        size = len(knots) - 1 - degree
        width = knots[degree : degree + size + 1] - knots[: size + 1]
        inverse = np.where(width > 0, 1 / np.where(width > 0, width, 1.0), 0.0)
        if degree > _DEGREE - derivative:
            table = degree * (table[:, :size] * inverse[:size] - table[:, 1 : size + 1] * inverse[1:])
            continue
        left = (at[:, None] - knots[:size]) * inverse[:size]
        right = (knots[degree + 1 : degree + 1 + size] - at[:, None]) * inverse[1:]
        table = left * table[:, :size] + right * table[:, 1 : size + 1]
    return table


def friedrichs(domain: Sequence[Sequence[float]]) -> float:
    """The smallest C with ‖φ‖ ≤ C ‖∇φ‖ for all φ = 0 on the boundary of a box."""
    return 1 / (math.pi * math.sqrt(sum((high - low) ** -2 for low, high in domain)))


def hardy(domain: Sequence[Sequence[float]], axes: Sequence[Array]) -> Array:
    """w² with ∫ φ²/w² ≤ ‖∇φ‖²: half of Friedrichs' inequality and half of Hardy's, ∫ φ²/dist² ≤ 4 ‖∇φ‖² (convex domains), so
    that what is large near the boundary only counts little."""
    near = [np.minimum(axis - low, high - axis) for axis, (low, high) in zip(axes, domain, strict=True)]
    distance = np.minimum.reduce(np.meshgrid(*near, indexing="ij"))
    return np.asarray(2 / (friedrichs(domain) ** -2 + 1 / (4 * distance**2)))
