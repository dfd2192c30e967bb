"""A whole run, small: what it finds, what it leaves, and how it resumes."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

from mpi4py import MPI
from petsc4py import PETSc

import numpy as np
import pytest

from hybrid import InputError, SolverError
from hybrid.paper.cases import case
from hybrid.study import limits, recorder
from hybrid.study import run as run_module
from hybrid.study.case import Case
from hybrid.study.files import from_data
from hybrid.study.run import run

SMALL = {
    "kind": "elliptic", "domain": [[0, 1], [0, 1]], "eps": 0.25, "a": "2 + sin(2*pi*y0)*cos(2*pi*y1)", "f": "sin(x0) + cos(x1)",
    "fem": {"cells_per_period": 12, "homogenized_cells": 32, "cell_cells": 16},
    "pinn": {"preset": "fast", "hidden": [300], "points": 28},
}  # fmt: skip


def small(**pinn: object) -> Case:
    return from_data(SMALL | {"pinn": SMALL["pinn"] | pinn}, "test", "small")


@pytest.mark.mpi
def test_a_run_finds_the_homogenization_error_and_leaves_its_files(comm: MPI.Comm, tmp_path: Path) -> None:
    out = Path(comm.bcast(str(tmp_path)))
    results = run(small(), comm, out=out)
    errors = results["errors"]
    # DESIGN's table, eps = 1/4
    assert errors["e4"] == pytest.approx(0.022963, abs=5e-6)
    assert errors["e1"] == pytest.approx(errors["e4"], rel=1e-3)
    assert errors["e2"] == pytest.approx(errors["e4"], rel=1e-4)
    assert errors["e3"] < 1e-4
    assert errors["e5"] < errors["e4"] / 2
    assert np.array(results["homogenized"]["pinn"]) == pytest.approx(1.935359234812 * np.eye(2), abs=1e-6)
    assert results["homogenized"]["relative_difference"] < 1e-6
    assert max(results["cell"]["pinn"]["errors"]) < 1e-3
    assert results["provenance"]["ranks"] == comm.size
    assert "frozen" in results["training"]["cell"]["kind"]
    if comm.rank == 0:
        on_disk = json.loads((out / "results.json").read_text())
        assert on_disk["errors"] == errors
        assert on_disk["status"] == "complete"
        for name in (
            "log.txt",
            "solutions.png",
            "errors.png",
            "correctors.png",
            "training.png",
            "solutions.bp",
            "correctors.bp",
        ):
            assert (out / name).exists(), name
    comm.Barrier()


def test_resuming_trains_nothing_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    comm = MPI.COMM_SELF
    first = run(small(), comm, out=tmp_path)
    again = run(small(), comm, out=tmp_path, resume=True)
    assert again == json.loads(json.dumps(first))
    (tmp_path / "results.json").unlink()
    monkeypatch.setattr(recorder, "save_networks", lambda *_: pytest.fail("trained again"))
    resumed = run(small(), comm, out=tmp_path, resume=True)
    assert resumed["errors"] == first["errors"]
    assert resumed["training"]["cell"]["resumed"]


def test_a_damaged_network_is_refused_by_name(tmp_path: Path) -> None:
    run(small(), MPI.COMM_SELF, out=tmp_path)
    (tmp_path / "results.json").unlink()
    path = tmp_path / "network-cell.npz"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"network-cell\.npz: damaged.*remove it"):
        run(small(), MPI.COMM_SELF, out=tmp_path, resume=True)
    assert path.exists()


def test_damaged_results_are_computed_again(tmp_path: Path) -> None:
    first = run(small(), MPI.COMM_SELF, out=tmp_path, figures=False)
    key = first["provenance"]["key"]
    for text in ('{"provenance": []}', json.dumps({"provenance": {"key": key}, "status": "complete"}), "{"):
        (tmp_path / "results.json").write_text(text)
        assert run(small(), MPI.COMM_SELF, out=tmp_path, resume=True, figures=False)["errors"] == first["errors"]


def test_an_unfinished_run_leaves_an_earlier_complete_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = run(small(), MPI.COMM_SELF, out=tmp_path, figures=False)

    def fail(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(run_module.hybrid.fem, "solve_multiscale", fail)
        with pytest.raises(KeyboardInterrupt):
            run(small(), MPI.COMM_SELF, out=tmp_path, seed=1, figures=False)
    assert json.loads((tmp_path / "results.json").read_text())["errors"] == first["errors"]
    assert json.loads((tmp_path / "results-incomplete.json").read_text())["status"] == "incomplete: KeyboardInterrupt"
    run(small(), MPI.COMM_SELF, out=tmp_path, seed=1, figures=False)
    assert not (tmp_path / "results-incomplete.json").exists()


def test_other_petsc_options_are_another_run(tmp_path: Path) -> None:
    one = run(small(), MPI.COMM_SELF, out=tmp_path, figures=False)
    database = PETSc.Options()
    database["reference_ksp_rtol"] = "1e-9"
    try:
        other = run(small(), MPI.COMM_SELF, out=tmp_path, resume=True, figures=False)
    finally:
        database.delValue("reference_ksp_rtol")
    assert other["provenance"]["key"] != one["provenance"]["key"]
    assert other["provenance"]["petsc_options"] == {"reference_ksp_rtol": "1e-9"}


@pytest.mark.parametrize(
    ("table", "setting", "field"),
    [
        ("fem", {"cells_per_period": 4096, "degree": 4}, "eps and fem.cells_per_period"),
        ("fem", {"cell_cells": 4096}, "fem.cell_cells"),
        ("pinn", {"preset": "accurate", "hidden": [10_000, 10_000]}, "pinn.hidden and pinn.points"),
    ],
)
def test_what_cannot_fit_into_memory_is_refused_first(
    tmp_path: Path, table: str, setting: dict[str, object], field: str
) -> None:
    case = from_data(SMALL | {table: setting}, "test", "large")
    with pytest.raises(InputError, match="GiB") as caught:
        run(case, MPI.COMM_SELF, out=tmp_path)
    assert caught.value.where == field


def test_another_seed_is_another_run(tmp_path: Path) -> None:
    comm = MPI.COMM_SELF
    one = run(small(), comm, out=tmp_path, figures=False)
    other = run(small(), comm, out=tmp_path, resume=True, seed=5, figures=False)
    assert other["provenance"]["seed"] == 5
    assert other["errors"]["e3"] != one["errors"]["e3"]
    assert other["errors"]["e4"] == one["errors"]["e4"]


def test_a_failed_training_keeps_what_was_computed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise SolverError("training diverged")

    monkeypatch.setattr(run_module.hybrid.pinn, "solve_homogenized", fail)
    with pytest.raises(SolverError):
        run(small(), MPI.COMM_SELF, out=tmp_path, figures=False)
    left = json.loads((tmp_path / "results.json").read_text())
    assert left["status"].startswith("incomplete: training diverged")
    assert left["reference"]["dofs"] > 0
    assert left["homogenized"]["pinn"]
    assert (tmp_path / "network-cell.npz").exists()


def test_one_dimension_with_broken_periods(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The problem of section 2.1: e4 as in DESIGN's table."""
    data = {
        "kind": "elliptic", "domain": [[0, "pi"]], "eps": 0.125, "a": "0.5*sin(2*pi*y0) + 2", "f": "sin(x0)",
        "fem": {"cells_per_period": 32}, "pinn": {"preset": "accurate"},
    }  # fmt: skip
    errors = run(from_data(data, "test", "line"), MPI.COMM_SELF, out=tmp_path, figures=False)["errors"]
    assert errors["e4"] == pytest.approx(0.00506029, abs=5e-7)
    assert errors["e1"] == pytest.approx(errors["e4"], rel=1e-3)
    assert errors["e3"] < 1e-6
    assert "does not divide the domain into whole periods" in capfd.readouterr().err


