"""Units in which a cell problem is of order one, whatever the sizes of the cell and of the coefficients."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from hybrid.equation import Equation
from hybrid.pinn.cells.cellrows import typical
from hybrid.pinn.functions.network import Network
from hybrid.pinn.leastsquares.rows import Rows
from hybrid.pinn.optimizers.base import History
from hybrid.pinn.optimizers.training import Training
from hybrid.pinn.optimizers.training import train as train_network


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

    def train(self, network: Network, rows: Sequence[Rows], training: Training) -> History:
        """See `hybrid.pinn.optimizers.training.train`; the network is left in the units of the problem."""
        self._times(network, -1)
        history = train_network(network, [self._divided(part) for part in rows], **training)
        self._times(network)
        return history

    def _divided(self, rows: Rows) -> Rows:
        """For a network that is divided by the unit of the output, divided by a unit of their own."""
        values_only = not rows.operators.shape[-1]
        own = self.output if values_only else self.equation if len(rows.operators) else self.form
        if own == self.output == 1:
            return rows
        terms = [(points, coefficients * (self.output / own)) for points, coefficients in rows.terms]
        return replace(rows, terms=terms, target=rows.target / own)

    @torch.no_grad()
    def _times(self, network: Network, sign: int = 1) -> None:
        if self.output != 1:
            network.weights[-1].mul_(self.output**sign)


def power(size: float, base: int = 2) -> float:
    """The power of the base near a positive number; one for numbers of order one."""
    return 1.0 if not size > 0 or 1 / 8 <= size <= 8 else float(base) ** round(math.log(size, base))


def length_unit(period: Sequence[float]) -> float:
    """Of the coordinates of the cell."""
    return power(max(period))


def cell_unit(equation: Equation) -> Unit:
    """Of the χ_k, which are lengths, and of the equation, a over a length; the other forms have the root of a."""
    length, value = length_unit(equation.period), power(typical(equation), 4)
    return Unit(length, value / length, math.sqrt(value))
