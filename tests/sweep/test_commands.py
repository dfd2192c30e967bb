"""`hybrid init` and `hybrid sweep`, as they are called."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from hybrid import cli
from hybrid.paper.cases import case
from hybrid.study import files
from hybrid.sweep.executors import Pool, Ranks
from hybrid.sweep.files import from_data, read

SCRIPT = Path(__file__).resolve().parents[2] / "examples" / "benchmarks" / "sweeps.py"
STUDIES = Path(__file__).resolve().parents[2] / "examples" / "studies"


def answer(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, list[str]]:
    """The exit code and the lines on standard error."""
    with pytest.raises(SystemExit) as ended:
        cli.main(list(words))
    return ended.value.code or 0, capsys.readouterr().err.splitlines()  # type: ignore[return-value]


@pytest.mark.parametrize("what", ["elliptic", "jumps", "reaction-diffusion", "sweep"])
def test_templates_are_printed_and_can_be_run_as_they_are(
    what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["init", what])
    text, errors = capsys.readouterr()
    assert (ended.value.code, errors) == (0, "")
    path = tmp_path / "mine.toml"
    path.write_text(text)
    if what == "sweep":
        plan = read(path)
        assert (plan.name, len(plan.runs)) == ("mine", 18)
    else:
        assert files.read(path).pinn.preset == "fast"


def test_init_names_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    code, (line,) = answer(capsys, "init", "wave")
    assert code == 2
    assert line == "hybrid: init: 'wave'; allowed are elliptic, jumps, reaction-diffusion, sweep"


def test_a_faulty_sweep_is_refused_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("s.toml").write_text('base = "elliptic-1d"\nseeds = 0\n[axes]\neps = []\nb = [1]\n')
    code, lines = answer(capsys, "sweep", "s.toml", "--shard", "3/2", "--jobs", "1000")
    assert code == 2
    assert [line.removeprefix("hybrid: ").removeprefix("s.toml: ").split(":")[0] for line in lines] == [
        "--shard", "seeds", "axes.eps", "axes.b", "--jobs"
    ]  # fmt: skip
    assert sorted(path.name for path in tmp_path.iterdir()) == ["s.toml"]


def test_names_values_and_a_million_runs_are_refused_in_one_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The faults of the names do not hide that a value of another axis makes problems invalid."""
    monkeypatch.chdir(tmp_path)
    Path("s.toml").write_text(
        "[base]\nkind = 'elliptic'\ndomain = [[0, 1]]\neps = 0.1\na = 'c + sin(2*pi*y0)'\nf = '1'\nconstants = { c = 2 }\n"
        "[axes]\nepz = [0.1, 0.2]\nfem.degree = []\nc = [2, 3, -1]\nconstants.c = [4]\n"
        f"pinn.steps = {list(range(1, 1001))}\npinn.seed = {list(range(1000))}\n"
    )
    code, lines = answer(capsys, "sweep", "s.toml")
    assert code == 2
    assert [line.removeprefix("hybrid: ").removeprefix("s.toml: ").split(":")[0] for line in lines] == [
        "axes.epz", "axes.fem.degree", "axes.constants.c", "limit", "with constants.c = -1"
    ]  # fmt: skip
    assert sorted(path.name for path in tmp_path.iterdir()) == ["s.toml"]


def test_under_mpiexec_ranks_do_the_runs_be_it_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("s.toml").write_text('base = "elliptic-1d"\nseeds = 2\n')
    chosen: list[Any] = []
    monkeypatch.setattr("hybrid.sweep.run.run", lambda *_, executor, **__: chosen.append(executor) or [])
    monkeypatch.setattr("hybrid.commands._draw", lambda *_: None)
    for name in ("PMI_RANK", "PMI_FD", "PMIX_RANK", "OMPI_COMM_WORLD_RANK", "MPI_LOCALRANKID"):
        monkeypatch.delenv(name, raising=False)
    cli_main("sweep", "s.toml")
    monkeypatch.setenv("PMI_RANK", "0")
    cli_main("sweep", "s.toml")
    assert [type(one) for one in chosen] == [Pool, Ranks]
    code, (line,) = answer(capsys, "sweep", "s.toml", "--jobs", "1")
    assert (code, line) == (2, "hybrid: --jobs: is for processes without mpiexec; leave it out")


def cli_main(*words: str) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(list(words))
    assert not ended.value.code


