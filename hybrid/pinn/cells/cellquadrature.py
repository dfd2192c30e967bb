"""Points of a cell whose coefficient may jump, and what forms of its equation without a derivative of a see of a there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np
import torch
from numpy.polynomial.legendre import leggauss
from torch import Tensor

from hybrid.equation import Equation
from hybrid.failures import InputError
from hybrid.media.cellmesh import CellMesh
from hybrid.media.regions import Regions
from hybrid.pinn.cells.cellpieces import cell_pieces, points_within
from hybrid.pinn.cells.cellrows import matrix_at, tensor_at, typical
from hybrid.pinn.leastsquares import sampling


@final
@dataclass(frozen=True)
class Quadrature:
    """A rule on a cell, and a at its points.

    Attributes:
        period: Of the cell.
        points: (n, d).
        weight: (n,), of sum one.
        a: (n, d, d).
        scale: About the mean of a, the same whatever the points.
    """

    period: tuple[float, ...]
    points: Tensor
    weight: Tensor
    a: Tensor
    scale: float

    @property
    def dim(self) -> int:
        """Of the cell."""
        return len(self.period)

    @cached_property
    def roots(self) -> tuple[Tensor, Tensor]:
        """L and L⁻¹, (n, d, d), of a = L Lᵀ.

        Raises:
            InputError: a is not positive definite at a point.
        """
        lower, failed = torch.linalg.cholesky_ex(self.a)
        if failed.any():
            where = self.points[int(failed.nonzero()[0, 0])].tolist()
            raise InputError("a", f"not positive definite at y = {where}")
        return lower, torch.linalg.inv(lower)


def quadrature(equation: Equation, count: int | Sequence[int]) -> Quadrature:
    """Of the points of `cell_points`."""
    return _seen(equation, [cell_points(equation, count)])[0]


def two_quadratures(equation: Equation, count: int) -> list[Quadrature]:
    """One, and one with about two thirds of the points in each direction."""
    if isinstance(equation.flux, Regions):
        mesh, each = equation.flux.mesh, max(points_within(equation.flux.mesh, count), 2)
        return _seen(equation, [_on_mesh(mesh, n) for n in (each, each - max(each // 3, 1))])
    return _seen(equation, [cell_points(equation, n) for n in (count, 2 * count // 3)])


def _seen(equation: Equation, rules: Sequence[tuple[Tensor, Tensor]]) -> list[Quadrature]:
    scale = typical(equation)
    return [
        Quadrature(equation.period, at, weight, matrix_at(equation, lambda e, at=at: tensor_at(equation, e, at)), scale)  # type: ignore[misc]
        for at, weight in rules
    ]


def has_curves(equation: Equation) -> bool:
    """Whether an interface is anything but a plane y_i = c: points cannot respect those, only be many."""
    if isinstance(equation.flux, Regions):
        return False  # its points are those of a mesh that follows them
    return any(len(phi.free_symbols) > 1 for phi in equation.interfaces)


def cell_points(equation: Equation, count: int | Sequence[int]) -> tuple[Tensor, Tensor]:
    """Points of the cell, about (count^d, d), and weights of mean one over n; or a count for each direction.

    Along each axis the trapezoidal rule; where interfaces y_i = c cut it into pieces, Gauss's rule on each of them. Where
    interfaces of two axes cross, the gradient may be infinite: there y = u³ (10 - 15 u + 6 u²) on a piece [0, 1] puts more
    points near its ends. With fewer a trained network hides a spike of energy in the corner.

    Where a mesh defines the medium, points of a rule on each of its cells, which respects them all.
    """
    if isinstance(equation.flux, Regions):
        return _on_mesh(equation.flux.mesh, points_within(equation.flux.mesh, count))
    axes, weights = cell_axes(equation, count)
    return sampling.product(axes), sampling.product(weights).prod(1)


def _on_mesh(mesh: CellMesh, each: int) -> tuple[Tensor, Tensor]:
    points, weights = mesh.quadrature(each)
    return torch.as_tensor(points), torch.as_tensor(weights)


def cell_axes(equation: Equation, count: int | Sequence[int]) -> tuple[list[Tensor], list[Tensor]]:
    """The coordinates of these points along each axis, and their weights."""
    found = cell_pieces(equation, count)
    corners = sum(pieces[0].cut for pieces in found) > 1
    axes, weights = [], []
    for p, pieces in zip(equation.period, found, strict=True):
        if not pieces[0].cut:
            count = pieces[0].points
            axes.append(p * (torch.arange(count, dtype=torch.float64) + 0.5) / count)
            weights.append(torch.full((count,), 1 / count, dtype=torch.float64))
            continue
        points, parts = [], []
        for low, high, count, _ in pieces:
            nodes, share = leggauss(count)
            unit, part = (nodes + 1) / 2, share / 2
            if corners:
                unit, part = unit**3 * (10 - 15 * unit + 6 * unit**2), part * 30 * unit**2 * (1 - unit) ** 2
            points.append(low + (high - low) * unit)
            parts.append((high - low) / p * part)
        axes.append(torch.as_tensor(np.concatenate(points)))
        weights.append(torch.as_tensor(np.concatenate(parts)))
    return axes, weights
