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
from hybrid.paper.cases import case, paper_cases, with_tables
from hybrid.paper.experiment import Figure, Recorded
from hybrid.paper.experiments import EXPERIMENTS, FIGURES
from hybrid.paper.experiments.reference import Reference, coarse_references, coefficient_for
from hybrid.paper.page import picture_of, write_page
from hybrid.paper.recorded import PRESETS, recorded_in, stored, together
from hybrid.paper.reproduce import reproduce
from hybrid.study.run import run

PAPERS = [shown.name for shown in with_tables()]
"""The problems with a table in the paper."""

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples" / "reproduction"))


def test_one_case_and_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("hybrid.paper.page.FIGURES", FIGURES[:1])  # all of them are drawn in the next test
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
    first = text[: text.index("</header>")]
    assert first.count("<figure") == 1
    assert first.count("<li>") == 5
    assert "<table" not in first
    folded = re.findall(r"<details>\s*<summary><h3>[^<]*</h3></summary>\s*<div", text)
    assert text.count("<table") == text.count('<div class="wide"') == len(folded)
    assert '<img alt="coefficient a(x/ε), x_1 against x_0"' in text
    for figure in FIGURES:
        assert f'id="figure-{figure.number}"' in text
        for ending in ("png", "pdf"):
            assert (tmp_path / "figures" / f"figure-{figure.number}.{ending}").stat().st_size > 1000
    assert [figure.number for figure in FIGURES] == list(range(1, 24))
    assert "Not drawn" not in text
    assert "it was not run" not in text
    for number in range(1, 6):
        assert f"Table {number}." in text
    rows = list(csv.reader((tmp_path / "tables.csv").open(encoding="utf-8")))
    assert any(row[1] == "paper" and row[2] == "0.082994" for row in rows)
    assert "| paper | 0.082994 | 0.021253 | 0.076604 | 0.021316 |" in (tmp_path / "tables.md").read_text()


def test_without_any_results_the_page_says_so(tmp_path: Path) -> None:
    text = write_page(tmp_path, recorded_in(tmp_path / "nothing")).read_text()
    assert text.count("Not drawn") == len(FIGURES) + 1  # with the first one
    assert "it was not run, and is not recorded" in text
    assert "<li>" not in text[: text.index("</header>")]


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
        without = picture_of(Path("index.html"), figure, {key: found for key, found in runs.items() if key != need})
        assert without.panels == ()


def test_a_slip_in_a_figure_is_no_missing_run(tmp_path: Path) -> None:
    runs = stored().runs
    slip = Figure(1, "", (("fast", "elliptic-1d"),), lambda runs: runs["fast", "elliptic-1d"]["sampels"])
    with pytest.raises(KeyError, match="sampels"):
        picture_of(tmp_path / "index.html", slip, runs)


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


def test_the_first_screen_has_the_numbers_of_the_results() -> None:
    """A sentence or two of an experiment, five in all; other results, other sentences."""

    def said(recorded: Recorded) -> list[str]:
        return [text for experiment in EXPERIMENTS for text in experiment.summary(recorded)]

    recorded = stored()
    sentences = said(recorded)
    assert len(sentences) == 5
    assert all(text.endswith(".") and len(text) < 200 for text in sentences)
    ratios = [recorded.runs["paper", name]["averaged"]["e1"] / case(name).published["e1"] for name in PAPERS]
    assert f"{min(ratios):.2g} to {max(ratios):.2g} times what it prints" in sentences[0]
    errors = {name: recorded.runs["accurate", name]["errors"] for name in PAPERS}
    below = [e["e5"] / e["e4"] for e in errors.values()]
    assert "they add nothing to the error of homogenization" in sentences[1]
    assert f"e5 is {min(below):.2g} to {max(below):.2g} times e4." in sentences[1]
    name = PAPERS[0]
    worse = errors[name] | {"e1": 3 * errors[name]["e4"]}
    trust = {"e1": {"estimate": None, "how": "", "resolved": False}}
    run_ = dict(recorded.runs["accurate", name]) | {"errors": worse, "trust": trust}
    runs = dict(recorded.runs) | {("accurate", name): run_}
    other = said(Recorded(runs, recorded.apart))[1]
    assert "they add to the error of homogenization, e4: e1 is at most 3.0000 times e4" in other
    assert "(1 of these 12 errors are not resolved)" in other
    assert said(Recorded({}, {})) == []


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
