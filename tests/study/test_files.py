"""Problem files: the contract's format is read, and anything else is refused with file, field and reason."""

from __future__ import annotations

import pickle
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from hybrid import InputError, ReactionDiffusionProblem
from hybrid.failures import Faults, InputErrors, each_of
from hybrid.fem.settings import ReferenceSettings
from hybrid.paper.preset import PAPER
from hybrid.study.case import Case
from hybrid.study.files import from_data, read
from hybrid.study.options import PinnOptions
from hybrid.study.settings import check_settings, fem_settings, network_settings
from hybrid.symbols import cos, exp, pi, sin, t, x, y

GOOD = """
kind = "elliptic"
domain = [[0, 1], [0, "2*pi"]]
eps = 0.125
a = "2 + sin(2*pi*y0)*cos(2*pi*y1)"
f = "sin(x0) + cos(x1)"
period = 1
[fem]
degree = 2
cells_per_period = 20
[pinn]
preset = "fast"
hidden = [200]
points = 30
seed = 4
"""


def test_a_good_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(GOOD)
    case = read(path)
    assert case.problem.name == "mine"
    assert case.problem.domain == ((0.0, 1.0), (0.0, pytest.approx(6.283185307179586)))
    assert case.problem.a == 2 + sin(2 * pi * y[0]) * cos(2 * pi * y[1])
    assert case.problem.f == sin(x[0]) + cos(x[1])
    assert fem_settings(case).reference == ReferenceSettings(degree=2, cells_per_period=20, shape="simplex")
    preset, parts = network_settings(case)
    assert preset.name == "fast"
    assert parts["cell"].hidden == (200,)
    assert parts["cell"].points == 30
    assert parts["homogenized"].seed == 4
    assert "frozen" in parts["cell"].how


def test_the_commands_words_win_over_the_files() -> None:
    case = from_data(tomllib.loads(GOOD), "here", "n")
    preset, parts = network_settings(case, "accurate", 9)
    assert preset.name == "accurate"
    assert parts["cell"].seed == 9
    assert "all layers trained" in parts["cell"].how


def test_matrices() -> None:
    data = tomllib.loads(GOOD) | {"a": [["2 + sin(2*pi*y0)", "0.5"], ["1/2", "3"]]}
    case = from_data(data, "here", "n")
    assert case.problem.medium.matrix == sympy.Matrix(
        [[2 + sin(2 * pi * y[0]), sympy.Rational(1, 2)], [sympy.Rational(1, 2), 3]]
    )


