"""Many cell problems at once."""

from __future__ import annotations

from mpi4py import MPI

import numpy as np
import pytest

from hybrid import EllipticProblem, InputError
from hybrid.pinn import LastLayer, LevenbergMarquardt, solve_cell, solve_cells
from hybrid.symbols import cos, pi, sin, x, y


def _problems(count: int, **more: object) -> list[EllipticProblem]:
    """a = 2 + t sin(2πy0) cos(2πy1), and a matrix among them."""
    wave = sin(2 * pi * y[0]) * cos(2 * pi * y[1])
    found: list[object] = [2 + (k + 1) / count * wave for k in range(count)]
    found[1] = [[2 + wave, 0.3], [0.3, 3 + wave]]
    return [EllipticProblem(domain=[(0, 1), (0, 1)], eps=0.1, a=a, f=sin(x[0]), **more) for a in found]


@pytest.mark.mpi
def test_a_batch_of_frozen_features_is_each_problem_by_itself(comm: MPI.Comm) -> None:
    arguments = {"hidden": (80,), "points": 18, "optimizer": LastLayer(), "seed": 3}
    problems = _problems(7)
    for problem, one in zip(problems, solve_cells(problems, comm=comm, **arguments), strict=True):
        other = solve_cell(problem, **arguments)
        assert np.abs(one.coefficient - other.coefficient).max() < 1e-10
        points = np.random.default_rng(0).random((20, 2))
        for chi, psi in zip(one.correctors, other.correctors, strict=True):
            assert np.abs(chi.values(points) - psi.values(points)).max() < 1e-9
        assert one.error_estimates == pytest.approx(other.error_estimates, rel=1e-3)
        assert one.history.loss[-1] == pytest.approx(other.history.loss[-1], rel=0.05)


def test_a_batch_of_trainings_goes_from_one_to_the_next() -> None:
    problems = [p for k, p in enumerate(_problems(8)) if k != 1][3:]
    arguments = {"hidden": (10, 10), "points": 18}
    together = solve_cells(problems, optimizer=LevenbergMarquardt(steps=25), **arguments)
    for problem, one in zip(problems[1:], together[1:], strict=True):
        alone = solve_cell(problem, optimizer=LevenbergMarquardt(steps=25), **arguments)
        assert one.history.loss[-1] < alone.history.loss[-1]
        assert np.abs(one.coefficient - alone.coefficient).max() < 1e-3


@pytest.mark.mpi
def test_what_does_not_go_together_is_refused_on_all_ranks(comm: MPI.Comm) -> None:
    with pytest.raises(InputError, match="different"):
        solve_cells([*_problems(2), _problems(2, period=2)[0]], comm=comm)
    slow = EllipticProblem(domain=[(0, 1), (0, 1)], eps=0.1, a=2 + x[0] + sin(2 * pi * y[0]), f=sin(x[0]))
    with pytest.raises(InputError, match="smooth coefficients of y alone"):
        solve_cells([*_problems(3), slow], comm=comm, optimizer=LastLayer())
    assert solve_cells([], comm=comm) == []


def test_a_batch_knows_no_absolute_sizes() -> None:
    """a = 1e12 (2 + …) in a cell of 1e-7, with a* relative to it; and points that are none."""
    arguments = {"hidden": (60,), "points": 24, "optimizer": LastLayer()}
    stars = []
    for length, value in ((1.0, 1.0), (1e-7, 1e12), (1e9, 1e-12)):
        a = value * (2 + sin(2 * pi * y[0] / length))
        problem = EllipticProblem(domain=[(0, 1)], eps=0.1 / length, a=a, f=1, period=length)
        (solution,) = solve_cells([problem], **arguments)
        stars.append(solution.coefficient[0, 0] / value)
    assert stars == pytest.approx([3**0.5] * 3, rel=1e-6)
    with pytest.raises(InputError, match="points"):
        solve_cells([problem], points=-1, optimizer=LastLayer())
