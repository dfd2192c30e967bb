"""The direct approach: three formulations, and what the paper says of the classical one."""

from __future__ import annotations

import math

from mpi4py import MPI

import numpy as np
import pytest
import torch
from sympy import Heaviside

from hybrid import EllipticProblem, InputError, fem
from hybrid.comparison import grid, on_points
from hybrid.pinn import LastLayer, LevenbergMarquardt, solve_multiscale
from hybrid.pinn.steady.multiscale import _flux
from hybrid.symbols import cos, pi, sin, x, y


def _error(problem: EllipticProblem, **arguments: object) -> float:
    points = grid(problem.domain, 401 if problem.dim == 1 else 31)
    u = fem.solve_multiscale(problem, MPI.COMM_SELF, degree=3, cells_per_period=16, estimate=False)
    exact = on_points(u, points)
    found = solve_multiscale(problem, **arguments).field.values(points)  # type: ignore[arg-type]
    return float(np.linalg.norm(found - exact) / np.linalg.norm(exact))


@pytest.mark.parametrize(("formulation", "bound"), [("strong", 1e-4), ("first-order", 1e-4), ("ritz", 1e-4)])
def test_a_smooth_problem_is_solved_by_each(formulation: str, bound: float) -> None:
    """Slow and fast variables, few periods: nothing is hard about it."""
    problem = EllipticProblem(domain=[(0, 1)], eps=0.5, a=2 + sin(2 * pi * y[0]) / 2 + x[0] / 3, f=1 + x[0])
    optimizer = LevenbergMarquardt(steps=60)
    assert _error(problem, formulation=formulation, hidden=(12, 12), points=200, optimizer=optimizer) < bound


@pytest.mark.parametrize("formulation", ["strong", "first-order", "ritz"])
def test_a_matrix_in_two_dimensions(formulation: str) -> None:
    a = [[2 + sin(2 * pi * y[0]) / 2, cos(2 * pi * y[1]) / 4], [cos(2 * pi * y[1]) / 4, 1.5]]
    problem = EllipticProblem(domain=[(0, 1), (0, 2)], eps=1.0, a=a, f=1 + x[0] * x[1])
    error = _error(problem, formulation=formulation, hidden=(200,), points=64, optimizer=LastLayer(), scale=1.5)
    assert error < 3e-3


def test_the_classical_pinn_fails_and_it_is_the_residual() -> None:
    """Section 2.1, by a second-order optimizer: the strong form stalls at an error near 1, as the paper has it (0.987)."""
    problem = EllipticProblem(domain=[(0, math.pi)], eps=1 / 8, a=sin(2 * pi * y[0]) / 2 + 2, f=sin(x[0]))
    size = {"hidden": (16, 16), "points": 800}
    fast = {**size, "fast_features": True, "optimizer": LevenbergMarquardt(steps=50)}
    plain = {**size, "optimizer": LevenbergMarquardt(steps=50)}
    assert _error(problem, formulation="strong", **plain) > 0.9
    assert _error(problem, formulation="ritz", **plain) < 0.1
    assert _error(problem, formulation="first-order", **fast) < 0.01


def test_what_does_not_go_together(paper: EllipticProblem) -> None:
    with pytest.raises(InputError, match="strong, first-order, ritz"):
        solve_multiscale(paper, formulation="weak")
    with pytest.raises(InputError, match="jumps; allowed are first-order, ritz"):
        solve_multiscale(EllipticProblem(domain=[(0, 1)], eps=0.5, a=1 + Heaviside(sin(2 * pi * y[0])), f=1))
    with pytest.raises(InputError, match="penalty for the strong"):
        solve_multiscale(paper, formulation="ritz", boundary="penalty")


def test_the_flux_of_the_energy_form_balances_any_source() -> None:
    """-∂Φ/∂x_0 = f, also where f has many waves."""
    problem = EllipticProblem(domain=[(0, 1), (0, 1)], eps=0.5, a=1, f=sin(90 * x[0]) * (1 + x[1]))
    equation = problem.multiscale()
    points = torch.rand(50, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 0.9 + 0.05
    h = torch.tensor([1e-4, 0.0], dtype=torch.float64)
    slope = (_flux(equation, points + h) - _flux(equation, points - h))[:, 0] / 2e-4
    exact = np.sin(90 * points[:, 0].numpy()) * (1 + points[:, 1].numpy())
    assert -slope.numpy() == pytest.approx(exact, abs=1e-4)
