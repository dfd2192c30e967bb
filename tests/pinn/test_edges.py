"""The edges' terms in space: right boundary values, right equation, right derivatives, and that they pay."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from hybrid import EllipticProblem
from hybrid.pinn import LastLayer, solve_homogenized
from hybrid.pinn.functions import kernel
from hybrid.pinn.functions.network import VALUE, gradient_only, hessian_operators, laplacian
from hybrid.pinn.steady.edges import _octant, edge_part
from hybrid.symbols import cos, numpy_function, sin, x, y

from .test_corners import check_kernel

BOX = ((0.0, 1.0), (0.0, 2.0), (-1.0, 0.5))
A = np.diag([2.0, 0.5, 1.0])
F = numpy_function(1 + sin(x[0]) * x[2] + cos(x[1]))
PART = edge_part(BOX, A, F)


def test_the_octant_solves_its_problem() -> None:
    points = torch.rand(50, 3, dtype=torch.float64)
    one = torch.ones(3, dtype=torch.float64)
    assert (_octant(points, one, laplacian(3))[-1] + 1).abs().max() < 1e-14
    for i in range(3):
        face = points.clone()
        face[:, i] = 0.0
        assert _octant(face, one, VALUE).abs().max() < 1e-15
    assert _octant(torch.zeros(1, 3, dtype=torch.float64), one, VALUE).abs().max() == 0.0


@pytest.mark.parametrize("axis", range(3))
def test_the_octant_goes_on_behind_a_face(axis: int) -> None:
    """The same equation, the same function of which the jet has the derivatives, and nothing jumps at the face."""
    one = torch.ones(3, dtype=torch.float64)
    points = torch.rand(20, 3, generator=torch.Generator().manual_seed(axis), dtype=torch.float64) + 0.1
    points[:, axis] = -torch.logspace(-12, -1, 20, dtype=torch.float64)
    points[0] = torch.full((3,), 1e-18, dtype=torch.float64)  # the prolongation of an edge, to rounding
    points[0, axis] = -0.3
    jet = _octant(points, one, hessian_operators(3))
    assert jet.isfinite().all()
    assert (_octant(points, one, laplacian(3))[-1] + 1).abs().max() < 1e-12
    for point, own in zip(points[1:], jet[:, 1:].T, strict=True):
        slope = torch.func.jacrev(lambda p: _octant(p[None], one, VALUE)[0, 0])(point)
        assert own[1:4].numpy() == pytest.approx(slope.numpy(), abs=1e-9)
    near = points[1:6].clone()
    near[:, axis] *= -1
    across = _octant(near, one, hessian_operators(3)) - jet[:, 1:6]
    assert across[:4].abs().max() < 1e-8
    assert across[4:].abs().max() < 1e-6


def test_nothing_jumps_at_the_prolongation_of_another_face() -> None:
    """Where rounding decides on which side of it points are."""
    assert PART is not None
    points = []
    for axis, others in ((0, (1, 2)), (1, (2, 0)), (2, (0, 1))):
        for side, other in itertools.product((0, 1), repeat=2):
            for off in (-1e-15, 0.0, 1e-15):
                point = [low + 0.4 * (high - low) for low, high in BOX]
                point[axis] = BOX[axis][side] + (0.02 if side else -0.02)
                point[others[0]] = BOX[others[0]][other] + off
                points.append(point)
    jets = PART(torch.tensor(points, dtype=torch.float64), hessian_operators(3))[..., 0].reshape(10, -1, 3)
    assert jets.isfinite().all()
    assert (jets - jets[..., :1]).abs().max() < 1e-11


def test_zero_on_the_boundary() -> None:
    assert PART is not None
    points = np.random.default_rng(0).random((60, 3))
    for i, side in itertools.product(range(3), (0.0, 1.0)):
        face = points.copy()
        face[:, i] = side
        low, high = np.array(BOX).T
        assert PART(torch.tensor(low + (high - low) * face), VALUE).abs().max() < 1e-14


def test_the_equation_holds_on_every_edge() -> None:
    """-a* : ∇²s → f as an edge is approached, in any direction; and a corner."""
    assert PART is not None
    low, high = np.array(BOX).T
    operators = torch.tensor(A)[None]
    for k in range(3):
        for sides in itertools.product((0.0, 1.0), repeat=2):
            for along in (0.0, 0.3, 0.8):
                unit = np.insert(np.array(sides), k, along)
                edge = low + (high - low) * unit
                inward = np.where(unit > 0.5, -1.0, 1.0)
                for direction in ([1.0, 0.7, 0.3], [0.1, 1.0, 0.6]):
                    near = torch.tensor((edge + 1e-7 * inward * np.array(direction))[None])
                    assert abs(-float(PART(near, operators)[-1]) - float(F(edge[None])[0])) < 1e-4


def test_derivatives_agree_with_automatic_ones() -> None:
    assert PART is not None
    point = torch.tensor([0.3, 1.4, -0.2], dtype=torch.float64)

    def value(p: torch.Tensor) -> torch.Tensor:
        return PART(p[None], VALUE)[0, 0, 0]

    jet = PART(point[None], hessian_operators(3))[:, 0, 0]
    gradient, hessian = torch.func.jacrev(value)(point), torch.func.hessian(value)(point)
    assert (jet[1:4] - gradient).abs().max() < 1e-12
    rows, columns = torch.triu_indices(3, 3)
    assert (jet[4:] - hessian[rows, columns]).abs().max() < 1e-11


@pytest.mark.parametrize("operators", [VALUE, gradient_only(3), hessian_operators(3), torch.tensor(A)[None]])
def test_the_kernel_gives_the_same(monkeypatch: pytest.MonkeyPatch, operators: torch.Tensor) -> None:
    """Anywhere, on an edge and on a face too; in the corners second derivatives have no limit."""
    if kernel.load() is None:
        pytest.skip("no C compiler")
    assert PART is not None
    low, high = (torch.tensor(ends, dtype=torch.float64) for ends in zip(*BOX, strict=True))
    points = low + (high - low) * torch.rand(300, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    points[0, 0], points[1, 1] = 1.0, 0.0
    points[2, 0], points[3, 1], points[4, 2] = -0.01, 2.01, -1.01  # behind faces, and behind two at once
    points[5, :2] = torch.tensor([-0.02, -0.01], dtype=torch.float64)
    points[6, 0], points[6, 1] = -0.02, 2.0
    check_kernel(monkeypatch, PART, points, operators, corners=8)


def test_a_source_that_is_constant_along_an_edge_needs_its_corners_alone() -> None:
    """Here it is along those two in the third direction where x_0 = 0."""
    found = edge_part(BOX, A, numpy_function(3 + 0 * x[0]))
    assert found is not None
    assert PART is not None
    assert (len(found.source), len(PART.source)) == (8, 8 + 12 - 2)


def test_none_where_none_are_known() -> None:
    full = np.eye(3)
    full[0, 1] = full[1, 0] = 0.3
    assert edge_part(BOX, full, F) is None
    assert edge_part(BOX, A, numpy_function(1 / x[0])) is None


def test_taking_the_edges_off_pays() -> None:
    problem = EllipticProblem(domain=[(0, 1)] * 3, eps=0.1, a=1 + 0 * y[0], f=sin(x[0]) + cos(x[1]))
    losses = [
        solve_homogenized(problem, np.eye(3), corners=corners, hidden=(300,), points=10, optimizer=LastLayer())
        .history.loss[-1]
        for corners in (True, False)
    ]  # fmt: skip
    assert losses[0] < losses[1] / 100
