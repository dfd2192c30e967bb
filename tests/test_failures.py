"""What goes wrong is said in one clear line, ends every rank, and loses no more than it has to."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from mpi4py import MPI
from petsc4py import PETSc

import numpy as np
import pytest

from hybrid import EllipticProblem, InputError, SolverError, fem
from hybrid.fem import solve_homogenized
from hybrid.media.interpolated import SlowCoefficient, slow_nodes
from hybrid.paper.cases import case
from hybrid.study.files import from_data
from hybrid.study.run import run

BIN = Path(sys.executable).parent
MPIEXEC = str(BIN / "mpiexec") if (BIN / "mpiexec").exists() else "mpiexec"
LINE = {
    "kind": "elliptic", "domain": [[0, 1]], "eps": 0.25, "a": "2 + sin(2*pi*y0)", "f": "1", "name": "line",
    "fem": {"cells_per_period": 8, "cell_cells": 8, "homogenized_cells": 16},
    "pinn": {"preset": "fast", "hidden": [30], "points": 60},
}  # fmt: skip
LONG = """
kind = "elliptic"
domain = [[0, 1], [0, 1]]
eps = 0.25
a = "2 + sin(2*pi*y0)*cos(2*pi*y1)"
f = "1"
[fem]
cells_per_period = 6
homogenized_cells = 8
cell_cells = 8
[pinn]
hidden = [30, 30]
steps = 5000
"""
FAILS_ON_ONE = """
import sys, time
import hybrid
from mpi4py import MPI
from hybrid import cli
from hybrid.failures import SolverError
from hybrid.fem import dirichlet

def fail(*_):
    print("failed at", time.time(), file=sys.stderr, flush=True)
    raise {error}

if MPI.COMM_WORLD.rank == 1:
    dirichlet.source_on = fail
cli.main(["run", "long.toml"])
"""


def start(*words: str, ranks: int, cwd: Path) -> subprocess.Popen[str]:
    line = [MPIEXEC, "-n", str(ranks), *words]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(line, cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ranks_of(out: Path) -> dict[int, int]:
    """The process of each rank of the run with this folder."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words, environment = (entry / "cmdline").read_bytes(), (entry / "environ").read_bytes()
        except OSError:
            continue
        rank = re.search(rb"(?:PMI_RANK|OMPI_COMM_WORLD_RANK|PMIX_RANK)=(\d+)", environment)
        if str(out).encode() in words and rank is not None:
            found[int(rank[1])] = int(entry.name)
    return found


def test_a_killed_rank_ends_the_others(tmp_path: Path) -> None:
    (tmp_path / "long.toml").write_text(LONG)
    out = tmp_path / "out"
    process = start(str(BIN / "hybrid"), "run", "long.toml", "--out", str(out), ranks=3, cwd=tmp_path)
    deadline = time.monotonic() + 100
    while not (out / "results.json").exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.1)
    ranks = ranks_of(out)
    assert sorted(ranks) == [0, 1, 2]
    os.kill(ranks[1], signal.SIGKILL)
    process.communicate(timeout=10)
    assert process.returncode != 0
    assert not ranks_of(out)


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        ("RuntimeError('no such luck')", 1, "RuntimeError: no such luck"),
        ("SolverError('the solver of one rank diverged')", 1, "hybrid: the solver of one rank diverged"),
    ],
)  # fmt: skip
def test_what_fails_on_one_rank_ends_all(tmp_path: Path, error: str, code: int, line: str) -> None:
    (tmp_path / "long.toml").write_text(LONG)
    (tmp_path / "driver.py").write_text(FAILS_ON_ONE.format(error=error))
    process = start(sys.executable, "driver.py", ranks=2, cwd=tmp_path)
    _, said = process.communicate(timeout=100)
    when = re.search(r"failed at (\S+)", said)
    assert when is not None, said
    assert time.time() - float(when[1]) < 10
    assert process.returncode == code
    assert line in said
    assert ("Traceback" in said) == ("RuntimeError" in error)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 100 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=100k", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a small file system needs privileges")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("filled", [pytest.param(False, marks=pytest.mark.slow), True])
