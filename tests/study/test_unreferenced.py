"""Runs without a reference: errors are bounded alone, at any ε."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from mpi4py import MPI

import pytest

from hybrid import InputError, cli
from hybrid.report import report
from hybrid.study.case import Case
from hybrid.study.files import data_of, from_data
from hybrid.study.run import run
from hybrid.study.scope import check_scope
from hybrid.study.settings import check_settings

LINE = {
    "kind": "elliptic", "domain": [[0, 1]], "eps": 0.05, "a": "2 + x0 + sin(2*pi*y0)", "f": "1", "reference": "none",
    "fem": {"cell_cells": 16, "homogenized_cells": 32}, "pinn": {"preset": "fast", "hidden": [120], "points": 40},
}  # fmt: skip
PLANE = {
    "kind": "elliptic", "domain": [[0, 1], [0, 1]], "eps": 1 / 1024, "a": "2 + sin(2*pi*y0)*cos(2*pi*y1)", "f": "1",
    "reference": "none", "pinn": {"preset": "fast"},
}  # fmt: skip


def done(data: dict[str, Any], out: Path, **more: Any) -> dict[str, Any]:
    run(from_data(data, "test", "test"), MPI.COMM_SELF, out=out, cache=False, **more)
    found: dict[str, Any] = json.loads((out / "results.json").read_text())
    return found


def test_a_run_without_a_reference_bounds_what_one_with_it_measures(tmp_path: Path) -> None:
    """On a line, where the bound is the error; both paths, and an a that depends on x."""
    bounded = done(LINE, tmp_path / "none")
    assert bounded["errors"].keys() == {"e3", "e3_h1"}
    assert bounded["status"] == "complete"
    assert bounded["reference"] is None
    assert bounded["trust"].keys() >= {"a_fem", "a_pinn", "v", "w", "p", "e3"}
    assert "reference" not in bounded["trust"]
    measured = done({**LINE, "reference": "fem", "certify": True}, tmp_path / "fem", figures=False)
    for path in ("fem", "pinn"):
        one, other = bounded["certificate"][path], measured["certificate"][path]
        assert one["energy_bound"] == pytest.approx(other["energy_bound"], rel=1e-9)
        assert one["energy_bound"] == pytest.approx(other["true_energy"], rel=1e-3)
        assert "true_energy" not in one
    assert abs(bounded["errors"]["e3"] - measured["errors"]["e3"]) < 2 * measured["trust"]["e3"]["estimate"]
    page = report(tmp_path / "none").read_text()
    assert "There is no reference" in page
    assert "Certificate: what a reconstruction is off by at the most" in page
    again = run(from_data(LINE, "test", "test"), MPI.COMM_SELF, out=tmp_path / "none", resume=True, quiet=True)
    assert again["seconds"] == bounded["seconds"]


def test_several_seeds_without_a_reference(tmp_path: Path) -> None:
    found = done(LINE | {"a": "2 + sin(2*pi*y0)"}, tmp_path, seeds=2, figures=False)
    assert found["seeds"].keys() == {"seeds", "e3", "cell", "coefficient"}


def test_what_has_no_bound_says_what_to_do_instead(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    fields = 'domain = [[0, 1]]\neps = 0.1\nD = 1\nr = "cos(2*pi*y0)"\nu0 = "sin(pi*x0)"\nf = "0"\nT = 1'
    (tmp_path / "decay.toml").write_text(f'kind = "reaction-diffusion"\n{fields}\nreference = "none"\n')
    with pytest.raises(SystemExit) as ended:
        cli.main(["run", str(tmp_path / "decay.toml"), "--out", str(tmp_path / "out")])
    assert ended.value.code == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert "reference: 'none', but kind: 'reaction-diffusion'" in line
    assert "leave reference out: u_eps is then solved for" in line


def test_settings_of_a_reference_go_with_one() -> None:
    """The words of the command too, and in Python what files refuse."""
    case = from_data(PLANE, "test", "test")
    assert data_of(case)["reference"] == "none"
    check_settings(case)
    for given, words in (({"degree": 3}, {}), ({"reference_tol": 1e-3}, {}), ({}, {"reference_tol": 1e-3})):
        with pytest.raises(InputError, match="there is none; leave one of the two out"):
            check_settings(from_data(PLANE | {"fem": given}, "test", "test"), **words)
    jumps = from_data(PLANE | {"reference": "fem", "eps": 0.1, "a": "2 + step(sin(2*pi*y0))"}, "test", "test").problem
    with pytest.raises(InputError, match="it jumps"):
        check_scope(Case(jumps, "", reference="none"))


@pytest.mark.slow  # its twin is on a line
def test_a_scale_that_no_mesh_resolves(tmp_path: Path) -> None:
    start = time.process_time()
    found = done(PLANE, tmp_path)
    assert time.process_time() - start < 60
    for one in found["certificate"].values():
        assert 0 < one["energy_bound"] < 1e-3
        assert 0 < one["l2_bound"] < 1e-3
