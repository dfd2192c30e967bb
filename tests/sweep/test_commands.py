"""`hybrid init` and `hybrid sweep`, as they are called."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

from hybrid import cli
from hybrid.paper.cases import case
from hybrid.study import files
from hybrid.sweep.files import read

SCRIPT = Path(__file__).resolve().parents[2] / "examples" / "benchmarks" / "sweeps.py"
STUDIES = Path(__file__).resolve().parents[2] / "examples" / "studies"


def answer(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, list[str]]:
    """The exit code and the lines on standard error."""
    with pytest.raises(SystemExit) as ended:
        cli.main(list(words))
    return ended.value.code or 0, capsys.readouterr().err.splitlines()  # type: ignore[return-value]


@pytest.mark.parametrize("what", ["elliptic", "jumps", "reaction-diffusion", "sweep"])
def test_templates_can_be_run_as_they_are(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert answer(capsys, "init", what) == (0, [])
    path = Path(f"{what}.toml")
    if what == "sweep":
        assert len(read(path).runs) == 18
    else:
        assert files.read(path).pinn.preset == "fast"
    path.write_text("mine")
    assert answer(capsys, "init", what) == (2, [f"hybrid: {what}.toml: is there already; give another name by --to"])
    assert path.read_text() == "mine"


def test_init_names_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    code, (line,) = answer(capsys, "init", "wave")
    assert code == 2
    assert line == "hybrid: init: 'wave'; allowed are elliptic, jumps, reaction-diffusion, sweep"


def test_a_faulty_sweep_is_refused_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("s.toml").write_text('base = "elliptic-1d"\nseeds = 0\n[grid]\neps = []\nb = [1]\n')
    code, lines = answer(capsys, "sweep", "s.toml", "--shard", "3/2", "--workers", "1000")
    assert code == 2
    assert [line.removeprefix("hybrid: ").removeprefix("s.toml: ").split(":")[0] for line in lines] == [
        "--shard", "seeds", "grid.eps", "grid.b", "--workers"
    ]  # fmt: skip
    assert sorted(path.name for path in tmp_path.iterdir()) == ["s.toml"]


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


def test_the_command_is_there() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hybrid.cli", "sweep", "--help"], capture_output=True, text=True, check=True
    )
    assert "--shard" in done.stdout
