"""Coefficients that jump or have kinks: inputs of a network that have a kink there too."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import sympy
import torch
from torch import Tensor

from hybrid.equation import Equation
from hybrid.media.regions import Regions
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
        for phi in equation.interfaces if sets is None else sets:
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
