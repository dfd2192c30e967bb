"""The command: what it prints, what it refuses, and that the number of ranks does not matter."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from hybrid.physics import kinds

HYBRID = Path(sys.executable).with_name("hybrid")
FILE = """
kind = "elliptic"
domain = [[0, 1], [0, 1]]
eps = 0.25
a = "2 + sin(2*pi*y0)*cos(2*pi*y1)"
f = "sin(x0) + cos(x1)"
[fem]
cells_per_period = 8
homogenized_cells = 24
cell_cells = 12
[pinn]
hidden = [10, 10]
points = 16
steps = 20
"""


def command(*words: str, ranks: int = 1, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    launcher = Path(sys.executable).with_name("mpiexec")
    mpiexec = str(launcher) if launcher.exists() else shutil.which("mpiexec")
    start = [str(mpiexec), "-n", str(ranks)] if ranks > 1 else []
    environment = os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "110"}
    return subprocess.run(
        [*start, str(HYBRID), *words],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=environment,
        timeout=300,
        check=False,
    )


def test_cases_are_listed() -> None:
    done = command("cases")
    assert done.returncode == 0
    assert "elliptic-2d" in done.stdout


def test_schemas_are_printed() -> None:
    assert json.loads(command("schema", "elliptic").stdout)["properties"]["kind"]["const"] == "elliptic"
    assert len(json.loads(command("schema").stdout)["oneOf"]) == len(kinds())
    assert command("schema", "wave").returncode == 2


def test_help_and_version() -> None:
    assert "--preset" in command("run", "--help").stdout
    assert command("--version").stdout.startswith("hybrid ")
    assert "Usage" in command().stdout


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["run", "no-such-case"], "no such case or file; cases are elliptic-1d, elliptic-2d"),
        (["run", "missing.toml"], "missing.toml: no such file"),
        (["run", "bad.toml"], "bad.toml: a: not positive"),
        (["run", "elliptic-2d", "--preset", "best"], "'best'; allowed are accurate, fast, paper"),
        (["reproduce", "--preset", "best"], "'best'; allowed are accurate, fast, paper, all"),
        (["reproduce", "--case", "nothing"], "no such case"),
        (["reproduce", "--out", "bad.toml/here"], "cannot be written"),
        (["run", "elliptic-2d", "--sed", "1"], "--sed"),
        (["run", "elliptic-2d", "--seed", "-1"], "'--seed'"),
        (["run", "elliptic-2d", "--out", "bad.toml/here"], "cannot be written"),
        (["run", "elliptic-2d", "--reference-tol", "2"], "--reference-tol: 2.0; allowed is a number between 0 and 1"),
        (["run", "elliptic-2d", "--", "ksp_monitor"], "not a PETSc option"),
        (["run"], "give a case, a problem file, or --from"),
        (["runn"], "runn"),
    ],
)
def test_bad_input_gets_one_line_and_exit_code_2(tmp_path: Path, words: list[str], part: str) -> None:
    (tmp_path / "bad.toml").write_text(FILE.replace('"2 + sin', '"sin'))
    done = command(*words, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert part in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not done.stdout.strip()


def test_bad_input_under_mpi_is_said_once(tmp_path: Path) -> None:
    done = command("run", "missing.toml", ranks=2, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("no such file") == 1
    (tmp_path / "bad.toml").write_text(FILE.replace('"2 + sin', '"sin').replace("0.25", "0").replace("20", '"many"'))
    done = command("run", "bad.toml", ranks=2, cwd=tmp_path)
    fields = [line.split(": ")[2] for line in done.stderr.strip().splitlines()]
    assert (done.returncode, fields) == (2, ["eps", "a", "pinn.steps"])


def test_a_failed_solver_is_named_with_exit_code_1(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(FILE)
    done = command("run", "small.toml", "--", "-reference_ksp_max_it", "1", cwd=tmp_path)
    assert done.returncode == 1
    assert "hybrid: the linear solver 'reference' (cg with mg) failed after 1 iterations" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_reader_that_leaves_does_not_stop_a_run(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(FILE)
    subprocess.run(f"{HYBRID} run small.toml | head -n 1", shell=True, cwd=tmp_path, timeout=120, check=True)
    assert json.loads((tmp_path / "results" / "small" / "results.json").read_text())["status"] == "complete"


@pytest.mark.parametrize("ranks", [1, 2])
def test_an_interrupt_is_said_and_can_be_resumed(tmp_path: Path, ranks: int) -> None:
    (tmp_path / "small.toml").write_text(FILE.replace("steps = 20", "steps = 2000").replace("[10, 10]", "[30, 30]"))
    mpiexec = [str(Path(sys.executable).with_name("mpiexec")), "-n", str(ranks)] if ranks > 1 else []
    process = subprocess.Popen(
        [*mpiexec, str(HYBRID), "run", "small.toml"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # what runs in the background may ignore it
    )  # fmt: skip
    results = tmp_path / "results" / "small" / "results.json"
    deadline = time.monotonic() + 90
    while not (results.exists() and json.loads(results.read_text()).get("homogenized", {}).get("fem")):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode != 0
    if ranks == 1:
        assert process.returncode == 130
        assert "interrupted" in said
        assert json.loads(results.read_text())["status"].startswith("incomplete: KeyboardInterrupt")
    assert json.loads(results.read_text())["homogenized"]["fem"]


def test_the_number_of_ranks_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(FILE)
    errors = []
    for ranks in (1, 2):
        done = command("run", "small.toml", "--out", f"on-{ranks}", "--no-cache", ranks=ranks, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("e4") == 1
        results = json.loads((tmp_path / f"on-{ranks}" / "results.json").read_text())
        assert results["provenance"]["ranks"] == ranks
        errors.append(results["errors"])
    for other in errors[1:]:
        assert other == pytest.approx(errors[0], abs=1e-8)
