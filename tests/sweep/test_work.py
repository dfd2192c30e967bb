"""Who does which run, what becomes of one that fails, and that nothing is done twice; with runs that cost nothing."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mpi4py import MPI

import pytest

from hybrid.failures import InputError, SolverError
from hybrid.study import load
from hybrid.study.case import Case
from hybrid.sweep import work
from hybrid.sweep.executors import Pool, Ranks
from hybrid.sweep.files import from_data
from hybrid.sweep.folder import Folder
from hybrid.sweep.plan import Plan
from hybrid.sweep.run import run

Fake = Callable[[Case], None]


@pytest.fixture
def plan() -> Plan:
    base = {"kind": "elliptic", "domain": [[0, 1]], "a": "2 + sin(2*pi*y0)", "f": "1", "pinn": {"preset": "fast"}}
    return from_data({"base": base, "axes": {"eps": [0.25, 0.125, 0.1]}, "seeds": 2})


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, int]]:
    """What was computed, in its order."""
    found: list[tuple[float, int]] = []
    pretend(monkeypatch, lambda case: found.append((case.problem.eps, case.pinn.seed or 0)))
    return found


def pretend(monkeypatch: pytest.MonkeyPatch, task: Fake) -> None:
    def fake(case: Case, comm: MPI.Comm, *, out: Path, **_: Any) -> None:
        task(case)
        origin = {
            "versions": {}, "ranks": 1, "threads": 1, "device": "cpu", "seed": case.pinn.seed, "problem_hash": "",
            "key": "", "petsc_options": {}, "settings": {}, "assumptions": [], "finished": "",
        }  # fmt: skip
        record = {
            "case": "x", "status": "complete", "preset": "fast", "eps": case.problem.eps,
            "errors": {"e1": case.problem.eps / 2}, "provenance": origin,
        }  # fmt: skip
        out.mkdir(parents=True, exist_ok=True)
        (out / "results.json").write_text(json.dumps(record))

    monkeypatch.setattr(work, "run_case", fake)


def test_every_run_is_a_row_once(plan: Plan, done: list[tuple[float, int]], tmp_path: Path) -> None:
    table = run(plan, MPI.COMM_SELF, out=tmp_path)
    assert [(row["run"], row["status"]) for row in table.to_pylist()] == [(key, "complete") for key in plan.keys]
    assert table["e1"].to_pylist() == [eps / 2 for eps in (0.25, 0.125, 0.1) for _ in range(2)]
    assert sorted(done) == sorted((eps, seed) for eps in (0.25, 0.125, 0.1) for seed in (0, 1))
    assert [seed for _, seed in done] == [
        0,
        0,
        0,
        1,
        1,
        1,
    ]  # who puts a reference into the cache goes before who takes it
    before = len(done)
    assert run(plan, MPI.COMM_SELF, out=tmp_path).equals(table)
    assert len(done) == before
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == sorted(plan.keys)
    assert {"plan.json", "results.csv", "results.parquet", "log.txt"} <= {path.name for path in tmp_path.iterdir()}


def test_runs_of_a_file_that_was_edited_stay_and_are_said(
    plan: Plan, done: list[tuple[float, int]], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run(plan, MPI.COMM_SELF, out=tmp_path)
    assert "earlier runs" not in capfd.readouterr().out
    base = {"kind": "elliptic", "domain": [[0, 1]], "a": "3 + sin(2*pi*y0)", "f": "1", "pinn": {"preset": "fast"}}
    edited = from_data({"base": base, "axes": {"eps": [0.25, 0.125]}, "seeds": 1})
    table = run(edited, MPI.COMM_SELF, out=tmp_path)
    assert "6 earlier runs in" in capfd.readouterr().out
    assert len(table) == 2
    assert len(list((tmp_path / "runs").iterdir())) == 8


def test_shards_share_a_folder(plan: Plan, done: list[tuple[float, int]], tmp_path: Path) -> None:
    sizes = [len(run(plan, MPI.COMM_SELF, out=tmp_path, shard=(k, 3))) for k in (1, 2, 3)]
    assert sizes == [2, 4, 6]
    assert len(done) == 6


def test_a_worker_begins_where_nobody_is_and_stays_with_its_cell_problems(
    done: list[tuple[float, int]], tmp_path: Path
) -> None:
    """So that two of them do not solve the same ones."""
    base = {"kind": "elliptic", "domain": [[0, 1]], "a": "c + sin(2*pi*y0)", "f": "1", "constants": {"c": 2}}
    axes = {"constants.c": [2, 3, 4], "eps": [0.25, 0.125]}
    plan = from_data({"base": base | {"pinn": {"preset": "fast", "seed": 0}}, "axes": axes})
    folder, order = Folder(tmp_path), list[str]()
    folder.prepare(plan.plain(), "")
    contrast = {run.key: run.settings["constants.c"] for run in plan.runs}
    with folder.claim(plan.keys[0]):
        worker = work.Worker(plan, folder, MPI.COMM_SELF, told=lambda key: order.append(key) if key else None)
        worker.stop = lambda: stop_after(5, order)
        with pytest.raises(work.Stopped):
            worker.all(plan.agenda())
    assert [contrast[key] for key in order] == [3, 3, 4, 4, 2]
    assert len(done) == 5


def stop_after(count: int, order: list[str]) -> None:
    if len(order) == count:
        raise work.Stopped


def test_what_another_process_has_is_left_to_it(plan: Plan, done: list[tuple[float, int]], tmp_path: Path) -> None:
    folder, asked = Folder(tmp_path), 0
    folder.prepare(plan.plain(), "")
    other = folder.claim(plan.keys[0])
    assert other.__enter__()

    def stop() -> None:
        nonlocal asked
        asked += 1
        if asked > 5:  # all the others have landed by now
            raise work.Stopped

    with pytest.raises(work.Stopped):
        work.Worker(plan, folder, MPI.COMM_SELF, stop=stop).all(plan.agenda())
    assert folder.landed() == set(plan.keys) - {run.key for run in plan.runs if run.data["eps"] == 0.25}
    other.__exit__(None, None, None)
    run(plan, MPI.COMM_SELF, out=tmp_path)
    assert len(done) == 6


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # the child computes nothing
def test_killed_workers_leave_nothing_undone_and_nothing_is_done_twice(
    plan: Plan, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The small twin of examples/benchmarks/sweeps.py: ten SIGKILLs."""
    folder, chance = Folder(tmp_path / "sweep"), random.Random(0)
    folder.prepare(plan.plain(), "")
    stamps: dict[str, int] = {}

    def slowly(case: Case) -> None:
        time.sleep(0.05)

    pretend(monkeypatch, slowly)
    for kill in range(11):
        worker = os.fork()
        if not worker:
            with contextlib.suppress(BaseException):
                work.Worker(plan, folder, MPI.COMM_SELF).all(plan.agenda())
            os._exit(0)
        if kill < 10:
            time.sleep(chance.uniform(0, 0.12))
            os.kill(worker, signal.SIGKILL)
        os.waitpid(worker, 0)
        found = {path.parent.name: path.stat().st_mtime_ns for path in folder.runs.glob("[0-9a-f]*/row.json")}
        assert found.items() >= stamps.items()  # what had landed was left alone
        stamps = found
    assert [row["run"] for row in load(folder.path).to_pylist()] == plan.keys
    assert sorted(path.name for path in folder.runs.iterdir()) == sorted(plan.keys)


