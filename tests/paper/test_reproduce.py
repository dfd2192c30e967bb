"""The page: complete, self-contained, resumable, and true to the recorded results."""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mpi4py import MPI

import pytest

from hybrid import InputError
from hybrid.paper.cases import case, paper_cases
from hybrid.paper.experiment import Figure, Recorded
from hybrid.paper.experiments import EXPERIMENTS, FIGURES
from hybrid.paper.experiments.reference import Reference, coarse_references, coefficient_for
from hybrid.paper.page import panels_of, write_page
from hybrid.paper.recorded import PRESETS, recorded_in, stored, together
from hybrid.paper.reproduce import reproduce
from hybrid.study.run import run

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples" / "reproduction"))


def test_one_case_and_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = {"presets": ("fast",), "chosen": ("elliptic-1d-slow",), "out": tmp_path, "seeds": 2}
    page = reproduce(MPI.COMM_SELF, **arguments)
    said = capsys.readouterr().out
    assert "[1 of 1" in said
    assert str(page) in said
    results = json.loads((tmp_path / "fast" / "elliptic-1d-slow" / "results.json").read_text())
    assert len(results["seeds"]["e1"]) == 2
    monkeypatch.setattr("hybrid.fem.solve_multiscale", lambda *_, **__: pytest.fail("solved again"))
    assert reproduce(MPI.COMM_SELF, **arguments) == page
    assert "already done" in capsys.readouterr().out


def test_the_page_is_self_contained(tmp_path: Path) -> None:
    text = write_page(tmp_path).read_text()
    assert not re.search(r"(src|href)=[\"'](?!data:|#)", text)
    assert "http" not in text.replace("http-equiv", "")
    assert "<script" not in text
    assert 'name="viewport"' in text
    for figure in FIGURES:
        assert f'id="figure-{figure.number}"' in text
    assert [figure.number for figure in FIGURES] == list(range(1, 24))
    assert "Not drawn" not in text
    assert "Not run here" not in text
    for number in range(1, 6):
        assert f"Table {number}." in text
    rows = list(csv.reader((tmp_path / "tables.csv").open(encoding="utf-8")))
    assert any(row[1] == "paper" and row[2] == "0.082994" for row in rows)
    assert "| paper | 0.082994 | 0.021253 | 0.076604 | 0.021316 |" in (tmp_path / "tables.md").read_text()


def test_without_any_results_the_page_says_so(tmp_path: Path) -> None:
    text = write_page(tmp_path, recorded_in(tmp_path / "nothing")).read_text()
    assert text.count("Not drawn") == len(FIGURES)
    assert "Not run here" in text


def test_what_is_recorded_is_complete() -> None:
    """Every preset of every case of the paper, with provenance, and every figure from it."""
    recorded = stored()
    for preset in PRESETS:
        for shown in paper_cases(literal=preset != "paper"):
            results = recorded.runs[preset, shown.name]
            assert results["provenance"]["problem_hash"] == shown.case.problem.digest
            assert results["provenance"]["versions"]["torch"]
    assert set(recorded.apart) == {"elliptic-1d", "elliptic-2d", "coarse-mesh", "coarse-references", "seeds"}
    assert set(recorded.apart) == {name for experiment in EXPERIMENTS for name in experiment.files}


class Looked(dict[tuple[str, str], Mapping[str, Any]]):
    """Runs, and which of them were looked at."""

    at: set[tuple[str, str]]

    def __getitem__(self, key: tuple[str, str]) -> Mapping[str, Any]:
        self.at.add(key)
        return super().__getitem__(key)


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: str(figure.number))
def test_a_figure_needs_what_it_looks_at(figure: Figure) -> None:
    runs = Looked(stored().runs)
    runs.at = set()
    assert figure.is_ready(runs)
    assert figure.draw(runs).axes
    assert runs.at == set(figure.needs)
    for need in figure.needs:
        assert panels_of(figure, {key: found for key, found in runs.items() if key != need}) == []


def test_a_slip_in_a_figure_is_no_missing_run() -> None:
    runs = stored().runs
    slip = Figure(1, "", (("fast", "elliptic-1d"),), lambda runs: runs["fast", "elliptic-1d"]["sampels"])
    with pytest.raises(KeyError, match="sampels"):
        panels_of(slip, runs)


