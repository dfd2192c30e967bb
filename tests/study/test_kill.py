"""A run that is killed and resumed ends with the same numbers: the small twin of examples/benchmarks/kills.py."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "examples" / "benchmarks" / "kills.py"


def _kills() -> Any:
    spec = importlib.util.spec_from_file_location("kills", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("kills", [1, pytest.param(20, marks=pytest.mark.slow)])
def test_killed_runs_end_with_the_same_numbers(tmp_path: Path, kills: int) -> None:
    module = _kills()
    problem = tmp_path / "problem.toml"
    problem.write_text(module.PROBLEM)
    assert module.study(problem, tmp_path, kills, 0, 1)


def test_numbers_leave_out_what_tells_the_time() -> None:
    tree = {
        "seconds": {"a": 1},
        "errors": [{"e1": 0.5, "seconds": 2.0}],
        "provenance": {"finished": "today", "seed": 0},
    }
    assert _kills().numbers(tree) == {"errors": [{"e1": 0.5}], "provenance": {"seed": 0}}
