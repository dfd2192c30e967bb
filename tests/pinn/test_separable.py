"""Networks of products of functions of one coordinate."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hybrid import EllipticProblem
from hybrid.failures import InputError
from hybrid.pinn import LastLayer, homogenized_networks, solve_homogenized
from hybrid.pinn.functions.network import VALUE, gradient_only, hessian_operators
from hybrid.pinn.functions.separable import SeparableNetwork
from hybrid.pinn.steady.estimates import estimate_grid, solution_degrees
from hybrid.pinn.steady.homogenizedrungs import cost
from hybrid.pinn.steady.spectrum import chebyshev_degrees
from hybrid.symbols import log, pi, sin, x, y


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_both_ways_to_evaluate_agree_with_torchs_derivatives(dim: int) -> None:
    network = SeparableNetwork([(0, 2.0), (1, 1.5), (-1, 1)][:dim], (9, 7, 5)[:dim], 2, 0)
    points = torch.tensor([[0.3, 1.2, 0.1], [1.9, 1.4, -0.7]], dtype=torch.float64)[:, :dim]
    operators = hessian_operators(dim)
    jet, quick = network.jet(points, operators).detach(), network.evaluate(points, operators)
    assert (jet - quick).abs().max() < 1e-12 * jet.abs().max()
    for n, point in enumerate(points):
        gradient = torch.func.jacrev(lambda p: network(p[None])[0])(point)
        hessian = torch.func.hessian(lambda p: network(p[None])[0])(point)
        upper = torch.stack([hessian[:, i, j] for i in range(dim) for j in range(i, dim)])
        assert (jet[1 : 1 + dim, n] - gradient.T).abs().max() < 1e-9 * jet.abs().max()
        assert (jet[1 + dim :, n] - upper).abs().max() < 1e-9 * jet.abs().max()
    for fewer in (VALUE, gradient_only(dim)):
        part = network.evaluate(points, fewer)
        assert (part - quick[: len(part)]).abs().max() < 1e-12 * quick.abs().max()


def test_a_layer_along_one_side_needs_many_functions_of_that_coordinate_only() -> None:
    """u = sin 6πx_1 g(x_0) solves -∂_0² u - 100 ∂_1² u = f, with g as steep as sin 24πx."""
    a = np.diag([1.0, 100.0])
    f = ((24 * pi) ** 2 + 100 * (6 * pi) ** 2) * sin(24 * pi * x[0]) * sin(6 * pi * x[1])
    problem = EllipticProblem(domain=[(0, 1)] * 2, eps=0.1, a=2 + sin(2 * pi * y[0]), f=f)
    degrees = solution_degrees(problem.homogenized(a), 24.0, 3e-5)
    assert degrees[0] > 2 * degrees[1] > 30
    found = solve_homogenized(
        problem, a, separable=(60, 24), points=(110, 44), optimizer=LastLayer(), corners=False,
    )  # fmt: skip
    at = np.random.default_rng(0).random((500, 2))
    exact = np.sin(24 * np.pi * at[:, 0]) * np.sin(6 * np.pi * at[:, 1])
    error = np.linalg.norm(found.field.values(at) - exact) / np.linalg.norm(exact)
    assert error < 1e-4
    assert error < 10 * (found.trust["solution"].error or 0)


def test_the_degree_of_a_polynomial_is_found() -> None:
    grid = estimate_grid([(0.0, 2.0), (0.0, 1.0)], 0)
    t, s = grid.points()[:, 0] - 1, 2 * grid.points()[:, 1] - 1
    values = ((1 - t**2) * t**5 * (1 - s**2) * (1 + s**2)).reshape(grid.shape)
    assert chebyshev_degrees(grid, values, 1e-4) == (8, 5)


def test_networks_are_the_same_for_the_same_seed_and_points_fit_the_dimension() -> None:
    problem = EllipticProblem(domain=[(0, 1)] * 2, eps=0.1, a=2 + sin(2 * pi * y[0]), f=1)
    one, two, other = (homogenized_networks(problem, separable=(5, 4), seed=seed)[0] for seed in (1, 1, 2))
    for p, q, r in zip(one.parameters(), two.parameters(), other.parameters(), strict=True):
        assert torch.equal(p, q)
        assert not torch.equal(p, r)
    with pytest.raises(InputError, match="points"):
        solve_homogenized(problem, np.eye(2), separable=(5, 4), points=(8, 8, 8), optimizer=LastLayer())
    with pytest.raises(InputError, match="separable"):
        solve_homogenized(problem, np.eye(2), separable=(5,), points=8, optimizer=LastLayer())


def test_a_singularity_at_a_point_of_the_grid_leaves_degrees() -> None:
    f = log((x[0] - 0.5) ** 2 + (x[1] - 0.5) ** 2)
    problem = EllipticProblem(domain=[(0, 1)] * 2, eps=0.1, a=2 + sin(2 * pi * y[0]), f=f)
    assert all(1 < degree < 1000 for degree in solution_degrees(problem.homogenized(np.eye(2)), 4.0, 3e-5))


def test_the_cost_of_many_functions_is_counted() -> None:
    rung = {"separable": (2000,), "hidden": (2000,), "points": [4000], "optimizer": LastLayer()}
    assert cost(1, rung)[0] > 2 * cost(1, rung | {"separable": ()})[0]
