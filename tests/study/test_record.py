"""Records: what is read is what was written, and what a run was asked for is asked for again."""

from __future__ import annotations

import json
import math
from pathlib import Path

from mpi4py import MPI
from petsc4py import PETSc

import pytest

from hybrid import InputError, cli
from hybrid.paper.cases import case
from hybrid.paper.recorded import STORED
from hybrid.study.files import from_data
from hybrid.study.record import Record
from hybrid.study.repeat import case_of, recorded
from hybrid.study.run import run

LINE = {
    "kind": "elliptic", "domain": [[0, 1]], "eps": 0.25, "a": "2 + 0.3*sin(2*pi*y0)", "f": "exp(-x0)",
    "fem": {"cells_per_period": 8, "cell_cells": 8, "homogenized_cells": 32},
    "pinn": {"preset": "fast", "hidden": [30], "points": 60, "seed": 3},
}  # fmt: skip


def test_recorded_results_are_read_and_written_as_they_are() -> None:
    found = [path for folder in STORED.iterdir() for path in Path(str(folder)).glob("*/results.json")]
    assert len(found) > 10
    for path in found:
        record = Record.read(path)
        assert record is not None
        assert record.is_complete
        assert json.loads(json.dumps(record.plain())) == json.loads(path.read_text())


def test_what_is_not_finite_is_null_with_its_place(tmp_path: Path) -> None:
    record = run(from_data(LINE, "test", "line"), MPI.COMM_SELF, out=tmp_path)
    assert "undefined" not in record
    read = Record.read(tmp_path / "results.json")
    assert read is not None
    read.errors = read.errors | {"e1": math.inf}
    read.write(tmp_path)
    data = json.loads((tmp_path / "results.json").read_text())
    assert (data["errors"]["e1"], data["undefined"]) == (None, ["errors.e1: inf, not a finite number"])
    again = Record.read(tmp_path / "results.json")
    assert again is not None
    assert math.isnan(again.errors["e1"])


def test_a_run_is_repeated_from_its_record(tmp_path: Path) -> None:
    database = PETSc.Options()
    database["homogenized_ksp_rtol"] = "1e-12"
    try:
        first = run(
            from_data(LINE, "test", "line"), MPI.COMM_SELF, seed=5, seeds=2, reference_tol=1e-5, out=tmp_path / "first"
        )
        database.delValue("homogenized_ksp_rtol")
        with pytest.raises(SystemExit) as ended:
            cli.main(["run", "--from", str(tmp_path / "first" / "results.json"), "--out", str(tmp_path / "again")])
        assert ended.value.code == 0
    finally:
        database.delValue("homogenized_ksp_rtol")
    again = json.loads((tmp_path / "again" / "results.json").read_text())
    assert again["errors"] == first["errors"]
    assert again["homogenized"] == first["homogenized"]
    assert again["seeds"] == first["seeds"]
    assert again["provenance"]["request"] == json.loads(json.dumps(first["provenance"]["request"]))
    assert again["provenance"]["key"] == first["provenance"]["key"]


def test_a_case_is_repeated_with_what_was_published(tmp_path: Path) -> None:
    one = case("elliptic-1d")
    run(one, MPI.COMM_SELF, preset="fast", out=tmp_path)
    again = case_of(tmp_path / "results.json", *recorded(tmp_path / "results.json"))
    assert again == one


def test_files_that_cannot_be_repeated_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = Path(str(STORED)) / "paper" / "elliptic-1d" / "results.json"
    with pytest.raises(InputError, match="does not say what was asked for"):
        recorded(old)
    with pytest.raises(InputError, match="no such file"):
        recorded(tmp_path / "none.json")
    (tmp_path / "cut.json").write_text(old.read_text()[:1000])
    with pytest.raises(InputError, match=r"damaged, or not the results\.json of a run"):
        recorded(tmp_path / "cut.json")
    for words in (["run"], ["run", "elliptic-1d", "--from", str(old)]):
        with pytest.raises(SystemExit) as ended:
            cli.main(words)
        assert ended.value.code == 2
        assert "one of them" in capsys.readouterr().err
