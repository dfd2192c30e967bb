"""A run is right, or it says which number is not, why, and what to do: the advice is followed here, and the fault is gone."""

from __future__ import annotations

import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from mpi4py import MPI

import numpy as np
import pytest
from sympy import Heaviside as step

from hybrid import InputError, ReactionDiffusionProblem
from hybrid.averages import cell_mean
from hybrid.study import judging
from hybrid.study.files import from_data
from hybrid.study.run import run
from hybrid.symbols import cos, pi, y
from hybrid.trust import Estimate

ROOT3 = math.sqrt(3)
LINE: dict[str, Any] = {"kind": "elliptic", "domain": [[0, 1]], "eps": 0.125, "a": "2 + sin(2*pi*y0)", "f": "1"}
DECAY: dict[str, Any] = {
    "kind": "reaction-diffusion", "domain": [[0, 1]], "eps": 0.1, "D": 1.0, "r": "cos(2*pi*y0)", "f": "0",
    "u0": "sin(pi*x0)", "T": 0.1,
}  # fmt: skip


def solved(data: dict[str, Any], out: Path, preset: str = "fast", **tables: dict[str, Any]) -> dict[str, Any]:
    return run(
        from_data(data | tables, "test", "test"), MPI.COMM_SELF, preset=preset, out=out, cache=False, figures=False
    )


def reason(results: dict[str, Any], name: str) -> str:
    """What is said of a number that is not resolved."""
    (line,) = [text for text in results["unresolved"] if text.startswith(f"{name}:")]
    return line


@pytest.mark.parametrize("preset", ["fast", "accurate"])
def test_networks_follow_the_frequencies_of_the_source(tmp_path: Path, preset: str) -> None:
    f = f"{ROOT3}*(2*pi)**2*sin(2*pi*x0) + 0.1*{ROOT3}*(50*pi)**2*sin(50*pi*x0)"
    found = solved(LINE | {"eps": 0.05, "f": f}, tmp_path, preset)
    assert found["resolved"], found["unresolved"]
    assert found["errors"]["e3"] < 1e-4
    assert found["errors"]["e1"] == pytest.approx(found["errors"]["e4"], rel=1e-2)
    assert len(found["training"]["homogenized"]["attempts"]) > 1


