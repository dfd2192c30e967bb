"""Estimates of correctors and of a* against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sympy

from hybrid import EllipticProblem
from hybrid.pinn import LastLayer, LevenbergMarquardt, preset, solve_cell
from hybrid.pinn.cells.cellgrids import cell_bandwidths, resolved_counts
from hybrid.pinn.sizes import CELLS
from hybrid.symbols import cos, exp, parse, pi, sin, x, y

STEP = sympy.Heaviside


def _problem(a: object, dim: int = 2, **more: object) -> EllipticProblem:
    return EllipticProblem(domain=[(0, 1)] * dim, eps=1 / 8, a=a, f=1, **more)


def _error(found: object, exact: np.ndarray) -> float:
    return float(np.linalg.norm(np.asarray(found) - exact) / np.linalg.norm(exact))


@pytest.mark.parametrize("t", [1.5, 1.98, 1.999])
def test_steep_laminates_are_off_by_what_is_said(t: float) -> None:
    problem = _problem(2 + t * sin(2 * pi * y[0]))
    solution = solve_cell(problem, hidden=(60,), points=40, optimizer=LastLayer())
    error = _error(solution.coefficient, np.diag([math.sqrt(4 - t * t), 2.0]))
    estimate = solution.trust["coefficient"].error
    assert estimate is not None
    assert error <= estimate <= 10 * error + 1e-12
    assert solution.bounds is not None
    low, high = solution.bounds[:, 0, 0]
    assert low <= math.sqrt(4 - t * t) <= high
    assert solution.trust["chi_1"].error == pytest.approx((solution.error_estimates or ())[0])


def test_the_estimate_of_a_corrector_is_close_to_its_error() -> None:
    """χ' = a*/a - 1 in one dimension, integrated by its sines and cosines."""
    problem = _problem(2 + 1.9 * sin(2 * pi * y[0]), 1)
    solution = solve_cell(problem, hidden=(24,), points=60, optimizer=LastLayer())
    s = np.arange(2048) / 2048
    a = 2 + 1.9 * np.sin(2 * np.pi * s)
    slope = np.fft.rfft(1 / (np.mean(1 / a) * a) - 1)
    k = np.arange(len(slope))
    chi = np.fft.irfft(np.where(k > 0, slope / (2j * np.pi * np.maximum(k, 1)), 0), 2048)
    error = np.linalg.norm(solution.correctors[0].values(s[:, None]) - chi) / np.linalg.norm(chi)
    estimate = solution.trust["chi_1"].error
    assert estimate is not None
    assert error <= estimate <= 3 * error


@pytest.mark.parametrize("optimizer", [LastLayer(), LevenbergMarquardt(steps=30)])
def test_bounds_hold_where_a_jumps(optimizer: object) -> None:
    """The checkerboard, √10, and a laminate whose interfaces are on no mesh line."""
    form, hidden = ("energy", (200,)) if isinstance(optimizer, LastLayer) else ("first-order", (8, 8))
    board = solve_cell(
        _problem(1 + 9 * STEP(sin(2 * pi * y[0]) * sin(2 * pi * y[1]))), formulation=form, hidden=hidden, points=32,
        optimizer=optimizer,
    )  # fmt: skip
    assert board.bounds is not None
    lower, upper = map(np.linalg.eigvalsh, board.bounds)
    assert lower[-1] < math.sqrt(10) < upper[0]
    assert (board.trust["coefficient"].error or 0) > _error(board.coefficient, math.sqrt(10) * np.eye(2))
    layers = solve_cell(
        _problem(1 + 99 * STEP(cos(2 * pi * y[0]) - cos(sympy.Rational(3, 10) * pi)), 1), formulation=form,
        hidden=hidden if len(hidden) > 1 else (80,), points=100, optimizer=optimizer,
    )  # fmt: skip
    error = _error(layers.coefficient, np.array([[1 / (0.7 + 0.3 / 100)]]))
    assert error <= (layers.trust["coefficient"].error or 0) < 1e-3


def test_a_constant_medium_has_no_corrector() -> None:
    for dim in (1, 2):
        problem = _problem(sympy.Integer(3), dim)
        for name in ("fast", "accurate"):
            solution = solve_cell(problem, **preset(name, "cell", problem))
            assert _error(solution.coefficient, 3 * np.eye(dim)) < 1e-12
            assert all(estimate.within(1e-10) for estimate in solution.trust.values())


