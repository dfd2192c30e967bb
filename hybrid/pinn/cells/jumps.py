"""Coefficients that jump: where they do, points that respect it, and inputs of a network that have a kink there."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import sympy
import torch
from numpy.polynomial.legendre import leggauss
from torch import Tensor

from hybrid.equation import Equation
from hybrid.media.cellmesh import CellMesh
from hybrid.media.regions import Regions
from hybrid.pinn.cells.cellpieces import cell_pieces, points_within
from hybrid.pinn.cells.cellpieces import level_sets as level_sets
from hybrid.pinn.functions.network import product_jet
from hybrid.pinn.leastsquares import sampling
from hybrid.pinn.sizes import CELLS
from hybrid.symbols import coordinates, evaluate


def kink_sets(equation: Equation) -> list[sympy.Expr]:
    """The functions whose zeros are the kinks of a: the differences of what is compared in its min, max and abs."""
    found: dict[sympy.Expr, None] = {}
    for extreme in sorted(equation.varying.atoms(sympy.Max, sympy.Min), key=str):
        for one, other in itertools.combinations(extreme.args, 2):
            difference = one - other
            if difference.free_symbols & set(equation.fast) and -difference not in found:
                found[difference] = None
    return list(found)


def has_infinite_slopes(equation: Equation) -> bool:
    """Whether a has a power below one, a square root, say, of what may have kinks."""
    powers = equation.varying.atoms(sympy.Pow)
    return any(0 < p.exp < 1 and p.base.has(sympy.Max, sympy.Min, sympy.Abs) for p in powers if p.exp.is_number)


def has_curves(equation: Equation) -> bool:
    """Whether an interface is anything but a plane y_i = c: points cannot respect those, only be many."""
    if isinstance(equation.flux, Regions):
        return False  # its points are those of a mesh that follows them
    return any(len(phi.free_symbols) > 1 for phi in level_sets(equation))


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


def two_quadratures(equation: Equation, count: int) -> list[tuple[Tensor, Tensor]]:
    """Points and weights of a rule, and of one with about two thirds of the points in each direction."""
    if isinstance(equation.flux, Regions):
        each = max(points_within(equation.flux.mesh, count), 2)
        return [_on_mesh(equation.flux.mesh, n) for n in (each, each - max(each // 3, 1))]
    return [cell_points(equation, n) for n in (count, 2 * count // 3)]


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


class KinkEmbedding:
    """e(y) = ( |φ_1(y)|, … ), scaled to a largest value of one: a network of them may have a kink at each interface φ = 0,
    as the correctors of a coefficient that jumps there have (level-set enrichment; Moës et al. 2003). A φ is left out if its
    |φ| is not periodic, as the network would then not be either. The φ are those of the jumps of a, or those given."""

    def __init__(self, equation: Equation, sets: Sequence[sympy.Expr] | None = None) -> None:
        self.symbols, self.functions, self.scales = equation.fast, [], []
        count = CELLS[equation.dim].kinks
        if isinstance(equation.flux, Regions):  # periodic by themselves
            count //= 4
        points, _ = sampling.periodic_grid(equation.period, count, 0.4142135)
        moved = [points + shift for shift in torch.diag(torch.tensor(equation.period, dtype=torch.float64))]
        for phi in level_sets(equation) if sets is None else sets:
            size, others = self._value(phi, points).abs(), [self._value(phi, at).abs() for at in moved]
            largest = float(size.max())
            if largest > 0 and all(torch.allclose(size, other, atol=1e-8 * largest) for other in others):
                self.functions.append(phi)
                self.scales.append(1 / largest)
        slopes = [[sympy.diff(phi, one) for one in self.symbols] for phi in self.functions]
        self._slopes = [[(slope, [sympy.diff(slope, one) for one in self.symbols]) for slope in own] for own in slopes]
        self.width = len(self.functions)

    def _value(self, expression: sympy.Expr, points: Tensor) -> Tensor:
        value = evaluate(expression, coordinates(self.symbols, points), "torch")
        return torch.as_tensor(value, dtype=points.dtype, device=points.device).expand(len(points))

    def jet(self, points: Tensor, operators: Tensor) -> Tensor:
        """The jet (C, n, width)."""
        count, dim = operators.shape[0], operators.shape[-1]
        jet = torch.zeros(1 + dim + count, len(points), self.width, dtype=points.dtype, device=points.device)
        for column, (phi, scale) in enumerate(zip(self.functions, self.scales, strict=True)):
            jet[0, :, column] = self._value(phi, points)
            for i, (slope, seconds) in enumerate(self._slopes[column][:dim]):
                jet[1 + i, :, column] = self._value(slope, points)
                for j, second in enumerate(seconds if count else ()):
                    jet[1 + dim :, :, column] += operators[:, i, j, None] * self._value(second, points)
            jet[:, :, column] *= scale * torch.sign(jet[0, :, column])
        return jet


class BendEmbedding(KinkEmbedding):
    """e(y) = ( φ_1 |φ_1|, … ): a network of them may have second derivatives that jump at each interface φ = 0."""

    def jet(self, points: Tensor, operators: Tensor) -> Tensor:
        """The jet (C, n, width)."""
        kinks = super().jet(points, operators)
        signs = [torch.sign(self._value(phi, points)) for phi in self.functions]
        if not signs:
            return kinks
        return product_jet(kinks, kinks, operators) * torch.stack(signs, dim=1)
