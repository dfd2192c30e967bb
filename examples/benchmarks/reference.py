"""The reference solve: how fast, in how many iterations, with how much memory, on how many ranks, and how well planned.

    pip install -r examples/benchmarks/peers-requirements.txt     # for the first table only
    python examples/benchmarks/reference.py [--only peers iterations] [--out examples/reproduction/benchmarks]

The problem is that of reference_peers.py unless said otherwise: -div( a(x/ε) ∇u ) = f in [0,1]², ε = 1/8, quadratic triangles,
to a relative residual of 1e-8. Every measurement is a process of its own (or two, under mpiexec), which first solves a tiny
problem so that nothing is compiled on the clock. Sections:

peers        seconds, iterations and memory against other programs; setup and solve in products with the same matrix
iterations   for smaller elements, shorter periods, higher degrees and contrasts
growth       time and memory over a 16-fold range of unknowns: the exponents
ranks        4.2 million unknowns on one rank and on two
cell         three correctors on 64³ hexahedra of degree one, on two ranks
agreement    a* on 1, 2 and 3 ranks
plan         `hybrid plan` against three runs that it was not calibrated on

Takes about twelve minutes on two cores; nothing else should be running.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from reference_peers import PEERS, TOLERANCE, peer_times, table

MPIEXEC = Path(sys.executable).with_name("mpiexec")
PLANNED = (  # dimension, periods along a side, degree, cells per period, shape, ranks
    (2, 16, 3, 14, "simplex", 1),
    (2, 32, 2, 18, "simplex", 2),
    (3, 4, 2, 11, "box", 2),
)


def solve(n: int, degree: int, periods: int, contrast: float) -> Any:
    """One solve on n² squares, the best of five: seconds of each step, of a product with the matrix, iterations and bytes."""
    import hybrid.study.run  # noqa: F401, I001  (what the command has in memory)
    from mpi4py import MPI
    from petsc4py import PETSc

    import sympy
    import ufl
    from dolfinx import fem

    from hybrid import EllipticProblem
    from hybrid.fem.algebra.assembly import assembled
    from hybrid.fem.meshes.box import box, zero_on_boundary
    from hybrid.fem.dirichlet import solve_on
    from hybrid.fem.forms import flux_on
    from hybrid.machine import keep_memory, peak_memory
    from hybrid.symbols import cos, pi, sin, x, y

    keep_memory()
    comm = MPI.COMM_WORLD
    PETSc.Options()["reference_ksp_rtol"] = TOLERANCE
    wave = sympy.Float(2 * (contrast - 1) / (contrast + 1)) * sin(2 * pi * y[0]) * cos(2 * pi * y[1])
    problem = EllipticProblem(domain=[(0, 1)] * 2, eps=1 / periods, a=2 + wave, f=sin(x[0]) + cos(x[1]))
    equation = problem.multiscale()

    def once(count: int) -> tuple[dict[str, Any], Callable[[], float]]:
        comm.Barrier()
        begin = time.perf_counter()
        space = fem.functionspace(box(comm, problem.domain, [count] * 2), ("Lagrange", degree))
        meshed = time.perf_counter()
        found = solve_on(equation, space, "reference_")

        def product() -> float:
            u, v = ufl.TrialFunction(space), ufl.TestFunction(space)
            dx = ufl.dx(metadata={"quadrature_degree": 2 * degree})
            a = flux_on(equation, space)
            matrix = assembled(ufl.inner(a * ufl.grad(u), ufl.grad(v)) * dx, zero_on_boundary(space))
            right = matrix.createVecLeft()
            comm.Barrier()
            begin = time.perf_counter()
            for _ in range(20):
                matrix.mult(found.function.x.petsc_vec, right)
            seconds = (time.perf_counter() - begin) / 20
            matrix.destroy()
            right.destroy()
            return seconds

        steps = {"mesh": meshed - begin, **found.steps}
        return {"dofs": found.dofs, "iterations": found.iterations, **steps}, product

    once(8)
    idle = comm.allreduce(peak_memory())
    result, product = once(n)
    result["bytes"], result["idle"] = comm.allreduce(peak_memory()) - idle, idle
    result["product"] = product()
    best = result
    for _ in range(4):  # the first ones get their memory from the system
        del product  # and with it the matrices
        again, product = once(n)
        result["product"] = min(result["product"], product())
        best = min(best, again, key=lambda each: each["assembly"] + each["setup"] + each["solve"])
    return result | {key: best[key] for key in again}


def cell(n: int) -> dict[str, Any]:
    """Three correctors on n³ hexahedra of degree one."""
    import hybrid.study.run  # noqa: F401, I001
    from mpi4py import MPI

    from hybrid import EllipticProblem
    from hybrid.fem import solve_cell
    from hybrid.machine import keep_memory
    from hybrid.symbols import cos, pi, sin, y

    keep_memory()
    a = 2 + sin(2 * pi * y[0]) * cos(2 * pi * y[1]) * cos(2 * pi * y[2])
    problem = EllipticProblem(domain=[(0, 1)] * 3, eps=0.25, a=a, f=1)

    def once(count: int) -> dict[str, Any]:
        MPI.COMM_WORLD.Barrier()
        begin = time.perf_counter()
        found: Any = solve_cell(problem, MPI.COMM_WORLD, degree=1, cells=count, shape="box", estimate=False)
        return {"seconds": time.perf_counter() - begin, "a": found.coefficient.tolist()}

    once(4)
    return once(n)


def agreement() -> dict[str, Any]:
    """a* of the paper's 2D cell, and of a 3D one."""
    import hybrid  # noqa: F401, I001
    from mpi4py import MPI

    from hybrid import EllipticProblem
    from hybrid.fem import solve_cell
    from hybrid.symbols import cos, pi, sin, y

    found = []
    for dim, shape, cells in ((2, "simplex", 32), (3, "box", 10)):
        a = 2 + sin(2 * pi * y[0]) * cos(2 * pi * y[1])
        problem = EllipticProblem(domain=[(0, 1)] * dim, eps=0.25, a=a, f=1)
        solution: Any = solve_cell(problem, MPI.COMM_WORLD, degree=3, cells=cells, shape=shape, estimate=False)
        found += [v for row in solution.coefficient.tolist() for v in row]
    return {"a": found}