def test_an_infinite_slope_has_an_estimate_too() -> None:
    problem = _problem(parse("1 + sqrt(abs(sin(2*pi*y0)))", y[:1], "a"), 1)
    solution = solve_cell(problem, formulation="first-order", hidden=(200,), points=400, optimizer=LastLayer())
    s = (np.arange(2**20) + 0.5) / 2**20
    exact = 1 / np.mean(1 / (1 + np.sqrt(np.abs(np.sin(2 * np.pi * s)))))
    error = _error(solution.coefficient, np.array([[exact]]))
    assert error <= (solution.trust["coefficient"].error or 0) < 0.05


def test_grids_are_fine_where_a_is() -> None:
    wide = cell_bandwidths(_problem(2 + 1.99 * sin(2 * pi * y[0])).cell_problems())
    assert wide[0] > 150
    assert wide[1] == 0
    counts = resolved_counts(wide, 128, CELLS[2].most)
    assert counts[0] >= 2 * wide[0]
    assert counts[1] == 128
    smooth = _problem(2 + sin(2 * pi * y[0]) * cos(2 * pi * y[1])).cell_problems()
    assert resolved_counts(cell_bandwidths(smooth), 128, CELLS[2].most) == (128, 128)
    assert np.prod(resolved_counts([2048, 2048], 128, CELLS[2].most)) <= CELLS[2].most


@pytest.mark.parametrize(("length", "value"), [(1e-7, 1e-12), (1e9, 1e12), (2e-5, 1.0)])
@pytest.mark.parametrize("name", ["fast", "accurate"])
def test_the_sizes_of_the_cell_and_of_a_do_not_matter(name: str, length: float, value: float) -> None:
    def solved(length: float, value: float) -> tuple[float, np.ndarray, dict[str, float | None]]:
        a = value * (2 + sin(2 * pi * y[0] / length))
        problem = EllipticProblem(domain=[(0, 1)], eps=0.1 / length, a=a, f=1, period=length)
        solution = solve_cell(problem, **preset(name, "cell", problem))
        points = length * np.linspace(0, 1, 13)[:, None]
        trust = {key: estimate.error for key, estimate in solution.trust.items()}
        return solution.coefficient[0, 0] / value, solution.correctors[0].values(points) / length, trust

    star, chi, trust = solved(length, value)
    usual_star, usual_chi, _ = solved(1.0, 1.0)
    assert star == pytest.approx(usual_star, rel=1e-6)
    assert star == pytest.approx(math.sqrt(3), rel=1e-6)
    assert np.abs(chi - usual_chi).max() < 1e-6 * np.abs(usual_chi).max()
    assert max(error or 0 for error in trust.values()) < 1e-5


def test_a_product_of_slow_and_fast_is_solved_for_the_fast_one() -> None:
    """A steep front in x: a*(x) = g(x) √3, and χ does not depend on x."""
    problem = EllipticProblem(
        domain=[(0, 2)], eps=0.02, a=(1 + 9 / (1 + exp(-20 * (x[0] - 1)))) * (2 + sin(2 * pi * y[0])), f=1
    )
    solution = solve_cell(problem, **preset("fast", "cell", problem))
    at = np.linspace(0, 2, 57)[:, None]
    exact = (1 + 9 / (1 + np.exp(-20 * (at[:, 0] - 1)))) * math.sqrt(3)
    error = np.abs(solution.coefficient(at)[:, 0, 0] / exact - 1).max()
    assert error < 1e-7
    assert error < 10 * (solution.trust["coefficient"].error or 0)
    low, high = (solution.correctors[0].values([[at, 0.3]])[0] for at in (0.1, 1.9))
    assert low == high
    again = solve_cell(problem, networks=solution.networks, train=False)
    assert np.array_equal(again.coefficient.values, solution.coefficient.values)


def test_a_slow_coefficient_that_is_no_product_has_estimates_too() -> None:
    problem = EllipticProblem(domain=[(0, 1)], eps=0.1, a=2 + sin(8 * pi * x[0]) / 2 + sin(2 * pi * y[0]), f=1)
    for points in (12, 40):
        solution = solve_cell(problem, hidden=(150,), points=points, optimizer=LastLayer())
        at = np.linspace(0, 1, 57)[:, None]
        exact = np.sqrt((2 + np.sin(8 * np.pi * at[:, 0]) / 2) ** 2 - 1)
        error = np.linalg.norm(solution.coefficient(at)[:, 0, 0] - exact) / np.linalg.norm(exact)
        assert error < 3 * (solution.trust["coefficient"].error or 0)
        assert solution.coefficient.truncation < 1e-6
