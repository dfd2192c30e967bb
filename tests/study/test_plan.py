"""Plans of references: sizes are exact, costs follow from the table."""

from __future__ import annotations

import dataclasses

from mpi4py import MPI

import pytest

from hybrid import EllipticProblem, InputError
from hybrid.fem import cost, solve_multiscale
from hybrid.paper.cases import case
from hybrid.study.case import Case
from hybrid.study.options import FemOptions
from hybrid.study.plan import duration, lines_of, plan, size
from hybrid.symbols import sin, y


@pytest.mark.parametrize(("dim", "shape"), [(1, "simplex"), (2, "simplex"), (2, "box"), (3, "simplex"), (3, "box")])
@pytest.mark.parametrize("degree", [1, 2, 3, 4])
def test_every_mesh_and_degree_is_known_and_counted_exactly(dim: int, shape: str, degree: int) -> None:
    problem = EllipticProblem(domain=[(0, 1)] * dim, eps=0.5, a=2 + sin(2 * 3.141592653589793 * y[0]), f=1)
    settings = {"degree": degree, "cells_per_period": 4, **({} if dim == 1 else {"cells": shape})}
    found, _ = plan(Case(problem, "", fem=FemOptions(**settings)), 1)
    solution = solve_multiscale(problem, MPI.COMM_SELF, degree=degree, cells_per_period=4, shape=shape, estimate=False)
    assert found.dofs == solution.dofs
    assert found.memory > cost.table()["idle"]
    assert min(found.seconds.values()) > 0


def test_costs_grow_with_the_unknowns_and_are_shared_by_the_ranks() -> None:
    paper = case("elliptic-2d")
    fine = Case(dataclasses.replace(paper.problem, eps=1 / 32), "")
    coarse, finer = plan(paper, 1)[0], plan(fine, 1)[0]
    assert finer.dofs / coarse.dofs == pytest.approx(16, rel=0.02)
    assert sum(finer.seconds.values()) / sum(coarse.seconds.values()) == pytest.approx(16, rel=0.02)
    two, many = plan(fine, 2)[0], plan(fine, 64)[0]
    assert sum(two.seconds.values()) / sum(many.seconds.values()) == pytest.approx(32)
    assert many.memory > two.memory
    assert plan(fine, 1)[0].seconds["solve"] > two.seconds["solve"]


def test_what_will_not_work_is_said() -> None:
    a = 2 + sin(2 * 3.141592653589793 * y[0])
    huge = Case(EllipticProblem(domain=[(0, 1)] * 3, eps=1 / 128, a=a, f=1, name="huge"), "")
    found, notes = plan(huge, 256)
    assert any("64-bit" in note for note in notes)
    assert "hexahedra" in " ".join(lines_of(huge, found, 256))
    assert any("fewer ranks" in note for note in plan(case("elliptic-1d"), 64)[1])
    with pytest.raises(InputError, match="without time"):
        plan(case("reaction-diffusion-10"), 1)


def test_numbers_are_readable() -> None:
    assert [size(2.0**n) for n in (20, 30, 43)] == ["1 MiB", "1 GiB", "8 TiB"]
    assert [duration(s) for s in (0.123, 60, 600, 36000)] == ["0.12 s", "60 s", "10 min", "10.0 h"]