def test_a_matrix_coefficient_end_to_end(tmp_path: Path) -> None:
    data = SMALL | {"a": [["2 + sin(2*pi*y0)", "0.5*cos(2*pi*y1)"], ["0.5*cos(2*pi*y1)", "3"]]}
    data["pinn"] = SMALL["pinn"] | {"hidden": [500], "points": 32}
    results = run(from_data(data, "test", "matrix"), MPI.COMM_SELF, out=tmp_path)
    assert results["homogenized"]["relative_difference"] < 1e-5
    assert results["errors"]["e3"] < 1e-3
    assert results["errors"]["e5"] < results["errors"]["e4"]


def test_the_papers_case_meets_its_bounds(tmp_path: Path) -> None:
    """elliptic-2d, preset accurate: what the README promises."""
    results = run(case("elliptic-2d"), MPI.COMM_SELF, preset="accurate", out=tmp_path, figures=False)
    errors = results["errors"]
    assert errors["e4"] == pytest.approx(0.01166, abs=2e-5)
    for path in ("fem", "pinn"):
        assert np.abs(np.array(results["homogenized"][path]) - 1.935359234812 * np.eye(2)).max() < 1e-6
    assert errors["e3"] <= 1e-4
    assert errors["e1"] <= 1.005 * errors["e4"]
    assert errors["e2"] <= 1.001 * errors["e4"]
    assert errors["e5"] < 0.0042
    assert max(results["cell"]["pinn"]["errors"]) <= 1e-5
    assert results["reference"]["error_estimate"] <= errors["e4"] / 100


