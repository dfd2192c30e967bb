from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from hybrid import EllipticProblem, InputError
from hybrid.media.interpolated import SlowCoefficient
from hybrid.pinn import LBFGS, CellSolution, LastLayer, LevenbergMarquardt, preset, solve_cell
from hybrid.symbols import cos, pi, sin, x, y

A_STAR = 1.935359234812  # DESIGN's table; spectral
CHI_NORM = 0.0207142768236


def _norms(solution: CellSolution) -> list[float]:
    from hybrid.comparison import grid

    points = grid([(0, 1 - 1 / 64)] * 2, 64)
    return [math.sqrt(np.mean(chi.values(points) ** 2)) for chi in solution.correctors]


def test_fast_preset_on_the_papers_cell(paper: EllipticProblem) -> None:
    solution = solve_cell(paper, **preset("fast", "cell", paper))
    assert np.abs(solution.coefficient - A_STAR * np.eye(2)).max() < 1e-11
    assert _norms(solution) == pytest.approx([CHI_NORM] * 2, rel=1e-8)
    assert solution.error_estimates is not None
    assert max(solution.error_estimates) < 1e-6


def test_all_layers_trained_on_the_papers_cell(paper: EllipticProblem) -> None:
    solution = solve_cell(paper, hidden=(16, 16), points=24, optimizer=LevenbergMarquardt(steps=60))
    assert np.abs(solution.coefficient - A_STAR * np.eye(2)).max() < 1e-5
    assert _norms(solution) == pytest.approx([CHI_NORM] * 2, rel=1e-3)
    # The bound from the residual holds, and is of use.
    exact = solve_cell(paper, **preset("fast", "cell", paper))
    points = np.random.default_rng(0).random((2000, 2))
    for one, other, bound in zip(solution.correctors, exact.correctors, solution.error_estimates or (), strict=True):
        error = np.linalg.norm(one.values(points) - other.values(points)) / np.linalg.norm(other.values(points))
        assert error < bound < 100 * error


@pytest.mark.parametrize(
    ("optimizer", "hidden", "points"),
    [(LevenbergMarquardt(steps=200, tolerance=0.0), (16, 16), 24), (LastLayer(), (400,), 40)],
)
def test_laminates_have_harmonic_and_arithmetic_means(optimizer: object, hidden: tuple[int, ...], points: int) -> None:
    """1/a has mean 1 and a has mean 1/√(1 - 1/4); both to 1e-8."""
    a = 1 / (1 + cos(2 * pi * y[0]) / 2)
    problem = EllipticProblem(domain=[(0, 1), (0, 1)], eps=0.1, a=a, f=1)
    solution = solve_cell(problem, optimizer=optimizer, hidden=hidden, points=points)
    expected = np.diag([1.0, 1 / math.sqrt(0.75)])
    assert np.abs(solution.coefficient - expected).max() < 1e-8


def test_one_dimension_and_another_period() -> None:
    problem = EllipticProblem(domain=[(0, 1)], eps=0.01, a=1 / (1 + sin(y[0]) / 2), f=1, period=2 * math.pi)
    solution = solve_cell(problem, **preset("accurate", "cell", problem))
    assert solution.coefficient[0, 0] == pytest.approx(1.0, abs=1e-8)
    points = np.linspace(0, 6, 50)[:, None]
    assert np.abs(solution.correctors[0].values(points)[:] + np.cos(points[:, 0]) / 2).max() < 1e-6


def test_a_matrix_coefficient() -> None:
    """A rotated laminate: a* has the harmonic mean along the layers' normal and the arithmetic one across it."""
    g = 1 / (1 + cos(2 * pi * (y[0] + y[1])) / 2)
    problem = EllipticProblem(domain=[(0, 1), (0, 1)], eps=0.1, a=[[g, 0], [0, g]], f=1)
    turned = EllipticProblem(domain=[(0, 1), (0, 1)], eps=0.1, a=[[2 + g, g], [g, 3 + g]], f=1)
    n = np.array([1.0, 1.0]) / math.sqrt(2)
    expected = np.outer(n, n) + (np.eye(2) - np.outer(n, n)) / math.sqrt(0.75)
    found = solve_cell(problem, **preset("fast", "cell", problem)).coefficient
    assert np.abs(found - expected).max() < 1e-8
    full = solve_cell(turned, **preset("fast", "cell", problem)).coefficient
    # For layers with normal n, a* = <a> - <a n nᵀa/(nᵀan)> + <an/(nᵀan)> <nᵀa/(nᵀan)> / <1/(nᵀan)> (Milton, 9.5).
    s = np.arange(4096) / 4096
    values = 1 / (1 + np.cos(2 * np.pi * s) / 2)
    a = np.array([[[2 + v, v], [v, 3 + v]] for v in values])
    an = a @ n
    nan = an @ n
    mean = (an / nan[:, None]).mean(0)
    exact = (
        a.mean(0)
        - (an[:, :, None] * an[:, None, :] / nan[:, None, None]).mean(0)
        + np.outer(mean, mean) / (1 / nan).mean()
    )
    assert np.abs(full - exact).max() < 1e-8


def test_oversampling_helps_the_periodic_condition(paper: EllipticProblem) -> None:
    """The paper's claim (section 4.1), small: a* is closer with oversampled points than with the periodic penalty alone."""
    errors = {}
    for periodicity in ("oversampling", "penalty"):
        solution = solve_cell(
            paper, periodicity=periodicity, points=31, hidden=(16, 16), optimizer=LevenbergMarquardt(steps=60)
        )
        errors[periodicity] = abs(np.trace(solution.coefficient) / 2 - A_STAR)
        assert solution.error_estimates is None
    assert errors["oversampling"] < 0.005
    assert errors["oversampling"] < errors["penalty"] / 2
    with pytest.raises(InputError, match="periodicity"):
        solve_cell(paper, periodicity="hope")


