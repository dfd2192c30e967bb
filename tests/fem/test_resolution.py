"""Estimates of homogenized solutions, of N and of r*, against closed forms; and refinement until they are small enough."""

from __future__ import annotations

import math
import re

from mpi4py import MPI

import numpy as np
import pytest
from sympy import Heaviside

from hybrid import EllipticProblem, ReactionDiffusionProblem, fem
from hybrid.failures import InputError, SolverError
from hybrid.fem import solve_cell, solve_homogenized, solve_multiscale
from hybrid.fem.dirichlet import Solution
from hybrid.fem.meshes.points import at_points, spread
from hybrid.fem.reference import sensible_tolerance
from hybrid.study.results import settled
from hybrid.symbols import cos, exp, pi, sin, t, x, y

COMM = MPI.COMM_SELF


def error(found: Solution, exact) -> float:  # type: ignore[no-untyped-def]
    points = spread(found.function.function_space.mesh, 5000)
    expected = exact(points)
    return float(np.linalg.norm(at_points(found.function, points) - expected) / np.linalg.norm(expected))


def honest(found: Solution, actual: float) -> bool:
    estimate = found.trust["solution"].error
    assert estimate is not None
    assert estimate == found.error_estimate
    return actual < 2 * estimate < 60 * actual + 1e-11


def oscillating(dim: int, waves: int) -> EllipticProblem:
    """-Δu = f with u = Π sin kπx."""
    k = waves * pi
    f = dim * k**2 * sin(k * x[0]) * (sin(k * x[1]) if dim > 1 else 1)
    return EllipticProblem(domain=[(0, 1)] * dim, eps=0.05, a=2 + sin(2 * pi * y[0]), f=f)


def product(waves: int):  # type: ignore[no-untyped-def]
    return lambda points: np.prod(np.sin(waves * np.pi * points), axis=1)


@pytest.mark.parametrize(("dim", "waves", "cells"), [(1, 50, 32), (1, 50, 256), (1, 1, 16), (2, 10, 16), (2, 10, 64)])
def test_estimates_for_oscillating_sources_are_honest(dim: int, waves: int, cells: int) -> None:
    found = solve_homogenized(oscillating(dim, waves), np.eye(dim), COMM, cells=cells)
    assert honest(found, error(found, product(waves)))


def test_a_tolerance_is_reached() -> None:
    found = solve_homogenized(oscillating(1, 50), np.eye(1), COMM, cells=256, tol=1e-6)
    assert error(found, product(50)) < 1e-6
    assert [a["cells"] for a in found.attempts] == [256, 256]
    assert found.attempts[0]["degree"] == 3 < found.attempts[1]["degree"] == found.degree
    assert found.attempts[-1]["error_estimate"] == found.error_estimate


def test_a_budget_ends_it_and_the_best_is_returned() -> None:
    found = solve_homogenized(oscillating(1, 50), np.eye(1), COMM, cells=32, tol=1e-12, budget=800)
    assert [(a["degree"], a["cells"]) for a in found.attempts] == [(3, 32), (8, 32), (8, 64)]
    assert found.error_estimate == found.attempts[-1]["error_estimate"]
    assert found.trust["solution"].error > 1e-12  # type: ignore[operator]


def test_thin_boundary_layers_of_a_strong_anisotropy() -> None:
    """-u_xx / 700 - u_yy = sin πy: (1 - cosh(k (x - ½)) / cosh(k/2)) sin πy / π², k² = 700 π²: layers thinner than a cell."""
    problem = EllipticProblem(domain=[(0, 1)] * 2, eps=0.25, a=2 + sin(2 * pi * y[0]), f=sin(pi * x[1]))
    k = math.pi * 700**0.5

    def exact(points):  # type: ignore[no-untyped-def]
        layers = np.exp(k * (np.abs(points[:, 0] - 0.5) - 0.5)) + np.exp(-k * (np.abs(points[:, 0] - 0.5) + 0.5))
        return (1 - layers / (1 + math.exp(-k))) * np.sin(np.pi * points[:, 1]) / np.pi**2

    found = solve_homogenized(problem, np.diag([1 / 700, 1.0]), COMM, cells=16, tol=1e-6)
    assert error(found, exact) < 1e-6
    assert found.trust["solution"].within(1e-6)
    assert found.attempts[1]["degree"] > 3


def test_where_f_jumps_meshes_are_refined_and_not_degrees() -> None:
    problem = EllipticProblem(domain=[(0, 1)], eps=0.1, a=2 + sin(2 * pi * y[0]), f=Heaviside(x[0] - 0.3))
    found = solve_homogenized(problem, np.eye(1), COMM, cells=16, tol=1e-4)
    assert {a["degree"] for a in found.attempts} == {3}


