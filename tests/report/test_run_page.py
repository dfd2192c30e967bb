"""The page of a run: true to its results, whatever those are."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from hybrid import InputError
from hybrid.report import report
from hybrid.report.sentences import scale, sentences, shares
from hybrid.study.record import Record
from hybrid.study.repeat import case_of
from hybrid.study.table import number

sys.path.insert(0, str(Path(__file__).parent))
from pages import check_page, leave, recorded


def said(results: dict[str, Any]) -> list[str]:
    record = Record.model_validate(results)
    assert record.provenance.request is not None
    return sentences(case_of(Path("results.json"), record, record.provenance.request), record)


def test_the_page_has_the_numbers_of_the_results(tmp_path: Path) -> None:
    results = recorded()
    results["trust"]["e5"] |= {"resolved": False, "estimate": 0.9}
    results["unresolved"] = ["e5: may be off by 9.0e-01 (resolved: 1.0e-04), from <a test>; see p"]
    page = check_page(report(leave(tmp_path, results)))
    errors = {line[0]: line for line in page.tables["Relative L2 errors"]}
    for name in ("e1", "e2", "e3", "e4", "e5"):
        assert errors[name][3] == number(results["errors"][name])
        assert errors[name][5] == number(results["errors_grid"][name])
    assert errors["e5"][4] == "9e-01 (!)"
    assert "from <a test>" in page.text
    parts = {line[0]: float(line[1]) for line in page.tables["Wall time by stage"][1:]}
    assert parts.pop("total") == pytest.approx(sum(parts.values()), abs=0.01 * len(parts))
    assert parts["reference"] == pytest.approx(results["seconds"]["reference"], abs=0.005)
    exact = results["homogenized"]["fem"][0][0]
    assert float(page.tables["The homogenized coefficient a*"][1][1]) == pytest.approx(exact, rel=1e-9)
    median = next(line for line in page.tables["The networks from 3 seeds"] if line[0] == "median")
    assert median[1] == number(sorted(results["seeds"]["e1"])[1])
    assert "eps = 0.125" in page.text
    assert page.all("script") == []
    names = [str(figure["id"]) for figure in page.all("figure")]
    assert names == ["accuracy", "solutions", "errors", "correctors", "ladder", "training", "precision", "costs"]


def test_the_page_has_what_is_beyond_the_first_order_and_what_is_proved(tmp_path: Path) -> None:
    results = recorded("elliptic-2d")
    for name in ("samples", "training"):
        results.pop(name)
    norms = {"u0": 1e-2, "u0_h1": 0.2, "first": 4e-3, "first_h1": 5e-2}
    results["ladder"] = {
        "fem": norms | {"layers": 1.5e-3, "layers_h1": 2e-2}, "pinn": norms,
        "estimates": {"fem": {"first": 3e-6}, "pinn": {}}, "why": "networks: a <test>",
    }  # fmt: skip
    results["bounds"] = {
        "lower": {"fem": [[1.5, 1e-17], [1e-17, 1.499]]}, "upper": {"fem": [[1.502, 0.0], [0.0, 1.501]]}, "width": {"fem": 1e-3}
    }  # fmt: skip
    results["certificate"] = {
        path: {
            "eps": 0.125, "path": path, "energy_bound": 0.05, "l2_bound": bound, "a_lower": None, "a_upper": None,
            "up_to": {"quadrature": f"about {bound}", "rounding": "so much"}, "seconds": 1.0,
            "true_energy": 0.04, "true_l2": None,
        }
        for path, bound in (("fem", 0.0625), ("pinn", 0.0875))
    }  # fmt: skip
    page = check_page(report(leave(tmp_path, results)))
    ladder = {line[0]: line[1:] for line in page.tables["Reconstructions: relative errors"]}
    assert ladder["first order"] == ["0.004000", "–", "0.004000", "3e-06", "0.050000", "0.050000"]
    assert ladder["layers"] == ["–", "–", "0.001500", "–", "–", "0.020000"]
    assert "second order" not in ladder
    assert "Where these end: networks: a <test>." in page.text
    assert page.tables["a* is between"][1:] == [
        ["finite elements", "[1.5 0; 0 1.499]", "[1.502 0; 0 1.501]", "1.0e-03"]
    ]
    certificate = page.tables["Certificate: what a reconstruction is off by at the most"]
    assert certificate[1:3] == [
        ["finite elements", "energy", "0.050000", "0.040000", "1.25"], ["finite elements", "L2", "0.062500", "–", "–"]
    ]  # fmt: skip
    for text in (
        "for finite elements, quadrature: about 0.0625.",
        "for finite elements and networks, rounding: so much.",
    ):
        assert text in page.text
    assert "ladder" in [figure["id"] for figure in page.all("figure")]


def test_a_run_that_was_killed_has_a_page_of_what_is_there(tmp_path: Path) -> None:
    results = recorded()
    for name in ("samples", "seeds", "trust", "errors_grid"):
        results.pop(name)
    results |= {"status": "incomplete: killed", "errors": {}, "training": {}, "seconds": {"reference": 1.0}}
    page = check_page(report(leave(tmp_path, results)))
    assert "The run is incomplete: killed; what it had found is here." in page.lead[0]
    assert "Not drawn" in page.text
    assert [str(figure["id"]) for figure in page.all("figure")] == ["accuracy", "ladder", "costs"]
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.*")}
    report(tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.*")} == before


def test_sentences_follow_the_numbers() -> None:
    results = recorded()
    errors = results["errors"]
    plain = said(results)
    assert len(plain) == 5
    assert f"e4 = {errors['e4']:.4g} (off by about" in plain[1]
    assert "no other than e4 as far as the estimates can tell" in plain[2]
    assert plain[4].startswith("All 5 numbers are resolved")
    errors |= {"e1": 2 * errors["e4"], "e5": 4 * errors["e4"]}
    results["trust"]["e5"] |= {"resolved": False, "estimate": None}
    results["trust"]["e1"] |= {"resolved": False, "estimate": 0.25 * errors["e4"]}
    other = said(results)
    assert other[2].endswith(f"(not resolved: may be off by {0.25 * errors['e4']:.1g}), 2 times e4.")
    assert other[3].endswith("(not resolved: no estimate), not to be compared with e1 without an estimate.")
    assert other[4].startswith("Not resolved: 2 of 5 numbers (e1 and e5)")
    results["trust"]["e5"] |= {"estimate": 1e-9}
    assert "2 times as large as e1" in said(results)[3]
    errors["e5"] = errors["e4"]
    results["trust"]["e1"] |= {"estimate": 1e-9}
    assert "2 times smaller than e1" in said(results)[3]
    errors["e1"] = None
    assert len(said(results)) == 3


def test_scales_and_shares() -> None:
    assert [scale(eps) for eps in (0.125, 1 / 512, 0.13, 1 / 3)] == ["1/8", "1/512", "0.13", "1/3"]
    found = shares({"a": 1.0, "b": 2.0, "total": 4.0})
    assert found == {"a": 1.0, "b": 2.0, "other": 1.0}
    assert shares({"a": 1.0}) == {"a": 1.0}


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        report(tmp_path / "nothing")
    with pytest.raises(InputError, match=r"neither the folder of a run, which has results\.json, nor of a sweep"):
        report(tmp_path)
    old = recorded()
    old["provenance"].pop("request")
    with pytest.raises(InputError, match="does not say what was asked for"):
        report(leave(tmp_path, old))
    for text in ("", "[1, 2]", '{"format": 2}', json.dumps(recorded())[:2000]):
        (tmp_path / "results.json").write_text(text)
        with pytest.raises(InputError, match=r"results\.json: damaged, or not the results\.json of a run"):
            report(tmp_path)
    assert not (tmp_path / "index.html").exists()
