from __future__ import annotations

import math

import torch

from hybrid.pinn.leastsquares import sampling


def test_periodic_grid_integrates_trigonometric_functions() -> None:
    points, weight = sampling.periodic_grid([1.0, 2.0], 12)
    value = torch.cos(2 * math.pi * points[:, 0]) ** 2 * (1 + torch.sin(math.pi * points[:, 1]))
    assert abs(float((weight * value).sum()) - 0.5) < 1e-14


def test_clustered_grid_is_inside_and_its_weights_sum_to_one() -> None:
    points, weight = sampling.clustered_grid([(-1.0, 1.0), (0.0, 3.0)], 9)
    assert points.shape == (81, 2)
    assert float(weight.sum()) == 1.0 or abs(float(weight.sum()) - 1) < 1e-14
    assert points[:, 0].abs().max() < 1
    assert points[:, 1].min() > 0
    # a mean to second order: of x² over [-1, 1]
    fine, w = sampling.clustered_grid([(-1.0, 1.0)], 400)
    assert abs(float((w * fine[:, 0] ** 2).sum()) - 1 / 3) < 1e-5


def test_oversampled_points_lie_outside_and_map_one_period_inside() -> None:
    outside, inside = sampling.oversampling_pairs([1.0, 2.0], 11, 2)
    assert len(outside) == 15**2 - 11**2
    step = torch.tensor([0.1, 0.2], dtype=torch.float64)
    assert ((outside < -1e-12) | (outside > torch.tensor([1.0, 2.0]) + 1e-12)).any(dim=1).all()
    assert (inside >= -1e-12).all()
    assert (inside <= torch.tensor([1.0, 2.0]) + 1e-12).all()
    shift = (inside - outside) / torch.tensor([1.0, 2.0])
    assert (shift - shift.round()).abs().max() < 1e-12
    assert ((inside / step) - (inside / step).round()).abs().max() < 1e-9
    # the first layer on the left, at -Δ, belongs to 1 - Δ (paper, section 4.1)
    first = (outside[:, 0] + 0.1).abs() < 1e-12
    assert torch.allclose(inside[first][:, 0], torch.full((int(first.sum()),), 0.9, dtype=torch.float64))


def test_periodic_pairs_join_opposite_faces() -> None:
    upper, lower = sampling.periodic_pairs([1.0, 1.0], 5)
    assert len(upper) == 9
    assert ((upper == 1.0).any(dim=1)).all()
    assert ((upper - lower == 0) | (upper - lower == 1)).all()
    assert (lower < 1.0).all()


def test_boundary_points() -> None:
    points = sampling.boundary_points([(0.0, 1.0), (2.0, 3.0)], 6)
    assert len(points) == 20
