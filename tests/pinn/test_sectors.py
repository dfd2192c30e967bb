"""Corners for an a* that is not diagonal, or depends on x."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.polynomial import legendre

from hybrid import EllipticProblem
from hybrid.comparison import grid
from hybrid.media.interpolated import SlowCoefficient, slow_nodes
from hybrid.pinn import LastLayer, preset, solve_homogenized
from hybrid.pinn.functions.network import VALUE, hessian_operators
from hybrid.pinn.steady.sectors import sector_part
from hybrid.symbols import cos, sin, x, y

from .test_corners import behind

BOX = ((0.0, 1.0), (0.0, 2.0))


@pytest.mark.parametrize("cross", [0.5, -0.3, 0.9, 1e-3, 2e-6])
def test_the_functions_solve_their_equation(cross: float) -> None:
    """Zero on all sides; -a:∇² of them bounded in their corners, as the leading terms are harmonic."""
    a = np.array([[1.0, cross], [cross, 1.5]])
    part = sector_part(BOX, a)
    assert part is not None
    s, zero = torch.linspace(0, 1, 9, dtype=torch.float64), torch.zeros(9, dtype=torch.float64)
    sides = [torch.stack(q, 1) for q in ((s, zero), (s, zero + 2), (zero, 2 * s), (zero + 1, 2 * s))]
    assert part.jets(torch.cat(sides), VALUE).abs().max() < 1e-9
    for k, one in enumerate(part.functions):
        upper = torch.tensor(one.upper)
        corner = torch.where(upper, torch.tensor([1.0, 2.0]), torch.zeros(2)).double()
        inward = torch.where(upper, -1.0, 1.0).double()
        near = corner + 1e-5 * inward * torch.tensor([[1.0, 0.7], [0.2, 1.0]], dtype=torch.float64)
        channel = part.jets(near, torch.tensor(a)[None])[-1, :, k]
        assert channel.abs().max() < 5.0
        assert abs(channel[0] - channel[1]) < 1e-2  # a constant: no logarithm, no power is left


def test_derivatives_agree_with_automatic_ones() -> None:
    part = sector_part(BOX, np.array([[1.0, -0.3], [-0.3, 1.5]]))
    assert part is not None
    point = torch.tensor([0.3, 1.4], dtype=torch.float64)
    jets = part.jets(point[None], hessian_operators(2))[:, 0]
    for k in range(len(part.functions)):

        def value(p: torch.Tensor, k: int = k) -> torch.Tensor:
            return part.jets(p[None], VALUE)[0, 0, k]

        gradient, hessian = torch.func.grad(value)(point), torch.func.hessian(value)(point)
        assert (jets[1:3, k] - gradient).abs().max() < 1e-11
        assert (jets[3:, k] - torch.stack([hessian[0, 0], hessian[0, 1], hessian[1, 1]])).abs().max() < 1e-11


def test_they_go_on_behind_a_side() -> None:
    """Nothing jumps at the prolongation of the other side, where rounding decides on which side of it points are."""
    part = sector_part(BOX, np.array([[1.0, -0.3], [-0.3, 1.5]]))
    assert part is not None
    jets = part.jets(behind(BOX), hessian_operators(2)).reshape(6, -1, 3, len(part.functions))
    assert jets.isfinite().all()
    assert (jets - jets[:, :, :1]).abs().max() < 1e-10 * jets.abs().max()


def test_none_where_there_is_nothing_to_do() -> None:
    assert sector_part(((0.0, 1.0),), np.eye(1)) is None
    assert sector_part(BOX, np.array([[2.0, 1e-8], [1e-8, 1.0]])) is None
    assert sector_part((*BOX, (0.0, 1.0)), np.eye(3)) is None


def galerkin(points: np.ndarray, a: np.ndarray, count: int = 46) -> np.ndarray:
    """u with -a:∇²u = sin x0 + cos x1 on the unit square, by polynomials in a square graded towards its corners.

    x = s³(10 - 15 s + 6 s²) takes the corners' powers to smoother ones, so that polynomials in s converge fast.
    """
    nodes, weights = legendre.leggauss(3 * count)
    s, w = (nodes + 1) / 2, weights / 2

    def graded(s: np.ndarray) -> np.ndarray:
        return s**3 * (10 - 15 * s + 6 * s**2)

    def basis(s: np.ndarray) -> np.ndarray:
        table = legendre.legvander(2 * s - 1, count + 1)
        return np.asarray(table[:, 2:] - table[:, :-2])  # zero at both ends

    slope = 30 * s**2 * (1 - s) ** 2
    value = basis(s)
    eye = np.eye(count + 2)
    slopes = np.stack([2 * legendre.legval(2 * s - 1, legendre.legder(row)) for row in eye], axis=1)
    derivative = slopes[:, 2:] - slopes[:, :-2]
    mass = value.T @ (value * (w * slope)[:, None])
    stiff = derivative.T @ (derivative * (w / slope)[:, None])
    mixed = derivative.T @ (value * w[:, None])
    matrix = a[0, 0] * np.kron(stiff, mass) + a[1, 1] * np.kron(mass, stiff)
    matrix += a[0, 1] * (np.kron(mixed, mixed.T) + np.kron(mixed.T, mixed))
    t = graded(s)
    one, sine, cosine = (value.T @ (w * slope * g) for g in (np.ones_like(t), np.sin(t), np.cos(t)))
    scale = 1 / np.sqrt(np.diag(matrix))
    right = np.kron(sine, one) + np.kron(one, cosine)
    coefficients = scale * np.linalg.solve(matrix * np.outer(scale, scale), right * scale)

    def inverse(t: np.ndarray) -> np.ndarray:
        low, high = np.zeros_like(t), np.ones_like(t)
        for _ in range(60):
            middle = (low + high) / 2
            low, high = np.where(graded(middle) < t, middle, low), np.where(graded(middle) < t, high, middle)
        return (low + high) / 2

    left, other = (basis(inverse(points[:, i])) for i in (0, 1))
    return np.asarray(np.einsum("nm,mk,nk->n", left, coefficients.reshape(count, count), other))


@pytest.mark.parametrize(("name", "bound"), [("fast", 1e-7), ("accurate", 1e-6)])
def test_a_medium_that_is_not_diagonal(name: str, bound: float) -> None:
    a = np.array([[2.0, 0.5], [0.5, 1.0]])
    problem = EllipticProblem(domain=[(0, 1), (0, 1)], eps=0.1, a=1 + 0 * y[0], f=sin(x[0]) + cos(x[1]))
    points = grid([(0, 1), (0, 1)], 31)
    exact = galerkin(points, a)
    solution = solve_homogenized(problem, a, **preset(name, "homogenized", problem))
    assert np.linalg.norm(solution.field.values(points) - exact) < bound * np.linalg.norm(exact)
    assert solution.trust["solution"].within(bound)
    again = solve_homogenized(
        problem, a, points=preset(name, "homogenized", problem)["points"], networks=solution.networks, train=False
    )
    assert (again.field.values(points) == solution.field.values(points)).all()


def test_a_medium_that_depends_on_x() -> None:
    problem = EllipticProblem(domain=[(0, 1), (0, 1)], eps=0.1, a=1 + 0 * y[0], f=1)
    nodes = slow_nodes(problem.domain, 9)
    a = SlowCoefficient(
        ((0.0, 1.0),) * 2, nodes, np.eye(2)[None] * (2 + np.sin(nodes[:, 0]) + nodes[:, 1])[:, None, None]
    )
    errors = []
    for corners in (True, False):
        found = solve_homogenized(problem, a, hidden=(300,), points=28, corners=corners, optimizer=LastLayer())
        estimate = found.trust["solution"].error
        assert estimate is not None
        errors.append(estimate)
    assert errors[0] < 1e-5
    assert errors[0] < errors[1] / 20