def test_a_reference_is_refined_as_the_warning_says(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = {
        "kind": "elliptic", "domain": [[0, 1]], "eps": 0.25, "a": "2 + sin(2*pi*y0)", "f": "1",
        "fem": {"degree": 1, "cells_per_period": 8, "cell_cells": 8, "homogenized_cells": 32},
        "pinn": {"preset": "fast", "hidden": [30], "points": 60},
    }  # fmt: skip
    line = from_data(data, "test", "line")
    coarse = run(line, MPI.COMM_SELF, out=tmp_path, figures=False)
    said = re.search(r"a twentieth of .* or run again with --reference-tol (\S+)", capfd.readouterr().out)
    assert said is not None
    tolerance = float(said[1])
    fine = run(line, MPI.COMM_SELF, out=tmp_path, resume=True, reference_tol=tolerance, figures=False)
    said = re.search(r"a twentieth of .* or run again with --reference-tol (\S+)", capfd.readouterr().out)
    if said is not None:  # the better reference has shown that an error was smaller than it seemed
        tolerance = float(said[1])
        fine = run(line, MPI.COMM_SELF, out=tmp_path, resume=True, reference_tol=tolerance, figures=False)
        assert "twentieth" not in capfd.readouterr().out
    reference = fine["reference"]
    assert reference["tolerance"] == tolerance >= reference["error_estimate"]
    assert reference["attempts"][0]["cells_per_period"] == 8
    assert reference["attempts"][0]["cached"]
    assert reference["cells_per_period"] == reference["attempts"][-1]["cells_per_period"] > 8
    assert not reference["cached"]
    assert fine["provenance"]["key"] != coarse["provenance"]["key"]
    assert f"{reference['cells_per_period']} cells per period" in (tmp_path / "log.txt").read_text()

    monkeypatch.setattr(limits, "_memory", lambda: 2_000_000)  # bytes
    small = from_data(data | {"fem": data["fem"] | {"reference_tol": 1e-9}}, "test", "line")  # type: ignore[operator]
    monkeypatch.setattr(run_module, "check_size", lambda *_: None)
    with pytest.raises(
        InputError, match=r"reference_tol: 1e-09 is out of reach: .* leave the reference an error of about"
    ):
        run(small, MPI.COMM_SELF, out=tmp_path, figures=False)
    assert json.loads((tmp_path / "results.json").read_text())["errors"] == fine["errors"]


def test_without_the_cache_everything_is_solved(tmp_path: Path) -> None:
    for _ in range(2):
        assert not run(small(), MPI.COMM_SELF, out=tmp_path, cache=False, figures=False)["reference"]["cached"]
    assert not list(Path(os.environ["HYBRID_CACHE"]).iterdir())
