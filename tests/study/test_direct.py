"""Networks for the multiscale equation itself, beside a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mpi4py import MPI

import pytest

from hybrid.failures import InputError, each_of
from hybrid.study import direct
from hybrid.study.files import data_of, from_data
from hybrid.study.record import Record
from hybrid.study.rows import row_of
from hybrid.study.run import run
from hybrid.study.shared import Shared
from hybrid.sweep.files import from_data as sweep_from_data

LINE: dict[str, Any] = {
    "kind": "elliptic", "domain": [[0, 1]], "eps": 0.25, "a": "2 + sin(2*pi*y0)", "f": "1", "direct": True,
    "pinn": {"preset": "fast", "points": 40, "hidden": [40], "budget": 1}, "layers": False,
    "fem": {"degree": 2, "cells_per_period": 64, "cell_cells": 64, "homogenized_cells": 32},
}  # fmt: skip


def test_a_run_has_direct_networks_beside_it_where_they_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that knows the period is far better; more points than there is time for are not tried, and that is said."""
    monkeypatch.setattr(direct, "_STEPS", 40)
    run(from_data(LINE, "test", "line"), MPI.COMM_SELF, out=tmp_path, figures=False, cache=False, quiet=True)
    record = Record.read(tmp_path / "results.json")
    assert record is not None
    plain, period = record.direct["plain"], record.direct["period"]
    assert period.error < 1e-3 < plain.error < 0.2
    assert period.error_h1 > period.error
    assert (plain.points, plain.parameters, plain.resolved) == (200, 320, True)
    assert 0 < plain.seconds + period.seconds <= record.seconds["direct"]
    row = row_of(record)
    assert row["direct.period"] == period.error
    assert row["direct.period_estimate"] == record.reference.error_estimate  # type: ignore[union-attr]
    assert row["seconds.direct.plain"] == plain.seconds

    monkeypatch.setattr(direct, "MOST", 199)
    run(from_data(LINE, "test", "line"), MPI.COMM_SELF, out=tmp_path / "far", figures=False, cache=False, quiet=True)
    far = Record.read(tmp_path / "far" / "results.json")
    assert far is not None
    assert far.direct["period"].why == "18 points in each period are 200, more than 199: not trained"
    assert "direct.period" not in row_of(far)


def test_numbers_of_other_runs_outlast_many_solutions() -> None:
    """So that the presets of a sweep, whose runs lie far from each other, share their direct networks."""
    shared = Shared()
    shared.get("a number", lambda: 1.0, numbers=True)
    shared.get("a solution", lambda: 1.0)
    for k in range(20):
        shared.get(k, lambda: 2.0)
    assert shared.get("a number", lambda: 3.0, numbers=True)[0] == 1.0
    assert shared.get("a solution", lambda: 3.0)[0] == 3.0


def test_points_follow_the_periods() -> None:
    def side(eps: float, **more: Any) -> Any:
        return direct.settings(from_data(LINE | {"eps": eps} | more, "test", "line").problem, "plain", 0).points

    assert [side(eps) for eps in (0.25, 1 / 64, 1 / 512)] == [200, 18 * 64, 18 * 512]
    assert side(0.1, domain=[[0, 1], [0, 2]]) == 360
    assert side(1.0, domain=[[0, 1]] * 3) ** 3 > direct.MOST


def test_it_is_a_field_of_problem_files_and_of_sweeps() -> None:
    case = from_data(LINE, "test", "line")
    assert from_data(data_of(case), "test", "line").direct
    plan = sweep_from_data(
        {"base": {k: v for k, v in LINE.items() if k != "direct"}, "axes": {"direct": [False, True]}}
    )
    one, two = plan.runs
    assert one.key != two.key
    assert one.reference == two.reference
    heat = {"kind": "reaction-diffusion", "domain": [["-pi", "pi"]], "eps": 0.1, "D": 2, "r": "cos(2*pi*y0)", "f": "0",
            "u0": "sin(x0)", "T": 1}  # fmt: skip
    for data, start in (
        (LINE | {"direct": "yes"}, "test: direct: 'yes'; allowed are true, false"),
        (heat | {"direct": True}, "test: direct: true; it is for elliptic problems with formulas"),
    ):
        with pytest.raises(InputError) as failed:
            from_data(data, "test", "line")
        assert any(str(one).startswith(start) for one in each_of(failed.value)), str(failed.value)
