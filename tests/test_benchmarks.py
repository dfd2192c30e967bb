"""The references of the benchmarks, and that the scripts run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hybrid import EllipticProblem, fem
from hybrid import fem as fem_reaction
from hybrid.comparison import on_points
from hybrid.paper.cases import case
from hybrid.symbols import cos, pi, sin, x, y

from mpi4py import MPI  # isort: skip

SCRIPTS = Path(__file__).resolve().parents[1] / "examples" / "benchmarks"


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(SCRIPTS))


@pytest.mark.usefixtures("scripts")
def test_spectral_cell_problems(paper: EllipticProblem) -> None:
    from spectral import solve_cell

    points, chi, a = solve_cell(paper, 47)
    assert np.abs(a - 1.935359234812 * np.eye(2)).max() < 1e-12  # DESIGN's table
    assert np.sqrt((chi**2).mean(0)) == pytest.approx([0.0207142768236] * 2, rel=1e-9)
    matrix = [[2 + sin(2 * pi * y[0]), 0.5], [0.5, 3 + cos(2 * pi * y[1]) / 2]]
    full = EllipticProblem(domain=[(0, 1), (0, 1)], eps=0.1, a=matrix, f=x[0])
    points, chi, a = solve_cell(full, 31)
    found = fem.solve_cell(full, MPI.COMM_SELF, degree=4, cells=12, estimate=False)
    assert np.abs(a - found.coefficient).max() < 1e-6
    assert np.abs(on_points(found.correctors[1], points) - chi[:, 1]).max() < 1e-4
    with pytest.raises(ValueError, match="odd"):
        solve_cell(paper, 32)


@pytest.mark.usefixtures("scripts")
def test_series(paper: EllipticProblem) -> None:
    from series import homogenized_2d, reaction_diffusion

    line = np.linspace(0, 1, 9)
    points = np.stack([g.ravel() for g in np.meshgrid(line, line, indexing="ij")], axis=1)
    v = fem.solve_homogenized(paper, 1.9 * np.eye(2), MPI.COMM_SELF, degree=4, cells=24)
    assert np.abs(on_points(v, points) - homogenized_2d(line, line, 1.9).ravel()).max() < 1e-6
    problem: Any = case("reaction-diffusion-10").problem
    line = np.linspace(-np.pi, np.pi, 21)
    w = fem_reaction.solve_homogenized(problem, -0.3, MPI.COMM_SELF, degree=4, cells=64)
    assert np.abs(on_points(w, line[:, None]) - reaction_diffusion(line, -0.3)).max() < 1e-7


def _run(name: str, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, str(SCRIPTS / name), *words], capture_output=True, text=True, check=False, timeout=300,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_presets_from_two_seeds(tmp_path: Path) -> None:
    out = tmp_path / "seeds.json"
    _run("presets.py", "--seeds", "2", "--only", "homogenized-1d", "--out", str(out))
    for row in json.loads(out.read_text())["table"]:
        assert row["median"]["error"] < row["asked"]["error"]
        assert len(row["runs"]) == 2


@pytest.mark.slow  # tests/pinn/test_shares.py and test_cli.py have its smaller twins
def test_ranks_give_the_same_result() -> None:
    out = _run("ranks.py", "--ranks", "1", "2", "--side", "60", "--hidden", "10", "--steps", "3", "--rounds", "1")
    losses = [line.split()[-1] for line in out.splitlines()[2:]]
    assert len(losses) == 2
    assert losses[0] == losses[1]


@pytest.mark.usefixtures("scripts")
def test_work_precision_of_a_small_run(tmp_path: Path) -> None:
    import work_precision

    task = work_precision.Homogenized()
    curve = work_precision.curve(task, "variable projection", 0.5, 0)
    assert min(row["u"] for row in curve.values()) < 1e-5
    rows: list[dict[str, Any]] = [{"method": "P2", "setting": 8, "seconds": 0.1, "chi": 1e-3, "a": 1e-5, "u": 1e-3}]
    rows += [{"method": "variable projection", "setting": k, **row} for k, row in curve.items()]
    assert "| variable projection |" in work_precision.table(rows)
    work_precision.figure(rows).savefig(tmp_path / "figure.png")


def test_peers_go_on_without_the_peers() -> None:
    out = _run("pinn_peers.py", "--only", "hybrid", "--budget", "1")
    assert "100 frozen features" in out


def test_start_up_is_measured() -> None:
    lines = _run("start_up.py", "--rounds", "1", "--only", "nope").splitlines()
    assert [line.rsplit("  ", 1)[0].strip() for line in lines] == [
        "bad input, median of those below", "hybrid --help", "hybrid cases", "run nope"
    ]  # fmt: skip
    assert all(float(line.split()[-2]) > 0 for line in lines)