def planned(dim: int, periods: int, degree: int, cells: int, shape: str) -> dict[str, Any]:
    """A reference as `hybrid run` solves it, with the estimate of its error, measured."""
    import hybrid.study.run  # noqa: F401, I001
    from mpi4py import MPI

    from hybrid.fem import solve_multiscale
    from hybrid.machine import keep_memory, peak_memory

    keep_memory()
    comm = MPI.COMM_WORLD
    problem = _plan_problem(dim, periods)
    solve_multiscale(problem, comm, degree=degree, cells_per_period=2, shape=shape)
    comm.Barrier()
    begin = time.perf_counter()
    solution = solve_multiscale(problem, comm, degree=degree, cells_per_period=cells, shape=shape)
    seconds = time.perf_counter() - begin
    return {"dofs": solution.dofs, "seconds": seconds, "memory": comm.allreduce(peak_memory())}


def _plan_problem(dim: int, periods: int) -> Any:
    from hybrid import EllipticProblem
    from hybrid.symbols import cos, pi, sin, x, y

    a = 2 + sin(2 * pi * y[0]) * cos(2 * pi * y[1])
    return EllipticProblem(domain=[(0, 1)] * dim, eps=1 / periods, a=a, f=sin(x[0]) + cos(x[1]))


def measured(task: str, *arguments: object, ranks: int = 1) -> dict[str, Any]:
    """Run a task of this file in processes of its own."""
    command = [str(MPIEXEC), "-n", str(ranks), sys.executable, __file__, "--worker", task, json.dumps(arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    if done.returncode:
        raise SystemExit(f"{task} {arguments} on {ranks} ranks failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])  # type: ignore[no-any-return]


def peers() -> tuple[Any, str]:
    """Against other programs."""
    rows = peer_times(sys.executable, list(PEERS), 512)
    own = measured("solve", 512, 2, 8, 3.0)
    whole = {row["peer"]: row["seconds"] for row in rows if "seconds" in row}
    ratios = {name: value / whole["hybrid"] for name, value in whole.items() if name != "hybrid"}
    products = (own["setup"] + own["solve"]) / own["product"]
    lines = [
        table(rows), "",
        f"setup and solve take {products:.0f} products with the matrix ({1e3 * own['product']:.1f} ms each), "
        f"{own['bytes'] / own['dofs']:.0f} bytes per unknown at the peak, above the idle process",
        "times slower in assembly, setup and solve: " + ", ".join(f"{name} {value:.1f}" for name, value in ratios.items()),
    ]  # fmt: skip
    return {"rows": rows, "own": own, "products": products, "ratios": ratios}, "\n".join(lines)


def iterations() -> tuple[Any, str]:
    """For smaller elements, shorter periods, higher degrees and contrasts."""
    found = []
    lines = [f"{'cells':>6} {'degree':>6} {'periods':>8} {'contrast':>9} {'unknowns':>10} {'iterations':>11}"]
    for n, degree, periods, contrast in (
        (64, 2, 8, 3), (128, 2, 8, 3), (256, 2, 8, 3), (512, 2, 8, 3), (1024, 2, 8, 3), (512, 2, 16, 3), (512, 2, 32, 3),
        (512, 2, 64, 3), (512, 2, 8, 10), (512, 2, 8, 100), (512, 2, 32, 100), (512, 1, 8, 3), (256, 3, 8, 3), (192, 4, 8, 3),
    ):  # fmt: skip
        row = measured("solve", n, degree, periods, contrast)
        found.append({"cells": n, "degree": degree, "periods": periods, "contrast": contrast, **row})
        lines.append(f"{n:6} {degree:6} {periods:8} {contrast:9} {row['dofs']:10} {row['iterations']:11}")
    return found, "\n".join(lines)


def growth() -> tuple[Any, str]:
    """Time and memory over a 16-fold range of unknowns."""
    rows = [measured("solve", n, 2, 8, 3.0) for n in (256, 512, 1024)]
    for row in rows:
        row["seconds"] = sum(row[step] for step in ("mesh", "assembly", "setup", "solve"))
    lines = [f"{'unknowns':>10} {'seconds':>8} {'bytes per unknown':>18}"]
    lines += [f"{r['dofs']:10} {r['seconds']:8.2f} {r['bytes'] / r['dofs']:18.0f}" for r in rows]
    range_ = math.log(rows[-1]["dofs"] / rows[0]["dofs"])
    exponents = {key: math.log(rows[-1][key] / rows[0][key]) / range_ for key in ("seconds", "bytes")}
    lines.append("exponents: " + ", ".join(f"{key} {value:.3f}" for key, value in exponents.items()))
    return {"rows": rows, "exponents": exponents}, "\n".join(lines)


def ranks() -> tuple[Any, str]:
    """4.2 million unknowns on one rank and on two, in turn: the best of three rounds."""
    runs: dict[int, list[dict[str, Any]]] = {1: [], 2: []}
    for _, count in itertools.product(range(3), runs):
        runs[count].append(measured("solve", 1024, 2, 8, 3.0, ranks=count))
    rows = {
        count: min(found, key=lambda each: each["setup"] + each["solve"])
        | {"product": min(r["product"] for r in found)}
        for count, found in runs.items()
    }
    lines = [f"{'ranks':>5} {'assembly':>9} {'setup':>8} {'solve':>8} {'iterations':>10} {'bytes per unknown':>18}"]
    for count, r in rows.items():
        bytes_ = r["bytes"] / r["dofs"]
        lines.append(
            f"{count:5} {r['assembly']:7.2f} s {r['setup']:6.2f} s {r['solve']:6.2f} s {r['iterations']:10} {bytes_:18.0f}"
        )
    efficiency = {
        name: sum(rows[1][step] for step in steps) / sum(rows[2][step] for step in steps) / 2
        for name, steps in (
            ("setup and solve", ("setup", "solve")),
            ("product", ("product",)),
            ("assembly", ("assembly",)),
        )
    }
    lines.append("parallel efficiency: " + ", ".join(f"{name} {100 * e:.0f} %" for name, e in efficiency.items()))
    return {"rows": rows, "efficiency": efficiency}, "\n".join(lines)


def cells() -> tuple[Any, str]:
    """Three correctors on 64³ hexahedra, on two ranks."""
    found = measured("cell", 64, ranks=2)
    return found, f"three correctors on 64³ hexahedra on two ranks: {found['seconds']:.1f} s"


def agreements() -> tuple[Any, str]:
    """a* on 1, 2 and 3 ranks."""
    found = [measured("agreement", ranks=count)["a"] for count in (1, 2, 3)]
    worst = max(abs(a - b) for other in found[1:] for a, b in zip(found[0], other, strict=True))
    return worst, f"a* on 1, 2 and 3 ranks differs by {worst:.1e} at most (2D and 3D, degree 3)"


def plans() -> tuple[Any, str]:
    """`hybrid plan` against three runs that it was not calibrated on."""
    import hybrid  # noqa: F401
    from hybrid.fem.cost import predicted

    found = []
    lines = [f"{'reference':44} {'unknowns':>9} {'memory: planned, found':>26} {'seconds: planned, found':>26}"]
    for dim, periods, degree, cells_, shape, count in PLANNED:
        row = measured("planned", dim, periods, degree, cells_, shape, ranks=count)
        plan = predicted([periods * cells_] * dim, degree, shape, count)
        seconds = sum(plan.seconds.values())
        found.append({"planned": {"memory": plan.memory, "seconds": seconds}, **row})
        memory = plan.memory / row["memory"]
        name = f"{dim}D, degree {degree}, {periods * cells_} {shape} cells a side, {count} rank{'s' * (count > 1)}"
        lines.append(
            f"{name:44} {row['dofs']:9} {plan.memory / 2**20:8.0f}, {row['memory'] / 2**20:6.0f} MiB ({memory:4.2f}) "
            f"{seconds:8.2f}, {row['seconds']:6.2f} s ({seconds / row['seconds']:4.2f})"
        )
    return found, "\n".join(lines)


WORKERS: dict[str, Callable[..., Any]] = {"solve": solve, "cell": cell, "agreement": agreement, "planned": planned}
SECTIONS = {
    "peers": peers, "iterations": iterations, "growth": growth, "ranks": ranks, "cell": cells, "agreement": agreements,
    "plan": plans,
}  # fmt: skip


def main() -> None:
    """Run the sections, print what they found, and keep it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS))
    parser.add_argument("--out", type=Path, help="a folder for reference.json and reference.txt")
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        result = WORKERS[options.worker[0]](*json.loads(options.worker[1]))
        from mpi4py import MPI

        if MPI.COMM_WORLD.rank == 0:
            print(json.dumps(result))
        return
    data: dict[str, Any] = {}
    pages: list[str] = []
    for name in options.only:
        data[name], text = SECTIONS[name]()
        pages.append(f"{name}: {(SECTIONS[name].__doc__ or '').strip()}\n\n{text}\n")
        print(pages[-1], flush=True)
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "reference.json").write_text(json.dumps(data, indent=1) + "\n")
        (options.out / "reference.txt").write_text("\n".join(pages))


if __name__ == "__main__":
    main()
