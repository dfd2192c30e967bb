"""Sweeps that are killed, shared between ranks, and long.

    python examples/benchmarks/sweeps.py kills [--runs 40] [--kills 10] [--seed 0]
    python examples/benchmarks/sweeps.py ranks [--runs 20]
    python examples/benchmarks/sweeps.py overhead [--runs 20]
    python examples/benchmarks/sweeps.py many [--runs 1000]

kills: `hybrid sweep` gets SIGKILL, all of its processes or the first alone, at random moments, and is started again; at the end
every run has one row, none was computed again after it had landed, and all numbers are those of a sweep that nobody disturbed.
ranks: the time of so many small runs under mpiexec -n 1 and -n 2.
overhead: what a run in a sweep costs above its stages.
many: one process does so many runs; CPU seconds a run, memory, open files and free communicators from the 100th (or the tenth
part) to the last. Exit code 0 if all is as it should be.
"""

from __future__ import annotations

import argparse
import gc
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

FILE = """name = "sweep"
seeds = {seeds}
[base]
kind = "elliptic"
domain = [[0, 1]]
a = "1 + contrast*(1 + sin(2*pi*y0))"
f = "1"
direct = {direct}
[base.constants]
contrast = 1
[base.pinn]
preset = "fast"
[axes]
contrast = {contrasts}
eps = {scales}
"""
VOLATILE = re.compile(r"seconds.*|memory|finished|cached")
"""Columns that may differ."""


