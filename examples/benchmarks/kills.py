"""SIGKILL a run at random moments, resume it each time, and compare with a run that nobody disturbed.

    python examples/benchmarks/kills.py [--kills 20] [--seed 0] [--ranks 1] [--file PROBLEM.toml]

Every number of results.json has to be the same to the last bit, but for seconds and dates. A run that ends before it is
killed is compared, and another one is begun, until there have been so many kills. Exit code 0 if all agree.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

PROBLEM = """kind = "elliptic"
domain = [[0, 1], [0, 1]]
eps = 0.25
a = "2 + sin(2*pi*y0)*cos(2*pi*y1)"
f = "sin(x0) + cos(x1)"
[fem]
degree = 2
cells_per_period = 6
cell_cells = 8
homogenized_cells = 8
[pinn]
hidden = [12, 12]
points = 20
steps = 60
"""
VOLATILE = {"seconds", "finished", "resumed", "cached", "loss_every", "memory"}
"""What may differ between a run and the same run in pieces."""


def numbers(tree: Any) -> Any:
    """The results without what tells the time."""
    if isinstance(tree, dict):
        return {key: numbers(value) for key, value in tree.items() if key not in VOLATILE}
    return [numbers(value) for value in tree] if isinstance(tree, list) else tree


def command(problem: Path, out: Path, ranks: int) -> list[str]:
    """One session of the run; --resume does no harm to the first."""
    own = [sys.executable, "-m", "hybrid.cli", "run", str(problem), "--out", str(out), "--resume"]
    mpiexec = Path(sys.executable).with_name("mpiexec")
    return own if ranks == 1 else [str(mpiexec if mpiexec.exists() else "mpiexec"), "-n", str(ranks), *own]


def session(line: list[str], after: float | None) -> bool:
    """Run, and kill it with all its children after so many seconds; whether it came to its end.

    Raises:
        RuntimeError: It failed by itself.
    """
    process = subprocess.Popen(
        line, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True, text=True
    )
    try:
        _, errors = process.communicate(timeout=after)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return False
    if process.returncode:
        raise RuntimeError(f"exit code {process.returncode}: {errors.strip()}")
    return True


def study(problem: Path, folder: Path, kills: int, seed: int, ranks: int) -> bool:
    """Whether all runs in pieces agree with the whole one."""
    session(command(problem, folder / "first", ranks), None)  # compiles the forms
    start = time.perf_counter()
    session(command(problem, folder / "whole", ranks), None)
    whole = time.perf_counter() - start
    expected = numbers(json.loads((folder / "whole" / "results.json").read_text()))
    print(f"undisturbed: {whole:.1f} s", flush=True)
    chance, done, runs, same = random.Random(seed), 0, 0, True
    while done < kills:
        out, killed = folder / f"run{runs}", []
        while done < kills:
            after = chance.uniform(0.4 * whole, 0.9 * whole)
            if session(command(problem, out, ranks), after):
                break
            done += 1
            killed.append(f"{after:.1f}")
        else:
            session(command(problem, out, ranks), None)
        agrees = numbers(json.loads((out / "results.json").read_text())) == expected
        left = sorted(p.name for p in out.iterdir() if p.name.startswith((".", "training-")))
        same, runs = same and agrees and not left, runs + 1
        print(
            f"run {runs}: killed after {', '.join(killed) or 'nothing'} s; "
            + ("the same numbers, bit for bit" if agrees else "DIFFERENT NUMBERS")
            + (f"; left over: {', '.join(left)}" if left else ""),
            flush=True,
        )
    print(f"{done} kills, {runs} runs: {'all agree' if same else 'they do not agree'}")
    return same


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--ranks", type=int, default=1)
    parser.add_argument("--file", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        problem = given.file
        if problem is None:
            problem = Path(folder) / "problem.toml"
            problem.write_text(PROBLEM)
        sys.exit(0 if study(problem, Path(folder), given.kills, given.seed, given.ranks) else 1)


if __name__ == "__main__":
    main()