@pytest.mark.slow  # its small twin is above
def test_one_rank_of_mpiexec_does_the_runs_itself(tmp_path: Path) -> None:
    """A process that it started would take mpiexec's connection for its own, and end."""
    (tmp_path / "s.toml").write_text(
        'name = "s"\nseeds = 1\n[base]\nkind = "elliptic"\ndomain = [[0, 1]]\neps = 0.25\na = "2 + sin(2*pi*y0)"\nf = "1"\n'
        '[base.pinn]\npreset = "fast"\n'
    )
    beside = Path(sys.executable).with_name("mpiexec")
    mpiexec = str(beside if beside.exists() else "mpiexec")
    line = [mpiexec, "-n", "1", sys.executable, "-m", "hybrid.cli", "sweep", "s.toml", "--no-cache"]
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "1 of 1 runs done" in done.stdout
    refused = subprocess.run([*line, "--jobs", "1"], cwd=tmp_path, capture_output=True, text=True)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "--jobs: is for processes without mpiexec" in refused.stderr


@pytest.mark.parametrize("path", sorted(STUDIES.glob("*.toml")), ids=lambda path: path.stem)
def test_the_studies_are_good(path: Path) -> None:
    assert len(read(path, cases=case).runs) >= 50


def benchmark() -> Any:
    spec = spec_from_file_location("sweeps", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow  # its small twin is in test_work.py
def test_killed_sweeps_end_with_the_same_table(tmp_path: Path) -> None:
    assert benchmark().kills(tmp_path, 40, 10, 0)


def test_the_command_leaves_a_table_and_a_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it is called, with a base problem beside the file."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    (tmp_path / "problem.toml").write_text(
        'kind = "elliptic"\ndomain = [[0, 1]]\neps = 0.25\na = "1 + (k - 1)*(1 + sin(2*pi*y0))/2"\nf = "1"\n'
        '[constants]\nk = 10\n[pinn]\npreset = "fast"\n'
    )
    path, out = tmp_path / "law.toml", tmp_path / "out"
    path.write_text('base = "problem.toml"\n[axes]\nconstants.k = [2, 10]\n[axes.pinn]\nseed = [3]\n')
    words = [sys.executable, "-m", "hybrid.cli", "sweep", str(path), "--out", str(out), "--jobs", "1"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == f"the page is {out / 'index.html'}"
    assert "pinn.seed" in (out / "index.html").read_text()
    assert len(list(out.glob("runs/*/results.json"))) == 2
    table = pq.read_table(out / "results.parquet")
    assert table["status"].to_pylist() == ["complete"] * 2
    assert table["constants.k"].to_pylist() == [2, 10]
    assert table["pinn.seed"].to_pylist() == [3, 3]
    assert {"e1", "e2", "e3", "e4", "e5", "seconds.total", "seconds.reference"} <= set(table.column_names)
    head = (out / "results.csv").read_text().splitlines()[0]
    assert head.replace('"', "").split(",") == table.column_names


def test_a_page_is_drawn_when_all_runs_are_there_and_takes_nothing_from_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not by a shard whose others have not ended; and what goes wrong with it is a warning."""
    drawn: list[Path] = []

    def draw(folder: Path) -> Path:
        drawn.append(folder)
        if len(drawn) > 1:
            raise RuntimeError("no\nroom")
        return folder / "index.html"

    monkeypatch.setattr("hybrid.report.report", draw)
    base = {"kind": "elliptic", "domain": [[0, 1]], "a": "2 + sin(2*pi*y0)", "f": "1", "pinn": {"preset": "fast"}}
    plan = from_data({"base": base, "axes": {"eps": [0.25, 0.125]}})
    (tmp_path / "s.toml").write_text('base = "elliptic-1d"\nseeds = 2\n')
    monkeypatch.setattr("hybrid.sweep.files.read", lambda *_, **__: plan)
    for rows, pages in ((1, 0), (2, 1), (2, 2)):
        monkeypatch.setattr("hybrid.sweep.run.run", lambda *_, n=rows, **__: [{}] * n)
        assert answer(capsys, "sweep", str(tmp_path / "s.toml"), "--jobs", "1", "--out", str(tmp_path)) == (
            0, ["hybrid: warning: no page (no room); hybrid report " + f"{tmp_path} tries again"] if pages == 2 else []
        )  # fmt: skip
        assert len(drawn) == pages
