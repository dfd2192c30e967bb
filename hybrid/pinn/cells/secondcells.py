"""Cell problems of the second order by a network: random features of the cell's own inputs, the last layer by least squares."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hybrid.equation import Equation
from hybrid.failures import InputError
from hybrid.pinn.cells.cellrows import cell_operator, gauge, matrix_at, tensor_at
from hybrid.pinn.cells.cellunits import cell_unit
from hybrid.pinn.cells.jumps import has_infinite_slopes
from hybrid.pinn.functions.field import Field, evaluated
from hybrid.pinn.functions.network import VALUE, Network, gradient_only
from hybrid.pinn.leastsquares import sampling
from hybrid.pinn.leastsquares.rows import Rows
from hybrid.pinn.optimizers.kinds import LastLayer
from hybrid.pinn.sizes import CELLS
from hybrid.product import Product


def solve_second(
    equation: Equation, correctors: Sequence[Field], coefficient: npt.NDArray[np.float64], *, slow: bool = False,
    seed: int = 0,
) -> tuple[tuple[Field, ...], tuple[tuple[Field, ...], ...]]:  # fmt: skip
    """χ_ij for i ≤ j, and ψ_kj where they are asked for, periodic and of mean zero. For i ≠ j the mean of χ_ij and χ_ji.

        -∇·(A ∇χ_ij) = A_ij + A_ik ∂_k χ_j + ∂_k(A_ki χ_j) - a*_ij
        -∇·(A ∇ψ_kj) = A_kj + A_ki ∂_i χ_j - a*_kj

    Args:
        equation: The cell problems, of a smooth A that does not depend on x.
        correctors: Their solutions.
        coefficient: a*.
        slow: Whether the ψ_kj are wanted, for a(x, y) = g(x) A(y).
        seed: Of the features.

    Returns:
        The χ_ij; and for each j the ψ_kj, or nothing.

    Raises:
        InputError: A jumps.
        SolverError: The least squares failed.
    """
    check_smooth(equation)
    dim = equation.dim
    pairs = [(i, j) for i in range(dim) for j in range(i, dim)]
    features, count = CELLS[dim].beyond.second
    further = [(k, j) for j in range(dim) for k in range(dim)] if slow else []
    network = Network(correctors[0].network.embedding, (features,), len(pairs) + len(further), seed)
    points, weight = sampling.periodic_grid(equation.period, count)
    coefficients, divergence, operators = cell_operator(equation, points)  # ∂_k a_ki with its sign changed
    a = matrix_at(equation, lambda e: tensor_at(equation, e, points))
    jets = [torch.tensor(jet) for jet in evaluated(correctors, Product.of(points.numpy()), gradient_only(dim))]

    def excess(k: int, j: int) -> Tensor:
        """Of the flux of the corrector j over its mean, the component k."""
        mean = float(coefficient[k, j] + coefficient[j, k]) / 2
        return a[:, k, j] + torch.einsum("nl,ln->n", a[:, k], jets[j][1:]) - mean

    def transport(k: int, j: int) -> Tensor:
        """∂_l(A_lk χ_j)."""
        return torch.einsum("nl,ln->n", a[:, k], jets[j][1:]) - divergence[:, k] * jets[j][0]

    right = [(excess(i, j) + excess(j, i) + transport(i, j) + transport(j, i)) / -2 for i, j in pairs]
    right += [-excess(k, j) for k, j in further]
    target = torch.stack(right, dim=1)
    rows = [Rows([(points, coefficients)], target, operators, weight), gauge(points[:1], len(right))]
    cell_unit(equation).train(network, rows, {"optimizer": LastLayer()})
    means = evaluated([Field(network, k, dim) for k in range(len(right))], Product.of(points.numpy()), VALUE)
    found = [Field(network, k, dim, shift=-float(values[0].mean())) for k, values in enumerate(means)]
    own, others = tuple(found[: len(pairs)]), found[len(pairs) :]
    return own, tuple(tuple(others[j * dim : (j + 1) * dim]) for j in range(dim if slow else 0))


def flux_moments(equation: Equation, correctors: Sequence[Field]) -> npt.NDArray[np.float64]:
    """R_jki, the mean of (A (e_j + ∇χ_j))_k χ_i, (d, d, d)."""
    dim = equation.dim
    points, _ = sampling.periodic_grid(equation.period, CELLS[dim].beyond.second[1])
    a = matrix_at(equation, lambda e: tensor_at(equation, e, points))
    jets = torch.tensor(np.stack(evaluated(correctors, Product.of(points.numpy()), gradient_only(dim))))
    strain = jets[:, 1:] + torch.eye(dim, dtype=torch.float64)[..., None]
    return np.asarray(torch.einsum("nkl,jln,in->jki", a, strain, jets[:, 0]) / len(points))


def check_smooth(equation: Equation) -> None:
    """Refuse what the strong form does not see.

    Raises:
        InputError: A jumps, or has infinite slopes.
    """
    if equation.medium.interfaces:
        raise InputError("a", "it jumps: beyond the first order networks know smooth coefficients only")
    if has_infinite_slopes(equation):
        raise InputError("a", "its slopes are infinite: beyond the first order networks know smooth coefficients only")
