"""Cell problems for a coefficient with slow variables: one network χ(x, y) for all x at once."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from hybrid.equation import Equation
from hybrid.pinn.cells.cellrows import cell_operator, gauge, periodic_rows
from hybrid.pinn.cells.periodicities import Periodicity
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
