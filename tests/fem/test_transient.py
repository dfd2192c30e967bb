"""Reaction-diffusion by finite elements: closed forms and the numbers of DESIGN's table."""

from __future__ import annotations

import math
from dataclasses import replace

from mpi4py import MPI

import numpy as np
import pytest

import ufl

from hybrid import fem
from hybrid.fem.norms import carry, norm
from hybrid.physics import ReactionDiffusionProblem
from hybrid.symbols import cos, exp, pi, sin, t, x, y


def paper(eps: float) -> ReactionDiffusionProblem:
    return ReactionDiffusionProblem(
        domain=[(-math.pi, math.pi)],
        eps=eps,
        D=2.0,
        r=cos(2 * pi * y[0]),
        f=sin(2 * pi * x[0]),
        u0=sin(x[0]) / 100,
        T=1.0,
    )


@pytest.mark.mpi
def test_the_cell_problem(comm: MPI.Comm) -> None:
    solution = fem.solve_cell(paper(0.1), comm)
    assert solution.coefficient == pytest.approx(-1 / (8 * math.pi**2 * 2), abs=1e-10)
    corrector = solution.correctors[0]
    mesh = corrector.function_space.mesh
    exact = -ufl.cos(2 * ufl.pi * ufl.SpatialCoordinate(mesh)[0]) / (4 * math.pi**2 * 2)
    assert norm(corrector - exact, mesh, 12) < 1e-8
    assert solution.error_estimates is not None
    assert solution.error_estimates[0] < 1e-5


@pytest.mark.mpi
def test_a_decaying_mode_and_a_source_that_depends_on_time(comm: MPI.Comm) -> None:
    """u = e^(-t) sin πx: f = (-1 + D π² + r*) u."""
    problem = ReactionDiffusionProblem(
        domain=[(0, 1)], eps=0.1, D=0.5, r=cos(2 * pi * y[0]), u0=sin(pi * x[0]), T=0.7,
        f=(-1 + pi**2 / 2 + 3) * exp(-t) * sin(pi * x[0]),
    )  # fmt: skip
    u = fem.solve_homogenized(problem, 3.0, comm, degree=4, cells=8, tolerance=1e-5).function
    mesh = u.function_space.mesh
    exact = math.exp(-0.7) * ufl.sin(ufl.pi * ufl.SpatialCoordinate(mesh)[0])
    assert norm(u - exact, mesh, 10) < 1e-5


@pytest.mark.parametrize(("eps", "e4", "e5"), [(1 / 10, 0.00093260, 0.00017362), (1 / 50, 0.00017940, 0.0000064970)])
def test_the_papers_errors(comm: MPI.Comm, eps: float, e4: float, e5: float) -> None:
    problem = paper(eps)
    reference = fem.solve_multiscale(problem, comm, estimate=eps > 0.05)
    u = reference.function
    mesh = u.function_space.mesh
    v = carry(fem.solve_homogenized(problem, -1 / (16 * math.pi**2), comm).function, u.function_space)
    size = norm(u, mesh, 8)
    assert norm(v - u, mesh, 8) / size == pytest.approx(e4, rel=2e-4)
    fast = ufl.SpatialCoordinate(mesh)[0] / eps
    corrector = -ufl.cos(2 * ufl.pi * fast) / (4 * math.pi**2 * 2)
    assert norm(v * (1 + eps * corrector) - u, mesh, 8) / size == pytest.approx(e5, rel=5e-3)
    if reference.error_estimate is not None:
        assert 0 < reference.error_estimate < e4 / 100


def test_solvability_is_checked() -> None:
    from hybrid import InputError

    with pytest.raises(InputError, match="mean over the cell"):
        ReactionDiffusionProblem(domain=[(0, 1)], eps=0.1, D=1.0, r=1 + cos(2 * pi * y[0]), f=1, u0=0, T=1.0)
    assert np.isfinite(paper(0.1).periods[0])


def test_an_equation_with_time_needs_no_reaction(comm: MPI.Comm) -> None:
    """A mode of the heat equation decays by exp(-D π² T)."""
    problem = ReactionDiffusionProblem(domain=[(0, 1)], eps=0.1, D=0.5, r=0, f=0, u0=sin(pi * x[0]), T=0.3)
    heat = replace(problem.homogenized(0.0), reaction=None)
    found = fem.solve(heat, comm, degree=4, cells=8, tolerance=1e-8)
    mesh = found.function.function_space.mesh  # type: ignore[union-attr]
    exact = math.exp(-0.5 * math.pi**2 * 0.3) * ufl.sin(ufl.pi * ufl.SpatialCoordinate(mesh)[0])
    assert norm(found.function - exact, mesh, 12) < 1e-6 * norm(exact, mesh, 12)  # type: ignore[union-attr]
