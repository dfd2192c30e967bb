"""Cell problems for a coefficient with slow variables: one network χ(x, y) for all x at once."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import sympy
import torch
from torch import Tensor

from hybrid.equation import Equation
from hybrid.media.interpolated import SlowCoefficient, slow_nodes
from hybrid.pinn.cells.cellrows import cell_operator, gauge, matrix_at, periodic_rows, tensor_at
from hybrid.pinn.cells.periodicities import Periodicity
from hybrid.pinn.cells.slowgrids import nodes_for
from hybrid.pinn.functions.network import Network, hessian_operators
from hybrid.pinn.leastsquares import sampling
from hybrid.pinn.leastsquares.rows import Rows
from hybrid.pinn.sizes import CELLS


def slow_cell_rows(
    equation: Equation, points: int | Sequence[int] | None, periodicity: Periodicity,
    weights: Sequence[float] = (0.5, 0.5), slow_points: Sequence[int] | None = None,
) -> list[Rows]:  # fmt: skip
    """The equation at clustered x times uniform y: about points / 2 along each x, points along each y.

    With the penalty the points are those of the paper's uniform mesh in y, and as many in each x as a fifth of them.
    """
    dim = equation.dim
    points = points or CELLS[dim].slow_points
    usual = max(points if isinstance(points, int) else min(points), 1)
    slow, slow_weight = _clustered(equation.domain, slow_points or [max(usual // periodicity.slow_share, 4)] * dim)
    fast, fast_weight = periodicity.collocation(equation, points, weights)
    joint = _product(slow, fast)
    weight = (slow_weight[:, None] * fast_weight[None]).reshape(-1)
    coefficients, target, operators = cell_operator(equation, joint)
    at_zero = torch.cat([slow, torch.zeros(len(slow), dim, dtype=torch.float64)], dim=1)
    rows = [Rows([(joint, coefficients)], target, operators, weight), gauge(at_zero, dim)]
    pairs = periodicity.pairs(equation, usual, 0, weights)
    return rows + periodic_rows([((_product(slow, a), _product(slow, b)), share) for (a, b), share in pairs], dim)


def _clustered(box: Sequence[Sequence[float]], counts: Sequence[int]) -> tuple[Tensor, Tensor]:
    """`hybrid.pinn.leastsquares.sampling.clustered_grid` with a count for each direction."""
    parts = [sampling.clustered_grid([side], count) for side, count in zip(box, counts, strict=True)]
    points = sampling.product([at[:, 0] for at, _ in parts])
    return points, sampling.product([weight for _, weight in parts]).prod(1)


def _product(slow: Tensor, fast: Tensor) -> Tensor:
    return torch.cat([slow.repeat_interleave(len(fast), 0), fast.repeat(len(slow), 1)], dim=1)


def slow_means(
    equation: Equation, networks: Sequence[Network], *, exact: bool
) -> tuple[SlowCoefficient, npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """a*(x) at Chebyshev nodes, its derivative there from the mixed derivatives of the networks, and the means of the χ_j.

    Args:
        equation: Gives a.
        networks: The χ_j.
        exact: Whether they are exactly periodic; a* is then taken from the energy (see `hybrid.pinn.solve_cell`).

    Returns:
        a*; ∂_k a*_ij at its nodes, (n, d, d, d) with k first; the means of χ_j over the cell, (n, d).
    """
    dim = equation.dim
    nodes = slow_nodes(equation.domain, nodes_for(equation))
    networks = [copy.deepcopy(network).cpu() for network in networks]
    fast, _ = sampling.periodic_grid(equation.period, CELLS[dim].slow_means, 0.0)
    varying = [k for k, s in enumerate(equation.slow) if s in equation.medium.matrix.free_symbols]
    operators = hessian_operators(2 * dim, [(k, dim + i) for k in varying for i in range(dim)])
    unit = torch.eye(dim, dtype=torch.float64)[:, :, None]
    values, slopes, means = [], [], []
    for node in nodes:
        joint = torch.cat([torch.tensor(node).expand(len(fast), dim), fast], dim=1)
        jet = torch.cat([network.evaluate(joint, operators) for network in networks], dim=2)
        strain = jet[1 + dim : 1 + 2 * dim].permute(0, 2, 1) + unit  # (k, j, n)
        changes = jet[1 + 2 * dim :].unflatten(0, (len(varying), dim)).permute(0, 1, 3, 2)
        a = matrix_at(equation, lambda e, joint=joint: tensor_at(equation, e, joint)).permute(1, 2, 0)  # type: ignore[misc]
        test = strain if exact else unit.expand(strain.shape)

        def mean(left: Tensor, middle: Tensor, right: Tensor) -> Tensor:
            return torch.einsum("kin,kln,ljn->ij", left, middle, right) / len(fast)

        slope = torch.zeros(dim, dim, dim, dtype=torch.float64)
        for k, change in zip(varying, changes, strict=True):
            steep = matrix_at(
                equation,
                lambda e, k=k, joint=joint: tensor_at(equation, sympy.diff(e, equation.slow[k]), joint),  # type: ignore[misc]
            )
            slope[k] = mean(test, steep.permute(1, 2, 0), strain) + mean(test, a, change)
            if exact:
                slope[k] += mean(change, a, strain)
        values.append(mean(test, a, strain).numpy())
        slopes.append(slope.numpy())
        means.append(jet[0].mean(0).numpy())
    coefficient = SlowCoefficient(tuple(equation.domain), nodes, np.stack(values))  # type: ignore[arg-type]
    return coefficient, np.stack(slopes), np.stack(means)


@dataclass(frozen=True)
class SlowShift:
    """Minus the mean over the cell, as a `Jet` of (x, y); values only."""

    mean: SlowCoefficient

    def __call__(self, points: Tensor, operators: Tensor) -> Tensor:
        """The jet (1, n, 1).

        Raises:
            NotImplementedError: Derivatives were asked for.
        """
        if operators.shape[-1]:
            raise NotImplementedError("derivatives of a corrector in both variables")
        dim = len(self.mean.domain)
        return -torch.as_tensor(self.mean(points[:, :dim].numpy()))[:, 0, 0][None, :, None]