def file_of(count: int, folder: Path, direct: str = "false") -> Path:
    """A sweep of so many runs of one-dimensional problems, in tens."""
    seeds, rest = (10, count // 10) if count >= 100 else (2, count // 2)
    scales = [1 / n for n in range(4, 4 + (10 if rest >= 100 else min(rest, 5)))]
    contrasts = [1 + k for k in range(rest // len(scales))]
    path = folder / "sweep.toml"
    path.write_text(FILE.format(direct=direct, seeds=seeds, contrasts=contrasts, scales=scales))
    return path


def command(path: Path, out: Path, *more: str, ranks: int = 0) -> list[str]:
    """`hybrid sweep`, under mpiexec where ranks are given."""
    own = [sys.executable, "-m", "hybrid.cli", "sweep", str(path), "--out", str(out), *more]
    mpiexec = Path(sys.executable).with_name("mpiexec")
    return [str(mpiexec if mpiexec.exists() else "mpiexec"), "-n", str(ranks), *own] if ranks else own


def rows_of(out: Path) -> dict[str, dict[str, Any]]:
    """The table by the keys of the runs.

    Raises:
        RuntimeError: A run has two rows.
    """
    from hybrid.study import load

    rows = load(out).to_pylist()
    found = {row["run"]: row for row in rows}
    if len(found) < len(rows):
        raise RuntimeError("a run has two rows")
    return found


def numbers(row: dict[str, Any]) -> dict[str, Any]:
    """A row without what tells the time, as text: so that what is no number is equal to itself."""
    return {name: repr(value) for name, value in row.items() if not VOLATILE.fullmatch(name)}


def stamps_of(out: Path) -> dict[str, int]:
    """When the runs have landed, in nanoseconds, by their keys."""
    return {file.parent.name: file.stat().st_mtime_ns for file in (out / "runs").glob("[0-9a-f]*/row.json")}


def kills(folder: Path, count: int, times: int, seed: int, workers: Sequence[str] = ()) -> bool:
    """Whether a sweep that is killed so many times ends as one that is not."""
    path, chance = file_of(count, folder), random.Random(seed)
    whole, out = folder / "whole", folder / "killed"
    start = time.time()
    subprocess.run(command(path, whole, *workers), check=True, stdout=subprocess.DEVNULL)
    span = time.time() - start
    first = min(stamps_of(whole).values()) / 1e9 - start  # until then it loads, and does its first run
    landed: dict[str, int] = {}
    again, killed, alone = 0, 0, 0
    while True:
        share = (count - len(landed)) / (times - killed + 1)  # so that something is left for every kill
        target, early = len(landed) + chance.randint(0, int(2 * share)), chance.random() < 0.2
        process = subprocess.Popen(command(path, out, *workers), stdout=subprocess.DEVNULL, start_new_session=True)
        try:
            if killed < times and not early:
                while process.poll() is None and len(stamps_of(out)) < target:
                    time.sleep(0.1)
            after = chance.uniform(0.0, first if early else 2 * (span - first) / count)
            code = process.wait(after if killed < times else None)
        except subprocess.TimeoutExpired:
            killed += 1
            first_alone = killed % 4 == 2  # its workers go on for a while
            alone += first_alone
            (os.kill if first_alone else os.killpg)(process.pid, signal.SIGKILL)
            process.wait()
        else:
            if code or killed >= times or len(landed) == count:
                break
        stamps = stamps_of(out)
        again += sum(stamps[key] != stamp for key, stamp in landed.items())
        landed = stamps
        print(f"{killed} kills: {len(landed)} of {count} runs have landed", flush=True)
    expected, found = rows_of(whole), rows_of(out)
    again += sum(stamps_of(out)[key] != stamp for key, stamp in landed.items())
    complete = sum(row["status"] == "complete" for row in found.values())
    same = {k: numbers(r) for k, r in found.items()} == {k: numbers(r) for k, r in expected.items()}
    print(
        f"{killed} kills ({alone} of the first process alone): {complete} of {count} rows complete, {again} computed again, "
        + ("the same numbers" if same else "DIFFERENT NUMBERS")
    )
    return code == 0 and killed == times and complete == count and again == 0 and same


def ranks(folder: Path, count: int) -> bool:
    """Whether two ranks are 1.7 times as fast as one."""
    path = file_of(count, folder, "true")  # some seconds each, beside the five that loading takes a process
    seconds, spent, load = {}, {}, {}
    os.environ["HYBRID_CACHE"] = str(folder / "cache")
    subprocess.run(command(path, folder / "first"), check=True, stdout=subprocess.DEVNULL)  # compiles the forms
    for size in (1, 2):
        out, before, load[size] = folder / f"on{size}", os.times(), os.getloadavg()[0]
        os.environ["HYBRID_CACHE"] = str(folder / f"cache{size}")
        done = subprocess.run(command(path, out, ranks=size), check=True, stdout=subprocess.PIPE, text=True)
        found = re.search(r"([\d.]+) s; the table", done.stdout)
        assert found is not None
        seconds[size], after = float(found[1]), os.times()
        spent[size] = after.children_user + after.children_system - before.children_user - before.children_system
    print(
        f"{count} runs: {seconds[1]:.1f} s on one rank, {seconds[2]:.1f} s on two: {seconds[1] / seconds[2]:.2f} times as fast"
    )
    for size in spent:
        print(f"  {spent[size]:.1f} CPU s on {size}, starts included; the load before was {load[size]:.1f}")
    print(f"  by CPU time two ranks can be {2 * spent[1] / spent[2]:.2f} times as fast")
    return seconds[1] >= 1.7 * seconds[2]


def overhead(folder: Path, count: int) -> bool:
    """Whether a run costs at most 0.3 CPU seconds above its stages, what is loaded once apart."""
    import hybrid  # noqa: F401  (orders the imports of MPI and DOLFINx)

    from mpi4py import MPI  # isort: skip

    from hybrid.study.recorder import Recorder
    from hybrid.sweep.files import read
    from hybrid.sweep.folder import Folder
    from hybrid.sweep.work import Worker

    os.environ["HYBRID_CACHE"] = str(folder / "cache")
    plan, out, original = read(file_of(count, folder)), Folder(folder / "runs"), Recorder.timed
    out.prepare(plan.plain(), plan.text)
    solves = 0.0

    def timed(self: Recorder, stage: str, name: str, task: Any) -> Any:
        nonlocal solves
        before = time.process_time()
        try:
            return original(self, stage, name, task)
        finally:
            solves += time.process_time() - before

    Recorder.timed = timed  # type: ignore[method-assign,assignment]
    before = time.process_time()
    Worker(plan, out, MPI.COMM_SELF).all(plan.agenda())
    spent = time.process_time() - before
    print(
        f"{count} runs: {spent:.1f} CPU s, {solves:.1f} of them in their stages: {(spent - solves) / count:.3f} s a run above"
    )
    return spent - solves <= 0.3 * count


def state() -> tuple[float, int, int]:
    """Memory of this process in MiB, its open files, and how many communicators there still are."""
    from mpi4py import MPI

    gc.collect()
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    made = []
    try:
        while len(made) < 4096:
            made.append(MPI.COMM_SELF.Dup())
    except MPI.Exception:
        pass
    for one in made:
        one.Free()
    return resident, len(os.listdir("/proc/self/fd")), len(made)


def many(folder: Path, count: int) -> bool:
    """Whether memory, files and communicators stay as they are."""
    import hybrid  # noqa: F401  (orders the imports of MPI and DOLFINx)

    from mpi4py import MPI  # isort: skip

    from hybrid.sweep.files import read
    from hybrid.sweep.folder import Folder
    from hybrid.sweep.work import Worker

    os.environ["HYBRID_CACHE"] = str(folder / "cache")
    plan, out = read(file_of(count, folder)), Folder(folder / "many")
    out.prepare(plan.plain(), plan.text)
    seen: dict[int, tuple[float, int, int]] = {}
    ended, first = 0, max(count // 10, 10)

    def told(key: str) -> None:
        nonlocal ended
        ended += not key
        if not key and (ended in {first, count} or ended % (count // 5) == 0):
            seen[ended] = state()
            memory, files, comms = seen[ended]
            each = (time.process_time() - begun) / ended
            print(
                f"{ended:5} runs: {each:.2f} CPU s each, {memory:.0f} MiB, {files} files, {comms} communicators free",
                flush=True,
            )

    begun = time.process_time()
    Worker(plan, out, MPI.COMM_SELF, told=told).all(plan.agenda())
    spent = time.process_time() - begun
    failed = [row for row in rows_of(out.path).values() if row["status"] != "complete"]
    growth = seen[count][0] / seen[first][0] - 1
    print(
        f"{count} runs, {len(failed)} failed: {spent:.0f} CPU s; memory from run {first} to {count}: {100 * growth:+.1f} %"
    )
    flat = growth <= 0.05 and seen[count][1] <= seen[first][1] + 2 and seen[count][2] >= seen[first][2] - 50
    return flat and not failed and spent / count <= 1.2


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["kills", "ranks", "overhead", "many"])
    parser.add_argument("--runs", type=int)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        good = {
            "kills": lambda: kills(folder, given.runs or 40, given.kills, given.seed),
            "ranks": lambda: ranks(folder, given.runs or 20), "overhead": lambda: overhead(folder, given.runs or 20),
            "many": lambda: many(folder, given.runs or 1000),
        }[given.what]()  # fmt: skip
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
