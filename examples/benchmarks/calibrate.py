"""What a reference solve costs: measures the table behind `hybrid plan`, hybrid/fem/cost.json.

    python examples/benchmarks/calibrate.py [--ranks 1 2] [--only 2d]

For every dimension, shape of the cells and degree, on one rank and on two, a problem with a few hundred thousand unknowns is
solved once in a process of its own (a tiny one first, so that nothing is compiled on the clock). Written are bytes and
seconds for each unknown: memory at the peak, above what the process held before, the ranks together; seconds of the mesh
with its numbering, of assembly, setup and solve, and of comparing two meshes for the estimate of the error. Nothing else
should be running. Takes about five minutes on two cores.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

NODES = {1: 100_000, 2: 640, 3: 64}
"""Unknowns along each side, about; fewer for the highest degrees in 3D, whose rows are long."""
MPIEXEC = Path(sys.executable).with_name("mpiexec")


def entries() -> list[tuple[int, str, int]]:
    """Dimension, shape and degree of all solves."""
    shapes = {1: ["simplex"], 2: ["simplex", "box"], 3: ["simplex", "box"]}
    return [(dim, shape, degree) for dim in shapes for shape in shapes[dim] for degree in (1, 2, 3, 4)]


def worker(dim: int, shape: str, degree: int) -> dict[str, Any]:
    """Measure one entry on the ranks of this process's communicator."""
    import hybrid.study.run  # noqa: F401, I001  (what the command has in memory; orders the imports of MPI and DOLFINx)
    from mpi4py import MPI

    from dolfinx import fem

    from hybrid import EllipticProblem
    from hybrid.fem.meshes.box import box
    from hybrid.fem.dirichlet import solve_on
    from hybrid.fem.norms import relative_difference
    from hybrid.machine import keep_memory, peak_memory
    from hybrid.symbols import cos, pi, x, y

    keep_memory()
    comm = MPI.COMM_WORLD
    a = 2 + math.prod(cos(2 * pi * s) for s in y[:dim])
    problem = EllipticProblem(domain=[(0, 1)] * dim, eps=1 / 8, a=a, f=1 + x[0])

    def solve(count: int) -> tuple[Any, dict[str, float]]:
        comm.Barrier()
        begin = time.perf_counter()
        space = fem.functionspace(box(comm, problem.domain, [count] * dim, shape), ("Lagrange", degree))
        mesh = time.perf_counter() - begin
        solution = solve_on(problem.multiscale(), space, "reference_")
        return solution, {"mesh": mesh, **solution.steps}

    solve(8)
    idle = comm.allreduce(peak_memory())
    nodes = NODES[dim] * 3 // 4 if dim == 3 and degree > 2 else NODES[dim]
    solution, seconds = solve(nodes // degree)
    peak = comm.allreduce(peak_memory())
    begin = time.perf_counter()
    relative_difference(solution.function, solution.function)
    seconds["compare"] = (time.perf_counter() - begin) / 2
    return {
        "dofs": solution.dofs, "bytes": (peak - idle) / solution.dofs, "idle": idle / comm.size,
        "seconds": {step: value / solution.dofs for step, value in seconds.items()}, "iterations": solution.iterations,
    }  # fmt: skip


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ranks", type=int, nargs="+", default=[1, 2], choices=[1, 2])
    parser.add_argument("--only", default="", help="only entries whose name begins so, e.g. '2d box'")
    parser.add_argument("--worker", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        result = worker(int(options.worker[0]), options.worker[1], int(options.worker[2]))
        from mpi4py import MPI

        if MPI.COMM_WORLD.rank == 0:
            print(json.dumps(result))
        return
    path = Path(__file__).resolve().parents[2] / "hybrid" / "fem" / "cost.json"
    table = json.loads(path.read_text()) if path.exists() else {"solves": {}}
    for dim, shape, degree in entries():
        name = f"{dim}d {shape} {degree}"
        for ranks in options.ranks if name.startswith(options.only) else ():
            command = [
                str(MPIEXEC),
                "-n",
                str(ranks),
                sys.executable,
                __file__,
                "--worker",
                str(dim),
                shape,
                str(degree),
            ]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            found = json.loads(done.stdout.splitlines()[-1])
            table["idle"] = round(max(found.pop("idle"), 0 if ranks == 1 else table.get("idle", 0)))
            found["bytes"] = round(found["bytes"])
            found["seconds"] = {step: float(f"{value:.3g}") for step, value in found["seconds"].items()}
            table["solves"].setdefault(name, {})[str(ranks)] = found
            per = 1e6 * sum(v for k, v in found["seconds"].items() if k != "compare")
            print(
                f"{name}, {ranks} rank(s): {found['dofs']} unknowns, {found['bytes']} bytes and {per:.2f} µs for each",
                flush=True,
            )
    table["machine"] = f"{_processor()}, {time.strftime('%Y-%m-%d')}"
    path.write_text(json.dumps(table, indent=1, ensure_ascii=False) + "\n")


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":")[1].strip()
    return platform.machine()


if __name__ == "__main__":
    main()