@pytest.mark.parametrize(("mode", "time"), [(3, 0.3), (2, 0.8)])
def test_rounding_that_is_amplified_is_followed(mode: int, time: float) -> None:
    """sin mπx decays faster than sin πx, of which rounding makes some: exp((m² - 1)π² T) is a number of eleven digits here."""
    problem = reacting(f=0, u0=sin(mode * pi * x[0]), T=time)
    found = fem.solve_homogenized(problem, 0.0, COMM, tol=1e-6)
    off = error(found, lambda points: math.exp(-((mode * math.pi) ** 2) * time) * np.sin(mode * np.pi * points[:, 0]))
    assert off > 1e-6
    assert found.trust["solution"].error is not None
    assert off < 5 * found.trust["solution"].error < 1000 * off
    assert found.trust["solution"].how.startswith("rounding")
    assert len(found.attempts) == 1


def test_a_solution_that_rounding_has_made_has_no_estimate() -> None:
    problem = reacting(r=cos(2 * pi * y[0]), f=0, u0=sin(3 * pi * x[0]), T=0.6)
    for found in (
        fem.solve_homogenized(problem, -0.01, COMM, cells=64),
        fem.solve_multiscale(problem, COMM, cells_per_period=6),
    ):
        assert found.trust["solution"].error is None
        assert found.trust["solution"].how.startswith("rounding")
    with pytest.raises(SolverError, match="slowest mode"):
        fem.solve_multiscale(problem, COMM, cells_per_period=6, reference_tol=1e-4)


def test_the_slowest_mode_itself_is_not_rounded_off() -> None:
    found = fem.solve_homogenized(reacting(f=0, T=5.0), 0.3, COMM, cells=32)
    assert found.rounding == 0
    assert found.trust["solution"].how.startswith("Richardson")


def test_rounding_ends_it_too() -> None:
    found = solve_homogenized(oscillating(1, 1), np.eye(1), COMM, cells=64, tol=1e-15)
    assert len(found.attempts) < 12
    assert error(found, product(1)) < 1e-9


@pytest.mark.parametrize("tol", [0, -1, 1, math.nan, "small"])
def test_what_is_no_tolerance(tol: object) -> None:
    with pytest.raises(InputError, match=r"^tol: "):
        solve_homogenized(oscillating(1, 1), np.eye(1), COMM, tol=tol)  # type: ignore[arg-type]


def reacting(**given: object) -> ReactionDiffusionProblem:
    usual = {"domain": [(0, 1)], "eps": 0.1, "D": 1.0, "r": 10 * cos(2 * pi * y[0]), "f": sin(pi * x[0]), "T": 1.0,
             "u0": sin(pi * x[0]) / 100}  # fmt: skip
    return ReactionDiffusionProblem(**usual | given)  # type: ignore[arg-type]


def decaying(start: float, source: float, r: float, time: float):  # type: ignore[no-untyped-def]
    """u at a time, for u0 and f multiples of sin πx, and D = 1."""
    rate = math.pi**2 + r
    size = start * math.exp(-rate * time) + source * (1 - math.exp(-rate * time)) / rate
    return lambda points: size * np.sin(np.pi * points[:, 0])


@pytest.mark.parametrize("settings", [{"cells": 8}, {"cells": 64, "tolerance": 1e-6}, {"cells": 64}])
def test_estimates_have_mesh_and_time(settings: dict[str, float]) -> None:
    found = fem.solve_homogenized(reacting(), -1.2, COMM, **settings)  # type: ignore[arg-type]
    assert honest(found, error(found, decaying(0.01, 1, -1.2, 1)))


def test_a_tolerance_refines_mesh_and_time() -> None:
    found = fem.solve_homogenized(reacting(), -1.2, COMM, cells=4, tolerance=1e-4, tol=1e-7)
    assert error(found, decaying(0.01, 1, -1.2, 1)) < 1e-7
    assert found.attempts[0]["cells"] < found.attempts[-1]["cells"]
    assert found.attempts[0]["tolerance"] > found.attempts[-1]["tolerance"]


@pytest.mark.parametrize(("start", "source", "time"), [(0.01, 1e-30, 5.0), (1e13, 0.0, 3.0), (0.0, 1e-30, 5.0)])
def test_what_decays_is_as_right_as_what_does_not(start: float, source: float, time: float) -> None:
    problem = reacting(u0=start * sin(pi * x[0]), f=source * sin(pi * x[0]), T=time)
    found = fem.solve_homogenized(problem, 0.3, COMM, cells=32)
    assert error(found, decaying(start, source, 0.3, time)) < 1e-6
    assert honest(found, error(found, decaying(start, source, 0.3, time)))


def test_a_source_that_decays() -> None:
    """f is large at first, and small against what is left of u at the end."""
    problem = reacting(u0=0, f=exp(-20 * t) * sin(pi * x[0]), T=2.0)
    found = fem.solve_homogenized(problem, 0.0, COMM, cells=32)
    rate = math.pi**2
    size = (math.exp(-2 * rate) - math.exp(-40)) / (20 - rate)
    assert error(found, lambda points: size * np.sin(np.pi * points[:, 0])) < 1e-6