def test_a_run_that_fails_is_a_row_with_its_reason(plan: Plan, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tried: list[float] = []

    def task(case: Case) -> None:
        tried.append(case.problem.eps)
        if case.problem.eps == 0.125:
            raise (
                SolverError("the linear solver 'reference'\nfailed") if case.pinn.seed else ZeroDivisionError("by zero")
            )

    pretend(monkeypatch, task)
    rows = run(plan, MPI.COMM_SELF, out=tmp_path).to_pylist()
    failed = [(row["pinn.seed"], row["reason"], row["eps"], row["e1"]) for row in rows if row["status"] == "failed"]
    assert failed == [
        (0, "ZeroDivisionError: by zero", 0.125, None),
        (1, "the linear solver 'reference' failed", 0.125, None),
    ]
    assert "ZeroDivisionError" in (tmp_path / "runs" / plan.keys[2] / "log.txt").read_text()
    run(plan, MPI.COMM_SELF, out=tmp_path)
    assert len(tried) == 6
    pretend(monkeypatch, lambda case: tried.append(case.problem.eps))
    rows = run(plan, MPI.COMM_SELF, out=tmp_path, retry=True).to_pylist()
    assert {row["status"] for row in rows} == {"complete"}
    assert tried[6:] == [0.125, 0.125]


def test_a_full_disk_ends_the_sweep_and_not_the_run(
    plan: Plan, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def full(_: Case) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "somewhere")

    pretend(monkeypatch, full)
    with pytest.raises(OSError, match="No space"):
        run(plan, MPI.COMM_SELF, out=tmp_path)
    assert not Folder(tmp_path).landed()
    pretend(monkeypatch, lambda _: None)
    assert len(run(plan, MPI.COMM_SELF, out=tmp_path)) == 6


def test_more_workers_than_cores_and_runs_wider_than_the_ranks_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1, 2, 3})
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert Pool().workers == 2
    with pytest.raises(InputError, match=r"with 2 threads each .* on 4 cores; allowed is a number from 1 to 2"):
        Pool(3)
    with pytest.raises(InputError, match="ranks_per_run"):
        Ranks(MPI.COMM_SELF, 2)


@pytest.mark.mpi
@pytest.mark.parametrize("per_run", sorted({1, MPI.COMM_WORLD.size}))
def test_ranks_share_the_runs(
    plan: Plan, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory, per_run: int
) -> None:
    comm = MPI.COMM_WORLD
    out = comm.bcast(tmp_path_factory.mktemp("sweep"))
    sizes: list[int] = []

    def fake(case: Case, group: MPI.Comm, *, out: Path, **_: Any) -> None:
        sizes.append(group.size)
        group.barrier()
        raise SolverError("not computed")

    monkeypatch.setattr(work, "run_case", fake)
    table = run(plan, comm, out=out, executor=Ranks(comm, per_run))
    assert set(sizes) <= {per_run}
    assert comm.allreduce(len(sizes)) == 6 * per_run
    if comm.rank == 0:
        assert table["reason"].to_pylist() == ["not computed"] * 6


def test_the_folder_of_a_run_is_no_folder_for_a_sweep(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text("{}")
    with pytest.raises(InputError, match="is the folder of a run"):
        run(plan, MPI.COMM_SELF, out=tmp_path)
    with pytest.raises(InputError, match="neither a sweep's folder nor a run's"):
        load(tmp_path / "nothing")
