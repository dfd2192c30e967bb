"""One network of space and time."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from hybrid import InputError, ReactionDiffusionProblem
from hybrid.media.expression import Expression
from hybrid.pinn import LevenbergMarquardt, solve_homogenized, solve_multiscale
from hybrid.pinn.intime.spacetime import at_time, solve_spacetime
from hybrid.symbols import cos, exp, pi, sin, t, x, y


def _problem(**changes: object) -> ReactionDiffusionProblem:
    """With the reaction 3 the solution is e^(-t) sin πx."""
    given = {
        "domain": [(0, 1)], "eps": 0.1, "D": 0.5, "r": cos(2 * pi * y[0]), "u0": sin(pi * x[0]), "T": 0.7,
        "f": (-1 + pi**2 / 2 + 3) * exp(-t) * sin(pi * x[0]),
    }  # fmt: skip
    return ReactionDiffusionProblem(**given | changes)  # type: ignore[arg-type]


def test_a_manufactured_solution_at_all_times() -> None:
    problem = _problem()
    solution = solve_homogenized(
        problem, 3.0, method="space-time", hidden=(12, 12), points=20, optimizer=LevenbergMarquardt(steps=80)
    )
    points = np.linspace(0, 1, 41)[:, None]
    for time in (0.0, 0.3, 0.7):
        network = at_time(solution.networks[0], time)
        import torch

        found = network(torch.tensor(points)).detach().numpy()[:, 0]
        exact = math.exp(-time) * np.sin(np.pi * points[:, 0])
        assert np.abs(found - exact).max() < 1e-3
    final = math.exp(-0.7) * np.sin(np.pi * points[:, 0])
    assert solution.field.values(points) == pytest.approx(final, abs=1e-3)
    slopes = solution.field.gradients(points)[:, 0]
    assert slopes == pytest.approx(math.exp(-0.7) * np.pi * np.cos(np.pi * points[:, 0]), abs=2e-2)


def test_the_classical_pinn_has_the_multiscale_reaction() -> None:
    """Its rows are those of the space-time network with r(x/ε)/ε."""
    problem = _problem(eps=0.5)
    arguments = {"hidden": (6,), "points": 8, "optimizer": LevenbergMarquardt(steps=5)}
    one = solve_multiscale(problem, **arguments)
    written = replace(problem.multiscale(), reaction=Expression.scalar(2 * cos(4 * pi * x[0])))
    other = solve_spacetime(written, **arguments)
    assert one.history.loss == pytest.approx(other.history.loss, rel=1e-9)


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(InputError, match="stages, space-time"):
        solve_homogenized(_problem(), 0.0, method="leapfrog")
