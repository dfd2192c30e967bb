"""Units in which a cell problem is of order one, whatever the sizes of the cell and of the coefficients."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import torch

from hybrid.equation import Equation
from hybrid.pinn.cells.cellrows import matrix_at, tensor_at
from hybrid.pinn.functions.network import Network
from hybrid.pinn.leastsquares import sampling
from hybrid.pinn.leastsquares.rows import Rows


@dataclass(frozen=True)
class Unit:
    """Powers of two, so that nothing is rounded; one where the numbers are of order one anyway.

    Attributes:
        output: Of what the network gives. A training sees the network divided by it.
        equation: Of the rows with second derivatives.
        form: Of the rows with first derivatives only.
    """

    output: float = 1.0
    equation: float = 1.0
    form: float = 1.0

    def rows(self, given: Iterable[Rows]) -> list[Rows]:
        """The rows for a network that is divided by the unit of the output, each divided by its own unit."""
        return [self._divided(rows) for rows in given]

    def _divided(self, rows: Rows) -> Rows:
        values_only = not rows.operators.shape[-1]
        own = self.output if values_only else self.equation if len(rows.operators) else self.form
        if own == self.output == 1:
            return rows
        terms = [(points, coefficients * (self.output / own)) for points, coefficients in rows.terms]
        return replace(rows, terms=terms, target=rows.target / own)

    @torch.no_grad()
    def times(self, network: Network, sign: int = 1) -> None:
        """Multiply the network by the unit, or divide it."""
        if self.output != 1:
            network.weights[-1].mul_(self.output**sign)


def power(size: float, base: int = 2) -> float:
    """The power of the base near a positive number; one for numbers of order one."""
    return 1.0 if not size > 0 or 1 / 8 <= size <= 8 else float(base) ** round(math.log(size, base))


def length_unit(period: Sequence[float]) -> float:
    """Of the coordinates of the cell."""
    return power(max(period))


def typical(equation: Equation) -> float:
    """The mean of a over the cell, of its trace by the dimension; in the middle of the domain."""
    points, _ = sampling.periodic_grid(equation.period, 16)
    if equation.medium.depends_on:
        middle = torch.tensor([[(low + high) / 2 for low, high in equation.domain]], dtype=torch.float64)
        points = torch.cat([middle.expand(len(points), -1), points], dim=1)
    a = matrix_at(equation, lambda entry: tensor_at(equation, entry, points))
    return float(a.diagonal(dim1=1, dim2=2).mean())


def cell_unit(equation: Equation) -> Unit:
    """Of the χ_k, which are lengths, and of the equation, a over a length; the other forms have the root of a."""
    length, value = length_unit(equation.period), power(typical(equation), 4)
    return Unit(length, value / length, math.sqrt(value))
