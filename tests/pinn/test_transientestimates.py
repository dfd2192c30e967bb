"""p's own estimate for reaction-diffusion, in space and in time, and what follows from it."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import sympy

from hybrid import InputError, ReactionDiffusionProblem, SolverError
from hybrid.pinn import LastLayer, LevenbergMarquardt, homogenized_rungs, preset, solve_homogenized
from hybrid.pinn.intime.evolutionrungs import cost
from hybrid.symbols import cos, exp, pi, sin, t, x, y

POINTS = np.linspace(0, 1, 201)[:, None]


def _problem(**changes: object) -> ReactionDiffusionProblem:
    given = {"domain": [(0, 1)], "eps": 0.1, "D": 0.5, "r": cos(2 * pi * y[0]), "f": 0, "u0": sin(pi * x[0]), "T": 0.7}
    return ReactionDiffusionProblem(**given | changes)  # type: ignore[arg-type]


def _made(k: int, w: int, **changes: object) -> tuple[ReactionDiffusionProblem, Callable[[], np.ndarray]]:
    """u = (1 + sin(wt)/2) e^(-t) sin kπx for r* = 3."""
    u = (1 + sin(w * t) / 2) * exp(-t) * sin(k * pi * x[0])
    f = sympy.expand(sympy.diff(u, t) + ((k * pi) ** 2 / 2 + 3) * u)
    exact = (1 + math.sin(0.7 * w) / 2) * math.exp(-0.7) * np.sin(k * np.pi * POINTS[:, 0])
    return _problem(f=f, u0=u.subs(t, 0), **changes), lambda: exact


def _relative(found: np.ndarray, exact: np.ndarray) -> float:
    return float(np.linalg.norm(found - exact) / np.linalg.norm(exact))


@pytest.mark.parametrize(("k", "w", "steps"), [(1, 60, 4), (1, 30, 2), (20, 1, 4)])
def test_the_estimate_is_about_the_error(k: int, w: int, steps: int) -> None:
    """Of the steps in time in the first two, of the network in the last."""
    problem, exact = _made(k, w)
    solution = solve_homogenized(
        problem, 3.0, hidden=(60,), points=150, stages=3, steps=steps, scale=6.0, waves=0, optimizer=LastLayer()
    )
    error = _relative(solution.field.values(POINTS), exact())
    estimate = solution.trust["solution"].error
    assert estimate is not None
    assert 1e-6 < error / 2 < estimate < 2 * error


def test_a_network_of_space_and_time() -> None:
    problem, exact = _made(1, 1)
    solution = solve_homogenized(
        problem, 3.0, method="space-time", hidden=(10,), points=14, optimizer=LevenbergMarquardt(steps=15)
    )
    error = _relative(solution.field.values(POINTS), exact())
    estimate = solution.trust["solution"].error
    assert estimate is not None
    assert error < estimate < 30 * error


@pytest.mark.parametrize("name", ["fast", "accurate"])
@pytest.mark.parametrize("case", ["fast in time", "decay"])
def test_more_steps_where_they_are_needed(case: str, name: str) -> None:
    if case == "decay":
        problem, r_star, exact = _problem(T=3.0), 1.0, math.exp(-3 * (np.pi**2 / 2 + 1)) * np.sin(np.pi * POINTS[:, 0])
    else:
        problem, made = _made(1, 40)
        r_star, exact = 3.0, made()
    arguments = preset(name, "homogenized", problem)
    first, *others = homogenized_rungs(problem, r_star, arguments, 20.0)
    assert first == arguments
    cheapest = min(others, key=lambda rung: cost(1, rung))
    assert type(cheapest["optimizer"]) is type(arguments["optimizer"])
    solution = solve_homogenized(problem, r_star, **cheapest | {"hidden": (60,), "points": 150})
    assert _relative(solution.field.values(POINTS), exact) < 1e-4
    assert solution.trust["solution"].within(1e-4)


def test_more_features_where_they_are_needed() -> None:
    problem, _ = _made(60, 1)
    rungs = list(homogenized_rungs(problem, 3.0, preset("fast", "homogenized", problem)))
    assert max(rung["hidden"][0] for rung in rungs) > 300
    assert all(cost(1, rung) <= 60 for rung in rungs)


def test_scales_change_nothing() -> None:
    small = {"hidden": (40,), "points": 80, "stages": 3, "steps": 2, "waves": 0, "scale": 3.0}
    for optimizer, bound in ((LastLayer(), 1e-8), (LevenbergMarquardt(steps=8, last_layer_first=True), 1e-6)):
        one = solve_homogenized(_problem(f=1), 3.0, optimizer=optimizer, **small).field.values(POINTS)
        for amount in (1e-30, 1e12):
            problem = _problem(f=amount, u0=amount * sin(pi * x[0]))
            other = solve_homogenized(problem, 3.0, optimizer=optimizer, **small)
            assert np.abs(other.field.values(POINTS) / amount - one).max() < bound * np.abs(one).max()
            assert other.trust["solution"].within(1e-2)


@pytest.mark.parametrize(
    ("arguments", "where"),
    [({"points": 0}, "points"), ({"stages": 0}, "stages"), ({"steps": 1.5}, "steps"), ({"networks": ()}, "networks")],
)
def test_arguments_that_make_no_sense(arguments: dict[str, object], where: str) -> None:
    with pytest.raises(InputError, match=where):
        solve_homogenized(_problem(), 1.0, **arguments)
    with pytest.raises(InputError, match="coefficient"):
        solve_homogenized(_problem(), "r")
    with pytest.raises(SolverError, match="not finite"):
        solve_homogenized(_problem(), float("nan"))
