"""The corner terms: right boundary values, right Laplacian, right derivatives."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hybrid.pinn.functions import kernel
from hybrid.pinn.functions.field import Jet
from hybrid.pinn.functions.network import VALUE, gradient_only, hessian_operators
from hybrid.pinn.steady import singular
from hybrid.pinn.steady.corners import _singular, corner_part
from hybrid.symbols import cos, numpy_function, sin, x

BOX = ((0.0, 1.0), (0.0, 2.0))
A = np.diag([2.0, 0.5])
PART = corner_part(BOX, A, numpy_function(sin(x[0]) + cos(x[1])))


def test_zero_on_the_boundary() -> None:
    assert PART is not None
    s = np.linspace(0.01, 0.99, 9)
    edges = [np.c_[s, 0 * s], np.c_[s, 0 * s + 2], np.c_[0 * s, 2 * s], np.c_[0 * s + 1, 2 * s]]
    assert PART(torch.tensor(np.vstack(edges)), VALUE).abs().max() < 1e-14


def test_the_equation_holds_in_every_corner() -> None:
    """-a* : ∇²s → f(corner) as the corner is approached."""
    assert PART is not None
    for corner in ([0.0, 0.0], [0.0, 2.0], [1.0, 0.0], [1.0, 2.0]):
        at = np.array(corner)
        inward = np.where(at > 0, -1.0, 1.0)
        near = torch.tensor((at + 1e-7 * inward * np.array([1.0, 0.7]))[None])
        value = -float(PART(near, torch.tensor(A)[None])[-1])
        assert abs(value - (np.sin(at[0]) + np.cos(at[1]))) < 1e-4


def test_derivatives_agree_with_automatic_ones() -> None:
    assert PART is not None
    point = torch.tensor([0.3, 1.4], dtype=torch.float64)

    def value(p: torch.Tensor) -> torch.Tensor:
        return PART(p[None], VALUE)[0, 0, 0]

    jet = PART(point[None], hessian_operators(2))[:, 0, 0]
    gradient, hessian = torch.func.jacrev(value)(point), torch.func.hessian(value)(point)
    assert (jet[1:3] - gradient).abs().max() < 1e-12
    assert (jet[3:] - torch.stack([hessian[0, 0], hessian[0, 1], hessian[1, 1]])).abs().max() < 1e-11


def test_the_singular_function_has_a_constant_laplacian() -> None:
    points = torch.rand(20, 2, dtype=torch.float64)
    one = torch.ones(2, dtype=torch.float64)
    laplacian = _singular(points, one, one, torch.eye(2, dtype=torch.float64)[None])[3]
    assert (laplacian - torch.pi).abs().max() < 1e-12


def behind(box: tuple[tuple[float, float], ...]) -> torch.Tensor:
    """Points far behind one side of each corner, and on the prolongation of the other: to rounding, on either side of it."""
    ways = [(side, other, axis) for side in (0, 1) for other in (0, 1) for axis in range(2)]
    points = []
    for side, other, axis in ways:
        for off in (-1e-15, 0.0, 1e-15):
            point = [0.0, 0.0]
            point[axis] = box[axis][side] + (0.02 if side else -0.02)
            point[1 - axis] = box[1 - axis][other] + off
            points.append(point)
    return torch.tensor(points, dtype=torch.float64)


def check_kernel(
    monkeypatch: pytest.MonkeyPatch, part: Jet, points: torch.Tensor, operators: torch.Tensor, *, corners: int
) -> None:
    """The kernel gives what torch gives, and is asked for every corner."""
    exact = part(points, operators)
    asked: list[bool] = []
    add = kernel.add_corner
    monkeypatch.setattr(kernel, "add_corner", lambda *words: asked.append(add(*words)) or asked[-1])
    monkeypatch.setattr(singular, "_MANY", 0)
    assert (part(points, operators) - exact).abs().max() < 1e-13 * exact.abs().max()
    assert asked == [True] * corners


def test_it_goes_on_behind_a_side() -> None:
    """Nothing jumps at the prolongation of the other side, where rounding decides on which side of it points are."""
    assert PART is not None
    jets = PART(behind(BOX), hessian_operators(2))[..., 0].reshape(6, -1, 3)
    assert jets.isfinite().all()
    assert (jets[..., 1:] - jets[..., :1]).abs().max() < 1e-11


def test_none_where_none_are_known() -> None:
    f = numpy_function(1 + 0 * x[0])
    assert corner_part([(0.0, 1.0)], np.eye(1), f) is None
    assert corner_part([(0.0, 1.0)] * 2, np.array([[1.0, 0.3], [0.3, 1.0]]), f) is None
    assert corner_part([(0.0, 1.0)] * 3, np.eye(3), f) is None


@pytest.mark.parametrize("operators", [VALUE, gradient_only(2), hessian_operators(2), torch.tensor(A)[None]])
def test_the_kernel_gives_the_same(monkeypatch: pytest.MonkeyPatch, operators: torch.Tensor) -> None:
    """Anywhere, in a corner and on an edge too."""
    if kernel.load() is None:
        pytest.skip("no C compiler")
    assert PART is not None
    points = torch.rand(300, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * torch.tensor(
        [1.0, 2.0]
    )
    points[:2] = torch.tensor([[1.0, 2.0], [0.0, 0.7]])
    points = torch.cat([points, behind(BOX)])
    check_kernel(monkeypatch, PART, points, operators, corners=4)
