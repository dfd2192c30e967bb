"""A preset that the caller brings: its settings, what watches its trainings, and what it adds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mpi4py import MPI

import numpy as np
import pytest

from hybrid import InputError
from hybrid.pinn import LevenbergMarquardt
from hybrid.pinn.functions.network import Network
from hybrid.pinn.settings import NetworkSettings
from hybrid.study.case import Case
from hybrid.study.extras import Extras
from hybrid.study.files import from_data
from hybrid.study.monitor import Monitor
from hybrid.study.presets import Networks, Preset
from hybrid.study.recorder import Recorder
from hybrid.study.run import run
from hybrid.study.settings import check_settings, network_settings

LINE = {
    "kind": "elliptic", "domain": [[0, 1]], "eps": 0.25, "a": "2 + sin(2*pi*y0)", "f": "1",
    "fem": {"cells_per_period": 8, "cell_cells": 8, "homogenized_cells": 32},
}  # fmt: skip


@dataclass(frozen=True)
class Short(Preset):
    """Five steps."""

    name: str = "short"
    adapts: bool = False
    fixed: tuple[str, ...] = ("optimizer",)
    origin: str = "five steps"

    def settings(self, case: Case) -> Networks:
        one = NetworkSettings(hidden=(6,), points=20, optimizer=LevenbergMarquardt(steps=5))
        return {"cell": one, "homogenized": one}

    def assumptions(self, case: Case) -> tuple[str, ...]:
        return ("five are enough",)

    def key(self, case: Case) -> object:
        return "short"


class Watching(Extras):
    """Counts the layers while training, and records how many correctors there are."""

    preset = Short()

    def watch(self, run: Recorder, part: str, networks: Sequence[Network]) -> Monitor | None:
        if part == "cell":
            return None
        return Monitor(lambda: {"layers": len(networks[0].weights)}, 1, run.reporter.step, last=2)

    def add(self, run: Recorder) -> None:
        run.record.add("correctors", len(run.chi.correctors))
        run.fields["again"] = run.p.field


def test_a_preset_of_the_callers(tmp_path: Path) -> None:
    case = from_data(LINE, "test", "line")
    results = run(case, MPI.COMM_SELF, preset="short", out=tmp_path, extras=[Watching()])
    assert results["preset"] == "short"
    assert results["correctors"] == 1
    assert "monitored" not in results["training"]["cell"]
    assert results["training"]["homogenized"]["monitored"]["averages"] == {"layers": 2}
    assert results["samples"]["again"] == results["samples"]["p"]
    assert "five are enough" in results["provenance"]["assumptions"]
    assert len(results["training"]["cell"]["attempts"]) == 1
    assert any("the preset short is five steps" in line for line in results["unresolved"])
    again = run(case, MPI.COMM_SELF, preset="short", out=tmp_path, extras=[Watching()], resume=True)
    assert again["provenance"] == results["provenance"]


def test_extras_of_a_preset_that_is_not_asked_for_do_nothing(tmp_path: Path) -> None:
    case = from_data(LINE | {"pinn": {"preset": "fast", "hidden": [30], "points": 60}}, "test", "line")
    alone = run(case, MPI.COMM_SELF, out=tmp_path / "alone")
    beside = run(case, MPI.COMM_SELF, out=tmp_path / "beside", extras=[Watching()])
    assert beside["errors"] == alone["errors"]
    assert "correctors" not in beside
    assert np.array_equal(beside["samples"]["p"], alone["samples"]["p"])


def test_presets_that_nobody_brings_are_refused() -> None:
    case = from_data(LINE | {"pinn": {"optimizer": "adam"}}, "test", "line")
    with pytest.raises(InputError, match=r"'short'; allowed are accurate, fast$"):
        network_settings(case, "short", None)
    with pytest.raises(InputError, match="optimizer: does not go with the preset short, which is five steps"):
        check_settings(case, "short", presets=[Short()])