def test_own_results_come_before_recorded_ones() -> None:
    recorded = stored()
    own = {("fast", "elliptic-1d"): {"mine": True}}
    found = together(Recorded(own, {"seeds": {"mine": True}}), recorded)
    assert found.runs["fast", "elliptic-1d"] == found.apart["seeds"] == {"mine": True}
    assert list(found.runs) == list(recorded.runs)
    assert found.apart.keys() == recorded.apart.keys()


def test_the_sentences_have_the_numbers_of_the_results() -> None:
    """Other results, other sentences: what is said of e4 and of oversampling follows them."""
    recorded = stored()
    said = " ".join(text for experiment in EXPERIMENTS for text in experiment.findings(recorded))
    for text in (
        "ratios are 3.9, 0.94, 9.6 and 1.6",
        "factors are 4.5 and 4.4",
        "1.90 instead of 1.935",
        "e4 is 0.17 and 0.0075",
    ):
        assert text in said
    literal = "accurate", "reaction-diffusion-10-literal"
    changed = dict(recorded.runs) | {literal: {"errors": {"e4": 0.25}}}
    changed = {key: found for key, found in changed.items() if key != ("accurate", "elliptic-2d")}
    other = " ".join(
        text for experiment in EXPERIMENTS for text in experiment.findings(Recorded(changed, recorded.apart))
    )
    assert "ratios are 0.94, 9.6 and 1.6" in other
    assert "e4 is 0.25 and 0.0075" in other
    assert "instead of" not in other
    assert Reference().findings(Recorded({}, {})) == []


def test_which_coefficient_would_give_an_error() -> None:
    """v = 1.1 u has an error of 0.1 for a* = 2; a* = 2.2 would have none, and 1.76 one of 0.25."""
    results = {"samples": {"u": [1.0, 2.0], "v": [1.1, 2.2]}, "homogenized": {"fem": [[2.0, 0.0], [0.0, 2.0]]}}
    assert coefficient_for(results, 0.1) == pytest.approx(2.0)
    assert coefficient_for(results, 0.25) == pytest.approx(1.76)
    results["samples"]["v"] = [2.0, -1.0]
    assert coefficient_for(results, 0.25) is None


def test_recorded_coarse_references_still_come_out() -> None:
    old = stored().apart["coarse-references"]
    assert coarse_references(MPI.COMM_SELF) == {"cells": old["cells"], "e4": pytest.approx(old["e4"], rel=1e-6)}
    assert old["e4"][0] > case("elliptic-2d").published["e4"] > old["e4"][1]


def test_recorded_numbers_still_come_out(tmp_path: Path) -> None:
    """A small part of examples/reproduction/check.py: two cases run again, against what was recorded."""
    from check import compare

    for name, preset in (("elliptic-1d-slow", "accurate"), ("reaction-diffusion-10", "fast")):
        old = stored().runs[preset, name]
        new = run(case(name), MPI.COMM_SELF, preset=preset, out=tmp_path / name)
        assert list(compare(old, new)) == []
        for wrong in (1.001 * new["errors"]["e4"], float("nan")):
            assert len(list(compare(old, new | {"errors": new["errors"] | {"e4": wrong}}))) == 1


def test_the_recorded_training_of_the_paper_still_begins_that_way(tmp_path: Path) -> None:
    """The first epochs of the recorded classical PINN of section 2.1, trained again: the same losses."""
    from hybrid.paper.settings import paper_settings
    from hybrid.pinn import multiscale_networks, solve_multiscale
    from hybrid.pinn.optimizers.kinds import Adam

    old = stored().runs["paper", "elliptic-1d"]["classical"]["monitored"]
    problem = case("elliptic-1d").problem
    arguments = dict(paper_settings(problem).arguments["classical"]) | {"optimizer": Adam(100, 1e-4), "seed": 0}
    networks = multiscale_networks(problem, hidden=arguments["hidden"], seed=0)  # type: ignore[arg-type]
    history = solve_multiscale(problem, networks=networks, **arguments).history  # type: ignore[arg-type]
    for epoch, loss in zip(old["epochs"], old["loss"], strict=True):
        if epoch <= 100:
            assert history.loss[epoch] == pytest.approx(loss, rel=1e-3)


def test_bad_folders_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        reproduce(MPI.COMM_SELF, out=tmp_path / "file" / "here")
