"""Cell problems of the second order by a network: random features of the cell's own inputs, the last layer by least squares."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from hybrid.equation import Equation
from hybrid.failures import InputError
from hybrid.pinn.cells.cellrows import cell_operator, gauge, matrix_at, tensor_at
from hybrid.pinn.cells.cellunits import cell_unit
from hybrid.pinn.functions.field import Field, evaluated
from hybrid.pinn.functions.network import VALUE, Network, gradient_only
from hybrid.pinn.leastsquares import sampling
from hybrid.pinn.leastsquares.rows import Rows
from hybrid.pinn.optimizers.kinds import LastLayer
from hybrid.pinn.optimizers.training import train
from hybrid.pinn.sizes import CELLS
from hybrid.product import Product


def solve_second(
    equation: Equation, correctors: Sequence[Field], coefficient: npt.NDArray[np.float64], *, seed: int = 0
) -> tuple[Field, ...]:
    """χ_ij for i ≤ j, periodic and of mean zero. For i ≠ j the mean of χ_ij and χ_ji.

        -∇·(A ∇χ_ij) = A_ij + A_ik ∂_k χ_j + ∂_k(A_ki χ_j) - a*_ij

    Args:
        equation: The cell problems, of a smooth A that does not depend on x.
        correctors: Their solutions.
        coefficient: a*.
        seed: Of the features.

    Raises:
        InputError: A jumps.
        SolverError: The least squares failed.
    """
    check_smooth(equation)
    dim = equation.dim
    pairs = [(i, j) for i in range(dim) for j in range(i, dim)]
    features, count = CELLS[dim].beyond.second
    network = Network(correctors[0].network.embedding, (features,), len(pairs), seed)
    points, weight = sampling.periodic_grid(equation.period, count)
    coefficients, divergence, operators = cell_operator(equation, points)  # ∂_k a_ki with its sign changed
    a = matrix_at(equation, lambda e: tensor_at(equation, e, points))
    jets = [torch.tensor(jet) for jet in evaluated(correctors, Product.of(points.numpy()), gradient_only(dim))]
    right = []
    for i, j in pairs:
        total = torch.full((len(points),), -float(coefficient[i, j] + coefficient[j, i]) / 2, dtype=torch.float64)
        for k, m in ((i, j), (j, i)):
            slope = jets[m][1:]
            total += (a[:, k, m] + 2 * torch.einsum("nl,ln->n", a[:, k], slope) - divergence[:, k] * jets[m][0]) / 2
        right.append(-total)
    target = torch.stack(right, dim=1)
    rows = [Rows([(points, coefficients)], target, operators, weight), gauge(points[:1], len(pairs))]
    unit = cell_unit(equation)
    train(network, unit.rows(rows), optimizer=LastLayer())
    unit.times(network)
    means = evaluated([Field(network, k, dim) for k in range(len(pairs))], Product.of(points.numpy()), VALUE)
    return tuple(Field(network, k, dim, shift=-float(values[0].mean())) for k, values in enumerate(means))


def check_smooth(equation: Equation) -> None:
    """Refuse what the strong form does not see.

    Raises:
        InputError: A jumps.
    """
    if equation.medium.interfaces:
        raise InputError("a", "it jumps: beyond the first order networks know smooth coefficients only")
