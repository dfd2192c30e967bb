from __future__ import annotations

import math

import numpy as np
import pytest
import sympy

from hybrid import EllipticProblem, InputError
from hybrid.comparison import grid
from hybrid.pinn import LevenbergMarquardt, preset, solve_homogenized
from hybrid.symbols import pi, sin, x, y

A_STAR = 1.935359234812


def sine_series(points: np.ndarray, a: float, count: int = 300) -> np.ndarray:
    """u with -a Δu = sin x0 + cos x1 on the unit square, by its double sine series."""
    nodes, weights = np.polynomial.legendre.leggauss(1500)
    nodes, weights = (nodes + 1) / 2, weights / 2
    m = np.arange(1, count + 1)
    basis = np.sin(np.pi * np.outer(m, nodes)) * weights

    def series(values: np.ndarray) -> np.ndarray:
        return 2 * basis @ values

    one = series(np.ones_like(nodes))
    f = np.outer(series(np.sin(nodes)), one) + np.outer(one, series(np.cos(nodes)))
    u = f / (a * np.pi**2 * (m[:, None] ** 2 + m[None] ** 2))
    left, right = (np.sin(np.pi * np.outer(points[:, i], m)) for i in (0, 1))
    return np.asarray(np.einsum("nm,mk,nk->n", left, u, right))


@pytest.mark.parametrize(("name", "bound"), [("fast", 5e-7), ("accurate", 1e-5)])
def test_the_papers_homogenized_equation(paper: EllipticProblem, name: str, bound: float) -> None:
    points = grid([(0, 1), (0, 1)], 31)
    exact = sine_series(points, A_STAR)
    solution = solve_homogenized(paper, A_STAR * np.eye(2), **preset(name, "homogenized", paper))
    assert np.linalg.norm(solution.field.values(points) - exact) < bound * np.linalg.norm(exact)


def test_taking_the_corners_off_pays(paper: EllipticProblem) -> None:
    points = grid([(0, 1), (0, 1)], 31)
    exact = sine_series(points, A_STAR)
    errors = [
        np.linalg.norm(
            solve_homogenized(
                paper, A_STAR * np.eye(2), corners=corners, **preset("fast", "homogenized", paper)
            ).field.values(points)
            - exact
        )
        for corners in (True, False)
    ]
    assert errors[0] < errors[1] / 100


@pytest.mark.parametrize("boundary", ["hard", "penalty"])
def test_an_anisotropic_coefficient_with_a_known_solution(boundary: str) -> None:
    a = np.array([[2.0, 0.5], [0.5, 1.0]])
    u = sin(pi * x[0]) * sin(pi * x[1] / 2)
    f = -sum(a[i, j] * sympy.diff(u, x[i], x[j]) for i in range(2) for j in range(2))
    problem = EllipticProblem(domain=[(0, 1), (0, 2)], eps=0.1, a=1 + 0 * y[0], f=f)
    solution = solve_homogenized(
        problem, a, boundary=boundary, optimizer=LevenbergMarquardt(steps=80), hidden=(16, 16), points=32
    )
    points = grid(problem.domain, 21)
    exact = np.sin(np.pi * points[:, 0]) * np.sin(np.pi * points[:, 1] / 2)
    assert np.linalg.norm(solution.field.values(points) - exact) < (
        2e-4 if boundary == "hard" else 1e-2
    ) * np.linalg.norm(exact)


def test_an_antisymmetric_part_changes_nothing(paper: EllipticProblem) -> None:
    settings = preset("fast", "homogenized", paper) | {"hidden": (200,), "points": 24}
    points = grid([(0, 1), (0, 1)], 5)
    one = solve_homogenized(paper, [[2, 0.5], [0, 1]], **settings).field.values(points)
    other = solve_homogenized(paper, [[2, 0.25], [0.25, 1]], **settings).field.values(points)
    assert np.abs(one - other).max() < 1e-14


def test_noise_off_the_diagonal_does_not_bring_the_corners_back(paper: EllipticProblem) -> None:
    settings = preset("fast", "homogenized", paper) | {"hidden": (400,), "points": 30}
    points = grid([(0, 1), (0, 1)], 21)
    clean, noisy = (
        solve_homogenized(paper, [[2, noise], [noise, 2]], **settings).field.values(points) for noise in (0.0, 1e-4)
    )
    assert np.linalg.norm(clean - noisy) < 2e-4 * np.linalg.norm(clean)


def test_a_source_that_has_no_value_in_a_corner(paper: EllipticProblem) -> None:
    problem = EllipticProblem(domain=[(0, 1), (0, 1)], eps=0.1, a=1 + 0 * y[0], f=sin(x[0]) / x[0])
    smooth = EllipticProblem(domain=[(0, 1), (0, 1)], eps=0.1, a=1 + 0 * y[0], f=sin(x[0] + 1e-9) / (x[0] + 1e-9))
    settings = preset("fast", "homogenized", problem) | {"hidden": (400,), "points": 30}
    points = grid([(0, 1), (0, 1)], 21)
    one, other = (solve_homogenized(q, np.eye(2), **settings).field.values(points) for q in (problem, smooth))
    assert np.linalg.norm(one - other) < 1e-2 * np.linalg.norm(other)


def test_one_dimension(paper: EllipticProblem) -> None:
    problem = EllipticProblem(domain=[(0, math.pi)], eps=0.1, a=1 + 0 * y[0], f=sin(x[0]))
    solution = solve_homogenized(problem, [[2.0]], **preset("accurate", "homogenized", problem))
    points = np.linspace(0, np.pi, 50)[:, None]
    assert np.abs(solution.field.values(points) - np.sin(points[:, 0]) / 2).max() < 1e-7
    gradient = solution.field.gradients(points)
    hessian = solution.field.hessians(points)
    assert np.abs(gradient[:, 0] - np.cos(points[:, 0]) / 2).max() < 1e-6
    assert np.abs(hessian[:, 0, 0] + np.sin(points[:, 0]) / 2).max() < 1e-4


def test_an_unknown_boundary_condition_is_refused(paper: EllipticProblem) -> None:
    with pytest.raises(InputError, match="boundary"):
        solve_homogenized(paper, np.eye(2), boundary="soft")
