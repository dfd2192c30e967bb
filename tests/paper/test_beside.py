"""What is done beside the runs: it lands, it ends with who asked for it, and it is not begun where there is no room."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from multiprocessing.sharedctypes import SynchronizedArray
from pathlib import Path

from mpi4py import MPI

import pytest

from hybrid.machine import room_for, threads
from hybrid.paper.beside import beside
from hybrid.study.progress import Reporter

CASES = ["elliptic-1d", "reaction-diffusion-10"]


def lands(names: Sequence[str], folder: Path, progress: SynchronizedArray[float], parent: int) -> None:
    progress[:] = (3, 5, 0.25)
    time.sleep(1)
    (folder / "names").write_text(" ".join(names) + f" {parent}")


def lasts(_: Sequence[str], folder: Path, __: SynchronizedArray[float], ___: int) -> None:
    (folder / "begun").write_text(str(os.getpid()))
    time.sleep(600)


def is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.syspath_prepend(Path(__file__).parents[2])  # where the new process finds what it is to do
    for name in ("PMI_RANK", "PMI_FD", "PMIX_RANK", "OMPI_COMM_WORLD_RANK", "MPI_LOCALRANKID"):
        monkeypatch.delenv(name, raising=False)
    if room_for(1) < 2:
        pytest.skip("one core")


def test_it_lands_and_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    is_free(monkeypatch)
    with beside(MPI.COMM_SELF, CASES, tmp_path, Reporter(0), lands):
        assert not (tmp_path / "names").exists()
    assert (tmp_path / "names").read_text() == f"elliptic-1d {os.getpid()}"
    assert "beside the runs" in capsys.readouterr().out


def test_it_ends_with_who_asked_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    is_free(monkeypatch)

    def interrupted() -> None:
        with beside(MPI.COMM_SELF, CASES, tmp_path, Reporter(0, quiet=True), lasts):
            deadline = time.monotonic() + 60
            while not (tmp_path / "begun").exists():
                assert time.monotonic() < deadline
                time.sleep(0.1)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "begun").read_text()), 0)


def test_it_is_not_begun_without_room_or_need(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    is_free(monkeypatch)
    (tmp_path / "elliptic-1d.json").write_text("{}")
    with beside(MPI.COMM_SELF, CASES, tmp_path, Reporter(0, quiet=True), lands):
        pass
    for number in ("", "many", str(room_for(1))):
        monkeypatch.setenv("OMP_NUM_THREADS", number)
        with beside(MPI.COMM_SELF, ["elliptic-2d"], tmp_path, Reporter(0, quiet=True), lands):
            pass
    assert not (tmp_path / "names").exists()


@pytest.mark.parametrize(
    ("text", "number"), [("2", 2), (" 4,2", 4), ("", None), ("0", None), ("all", None), ("-1", None)]
)
def test_threads(text: str, number: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", text)
    assert threads() == number
