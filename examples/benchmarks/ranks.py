"""Gauss-Newton on 40,000 collocation points: seconds a step on 1, 2, … ranks, and whether the result is the same.

    python examples/benchmarks/ranks.py [--ranks 1 2] [--side 200] [--hidden 24 24] [--steps 5] [--rounds 3]

The paper's 2D cell problem, Levenberg-Marquardt, one thread a rank. The ranks take turns, so that what else the machine does
meets all of them; the median over all rounds is printed.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import hybrid  # noqa: F401  (orders the imports of MPI and DOLFINx)

from mpi4py import MPI  # isort: skip

import torch

from hybrid.paper.cases import case
from hybrid.pinn import LevenbergMarquardt, cell_networks
from hybrid.pinn.cells.cellrows import cell_rows
from hybrid.pinn.cells.periodicities import periodicity_of
from hybrid.pinn.optimizers.training import train


def worker(side: int, hidden: list[int], steps: int) -> None:
    """Train, and print seconds a step and the last loss."""
    torch.set_num_threads(1)
    comm, problem = MPI.COMM_WORLD, case("elliptic-2d").problem
    rows = cell_rows(problem, periodicity_of("embedding"), side, 0, ())  # type: ignore[arg-type]
    (network,) = cell_networks(problem, hidden=hidden)  # type: ignore[arg-type]
    times: list[float] = []
    history = train(
        network, rows, optimizer=LevenbergMarquardt(steps=steps, tolerance=0), comm=comm,
        progress=lambda *_: times.append(time.perf_counter()),
    )  # fmt: skip
    if comm.rank == 0:
        seconds = [b - a for a, b in itertools.pairwise(times[1:])]  # the first step warms up
        print(json.dumps({"seconds": seconds, "loss": history.loss[-1]}))


def main() -> None:
    """Start the workers in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ranks", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--side", type=int, default=200)
    parser.add_argument("--hidden", type=int, nargs="+", default=[24, 24])
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        worker(given.side, given.hidden, given.steps)
        return
    beside = Path(sys.executable).with_name("mpiexec")
    mpiexec = str(beside) if beside.exists() else "mpiexec"
    found: dict[int, list[float]] = {n: [] for n in given.ranks}
    losses: dict[int, float] = {}
    for _ in range(given.rounds):
        for n in given.ranks:
            line = [mpiexec, "-n", str(n), sys.executable, __file__, "--worker", *sys.argv[1:]]
            environment = os.environ | {"OMP_NUM_THREADS": "1"}
            out = subprocess.run(line, check=True, capture_output=True, text=True, env=environment).stdout
            result = json.loads(out.splitlines()[-1])
            found[n] += result["seconds"]
            losses[n] = result["loss"]
    base = statistics.median(found[given.ranks[0]])
    print(f"{given.side**2} points, hidden layers {given.hidden}")
    print(f"{'ranks':>5} {'s/step':>8} {'ratio':>6}   loss after {given.steps} steps")
    for n, seconds in found.items():
        middle = statistics.median(seconds)
        print(f"{n:5} {middle:8.3f} {base / middle:6.2f}   {losses[n]!r}")


if __name__ == "__main__":
    main()
