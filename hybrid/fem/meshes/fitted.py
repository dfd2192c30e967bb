"""Box meshes with mesh lines on given planes: uniform ones, moved axis by axis by piecewise linear maps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from mpi4py import MPI

import numpy as np
import numpy.typing as npt
import sympy
from sympy import Symbol

import basix
from dolfinx import mesh

from hybrid.equation import Equation
from hybrid.fem.meshes.box import box
from hybrid.geometry import Geometry
from hybrid.interfaces import BROKEN, curved, kinks, level_sets, planes

Array = npt.NDArray[np.float64]
_COARSER = 4
"""How much coarser than a mesh those are that its error is estimated with."""
_SIMPLICES = {"interval", "triangle", "tetrahedron"}


@dataclass(frozen=True)
class Fitting:
    """Where the lines of a uniform mesh go.

    Attributes:
        domain: One (low, high) for each dimension.
        counts: Cells in each direction: those asked for, or a few more so that there are some between any planes.
        knots: For each direction the places in the uniform mesh, (m,), whose images are given.
        images: The images: the ends of the box and the planes.
    """

    domain: tuple[tuple[float, float], ...]
    counts: tuple[int, ...]
    knots: tuple[Array, ...]
    images: tuple[Array, ...]

    @classmethod
    def to(
        cls,
        domain: Sequence[Sequence[float]],
        counts: Sequence[int],
        found: Sequence[Sequence[float]],
        base: int | None = None,
    ) -> Fitting:
        """The fitting of a box with about `counts` cells to planes x_i = c, a list of c for each i.

        Meshes with half and a quarter of the cells have half and a quarter of them in each piece between two planes: else what
        they show of the error would not be that of the pieces.

        Args:
            domain: The box.
            counts: Cells in each direction.
            found: The planes.
            base: Cells in each direction of the mesh that this one is compared with, if that is known: there are then four in
                each of its pieces at the least. Otherwise the pieces have as many as the planes leave room for.
        """
        totals, knots, images = [], [], []
        for (low, high), count, inner in zip(domain, counts, found, strict=True):
            near = 1e-9 * (high - low)
            image = np.array([low, *(c for c in inner if low + near < c < high - near), high], dtype=float)
            part = np.diff(image) / (high - low)
            whole = np.round(part * count)
            if np.abs(part * count - whole).max() > 1e-6 or whole.min() < 1:
                if base is None:
                    unit = 2.0 ** max(math.floor(math.log2(count / (2 * len(part)))), 0)
                    whole = unit * _apportioned(part * count / unit)
                else:
                    unit = _COARSER * 2.0 ** round(math.log2(count / base))
                    whole = np.maximum(np.round(unit * _apportioned(part * base / _COARSER)), 1)
            total = int(whole.sum())
            ends = np.concatenate([[0.0], np.cumsum(whole)]) / total
            totals.append(total)
            knots.append(low + (high - low) * ends)
            images.append(image)
        return cls(tuple((float(low), float(high)) for low, high in domain), tuple(totals), tuple(knots), tuple(images))

    @property
    def moves(self) -> bool:
        """Whether the mesh is any other than the uniform one."""
        return any(
            np.abs(k - i).max() > 1e-12 * (high - low)
            for k, i, (low, high) in zip(self.knots, self.images, self.domain, strict=True)
        )

    def moved(self, points: Array) -> Array:
        """Where points of the uniform mesh go, (n, d)."""
        return np.stack([np.interp(x, k, i) for x, k, i in zip(points.T, self.knots, self.images, strict=True)], axis=1)

    def back(self, points: Array) -> Array:
        """Where points of the fitted mesh come from, (n, d)."""
        return np.stack([np.interp(x, i, k) for x, k, i in zip(points.T, self.knots, self.images, strict=True)], axis=1)

    def mesh(self, comm: MPI.Comm, shape: str = "simplex") -> mesh.Mesh:
        """The mesh; the uniform one, to the bit, where that has lines on all planes."""
        domain = box(comm, self.domain, self.counts, shape)
        if self.moves:
            dim = len(self.domain)
            domain.geometry.x[:, :dim] = self.moved(domain.geometry.x[:, :dim])
        return domain


def _apportioned(share: Array) -> Array:
    """Whole numbers near the shares, at least one, with the same sum if that is possible."""
    whole = np.maximum(np.floor(share), 1)
    missing = round(float(share.sum() - whole.sum()))
    if missing > 0:
        whole[np.argsort(whole - share, kind="stable")[:missing]] += 1
    for _ in range(-missing):
        spare = np.where(whole > 1, whole - share, -np.inf)
        if not np.isfinite(spare.max()):
            break
        whole[int(np.argmax(spare))] -= 1
    return whole


def cell_planes(matrix: sympy.MatrixBase, geometry: Geometry) -> list[list[float]]:
    """For each i the c in [0, period_i) for which a function of y jumps or has a kink at y_i = c."""
    return planes([*level_sets(matrix), *kinks(matrix)], geometry.fast, geometry.cell, 4000)


def domain_planes(equation: Equation) -> list[list[float]]:
    """For each i the c for which a(x, x/ε), or r(x/ε), jumps or has a kink at x_i = c in the domain."""
    matrix = equation.varying
    fast = cell_planes(matrix, equation)
    found = []
    for i, ((low, high), p) in enumerate(zip(equation.domain, equation.period, strict=True)):
        step = equation.eps * p
        periods = np.arange(np.floor(low / step), np.ceil(high / step) + 1)
        every = [equation.eps * (c + p * k) for c in fast[i] for k in periods]
        found.append(sorted(c for c in every if low < c < high))
    slow = slow_planes(equation)
    both: list[Symbol] = [*equation.slow, *equation.fast]
    mixed = []
    for phi in [*level_sets(matrix), *kinks(matrix)]:
        places = {both.index(s) % equation.dim for s in phi.free_symbols}
        if len(phi.free_symbols) == 2 and len(places) == 1:  # of x_i and y_i: along the axis a function of x_i
            i = places.pop()
            mixed.append(phi.subs(equation.fast[i], equation.slow[i] / sympy.Float(equation.eps)))
    samples = int(min(1000 * max(equation.periods), 200_000))
    crossing = planes(mixed, equation.slow, equation.domain, samples) if mixed else [[] for _ in found]
    return [sorted([*a, *b, *c]) for a, b, c in zip(found, slow, crossing, strict=True)]


def slow_planes(equation: Equation) -> list[list[float]]:
    """For each i the c for which a jumps or has a kink at the slow x_i = c."""
    matrix = equation.varying
    return planes([*level_sets(matrix), *kinks(matrix)], equation.slow, equation.domain, 4000)


def reference_fitting(equation: Equation, counts: Sequence[int]) -> Fitting:
    """The mesh of the domain for the multiscale equation: with lines on all planes where a(x, x/ε) jumps or has a kink."""
    if equation.varying.has(*BROKEN):
        return Fitting.to(equation.domain, counts, domain_planes(equation))
    return Fitting.to(equation.domain, counts, [[] for _ in counts])


def slow_fitting(equation: Equation, cells: int) -> Fitting:
    """The same for the homogenized equation: with lines where a(x, y) jumps or has a kink in x."""
    return Fitting.to(equation.domain, [cells] * equation.dim, slow_planes(equation))


def order_within_cells(matrix: sympy.MatrixBase) -> float | None:
    """The order of the error that jumps and kinks of a function of y leave which no mesh line follows; None without any."""
    if curved(level_sets(matrix)):
        return 1.0
    return 2.0 if curved(kinks(matrix)) else None


def inner_degree(domain: mesh.Mesh, degree: int) -> int:
    """The degree of a quadrature, or a higher one, whose points are all inside the cells and whose weights are positive.

    Some rules on tetrahedra have points on faces, where a coefficient that jumps from cell to cell is neither of its values.
    """
    name = domain.topology.cell_name()
    while True:
        points, weights = basix.make_quadrature(basix.CellType[name], degree)
        inside = (
            np.column_stack([points, 1 - points.sum(axis=1)]) if name in _SIMPLICES else np.hstack([points, 1 - points])
        )
        if inside.min() > 1e-9 and weights.min() > 0:
            return degree
        degree += 1
