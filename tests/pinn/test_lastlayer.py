"""Least squares for the last layer: by normal equations where these lose nothing, by QR elsewhere."""

from __future__ import annotations

import pytest
import torch

from hybrid.pinn.optimizers import lastlayer

ROWS, COLUMNS = 150, 60


def _joint(condition: float) -> torch.Tensor:
    """Columns of norm one, of which the first two differ by about one part in `condition`, and two right-hand sides."""
    joint = torch.randn(ROWS, COLUMNS + 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    joint[:, 1] = joint[:, 0] + joint[:, 1] / condition
    return joint / joint.norm(dim=0)


@pytest.mark.parametrize(("condition", "passes"), [(1.0, True), (1e4, True), (1e7, False), (1e12, False)])
def test_normal_equations_are_as_good_or_not_used(
    condition: float, passes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    joint = _joint(condition)
    by_qr = lastlayer.damped(joint, COLUMNS, 1e-14)
    monkeypatch.setattr(lastlayer, "_WIDE", COLUMNS)
    found = lastlayer.damped(joint, COLUMNS, 1e-14)
    assert torch.equal(found, by_qr) != passes
    assert float((found - by_qr).abs().max()) < 1e-14 * condition * float(by_qr.abs().max()) * 10


def test_a_ridge_that_matters_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lastlayer, "_WIDE", COLUMNS)
    joint, ridge = _joint(1.0), 0.3
    matrix, right = joint[:, :COLUMNS], joint[:, COLUMNS:]
    exact = torch.linalg.solve(matrix.T @ matrix + ridge**2 * torch.eye(COLUMNS, dtype=torch.float64), matrix.T @ right)
    assert float((lastlayer.damped(joint, COLUMNS, ridge) - exact).abs().max()) < 1e-13