def test_a_full_disk_is_named(tmp_path: Path, small_disk: Path, filled: bool) -> None:
    (tmp_path / "long.toml").write_text(LONG.replace("[30, 30]", "[6]").replace("5000", "3"))
    if filled:
        with (small_disk / "filling").open("wb") as file, pytest.raises(OSError, match="No space"):
            file.write(bytes(200_000))
    process = start(str(BIN / "hybrid"), "run", "long.toml", "--out", str(small_disk), ranks=2, cwd=tmp_path)
    _, said = process.communicate(timeout=100)
    assert process.returncode == 1, said
    lines = [line for line in said.splitlines() if line.startswith("hybrid: ") and "warning" not in line]
    assert len(lines) == 1, said
    assert str(small_disk) in lines[0]
    assert "no space left" in lines[0].lower()
    assert "Traceback" not in said


def test_a_full_cache_costs_a_warning(
    tmp_path: Path, small_disk: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HYBRID_CACHE", str(small_disk))
    many = LINE | {"fem": LINE["fem"] | {"cells_per_period": 1000}}  # type: ignore[operator]
    results = run(from_data(many, "test", "line"), MPI.COMM_SELF, out=tmp_path / "out")
    assert results["status"] == "complete"
    said = [line for line in capfd.readouterr().err.splitlines() if "reference" in line]
    assert said == [
        f"hybrid: warning: the reference cannot be kept in {small_disk} (No space left on device); the run goes on without that"
    ]
    assert not list(small_disk.iterdir())


def test_a_damaged_cache_costs_a_warning(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    kept = Path(os.environ["HYBRID_CACHE"])
    first = run(from_data(LINE, "test", "line"), MPI.COMM_SELF, out=tmp_path)
    again = run(from_data(LINE, "test", "line"), MPI.COMM_SELF, out=tmp_path)
    assert (first["reference"]["cached"], again["reference"]["cached"]) == (False, True)
    assert "hybrid: warning" not in capfd.readouterr().err
    (path,) = kept.glob("*/0.bin")
    path.write_bytes(path.read_bytes()[:100])
    third = run(from_data(LINE, "test", "line"), MPI.COMM_SELF, out=tmp_path)
    assert f"hybrid: warning: {path}: truncated" in capfd.readouterr().err
    assert not third["reference"]["cached"]
    assert first["errors"] == again["errors"] == third["errors"]
    # The seconds are those of the solve, whoever did it.
    assert again["seconds"]["reference"] >= again["reference"]["seconds"] == first["reference"]["seconds"]


@pytest.mark.mpi
@pytest.mark.parametrize(
    ("coefficient", "line"),
    [
        ([[1.0, 2.0], [2.0, 1.0]], r"not positive definite \(smallest eigenvalue -1\): its cell problems"),
        ([[1.0, 1.0], [1.0, 1.0]], "not positive definite"),
        ([[1.0, 0.0], [0.0, float("nan")]], "not finite"),
    ],
)
def test_a_singular_coefficient_is_refused(
    comm: MPI.Comm, paper: EllipticProblem, coefficient: list[list[float]], line: str
) -> None:
    with pytest.raises(SolverError, match=line):
        solve_homogenized(paper, coefficient, comm, cells=8)
    nodes = slow_nodes(paper.domain, 3)
    with pytest.raises(SolverError, match=line):
        solve_homogenized(
            paper, SlowCoefficient(tuple(paper.domain), nodes, np.array([np.eye(2)] * 8 + [coefficient])), comm, cells=8
        )
    with pytest.raises(InputError, match=r"coefficient: of shape \(3, 3\); allowed is \(2, 2\)"):
        solve_homogenized(paper, np.eye(3), comm, cells=8)


@pytest.mark.parametrize(
    ("options", "kind", "line"),
    [
        ({"pc_type": "junk"}, InputError, "reference_"),
        ({"ksp_type": "cg", "pc_type": "none", "ksp_max_it": "1"}, SolverError, "the time stepping 'reference'"),
    ],
)
def test_time_stepping_that_fails_is_named(
    comm: MPI.Comm, options: dict[str, str], kind: type[Exception], line: str
) -> None:
    database = PETSc.Options()
    for name, value in options.items():
        database["reference_" + name] = value
    try:
        with pytest.raises(kind, match=line) as caught:
            fem.solve_multiscale(
                case("reaction-diffusion-10").problem,
                comm,
                degree=1,
                cells_per_period=4,
                estimate=False,  # type: ignore[arg-type]
            )
    finally:
        for name in options:
            database.delValue("reference_" + name)
    assert "\n" not in str(caught.value)