@pytest.mark.parametrize(
    ("change", "field", "part"),
    [
        ({"layers": "yes"}, "layers", "'yes'; allowed are true, false"),
        ({"certify": 1}, "certify", "1; allowed are true, false"),
        ({"reference": "coarse"}, "reference", "'coarse'; allowed are fem, none"),
        (
            {"reference": "none", "a": "3 + x0 + sin(2*pi*y0)"},
            "reference",
            "it depends on x; bounds of errors are found for",
        ),
        ({"reference": "none", "a": "2 + step(sin(2*pi*y0))"}, "reference", "it jumps; bounds of errors are found for"),
        ({"reference": "none", "eps": 0.3}, "reference", "leave reference out: u_eps is then solved for"),
        ({"kind": "wave"}, "kind", "allowed is 'elliptic' or 'reaction-diffusion'"),
        ({"kind": ["elliptic"]}, "kind", "allowed is"),
        ({"T": 1}, "T", "unknown key"),
        ({"kind": None}, "kind", "missing"),
        ({"eps": None}, "eps", "missing"),
        ({"kappa": 1}, "kappa", "unknown key; allowed are kind, domain"),
        ({"domain": [0, 1]}, "domain", "one [low, high] for each dimension"),
        ({"domain": "unit"}, "domain", "one [low, high]"),
        ({"domain": [[0, "x0"]]}, "domain", "unknown name"),
        ({"eps": "tiny"}, "eps", "unknown name 'tiny'"),
        ({"eps": -1}, "eps", "positive"),
        ({"a": "2 + sin(2*pi*z)"}, "a", "unknown name 'z'"),
        ({"a": "sin(2*pi*y0)"}, "a", "not positive"),
        ({"a": [["2", "1"], ["0", "2"]]}, "a", "not symmetric"),
        ({"a": [["2", "y0"], ["y0"]]}, "a", "shape"),
        ({"a": ["2", "2"]}, "a", "list of rows"),
        ({"a": True}, "a", "not a finite number"),
        ({"a": "2 + t"}, "a", "unknown name 't'"),
        ({"f": "t"}, "f", "unknown name 't'"),
        ({"period": "2*pi"}, "period", "does not have the period"),
        ({"name": "../up"}, "name", "plain name"),
        ({"fem": 3}, "fem", "must be a table"),
        ({"fem": {"order": 2}}, "fem.order", "unknown key; allowed are degree"),
        ({"fem": {"degree": 9}}, "fem.degree", "whole number from 1 to 4"),
        ({"fem": {"degree": 2.5}}, "fem.degree", "whole number"),
        ({"fem": {"cells": "hexahedra"}}, "fem.cells", "allowed are simplex, box"),
        ({"fem": {"cells": 32}}, "fem.cells", "allowed are simplex, box"),
        ({"fem": {"cells": ["box"]}}, "fem.cells", "allowed are simplex, box"),
        ({"pinn": {"preset": "best"}}, "pinn.preset", "allowed are accurate, fast"),
        ({"pinn": {"hidden": 32}}, "pinn.hidden", "list of 1 to 10 layer widths"),
        ({"pinn": {"hidden": [32, 0]}}, "pinn.hidden", "whole number"),
        ({"pinn": {"optimizer": "sgd"}}, "pinn.optimizer", "adam"),
        ({"pinn": {"formulation": "weak"}}, "pinn.formulation", "allowed are strong, first-order, energy"),
        ({"pinn": {"formulation": 1}}, "pinn.formulation", "allowed are strong"),
        ({"pinn": {"seed": -1}}, "pinn.seed", "whole number"),
    ],
)
def test_bad_files_are_named(change: dict[str, object], field: str, part: str) -> None:
    data = {key: value for key, value in (tomllib.loads(GOOD) | change).items() if value is not None}
    with pytest.raises(InputError) as caught:
        from_data(data, "mine.toml", "n")
    assert caught.value.where == f"mine.toml: {field}"
    assert part in caught.value.what
    assert "\n" not in str(caught.value)


def shapes_of(case: Case) -> set[str]:
    settings = fem_settings(case)
    return {settings.reference.shape, settings.cell.shape, settings.homogenized.shape}


def test_three_dimensions() -> None:
    data = tomllib.loads(GOOD) | {"domain": [[0, 1]] * 3, "a": "2 + sin(2*pi*y2)", "f": "x2", "fem": {}}
    case = from_data(data, "here", "n")
    assert case.title == "3D elliptic equation"
    assert shapes_of(case) == {"box"}
    cut = from_data(data | {"fem": {"cells": "simplex"}}, "here", "n")
    assert shapes_of(cut) == {"simplex"}
    with pytest.raises(InputError, match=r"preset: 'paper', but the paper has no problem in 3 dimensions"):
        network_settings(case, "paper", None, (PAPER,))


def test_the_paper_has_no_jumps() -> None:
    case = from_data(tomllib.loads(GOOD) | {"a": "2 + step(sin(2*pi*y0))", "pinn": {}}, "here", "n")
    with pytest.raises(InputError, match=r"preset: 'paper', whose strong form.*; allowed are accurate, fast"):
        network_settings(case, "paper", None, (PAPER,))


REACTION = """
kind = "reaction-diffusion"
domain = [["-pi", "pi"]]
eps = 0.1
D = 2
r = "cos(2*pi*y0)"
f = "sin(2*pi*x0)*exp(-t)"
u0 = "0.01*sin(x0)"
T = 1.0
"""


def test_reaction_diffusion() -> None:
    case = from_data(tomllib.loads(REACTION), "here", "n")
    assert isinstance(case.problem, ReactionDiffusionProblem)
    assert (case.problem.D, case.problem.T) == (2.0, 1.0)
    assert case.problem.f == sin(2 * pi * x[0]) * exp(-t)
    for preset, method in (("accurate", "stages"), ("fast", "stages"), ("paper", "space-time")):
        parts = network_settings(case, preset, None, (PAPER,))[1]
        assert (parts["homogenized"].method or "stages") == method
        assert ("classical" in parts) == (preset == "paper")


