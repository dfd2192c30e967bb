"""Collocation points, each with the weights of a quadrature rule: the loss is then an integral, whatever the points."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor


def periodic_grid(period: Sequence[float], count: int | Sequence[int], offset: float = 0.5) -> tuple[Tensor, Tensor]:
    """Uniform points of the cell, (count^d, d), and weights 1/n: the trapezoidal rule, exact to all orders for smooth
    periodic functions. `offset` shifts the points by this fraction of their distance. A count, or one for each direction."""
    counts = [count] * len(period) if isinstance(count, int) else count
    axes = [p * (torch.arange(n, dtype=torch.float64) + offset) / n for p, n in zip(period, counts, strict=True)]
    points = product(axes)
    return points, torch.full((len(points),), 1 / len(points), dtype=torch.float64)


def clustered_grid(box: Sequence[Sequence[float]], count: int | Sequence[int]) -> tuple[Tensor, Tensor]:
    """Cosine-clustered interior points of a box, (count^d, d), with weights of mean one over n that are largest inside.

    With the angles θ_i = π (i + 1/2) / count the points are (1 - cos θ_i) / 2 on [0, 1] and their weights ∝ sin θ_i.
    A count, or one for each direction.
    """
    axes, weights = [], []
    for (low, high), n in zip(box, [count] * len(box) if isinstance(count, int) else count, strict=True):
        angle = math.pi * (torch.arange(n, dtype=torch.float64) + 0.5) / n
        axes.append(low + (high - low) * ((1 - torch.cos(angle)) / 2))
        weights.append(torch.sin(angle) / torch.sin(angle).sum())
    return product(axes), product(weights).prod(1)


def panel_grid(box: Sequence[Sequence[float]], count: int) -> tuple[Tensor, Tensor]:
    """Gauss points on equal panels of a box, four on each side of a panel, so about (count^d, d), and their weights.

    As dense everywhere as the uniform mesh, but closer to the boundary, and not in step with a coefficient's period.
    """
    nodes, weights = (torch.as_tensor(v) for v in np.polynomial.legendre.leggauss(4))
    panels = max(1, round(count / 4))
    unit = ((torch.arange(panels, dtype=torch.float64)[:, None] + (nodes + 1) / 2) / panels).reshape(-1)
    weight = (weights / 2 / panels).repeat(panels)
    points = product([low + (high - low) * unit for low, high in box])
    return points, product([weight] * len(box)).prod(1)


def uniform_grid(box: Sequence[Sequence[float]], count: int | Sequence[int]) -> Tensor:
    """The uniform mesh of the paper, boundary included, (count^d, d). A count, or one for each direction."""
    counts = [count] * len(box) if isinstance(count, int) else count
    return product(
        [torch.linspace(low, high, n, dtype=torch.float64) for (low, high), n in zip(box, counts, strict=True)]
    )


def boundary_points(box: Sequence[Sequence[float]], count: int | Sequence[int]) -> Tensor:
    """Those points of the uniform mesh that lie on the boundary of the box."""
    points = uniform_grid(box, count)
    low, high = torch.tensor(box, dtype=torch.float64).T
    on = ((points - low).abs() < 1e-12 * (high - low)) | ((points - high).abs() < 1e-12 * (high - low))
    return points[on.any(dim=1)]


def periodic_pairs(period: Sequence[float], count: int) -> tuple[Tensor, Tensor]:
    """Points on the upper faces of the cell and their partners on the lower ones (second term of the loss (12))."""
    upper = uniform_grid([(0.0, p) for p in period], count)
    edge = torch.tensor(period, dtype=torch.float64)
    on = (upper - edge).abs() < 1e-12 * edge
    upper, on = upper[on.any(dim=1)], on[on.any(dim=1)]
    return upper, torch.where(on, torch.zeros_like(upper), upper)


def oversampling_pairs(period: Sequence[float], count: int, layers: int) -> tuple[Tensor, Tensor]:
    """The points of `layers` mesh lines around the cell, and their images inside it (third term, paper section 4.1).

    Args:
        period: The sides of the cell [0, p_1] × ….
        count: Points along each side of the uniform mesh, N_f in the paper; their distance is p / (count - 1).
        layers: N_o in the paper, fewer than count - 2.
    """
    indices = torch.arange(-layers, count + layers)
    grid = torch.tensor(list(itertools.product(indices.tolist(), repeat=len(period))))
    outside = grid[((grid < 0) | (grid >= count)).any(dim=1)]
    step = torch.tensor(period, dtype=torch.float64) / (count - 1)
    inside = torch.where(outside < 0, outside + count - 1, torch.where(outside >= count, outside - count + 1, outside))
    return outside * step, inside * step


def product(axes: Sequence[Tensor]) -> Tensor:
    """All combinations of one value from each axis, (Π n_i, d)."""
    return torch.stack([g.reshape(-1) for g in torch.meshgrid(*axes, indexing="ij")], dim=1)
