"""What a coefficient oscillates with, and meshes that see it."""

from __future__ import annotations

import math
from dataclasses import replace

from mpi4py import MPI

import numpy as np
import pytest
from sympy import Heaviside

from hybrid import EllipticProblem, ReactionDiffusionProblem, fem
from hybrid.fem.meshes.points import at_points
from hybrid.media.expression import Expression
from hybrid.study.files import from_data
from hybrid.study.settings import fem_settings
from hybrid.symbols import exp, pi, sin, x, y
from hybrid.waves import cells_to_see


def _line(a: object, eps: float = 0.2) -> EllipticProblem:
    return EllipticProblem(domain=[(0, 1)], eps=eps, a=a, f=1)


def test_the_strongest_waves_have_four_cells_and_weaker_ones_fewer() -> None:
    assert cells_to_see(_line(2 + sin(2 * pi * y[0])).cell_problems()) == 4
    assert cells_to_see(_line(2 + 1.9 * sin(40 * pi * y[0])).cell_problems()) == 80
    assert cells_to_see(_line(4 + 2 * sin(2 * pi * y[0]) + 0.9 * sin(40 * pi * y[0])).cell_problems()) == 30
    assert cells_to_see(_line(2 + 1.9 * sin(40 * pi * y[0])).cell_problems(), inverse=True) > 80
    assert cells_to_see(_line(1 + 9 * Heaviside(sin(40 * pi * y[0]))).cell_problems()) == 0
    assert cells_to_see(_line(exp(sin(2 * pi * x[0]) * sin(12 * pi * y[0]))).cell_problems()) >= 24
    decay = ReactionDiffusionProblem(domain=[(0, 1)], eps=0.1, D=1, r=sin(14 * pi * y[0]), f=1, u0=0, T=1)
    assert cells_to_see(decay.cell_problems()) == 28


def test_a_mesh_that_misses_the_waves_has_no_estimate_and_refining_finds_them() -> None:
    """Contrast 507, twenty waves a period: meshes of 16, 8 and 4 cells agree with each other, and are all wrong."""
    t = 2 * 506 / 508
    problem = _line(2 + t * sin(40 * pi * y[0]))
    coarse = fem.solve_multiscale(problem, MPI.COMM_SELF, degree=3, cells_per_period=16)
    assert coarse.trust["solution"].error is None
    assert "at least 80" in coarse.trust["solution"].how
    found = fem.solve_multiscale(problem, MPI.COMM_SELF, degree=3, cells_per_period=16, reference_tol=1e-3)
    s = (np.arange(200_000) + 0.5) / 200_000
    a = 2 + t * np.sin(200 * math.pi * s)
    flux = (s / a).sum() / (1 / a).sum()
    exact = np.cumsum((flux - s) / a) / 200_000
    at = s[::400]
    error = np.linalg.norm(at_points(found.function, at[:, None]) - exact[::400]) / np.linalg.norm(exact[::400])
    assert error < 10e-3


@pytest.mark.parametrize(("waves", "cells"), [(1, 16), (20, 80)])
def test_a_run_begins_with_cells_that_see_the_waves(waves: int, cells: int) -> None:
    data = {"kind": "elliptic", "domain": [[0, 1]], "eps": 0.2, "a": f"2 + sin({waves}*2*pi*y0)", "f": "1"}
    assert fem_settings(from_data(data, "here", "waves")).reference.cells_per_period == cells
    kept = from_data(data | {"fem": {"cells_per_period": 10}}, "here", "waves")
    assert fem_settings(kept).reference.cells_per_period == 10


def test_the_waves_of_a_reaction_count_beside_those_of_the_inverse() -> None:
    line = _line(2 + sin(2 * pi * y[0])).multiscale()
    absorbing = replace(line, reaction=Expression.scalar(2 + sin(40 * pi * y[0])))
    assert cells_to_see(line, inverse=True) < 20
    for inverse in (False, True):
        assert cells_to_see(absorbing, inverse=inverse) >= 80
