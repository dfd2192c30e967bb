"""Forms of the cell problem without a derivative of a: the energy, and first-order least squares; a may jump."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from hybrid.curls import CURL, potentials
from hybrid.equation import Equation
from hybrid.pinn.cells.cellquadrature import Quadrature, quadrature
from hybrid.pinn.cells.cellrows import gauge
from hybrid.pinn.cells.cellunits import length_unit, power
from hybrid.pinn.functions.network import Network, gradient_only
from hybrid.pinn.leastsquares.rows import Rows, coupled
from hybrid.pinn.sizes import CELLS


def shares(networks: Sequence[Network], dim: int) -> list[list[int]]:
    """The correctors of each network: all of them, or one."""
    return [list(range(dim))] if len(networks) == 1 else [[k] for k in range(dim)]


Form = Callable[[Quadrature, Sequence[int]], list[Rows]]
"""Points of the cell and some of the correctors to rows for one network."""


def form_rows(
    equation: Equation, form: Form, points: int | Sequence[int] | None, networks: Sequence[Network]
) -> list[list[Rows]]:
    """The rows for each network, by the first-order form or the energy.

    Raises:
        InputError: a is not positive definite at a collocation point.
    """
    rule = quadrature(equation, points or CELLS[equation.dim].form_points)
    return [form(rule, correctors) for correctors in shares(networks, equation.dim)]


def energy_rows(rule: Quadrature, correctors: Sequence[int]) -> list[Rows]:
    """Lᵀ(e_k + ∇χ_k) = L⁻¹ c_k, one set of rows for each component.

    The sum of squares is the energy, mean (e_k + ∇χ_k)·a(e_k + ∇χ_k), up to a constant, for any constant vector c_k. With
    c_k = (mean a⁻¹)⁻¹ e_k the constant is the harmonic mean: what is left is small, zero in 1D and across a laminate.
    """
    dim, points, weight, (lower, inverse) = rule.dim, rule.points, rule.weight, rule.roots
    harmonic = torch.linalg.inv(torch.einsum("nji,njk,n->ik", inverse, inverse, weight))
    target = inverse @ harmonic - lower.mT
    rows = [gauge(torch.zeros(1, dim, dtype=torch.float64), len(correctors))]
    for i in range(dim):
        gradient = torch.cat([torch.zeros(1, len(points), dtype=torch.float64), lower[:, :, i].T])
        rows.append(Rows([(points, gradient)], target[:, i, correctors], gradient_only(dim), weight))
    return rows


def fixed_point(period: Sequence[float]) -> Tensor:
    """Where outputs of the first-order form are its constants."""
    return torch.tensor([[0.2929 * p for p in period]], dtype=torch.float64)


def first_order_rows(rule: Quadrature, correctors: Sequence[int]) -> list[Rows]:
    """L⁻¹ σ_k = Lᵀ(e_k + ∇χ_k) with σ_k = s ( c_k + curl ψ_k ), whose divergence is zero whatever the network.

    Outputs are χ_k and ψ_k for each corrector: no potential in 1D, where σ_k is constant, a stream function in 2D, a
    vector in 3D, with the row div ψ_k = 0 to make it unique. The constants c_k are the last d outputs at one point of the
    cell, over the unit of length, as the constants in χ_k and ψ_k mean nothing. s is about the mean of a.
    """
    dim, outputs, points, scale = rule.dim, 1 + potentials(rule.dim), rule.points, rule.scale
    lower, inverse = rule.roots
    here = torch.zeros(outputs, outputs, 1 + dim, len(points), dtype=torch.float64)
    there = torch.zeros_like(here)
    for row in range(dim):
        here[row, 0, 1:] = -lower[:, :, row].T
        for i, k, j, sign in CURL[dim]:
            here[row, 1 + k, 1 + j] += sign * scale * inverse[:, row, i]
        for i in range(dim):
            there[row, outputs - dim + i, 0] = scale / length_unit(rule.period) * inverse[:, row, i]
    if outputs > dim:  # a row is left for the divergence of a vector
        for k in range(dim):
            here[dim, 1 + k, 1 + k] = math.sqrt(power(scale, 4))
    target = torch.zeros(len(points), len(correctors), outputs, dtype=torch.float64)
    target[:, :, :dim] = lower[:, correctors]
    terms, mixes = coupled(points, here, len(correctors))
    constants, others = coupled(fixed_point(rule.period), there, len(correctors))
    copies = len(correctors)
    return [Rows(terms + constants, target.flatten(1), gradient_only(dim), rule.weight, mixes + others, copies)]