@pytest.mark.parametrize(
    ("change", "field", "part"),
    [
        ({"a": "1"}, "a", "unknown key"),
        ({"D": None}, "D", "missing"),
        ({"D": "x0"}, "D", "unknown name"),
        ({"T": 0}, "T", "positive"),
        ({"r": "1 + cos(2*pi*y0)"}, "r", "mean"),
        ({"r": "cos(2*pi*x0)"}, "r", "unknown name 'x0'"),
        ({"u0": "t"}, "u0", "unknown name 't'"),
    ],
)
def test_bad_reaction_diffusion_is_named(change: dict[str, object], field: str, part: str) -> None:
    data = {key: value for key, value in (tomllib.loads(REACTION) | change).items() if value is not None}
    with pytest.raises(InputError) as caught:
        from_data(data, "mine.toml", "n")
    assert caught.value.where == f"mine.toml: {field}"
    assert part in caught.value.what


def test_slow_variables() -> None:
    case = from_data(tomllib.loads(GOOD) | {"a": "3 + x0*sin(2*pi*y0)"}, "here", "n")
    assert case.problem.flux.depends_on
    assert "slow" in case.title
    with pytest.raises(InputError, match="allowed are embedding, penalty"):
        network_settings(replace(case, pinn=PinnOptions(periodicity="oversampling")), None, None)


@pytest.mark.parametrize(
    ("pinn", "field"),
    [
        ({"optimizer": "last-layer", "steps": 5}, "pinn.steps"),
        ({"preset": "fast", "steps": 5}, "pinn.steps"),
        ({"oversampling": 2, "periodicity": "embedding"}, "pinn.oversampling"),
        ({"preset": "paper", "optimizer": "l-bfgs"}, "pinn.optimizer"),
        ({"preset": "paper", "periodicity": "embedding"}, "pinn.periodicity"),
        ({"preset": "paper", "boundary": "hard"}, "pinn.boundary"),
        ({"preset": "paper", "formulation": "energy"}, "pinn.formulation"),
        ({"formulation": "energy", "periodicity": "penalty"}, "pinn.formulation"),
        ({"formulation": "first-order", "oversampling": 2}, "pinn.formulation"),
        ({"oversampling": 40, "points": 20}, "pinn.oversampling"),
        ({"device": "cuda"}, "pinn.device"),
    ],
)
def test_settings_that_do_not_go_together(pinn: dict[str, object], field: str) -> None:
    import torch

    if field == "pinn.device" and torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    case = from_data(tomllib.loads(GOOD) | {"pinn": pinn}, "mine.toml", "n")
    with pytest.raises(InputError) as caught:
        network_settings(case, None, None, (PAPER,))
    assert caught.value.where == field


