"""Reaction-diffusion by networks: the cell problem, the Runge-Kutta method, and its stages."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sympy

from hybrid.physics import ReactionDiffusionProblem
from hybrid.pinn import LastLayer, LevenbergMarquardt, cell_rungs, preset, solve_cell
from hybrid.pinn.intime.radau import radau
from hybrid.pinn.intime.stages import solve_stages
from hybrid.symbols import cos, exp, pi, sin, t, x, y


@pytest.mark.parametrize("stages", [1, 2, 3, 6])
def test_radau_is_of_its_order(stages: int) -> None:
    """y' = λy: R(hλ) = e^(hλ) + O(h^2q), and R(-∞) = 0."""
    matrix, nodes = radau(stages)
    assert nodes[-1] == pytest.approx(1.0)

    def step(z: float) -> float:
        return float(np.linalg.solve(np.eye(stages) - z * matrix, np.ones(stages))[-1])

    if stages < 6:
        errors = [abs(step(-h) - math.exp(-h)) for h in (0.2, 0.1)]
        assert math.log2(errors[0] / errors[1]) == pytest.approx(2 * stages, abs=0.25)
    assert abs(step(-1e9)) < 1e-6
    if stages == 2:
        assert matrix == pytest.approx(np.array([[5 / 12, -1 / 12], [3 / 4, 1 / 4]]))


@pytest.mark.parametrize(
    ("optimizer", "hidden", "bound"), [(LastLayer(), (150,), 1e-13), (LevenbergMarquardt(steps=80), (10, 10), 1e-6)]
)
def test_the_papers_cell_problem(optimizer: object, hidden: tuple[int, ...], bound: float) -> None:
    problem = ReactionDiffusionProblem(domain=[(-1, 1)], eps=0.1, D=2.0, r=cos(2 * pi * y[0]), f=1, u0=0, T=1.0)
    solution = solve_cell(problem, optimizer=optimizer, hidden=hidden)
    assert solution.coefficient == pytest.approx(-1 / (8 * math.pi**2 * 2), abs=bound)
    points = np.linspace(0, 1, 37)[:, None]
    exact = -np.cos(2 * np.pi * points[:, 0]) / (4 * math.pi**2 * 2)
    assert np.abs(solution.correctors[0].values(points) - exact).max() < bound


@pytest.mark.parametrize(
    ("optimizer", "hidden", "bound"), [(LastLayer(), (120,), 1e-7), (LevenbergMarquardt(steps=40), (10, 10), 1e-4)]
)
def test_stages_follow_a_source_that_depends_on_time(optimizer: object, hidden: tuple[int, ...], bound: float) -> None:
    """u = e^(-t) sin πx."""
    problem = ReactionDiffusionProblem(
        domain=[(0, 1)], eps=0.1, D=0.5, r=cos(2 * pi * y[0]), u0=sin(pi * x[0]), T=0.7,
        f=(-1 + pi**2 / 2 + 3) * exp(-t) * sin(pi * x[0]),
    )  # fmt: skip
    solution = solve_stages(
        problem.homogenized(3.0), optimizer=optimizer, hidden=hidden, points=200, stages=4, steps=2, waves=0
    )
    points = np.linspace(0, 1, 41)[:, None]
    exact = math.exp(-0.7) * np.sin(np.pi * points[:, 0])
    assert np.linalg.norm(solution.field.values(points) - exact) < bound * np.linalg.norm(exact)
    assert len(solution.history.loss) >= 4


@pytest.mark.parametrize(("length", "size", "diffusion"), [(1.0, 1.0, 2.0), (1e-7, 1e-9, 1e-6), (1e9, 1e6, 1e10)])
@pytest.mark.parametrize("name", ["fast", "accurate"])
def test_the_cell_problem_has_estimates_whatever_the_sizes(
    name: str, length: float, size: float, diffusion: float
) -> None:
    problem = ReactionDiffusionProblem(
        domain=[(0, 1)],
        eps=0.1 / length,
        D=diffusion,
        r=size * cos(2 * pi * y[0] / length),
        f=1,
        u0=0,
        T=1.0,
        period=length,
    )
    solution = solve_cell(problem, **preset(name, "cell", problem))
    exact = -((size * length) ** 2) / (8 * math.pi**2 * diffusion)
    error = abs(solution.coefficient / exact - 1)
    assert error <= (solution.trust["coefficient"].error or 0) < 1e-8
    assert (solution.trust["N"].error or 1) < 1e-6


def test_a_reaction_too_fast_for_the_points_says_so() -> None:
    problem = ReactionDiffusionProblem(domain=[(0, 1)], eps=0.1, D=1.0, r=cos(40 * pi * y[0]), f=1, u0=0, T=1.0)
    arguments = preset("accurate", "cell", problem)
    exact = -1 / (8 * math.pi**2 * 400)
    first, second, *_ = cell_rungs(problem, arguments)
    poor, good = (solve_cell(problem, **rung) for rung in (first, second))
    assert first == arguments
    assert abs(poor.coefficient / exact - 1) <= (poor.trust["coefficient"].error or 0) * 1.01
    assert abs(good.coefficient / exact - 1) < 1e-9
    assert good.trust["N"].within(1e-6)


def test_a_reaction_that_jumps_or_vanishes() -> None:
    """N' is a zigzag: r* = -100 / (192 D)."""
    r = 10 * (sympy.Heaviside(cos(2 * pi * y[0])) - sympy.S.Half)
    for reaction, exact in ((r, -100 / 384), (sympy.Integer(0), 0.0)):
        problem = ReactionDiffusionProblem(domain=[(0, 1)], eps=0.1, D=2.0, r=reaction, f=1, u0=0, T=1.0)
        solution = solve_cell(problem, **preset("accurate", "cell", problem))
        assert solution.coefficient == pytest.approx(exact, rel=1e-7)
        assert solution.trust["coefficient"].within(1e-5)
        assert solution.trust["N"].within(1e-4)