def test_a_network_for_each_corrector(paper: EllipticProblem) -> None:
    """The paper has one for each; with least squares on the same features they are the same as one for both."""
    one, both = (
        solve_cell(paper, hidden=(250,), points=26, optimizer=LastLayer(), separate=separate)
        for separate in (True, False)
    )
    assert len(one.networks) == 2
    assert len(both.networks) == 1
    assert one.coefficient == pytest.approx(both.coefficient, abs=1e-5)
    assert one.coefficient == pytest.approx(A_STAR * np.eye(2), abs=1e-5)
    again = solve_cell(paper, networks=one.networks, train=False)
    assert np.array_equal(again.coefficient, one.coefficient)


def test_slow_variables_give_a_function_of_x() -> None:
    """The paper's section 5.3: a*(x) = √((2 + sin x)² - 1/4) and its derivative, by one network of (x, y)."""
    problem = EllipticProblem(domain=[(0, math.pi)], eps=0.125, a=sin(2 * pi * y[0]) / 2 + sin(x[0]) + 2, f=sin(x[0]))
    solution = solve_cell(problem, hidden=(16, 16), points=40, optimizer=LevenbergMarquardt(steps=60))
    assert isinstance(solution.coefficient, SlowCoefficient)
    points = np.linspace(0, np.pi, 41)
    exact = np.sqrt((2 + np.sin(points)) ** 2 - 0.25)
    assert np.abs(solution.coefficient(points[:, None])[:, 0, 0] - exact).max() < 1e-8
    nodes = solution.coefficient.nodes[:, 0]
    slope = (2 + np.sin(nodes)) * np.cos(nodes) / np.sqrt((2 + np.sin(nodes)) ** 2 - 0.25)
    assert solution.slopes is not None
    assert np.abs(solution.slopes[:, 0, 0, 0] - slope).max() < 1e-5
    # χ(x, ·) has mean zero and the derivative a*/a - 1.
    at, mean = 1.3, []
    for s in np.arange(64) / 64:
        mean.append(solution.correctors[0].values([[at, s]])[0])
    assert abs(np.mean(mean)) < 1e-8
    step = 1e-4
    moved = [solution.correctors[0].values([[at, 0.3 + k * step]])[0] for k in (-1, 1)]
    expected = math.sqrt((2 + math.sin(at)) ** 2 - 0.25) / (math.sin(0.6 * math.pi) / 2 + math.sin(at) + 2) - 1
    assert (moved[1] - moved[0]) / (2 * step) == pytest.approx(expected, abs=1e-5)


def test_slow_variables_in_two_dimensions() -> None:
    scale = 1 + x[0] / 4 + x[1] ** 2 / 8
    problem = EllipticProblem(domain=[(0, 1)] * 2, eps=0.1, a=scale / (1 + cos(2 * pi * y[0]) / 2), f=1)
    solution = solve_cell(problem, hidden=(10, 10), points=8, optimizer=LevenbergMarquardt(steps=40))
    points = np.random.default_rng(1).random((20, 2))
    factor = 1 + points[:, 0] / 4 + points[:, 1] ** 2 / 8
    expected = factor[:, None, None] * np.diag([1.0, 1 / math.sqrt(0.75)])
    assert np.abs(solution.coefficient(points) - expected).max() < 1e-3


def test_first_order_optimizers_run_on_the_cell(paper: EllipticProblem) -> None:
    solution = solve_cell(paper, hidden=(16, 16), points=16, optimizer=LBFGS(steps=200))
    assert abs(solution.coefficient[0, 0] - A_STAR) < 5e-3


def test_slow_variables_with_a_periodic_penalty_get_the_papers_formula() -> None:
    """a* is then the mean of a (1 + ∂χ/∂y), not the energy, which only exactly periodic networks have."""
    problem = EllipticProblem(domain=[(0, math.pi)], eps=0.125, a=sin(2 * pi * y[0]) / 2 + sin(x[0]) + 2, f=sin(x[0]))
    solution = solve_cell(
        problem, hidden=(12, 12), points=40, periodicity="penalty", weights=(0.01, 0.99),
        optimizer=LevenbergMarquardt(steps=40),
    )  # fmt: skip
    assert isinstance(solution.coefficient, SlowCoefficient)
    nodes = solution.coefficient.nodes[[0, 10, 20]]
    inside = (np.arange(4000)[:, None] + 0.5) / 4000
    h = 1e-6
    for node, found in zip(nodes, solution.coefficient.values[[0, 10, 20], 0, 0], strict=True):
        joint = np.concatenate([np.full_like(inside, node[0]), inside], axis=1)
        up, down = (solution.networks[0](torch.tensor(joint + [0, s])).detach().numpy()[:, 0] for s in (h, -h))
        a = np.sin(2 * np.pi * inside[:, 0]) / 2 + np.sin(node[0]) + 2
        assert found == pytest.approx(np.mean(a * (1 + (up - down) / (2 * h))), abs=1e-4)
    exact = np.sqrt((2 + np.sin(nodes[:, 0])) ** 2 - 0.25)
    assert solution.coefficient(nodes)[:, 0, 0] == pytest.approx(exact, rel=1e-3)
