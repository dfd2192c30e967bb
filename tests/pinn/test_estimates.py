"""p's own estimate of its error, against solutions that are known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hybrid import EllipticProblem, InputError, SolverError
from hybrid.comparison import grid
from hybrid.media.interpolated import SlowCoefficient, slow_nodes
from hybrid.pinn import LastLayer, VariableProjection, homogenized_networks, preset, solve_homogenized
from hybrid.symbols import pi, sin, x, y


def _wave(k: int, dim: int = 1) -> EllipticProblem:
    """u_0 = Π sin kπx_i where a* is the identity."""
    product = 1
    for i in range(dim):
        product = product * sin(k * pi * x[i])
    return EllipticProblem(domain=[(0, 1)] * dim, eps=0.1, a=2 + 0 * y[0], f=dim * (k * pi) ** 2 * product)


def _error(problem: EllipticProblem, values: np.ndarray, k: int) -> float:
    points = grid(problem.domain, 1001 if problem.dim == 1 else 101)
    exact = np.sin(k * np.pi * points).prod(axis=1)
    return float(np.linalg.norm(values - exact) / np.linalg.norm(exact))


@pytest.mark.parametrize(("name", "k"), [("fast", 16), ("fast", 20), ("accurate", 16), ("accurate", 20)])
def test_the_estimate_is_about_the_error(name: str, k: int) -> None:
    problem = _wave(k)
    solution = solve_homogenized(problem, [[1.0]], **preset(name, "homogenized", problem))
    error = _error(problem, solution.field.values(grid(problem.domain, 1001)), k)
    estimate = solution.trust["solution"].error
    assert estimate is not None
    assert error / 2 < estimate < 2 * error


def test_a_network_that_is_off_by_much_says_so() -> None:
    problem = _wave(30)
    estimate = solve_homogenized(problem, [[1.0]], **preset("accurate", "homogenized", problem)).trust["solution"]
    assert estimate.error is not None
    assert estimate.error > 100


@pytest.mark.parametrize("boundary", ["hard", "penalty"])
def test_in_two_dimensions(boundary: str) -> None:
    problem = _wave(6, 2)
    solution = solve_homogenized(
        problem, np.eye(2), hidden=(300,), points=30, scale=2.0, boundary=boundary, weights=(1.0, 100.0),
        optimizer=LastLayer(),
    )  # fmt: skip
    error = _error(problem, solution.field.values(grid(problem.domain, 101)), 6)
    estimate = solution.trust["solution"].error
    assert estimate is not None
    assert 1e-6 < error / 2 < estimate < 10 * error


def test_where_a_depends_on_x() -> None:
    """a* = 1 + x, f = 1: u_0 = log(1 + x)/log 2 - x."""
    problem = EllipticProblem(domain=[(0, 1)], eps=0.1, a=2 + 0 * y[0], f=1)
    nodes = slow_nodes(problem.domain, 8)
    a = SlowCoefficient(((0.0, 1.0),), nodes, (1 + nodes)[:, :, None])
    points = np.linspace(0, 1, 201)[:, None]
    exact = np.log1p(points[:, 0]) / math.log(2) - points[:, 0]
    solution = solve_homogenized(problem, a, hidden=(4,), points=60, optimizer=LastLayer())
    error = np.linalg.norm(solution.field.values(points) - exact) / np.linalg.norm(exact)
    estimate = solution.trust["solution"].error
    assert estimate is not None
    assert error > 1e-6
    assert error / 2 < estimate < 2 * error


@pytest.mark.parametrize("name", ["fast", "accurate"])
def test_scales_change_nothing(name: str) -> None:
    """Lengths, a* and f by 1e-12 … 1e12."""
    unit = np.linspace(0, 1, 101)[:, None]

    def found(length: float, a: float, f: float) -> np.ndarray:
        problem = EllipticProblem(domain=[(0, length)], eps=0.1 * length, a=1 + 0 * y[0], f=f * sin(3 * x[0] / length))
        solution = solve_homogenized(problem, [[a]], **preset(name, "homogenized", problem))
        return solution.field.values(unit * length) / (f * length**2 / a)

    one = found(1.0, 1.0, 1.0)
    for scales in ((1e-12, 1.0, 1.0), (1e12, 1.0, 1.0), (1.0, 1e12, 1.0), (1.0, 1e-12, 1.0), (3e-7, 1e-12, 1e9)):
        assert np.abs(found(*scales) - one).max() < 1e-8 * np.abs(one).max()


def test_what_is_given_is_not_changed() -> None:
    problem = _wave(1)
    networks = homogenized_networks(problem, hidden=(8,))
    before = [p.detach().clone() for p in networks[0].parameters()]
    solution = solve_homogenized(
        problem, [[1.0]], hidden=(8,), points=40, networks=networks, optimizer=VariableProjection(steps=3)
    )
    assert all((p == q).all() for p, q in zip(before, networks[0].parameters(), strict=True))
    assert solution.history.loss[-1] < solution.history.loss[0]
    again = solve_homogenized(problem, [[1.0]], points=40, networks=solution.networks, train=False)
    points = np.linspace(0, 1, 11)[:, None]
    assert (again.field.values(points) == solution.field.values(points)).all()


@pytest.mark.parametrize(
    ("arguments", "where"),
    [
        ({"points": 0}, "points"), ({"hidden": (0,)}, "hidden"), ({"hidden": (3.5,)}, "hidden"), ({"networks": ()}, "networks"),
        ({"networks": ("net",)}, "networks"),
    ],
)  # fmt: skip
def test_arguments_that_make_no_sense(arguments: dict[str, object], where: str) -> None:
    with pytest.raises(InputError, match=where):
        solve_homogenized(_wave(1), [[1.0]], **arguments)


def test_coefficients_that_make_no_sense() -> None:
    problem = _wave(1, 2)
    with pytest.raises(InputError, match="coefficient"):
        solve_homogenized(problem, [[1.0]])
    with pytest.raises(InputError, match="coefficient"):
        solve_homogenized(problem, "much")
    with pytest.raises(SolverError, match="positive definite"):
        solve_homogenized(problem, [[1.0, 2.0], [2.0, 1.0]])
    with pytest.raises(SolverError, match="not finite"):
        solve_homogenized(problem, [[1.0, 0.0], [0.0, np.nan]])
