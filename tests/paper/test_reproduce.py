"""The page: complete, self-contained, resumable, and true to the recorded results."""

from __future__ import annotations

import csv
import json
import re
import sys
from pathlib import Path

from mpi4py import MPI

import pytest

from hybrid import InputError
from hybrid.paper.cases import case, names
from hybrid.paper.figures import FIGURES
from hybrid.paper.page import RECORDED, collect, write_page
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
    for number in FIGURES:
        assert f'id="figure-{number}"' in text
    for number in range(1, 6):
        assert f"Table {number}." in text
    rows = list(csv.reader((tmp_path / "tables.csv").open(encoding="utf-8")))
    assert any(row[1] == "paper" and row[2] == "0.082994" for row in rows)
    assert "| paper | 0.082994 | 0.021253 | 0.076604 | 0.021316 |" in (tmp_path / "tables.md").read_text()


def test_without_any_results_the_page_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hybrid.paper.page.RECORDED", tmp_path / "nothing")
    text = write_page(tmp_path).read_text()
    assert text.count("Not drawn") == len(FIGURES)
    assert "Not run here" in text


def test_what_is_recorded_is_complete() -> None:
    """Every preset of every case of the paper, with provenance, and every figure from it."""
    data, extras, recorded = collect(Path("/nonexistent"))
    plain = [name for name in names() if not name.endswith("-literal")]
    for preset in ("accurate", "fast", "paper"):
        for name in plain:
            results = data[preset, name]
            assert (preset, name) in recorded
            assert results["provenance"]["problem_hash"] == case(name).problem.digest
            assert results["provenance"]["versions"]["torch"]
    assert set(extras) == {"elliptic-1d", "elliptic-2d", "coarse-mesh", "seeds"}
    for _, draw in FIGURES.values():
        assert draw(data).axes


def test_recorded_numbers_still_come_out(tmp_path: Path) -> None:
    """A small part of examples/reproduction/check.py: two cases run again, against what was recorded."""
    from check import compare

    for name, preset in (("elliptic-1d-slow", "accurate"), ("reaction-diffusion-10", "fast")):
        old = json.loads((RECORDED / preset / name / "results.json").read_text())
        new = run(case(name), MPI.COMM_SELF, preset=preset, out=tmp_path / name)
        assert list(compare(old, new)) == []
        for wrong in (1.001 * new["errors"]["e4"], float("nan")):
            assert len(list(compare(old, new | {"errors": new["errors"] | {"e4": wrong}}))) == 1


def test_the_recorded_training_of_the_paper_still_begins_that_way(tmp_path: Path) -> None:
    """The first epochs of the recorded classical PINN of section 2.1, trained again: the same losses."""
    from hybrid.paper.settings import paper_settings
    from hybrid.pinn import multiscale_networks, solve_multiscale
    from hybrid.pinn.optimizers import Adam

    old = json.loads((RECORDED / "paper" / "elliptic-1d" / "results.json").read_text())["classical"]["monitored"]
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