def test_a_network_that_is_kept_small_says_so_and_its_advice_cures(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    data = LINE | {"f": "sin(20*pi*x0)"}
    small = solved(data, tmp_path, pinn={"hidden": [8], "points": 40})
    assert not small["resolved"]
    assert not small["trust"]["p"]["resolved"]
    assert small["trust"]["e4"]["resolved"]  # which no network has touched
    said = capfd.readouterr().out
    assert "NOT RESOLVED" in said.splitlines()[-len(small["unresolved"]) - 1]
    assert "(!)" in said
    assert "leave out pinn.hidden and pinn.points" in reason(small, "p")
    assert solved(data, tmp_path)["resolved"]
    grown = solved(data, tmp_path, pinn={"hidden": [8], "points": 40, "tol": 1e-4})  # the other half of the advice
    assert grown["resolved"], grown["unresolved"]


def test_a_budget_that_ends_is_said_and_a_larger_one_cures(tmp_path: Path) -> None:
    data = LINE | {"f": "sin(30*pi*x0)"}
    poor = solved(data, tmp_path, pinn={"budget": 1e-6})
    assert "raise pinn.budget (now 1e-06 s" in reason(poor, "p")
    assert solved(data, tmp_path, pinn={"budget": 60})["resolved"]


def test_a_mesh_that_is_kept_coarse_says_so_and_its_advice_cures(tmp_path: Path) -> None:
    data = LINE | {"a": "exp(3*sin(2*pi*y0))"}
    coarse = solved(data, tmp_path, fem={"cell_cells": 4, "cell_degree": 1})
    assert "leave out fem.cell_degree and fem.cell_cells" in reason(coarse, "a_fem")
    fine = solved(data, tmp_path)
    assert fine["resolved"], fine["unresolved"]
    exact = 1 / np.mean(np.exp(-3 * np.sin(2 * np.pi * np.arange(2000) / 2000)))
    for path in ("fem", "pinn"):
        assert fine["homogenized"][path][0][0] == pytest.approx(exact, rel=1e-6)


def test_v_and_w_on_a_coarse_mesh(tmp_path: Path) -> None:
    data = LINE | {"f": "sin(12*pi*x0)"}
    coarse = solved(data, tmp_path, fem={"homogenized_cells": 16, "homogenized_degree": 1})
    assert "leave out fem.homogenized_degree and fem.homogenized_cells" in reason(coarse, "v")
    assert solved(data, tmp_path)["resolved"]


def test_a_homogeneous_medium_is_given_no_advice(tmp_path: Path) -> None:
    found = solved(LINE | {"a": "3"}, tmp_path)
    assert found["resolved"], found["unresolved"]
    assert found["errors"]["e4"] < 1e-6
    assert found["homogenized"]["fem"] == [[pytest.approx(3)]]


def test_an_infinite_slope_leaves_no_nan(tmp_path: Path) -> None:
    found = solved(LINE | {"a": "1 + sqrt(abs(sin(2*pi*y0)))"}, tmp_path)
    text = (tmp_path / "results.json").read_text()
    assert json.loads(text, parse_constant=lambda name: pytest.fail(name))
    t = (np.arange(200_000) + 0.5) / 200_000
    exact = 1 / np.sum(2 * t / (1 + np.sqrt(np.sin(np.pi / 2 * t**2)))) * 200_000
    for path in ("fem", "pinn"):
        off = abs(found["homogenized"][path][0][0] / exact - 1)
        entry = found["trust"][f"a_{path}"]
        assert not entry["resolved"] or off <= 10 * entry["estimate"] + 1e-9


def test_reaction_diffusion_without_a_source_and_without_a_reaction(tmp_path: Path) -> None:
    found = solved(DECAY, tmp_path)
    assert found["resolved"], found["unresolved"]
    assert found["homogenized"]["fem"] == pytest.approx(-1 / (8 * math.pi**2), rel=1e-6)
    nothing = solved(DECAY | {"r": "0"}, tmp_path)
    assert nothing["resolved"], nothing["unresolved"]
    assert nothing["homogenized"] == {"fem": 0.0, "pinn": pytest.approx(0.0, abs=1e-12), "relative_difference": 0.0}
    assert nothing["errors"]["e4"] < 1e-6


def test_an_expansion_that_does_not_hold_is_warned_of(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    solved(DECAY | {"D": 1e-3, "T": 0.01}, tmp_path)
    assert "expansion" in capfd.readouterr().err


def test_a_jump_in_the_slow_variable_is_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="x0") as caught:
        solved(LINE | {"a": "(1 + 9*step(x0 - 1/2))*(2 + sin(2*pi*y0))"}, tmp_path)
    assert caught.value.where == "a"


def test_a_reference_that_is_too_coarse_is_refined(tmp_path: Path) -> None:
    found = solved(LINE | {"a": "2 + sin(8*2*pi*y0)", "eps": 0.25}, tmp_path)
    assert found["resolved"], found["unresolved"]
    assert found["reference"]["cells_per_period"] > 16
    assert found["trust"]["reference"]["estimate"] <= max(found["errors"]["e5"] / 20, 1e-6)


def test_a_decay_that_rounding_hides_says_so_at_once_and_its_advice_cures(tmp_path: Path) -> None:
    """sin 3πx is exp(-8π² T) of sin πx at the end, and rounding makes 1e-16 of that."""
    hidden = solved(DECAY | {"u0": "sin(3*pi*x0)", "T": 0.7}, tmp_path)
    for name in ("reference", "v", "w", "p"):
        assert "rounding" in reason(hidden, name) or name == "p"
        assert "smaller T, or a u0" in reason(hidden, name)
    assert not any(hidden["trust"][name]["resolved"] for name in ("e1", "e2", "e3", "e4", "e5"))
    assert len(hidden["training"]["homogenized"]["attempts"]) == 1
    for change in ({"T": 0.07}, {"u0": "sin(3*pi*x0) + sin(pi*x0)"}):
        assert solved(DECAY | {"u0": "sin(3*pi*x0)", "T": 0.7} | change, tmp_path)["resolved"]


def test_w_is_solved_once_on_the_mesh_of_v(tmp_path: Path) -> None:
    found = solved(LINE | {"f": "sin(60*pi*x0)"}, tmp_path, fem={"homogenized_cells": 64, "tol": 1e-6})
    assert found["trust"]["v"]["resolved"]
    assert found["trust"]["w"]["resolved"]
    assert "next to this one" in found["trust"]["w"]["how"]


def test_a_mean_of_r_that_is_not_known_is_in_the_estimates() -> None:
    problem = ReactionDiffusionProblem(
        domain=[(0, 1)] * 2, eps=0.1, D=1.0, r=_disc() - cell_mean(_disc(), y[:2], (1.0, 1.0))[0], f=1, u0=0, T=1.0
    )
    run_ = SimpleNamespace(problem=problem, cell=SimpleNamespace(coefficient=-0.01))
    known = {"coefficient": Estimate(1e-6, "meshes")}
    with_mean = judging.with_mean(run_, known)["coefficient"]  # type: ignore[arg-type]
    assert with_mean.error == pytest.approx(1e-6 + problem.doubt / 0.01)
    assert "mean of r" in with_mean.how


def _disc() -> Any:
    return step(cos(2 * pi * y[0]) + cos(2 * pi * y[1]) - 1)