def test_formulations_of_the_cell_problem() -> None:
    case = from_data(tomllib.loads(GOOD) | {"pinn": {"formulation": "energy"}}, "here", "n")
    _, parts = network_settings(case, None, None)
    assert parts["cell"].formulation == "energy"
    assert parts["homogenized"].formulation is None
    assert "energy formulation" in parts["cell"].how
    jumping = from_data(tomllib.loads(GOOD) | {"a": "1 + 9*step(sin(2*pi*y0))", "pinn": {}}, "here", "n")
    assert jumping.problem.flux.interfaces
    assert network_settings(jumping, None, None)[1]["cell"].formulation == "first-order"
    assert network_settings(jumping, "fast", None)[1]["cell"].formulation == "energy"
    with pytest.raises(InputError, match=r"pinn.formulation: 'strong' needs the derivatives of a"):
        network_settings(replace(jumping, pinn=PinnOptions(formulation="strong")), None, None)
    other = from_data(tomllib.loads(REACTION) | {"pinn": {"formulation": "energy"}}, "here", "n")
    with pytest.raises(InputError, match=r"pinn.formulation: is for elliptic"):
        network_settings(other, None, None)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read(tmp_path / "none.toml")
    with pytest.raises(InputError, match="cannot be read"):
        read(tmp_path)
    (tmp_path / "bad.toml").write_text("kind = ")
    with pytest.raises(InputError, match="not valid TOML"):
        read(tmp_path / "bad.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="cannot be read"):
        read(tmp_path / "binary.toml")


def faults_of(data: dict[str, object], preset: str | None = None) -> list[str]:
    """The places of what is wrong with a file, and with its settings."""
    with pytest.raises(InputError) as caught:
        from_data(data, "mine.toml", "n", lambda case: check_settings(case, preset, presets=(PAPER,)))
    return [error.where.removeprefix("mine.toml: ") for error in each_of(caught.value)]


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"eps": -1, "f": "sin(z)", "fem": {"degree": 9}}, ["eps", "f", "fem.degree"]),
        ({"a": "sin(2*pi*y0)", "f": "1/x0 + log(-1 - x1)", "T": 1}, ["a", "f", "T"]),
        ({"kappa": 1, "eps": None, "kind": "wave"}, ["kind", "kappa", "eps"]),
        ({"eps": None, "a": None, "domain": [[0, 1]] * 4}, ["domain", "eps", "a"]),
        ({"domain": "unit", "a": "y2 + z", "f": "x2"}, ["domain", "a"]),
        ({"a": [["2", "y9"], ["t", "2"]], "period": [1, 2, 3]}, ["a[0][1]", "a[1][0]", "period"]),
        ({"period": "2*pi", "f": 0, "pinn": {"seed": -1, "points": 3}}, ["f", "period", "pinn.seed", "pinn.points"]),
        ({"fem": {"order": 1, "cells": "round", "tol": 2}, "pinn": 3}, ["fem.order", "fem.cells", "fem.tol", "pinn"]),
        ({"eps": 0, "pinn": {"preset": "fast", "steps": 3, "seed": -1}}, ["eps", "pinn.steps", "pinn.seed"]),
        ({"pinn": {"preset": "paper", "boundary": "hard", "optimizer": "adam"}}, ["pinn.boundary", "pinn.optimizer"]),
        ({"fem": {"cell_cells": 4096, "homogenized_cells": 4096, "degree": 4, "cell_degree": 6, "homogenized_degree": 6}},
         ["fem.cell_cells", "fem.homogenized_cells"]),
    ],
)  # fmt: skip
def test_all_faults_are_said_in_the_order_of_the_file(change: dict[str, object], fields: list[str]) -> None:
    data = {key: value for key, value in (tomllib.loads(GOOD) | {"pinn": {}} | change).items() if value is not None}
    assert faults_of(data) == fields


def test_reaction_diffusion_with_many_faults() -> None:
    data = tomllib.loads(REACTION) | {"D": 0, "r": "1 + cos(2*pi*y0)", "f": "y0", "u0": "t", "T": "soon"}
    assert faults_of(data) == ["D", "r", "f", "u0", "T"]
    assert faults_of(data | {"a": 1, "domain": [[1, 0]]}) == ["domain", "D", "f", "u0", "T", "a"]


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"eps": "1e-5x"}, ["eps"]),  # the size of the mesh is not known
        ({"domain": [[0, 0]], "a": "3 + step(y0)"}, ["domain"]),
        ({"period": 0, "eps": 0.125}, ["period"]),
        ({"pinn": {"optimizer": "sgd", "preset": "fast", "steps": 9}}, ["pinn.optimizer"]),
        ({"pinn": {"optimiser": "adam", "preset": "fast", "steps": 9}}, ["pinn.optimiser"]),
        ({"f": "x9", "a": "3 + x0*sin(2*pi*y0)", "pinn": {"formulation": "strong"}}, ["f"]),
    ],
)
def test_what_may_follow_from_a_fault_is_not_said(change: dict[str, object], fields: list[str]) -> None:
    assert faults_of(tomllib.loads(GOOD) | {"pinn": {}} | change) == fields


def test_several_faults_travel_between_ranks_and_are_said_once() -> None:
    faults = Faults()
    for where in ("one", "two", "one"):
        with faults.noted():
            raise InputError(where, "wrong")
    with pytest.raises(InputErrors) as caught:
        faults.report()
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == "one: wrong\ntwo: wrong"
    assert (again.where, again.what) == ("one", "wrong")


JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["x0", "y0", "pi", "1/0"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(["kind", "domain", "eps", "a", "f", "period", "name", "fem", "pinn"]), JUNK)
def test_junk_is_refused_with_a_line_for_each_fault_and_never_crashes(key: str, value: object) -> None:
    said, faults = "mine.toml: one line", 1
    try:
        from_data(tomllib.loads(GOOD) | {key: value}, "mine.toml", "n")
    except InputError as error:
        said, faults = str(error), len(each_of(error))
    assert all(line.startswith("mine.toml: ") for line in said.split("\n"))
    assert len(said.split("\n")) == len(set(said.split("\n"))) == faults
