"""A whole run, stage by stage: what each costs beside the reference, and how much memory the run takes at its peak.

    python examples/benchmarks/whole_run.py [--only large space accurate ranks] [--out FILE.json]

Every run is a process of its own (or two, under mpiexec), without the cache of references. Sections:

large      2D, 1.05 million unknowns: a and f of elliptic-2d, degree 2, 64 cells a period, preset fast
space      3D, ε = 1/4, a = 2 + sin cos sin, preset fast
accurate   elliptic-2d, preset accurate: what is not a solve or a training is to be a small share
ranks      2D, 4.2 million unknowns on one rank and on two: seconds of the comparison, bytes an unknown

Takes about ten minutes on two cores; nothing else should be running. `--scale N` divides the cells per period, for a quick
look.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

MPIEXEC = Path(sys.executable).with_name("mpiexec")
PROBLEMS = {
    2: 'domain = [[0, 1], [0, 1]]\neps = 0.125\na = "2 + sin(2*pi*y0)*cos(2*pi*y1)"\nf = "sin(x0) + cos(x1)"\n',
    3: ('domain = [[0, 1], [0, 1], [0, 1]]\neps = 0.25\na = "2 + sin(2*pi*y0)*cos(2*pi*y1)*sin(2*pi*y2)"\nf = "1"\n'),
}
RUNS = {  # dimension, cells per period (0: the default), preset, ranks
    "large": [(2, 64, "fast", 1)],
    "space": [(3, 0, "fast", 1)],
    "accurate": [(2, 0, "accurate", 1)],
    "ranks": [(2, 128, "fast", 1), (2, 128, "fast", 2)],
}
SOLVES = ("reference", "fem_cell", "fem_homogenized", "pinn_cell", "pinn_homogenized", "ladder")
STAGES = (*SOLVES, "comparison", "figures")


def measured(path: Path, preset: str) -> None:
    """In a process of its own: run the file, and say what it took."""
    import hybrid.study.run  # noqa: F401, I001
    from mpi4py import MPI

    from hybrid.machine import peak_memory
    from hybrid.study.files import read
    from hybrid.study.run import run

    comm = MPI.COMM_WORLD
    idle = comm.allreduce(peak_memory())
    results = run(read(path), comm, preset=preset, out=path.parent / "out", cache=False)
    found = {
        "seconds": results["seconds"],
        "dofs": results["reference"]["dofs"],
        "bytes": comm.allreduce(peak_memory()) - idle,
        "errors": results["errors"],
    }
    if comm.rank == 0:
        (path.parent / "found.json").write_text(json.dumps(found))


def one(dim: int, cells: int, preset: str, ranks: int, scale: int) -> dict[str, Any]:
    """One run."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "problem.toml"
        cells = cells // scale if cells else 0
        fem = f"[fem]\ndegree = 2\ncells_per_period = {cells}\n" if cells else ""
        path.write_text(f'kind = "elliptic"\n{PROBLEMS[dim]}{fem}')
        words = [sys.executable, __file__, "--measure", str(path), "--preset", preset]
        launch = [str(MPIEXEC) if MPIEXEC.exists() else "mpiexec", "-n", str(ranks)] if ranks > 1 else []
        done = subprocess.run(
            launch + words, env=os.environ | {"OMP_NUM_THREADS": "1"}, check=False, capture_output=True, text=True
        )
        if done.returncode:
            raise SystemExit(done.stderr)
        found: dict[str, Any] = json.loads((Path(folder) / "found.json").read_text())
    return found | {"dim": dim, "preset": preset, "ranks": ranks}


def row(section: str, found: dict[str, Any]) -> str:
    """Of the table: seconds of the reference, and all stages as multiples of it."""
    seconds = found["seconds"]
    reference = seconds["reference"]
    parts = " | ".join(f"{seconds.get(stage, 0.0) / reference:.2f}" for stage in STAGES[1:])
    others = seconds["total"] - sum(seconds.get(stage, 0.0) for stage in SOLVES)
    return (
        f"| {section} | {found['dofs']} | {found['ranks']} | {reference:.1f} s | {parts} | "
        f"{seconds['total'] / reference:.2f} | {others / seconds['total']:.0%} | {found['bytes'] / found['dofs']:.0f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=RUNS, default=list(RUNS))
    parser.add_argument("--scale", type=int, default=1, help="divides the cells per period that are set")
    parser.add_argument("--out", type=Path, help="where to write what was measured, as JSON")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--preset", default="fast", help=argparse.SUPPRESS)
    words = parser.parse_args()
    if words.measure:
        measured(words.measure, words.preset)
        return
    print(
        "| run | unknowns | ranks | reference | "
        + " | ".join(STAGES[1:])
        + " | whole run | not solving | bytes an unknown |"
    )
    print("|---" * (len(STAGES) + 6) + "|")
    kept = []
    for section in words.only:
        for each in RUNS[section]:
            found = one(*each, words.scale)
            kept.append({"section": section} | found)
            print(row(section, found), flush=True)
    if words.out:
        words.out.write_text(json.dumps(kept, indent=1))


if __name__ == "__main__":
    main()
