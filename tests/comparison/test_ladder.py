"""Reconstructions beside one another: each term is worth what the expansion says."""

from __future__ import annotations

import math
from collections.abc import Callable

from mpi4py import MPI

import numpy as np
import pytest
from sympy import Heaviside

from hybrid import EllipticProblem, comparison, fem
from hybrid.physics import Problem, ReactionDiffusionProblem
from hybrid.symbols import cos, exp, pi, sin, t, x, y


def ladder(problem: Problem, comm: MPI.Comm, degree: int = 3, cells: int = 12, count: int = 64) -> dict[str, float]:
    """The relative L2 errors by finite elements."""
    u = fem.solve_multiscale(problem, comm, degree=degree, cells_per_period=cells, estimate=False)
    cell = fem.solve_cell(problem, comm, estimate=False)
    settings = {"degree": 3, "cells": count, "estimate": False}
    v = fem.solve_homogenized(problem, cell.coefficient, comm, **settings)
    lines = comparison.lines_of(problem, cell, comm)
    following = problem.next_order(cell.coefficient, lines)
    assert following is not None
    moved = fem.solve(following.equation, comm, **settings)
    assert isinstance(moved, fem.Solution)
    terms = comparison.Terms(v, lines, moved, following.functions)
    found = comparison.reconstructions(problem, u.function.function_space, terms)
    return {name: l2 for name, (l2, _) in comparison.relative_errors(u, found).items()}


def slow(eps: float) -> EllipticProblem:
    """With a source that vanishes at no end, and cut cells."""
    return EllipticProblem(
        domain=[(0, 1)], eps=eps, a=(2 + x[0]) * exp(0.6 * sin(2 * pi * y[0]) + 0.3 * x[0] * cos(2 * pi * y[0])),
        f=1 + x[0],
    )  # fmt: skip


def in_time(eps: float) -> ReactionDiffusionProblem:
    """With a mean of r N² that is not zero, and a source that depends on time."""
    return ReactionDiffusionProblem(
        domain=[(0, 1)], eps=eps, D=0.5, r=4 * cos(2 * pi * y[0]) + 4 * cos(4 * pi * y[0]), f=(1 + t) * (2 + x[0]),
        u0=sin(pi * x[0]), T=0.3,
    )  # fmt: skip


@pytest.mark.mpi
@pytest.mark.parametrize(("make", "orders"), [(slow, (1, 1, 2, 2)), (in_time, (1, 2, 2, 3))])
def test_orders_on_a_line(comm: MPI.Comm, make: Callable[[float], Problem], orders: tuple[int, ...]) -> None:
    """The cells are cut in the same place for both ε. No order is what it is without one of the terms."""
    coarse, fine = (ladder(make(eps), comm) for eps in (1 / 6.3, 1 / 18.3))
    for name, order in zip(comparison.RUNGS, orders, strict=True):
        seen = math.log(coarse[name] / fine[name]) / math.log(18.3 / 6.3)
        assert seen == pytest.approx(order, abs=0.25), (name, coarse, fine)


def test_a_jump(comm: MPI.Comm) -> None:
    """Whose correctors have kinks, with a contrast of ten."""
    problem = EllipticProblem(domain=[(0, 1)], eps=1 / 8, a=1 + 9 * Heaviside(sin(2 * pi * y[0])), f=1)
    found = ladder(problem, comm)
    assert found["second"] < 0.05 * found["u0"]
    assert np.isfinite(list(found.values())).all()
