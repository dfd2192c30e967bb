"""The presets fast and accurate from many seeds: errors, seconds, and what was asked of them.

    python examples/benchmarks/presets.py [--seeds 5] [--only NAME …] [--out FILE.json]

Each part is solved by the preset as it is, one thread, one seed after the other. Printed are the medians, and the worst error
over the median. Errors are relative L2 errors of the worse corrector or of the solution, and of a*, against spectral
solutions and series.
fast: frozen random hidden layers, least squares for the last one. accurate: every layer trained.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hybrid  # noqa: F401  (orders the imports of MPI and DOLFINx)

from mpi4py import MPI  # isort: skip

import numpy as np
import torch
from series import homogenized_2d, reaction_diffusion
from spectral import solve_cell as spectral_cell

from hybrid import EllipticProblem, pinn, store
from hybrid import pinn as pinn_reaction
from hybrid.comparison import on_points
from hybrid.paper.cases import case
from hybrid.pinn import preset
from hybrid.symbols import cos, pi, sin, x, y

assert MPI.COMM_WORLD.size == 1

PAPER: Any = case("elliptic-2d").problem
OFF = sin(2 * pi * (y[0] + y[1])) / 4
MATRIX = [
    [2 + sin(2 * pi * y[0]) * cos(2 * pi * y[1]) / 2, OFF, 0],
    [OFF, 3 + cos(2 * pi * y[2]), sin(2 * pi * y[2]) / 3],
    [0, sin(2 * pi * y[2]) / 3, 2 + cos(2 * pi * y[0]) * sin(2 * pi * y[2]) / 2],
]
CUBE = EllipticProblem(domain=[(0, 1)] * 3, eps=1 / 8, a=MATRIX, f=sin(x[0]))
Errors = dict[str, float]


def relative(found: np.ndarray, exact: np.ndarray) -> float:
    """‖found - exact‖ / ‖exact‖."""
    return float(np.linalg.norm(found - exact) / np.linalg.norm(exact))


def cell(problem: EllipticProblem, count: int) -> Callable[..., Errors]:
    """The cell problems."""
    at, exact, a = spectral_cell(problem, count)

    def solve(**arguments: Any) -> Any:
        return pinn.solve_cell(problem, **arguments)

    def errors(solution: Any) -> Errors:
        found = [on_points(c, at) for c in solution.correctors]
        off = float(np.abs(solution.coefficient - a).max() / np.abs(a).max())
        return {"error": max(relative(v - v.mean(), exact[:, j]) for j, v in enumerate(found)), "a*": off}

    return lambda seed, name: timed(solve, errors, seed, preset(name, "cell", problem))


def homogenized_square() -> Callable[..., Errors]:
    """The homogenized equation of section 5.2 with the exact a*."""
    a = spectral_cell(PAPER, 63)[2]
    line = np.linspace(0, 1, 51)
    at = np.stack([g.ravel() for g in np.meshgrid(line, line, indexing="ij")], axis=1)
    exact = homogenized_2d(line, line, float(a[0, 0])).ravel()

    def solve(**arguments: Any) -> Any:
        return pinn.solve_homogenized(PAPER, a, **arguments)

    def errors(solution: Any) -> Errors:
        return {"error": relative(on_points(solution, at), exact)}

    return lambda seed, name: timed(solve, errors, seed, preset(name, "homogenized", PAPER))


def homogenized_line() -> Callable[..., Errors]:
    """-√3.75 u'' = sin(x) on (0, π), u = 0 at the ends: u = sin(x) / √3.75."""
    problem: Any = case("elliptic-1d").problem
    at = np.linspace(0, np.pi, 1001)[:, None]

    def solve(**arguments: Any) -> Any:
        return pinn.solve_homogenized(problem, [[3.75**0.5]], **arguments)

    def errors(solution: Any) -> Errors:
        return {"error": relative(on_points(solution, at), np.sin(at[:, 0]) / 3.75**0.5)}

    return lambda seed, name: timed(solve, errors, seed, preset(name, "homogenized", problem))


def reaction() -> Callable[..., Errors]:
    """The homogenized equation of section 5.4 at t = 1, r* = -1/(16π²)."""
    problem: Any = case("reaction-diffusion-10").problem
    at = np.linspace(-np.pi, np.pi, 1001)[:, None]
    r = -1 / (16 * np.pi**2)
    exact = reaction_diffusion(at[:, 0], r)

    def solve(**arguments: Any) -> Any:
        return pinn_reaction.solve_homogenized(problem, r, **arguments)

    def errors(solution: Any) -> Errors:
        return {"error": relative(on_points(solution, at), exact)}

    return lambda seed, name: timed(solve, errors, seed, preset(name, "homogenized", problem))


def timed(
    solve: Callable[..., Any], errors: Callable[[Any], Errors], seed: int, arguments: dict[str, Any]
) -> dict[str, float]:
    """Seconds of one solve, and its errors."""
    start = time.perf_counter()
    solution = solve(seed=seed, **arguments)
    return {"seconds": time.perf_counter() - start, **errors(solution)}


PARTS: dict[str, tuple[Callable[[], Callable[..., Errors]], dict[str, tuple[float, float]]]] = {
    "cell-2d": (lambda: cell(PAPER, 63), {"fast": (1e-8, 3), "accurate": (1e-6, 20)}),
    "homogenized-2d": (homogenized_square, {"fast": (5e-5, 3), "accurate": (5e-5, 20)}),
    "homogenized-1d": (homogenized_line, {"fast": (1e-9, 3), "accurate": (1e-9, 3)}),
    "reaction-diffusion": (reaction, {"fast": (1e-5, 30), "accurate": (1e-5, 30)}),
    "cell-3d": (lambda: cell(CUBE, 23), {"fast": (1e-5, 60), "accurate": (1e-5, 60)}),
}
"""How to measure, and for each preset the error and the seconds that it is to stay below."""


def main() -> None:
    """Measure the presets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    pinn.solve_cell(PAPER, **preset("fast", "cell", PAPER))  # the first calls are slower than all others
    table: list[dict[str, Any]] = []
    print(
        f"{'':18} {'preset':9} {'error':>8} {'asked':>7} {'seconds':>8} {'asked':>5} {'a*':>8} {'worst':>8} {'/median':>7}"
    )
    for name in given.only:
        prepare, wanted = PARTS[name]
        measure = prepare()
        for chosen, (error, seconds) in wanted.items():
            runs = [measure(seed, chosen) for seed in range(given.seeds)]
            middle = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
            worst = max(run["error"] for run in runs)
            row = {"part": name, "preset": chosen, "asked": {"error": error, "seconds": seconds}, "median": middle}
            table.append(row | {"worst": worst, "ratio": worst / middle["error"], "runs": runs})
            off = f"{middle['a*']:8.1e}" if "a*" in middle else f"{'':8}"
            print(
                f"{name:18} {chosen:9} {middle['error']:8.1e} {error:7.0e} {middle['seconds']:8.2f} {seconds:5.0f} {off} "
                f"{worst:8.1e} {worst / middle['error']:7.1f}",
                flush=True,
            )
    if given.out is not None:
        store.write_json(given.out, {"seeds": given.seeds, "table": table})


if __name__ == "__main__":
    main()