def test_the_advised_tolerance_of_a_decay_is_reached() -> None:
    problem = reacting(r=cos(2 * pi * y[0]), f=1e-30 * sin(pi * x[0]), T=5.0)
    first = fem.solve_multiscale(problem, COMM, cells_per_period=6, tolerance=1e-6)
    assert first.error_estimate is not None
    found = fem.solve_multiscale(
        problem, COMM, cells_per_period=6, tolerance=1e-6, reference_tol=first.error_estimate / 20
    )
    assert found.trust["solution"].within(first.error_estimate / 20)


def test_e4_of_a_decay() -> None:
    """The value of a fine solve; the fault was 0.77."""
    problem = reacting(r=cos(2 * pi * y[0]), f=1e-30 * sin(pi * x[0]), T=5.0)
    u = fem.solve_multiscale(problem, COMM, estimate=False, tolerance=1e-7)
    cell = fem.solve_cell(problem, COMM)
    v = fem.solve_homogenized(problem, cell.coefficient, COMM, cells=64, estimate=False, tolerance=1e-7)
    points = spread(u.function.function_space.mesh, 5000)
    one, other = at_points(u.function, points), at_points(v.function, points)
    assert np.linalg.norm(one - other) / np.linalg.norm(one) == pytest.approx(0.001926, rel=0.01)


@pytest.mark.parametrize(("waves", "cells"), [(1, 4), (1, 24), (20, 48)])
def test_estimates_of_the_homogenized_reaction_are_honest(waves: int, cells: int) -> None:
    exact = -50 / (2 * math.pi * waves) ** 2
    found = fem.solve_cell(reacting(r=10 * cos(2 * pi * waves * y[0])), COMM, cells=cells)
    actual = abs(found.coefficient / exact - 1)
    estimate = found.trust["coefficient"].error
    assert estimate is not None
    assert actual < 2 * estimate + 1e-12
    assert found.trust["N"].error == found.error_estimates[0]  # type: ignore[index]


def test_the_homogenized_reaction_to_a_tolerance() -> None:
    found = fem.solve_cell(reacting(r=10 * cos(40 * pi * y[0])), COMM, cells=6, tol=1e-7)
    assert found.coefficient == pytest.approx(-50 / (40 * math.pi) ** 2, rel=1e-7)
    assert len(found.attempts) > 2
    assert found.trust["coefficient"].within(1e-7)


def test_no_source_and_no_reaction() -> None:
    still = reacting(f=0, r=0, T=0.1)
    cell = fem.solve_cell(still, COMM)
    assert cell.coefficient == 0
    assert cell.trust["coefficient"].error == 0
    u = fem.solve_multiscale(still, COMM, cells_per_period=2, tolerance=1e-6)
    v = fem.solve_homogenized(still, cell.coefficient, COMM, cells=32, tolerance=1e-6)
    for found in (u, v):
        assert error(found, decaying(0.01, 0, 0, 0.1)) < 1e-5


def test_a_homogeneous_medium_is_nothing_special() -> None:
    """Correctors vanish, and estimates are rounding: not worse, and not a tolerance to be advised."""
    problem = EllipticProblem(domain=[(0, 1), (0, 1)], eps=0.25, a=3, f=1)
    cell = solve_cell(problem, COMM, cells=6)
    np.testing.assert_allclose(cell.coefficient, 3 * np.eye(2), rtol=1e-12, atol=1e-12)
    assert cell.error_estimates == (0, 0)
    line = EllipticProblem(domain=[(0, 1)], eps=0.25, a=3, f=1)
    u = solve_multiscale(line, COMM, cells_per_period=8)
    assert u.error_estimate is not None
    assert u.error_estimate < 1e-11
    advised = sensible_tolerance(u.error_estimate / 20)
    assert solve_multiscale(line, COMM, cells_per_period=8, reference_tol=advised).trust["solution"].within(advised)


def test_the_advice_where_rounding_ends_refinement_cures_it() -> None:
    problem = EllipticProblem(domain=[(0, 1)], eps=0.25, a=2 + sin(2 * pi * y[0]), f=1)
    with pytest.raises(SolverError, match="rounding") as failed:
        solve_multiscale(problem, COMM, degree=4, cells_per_period=8, reference_tol=1e-17)
    advised = re.search(r"ask for (\S+) by --reference-tol", str(failed.value))
    assert advised is not None
    tolerance = float(advised[1])
    found = solve_multiscale(problem, COMM, degree=4, cells_per_period=8, reference_tol=tolerance)
    assert found.trust["solution"].within(tolerance)


def test_what_no_mesh_resolves_within_the_budget_has_settings_all_the_same() -> None:
    problem = oscillating(2, 640)
    found = solve_homogenized(problem, np.eye(2), COMM, degree=2, cells=16, tol=1e-6, budget=5000)
    assert len(found.attempts) > 1
    assert found.trust["solution"].error is None or found.trust["solution"].error > 1e-6
    assert settled(found)["degree"] in {a["degree"] for a in found.attempts}


def test_a_degree_that_the_budget_allows_is_tried() -> None:
    problem = oscillating(2, 12)
    found = solve_homogenized(problem, np.eye(2), COMM, degree=2, cells=32, tol=1e-12, budget=10_000)
    assert [a["degree"] for a in found.attempts][:2] == [2, 3]
    assert found.dofs <= 10_000
