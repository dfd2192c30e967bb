"""The paper's cases against values computed independently (DESIGN's table)."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

from mpi4py import MPI

import numpy as np
import pytest

from hybrid.paper.cases import case, names, paper_cases, with_tables
from hybrid.paper.settings import paper_settings
from hybrid.physics import ReactionDiffusionProblem
from hybrid.study.run import run


def test_the_contracts_names() -> None:
    assert names() == [
        "elliptic-1d", "elliptic-2d", "elliptic-1d-slow", "reaction-diffusion-10", "reaction-diffusion-50",
        "reaction-diffusion-10-literal", "reaction-diffusion-50-literal",
    ]  # fmt: skip


def test_what_is_of_the_paper_is_told_by_the_problem_not_by_its_name() -> None:
    """Section 5.4 states the learning rate of its own problems only."""

    def stated(problem: ReactionDiffusionProblem) -> bool:
        return any("learning rate" in text for text in paper_settings(problem).stated)

    for found in paper_cases():
        if isinstance(found.case.problem, ReactionDiffusionProblem):
            assert stated(found.case.problem)
            assert stated(replace(found.case.problem, name="mine"))
            assert not stated(replace(found.case.problem, D=3.0))
    assert [found.name for found in with_tables()] == names()[1:5]
    assert [found.name for found in paper_cases(literal=False)] == names()[:5]


_TEN, _FIFTY = (10, 9.3260e-4, 1.7362e-4, 1.02), (50, 1.7940e-4, 6.497e-6, 1.2)


@pytest.mark.parametrize(
    ("count", "e4", "first", "bound", "preset"),
    [
        (*_TEN, "accurate"),
        (*_TEN, "fast"),
        (*_FIFTY, "fast"),
        pytest.param(*_FIFTY, "accurate", marks=pytest.mark.slow),
    ],
)
def test_reaction_diffusion(tmp_path: Path, preset: str, count: int, e4: float, first: float, bound: float) -> None:
    results = run(case(f"reaction-diffusion-{count}"), MPI.COMM_SELF, preset=preset, out=tmp_path)
    errors = results["errors"]
    assert errors["e4"] == pytest.approx(e4, rel=1e-4)
    assert max(errors["e1"], errors["e2"]) <= bound * errors["e4"]
    assert errors["e3"] <= (1e-4 if preset == "fast" else 1e-5)
    assert results["ladder"]["pinn"]["first"] == pytest.approx(first, rel=0.1)
    assert errors["e5"] == results["ladder"]["pinn"]["second"] < (0.1 if count == 10 else 0.02) * errors["e4"]
    for path in ("fem", "pinn"):
        assert results["homogenized"][path] == pytest.approx(-1 / (16 * math.pi**2), abs=1e-8)
    y = np.linspace(0, 1, results["samples"]["cell"]["points"])
    exact = -np.cos(2 * np.pi * y) / (8 * math.pi**2)
    for path in ("fem", "pinn"):
        assert np.abs(np.array(results["samples"]["cell"][path][0]) - exact).max() < 1e-8
    expected = "frozen" if preset == "fast" else "all layers trained"
    assert expected in results["training"]["homogenized"]["kind"]


@pytest.mark.parametrize(("count", "e4"), [(10, 0.167), (50, 0.0075)])
def test_the_literal_reading(tmp_path: Path, count: int, e4: float) -> None:
    results = run(
        case(f"reaction-diffusion-{count}-literal"), MPI.COMM_SELF, preset="fast", out=tmp_path, figures=False
    )
    assert results["errors"]["e4"] == pytest.approx(e4, rel=0.01)
    assert results["homogenized"]["fem"] == pytest.approx(-0.25, abs=1e-8)
    assert results["homogenized"]["pinn"] == pytest.approx(-0.25, abs=1e-8)


def _slow(results: dict[str, Any]) -> None:
    errors = results["errors"]
    assert errors["e4"] == pytest.approx(0.00512517, abs=5e-7)
    assert max(errors["e1"], errors["e2"]) <= 1.01 * errors["e4"]
    assert errors["e3"] <= 1e-6
    assert errors["e5"] < 0.01 * errors["e4"]
    assert results["homogenized"]["e_a"] <= 1e-8
    for path in ("fem", "pinn"):
        found = results["homogenized"][path]
        at = np.array(found["x"])[:, 0]
        exact = np.sqrt((2 + np.sin(at)) ** 2 - 0.25)
        assert np.abs(np.array(found["values"])[:, 0, 0] - exact).max() < 1e-8
    slopes = np.array(results["homogenized"]["slopes"])[:, 0, 0, 0]
    assert np.abs(slopes - (2 + np.sin(at)) * np.cos(at) / exact).max() < 1e-6


@pytest.mark.mpi
def test_slow_dependency(comm: MPI.Comm, tmp_path: Path) -> None:
    """e_a, da*/dx by automatic differentiation, and the errors; the cell problems shared out over the ranks."""
    _slow(run(case("elliptic-1d-slow"), comm, preset="accurate", out=Path(comm.bcast(str(tmp_path))), figures=False))


def test_slow_dependency_with_frozen_features(tmp_path: Path) -> None:
    results = run(case("elliptic-1d-slow"), MPI.COMM_SELF, preset="fast", out=tmp_path)
    _slow(results)
    assert max(results["cell"]["pinn"]["errors"]) < 1e-4


@pytest.mark.parametrize("preset", ["accurate", "fast"])
def test_no_slow_dependency(tmp_path: Path, preset: str) -> None:
    results = run(case("elliptic-1d"), MPI.COMM_SELF, preset=preset, out=tmp_path, seeds=2, figures=False)
    errors = results["errors"]
    assert errors["e4"] == pytest.approx(0.00506029, abs=5e-7)
    assert max(errors["e1"], errors["e2"]) <= 1.01 * errors["e4"]
    assert errors["e3"] <= 1e-6
    assert results["homogenized"]["pinn"][0][0] == pytest.approx(math.sqrt(3.75), abs=1e-9)
    spread = results["seeds"]
    assert spread["seeds"] == [0, 1]
    assert spread["e3"][0] == errors["e3"] != spread["e3"][1]
    assert max(spread["e3"]) <= 1e-6
