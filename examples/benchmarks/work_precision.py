"""Error against wall time: finite elements P1 … P4 and each optimizer, for the paper's 2D cell and homogenized problems.

    python examples/benchmarks/work_precision.py [--out FOLDER] [--budget 30] [--seeds 5]

One thread. Errors are relative L2 errors on a grid, against a Fourier Galerkin solution (cell problem) and a series
(homogenized equation). Finite elements: uniform meshes, the default solver, forms compiled beforehand. Networks: the error
while they train, without the time it takes to measure it; medians over the seeds. "frozen" is least squares for the last
layer of random hidden ones; all others train every layer. Leaves work_precision.json, .md and .png.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hybrid  # noqa: F401  (orders the imports of MPI and DOLFINx)

from mpi4py import MPI  # isort: skip

import numpy as np
import torch
from matplotlib.figure import Figure
from series import homogenized_2d
from spectral import solve_cell as spectral_cell

from hybrid import fem, pinn, store
from hybrid.comparison import on_points
from hybrid.paper.cases import case
from hybrid.pinn import LBFGS, Adam, LastLayer, LevenbergMarquardt, VariableProjection

PROBLEM: Any = case("elliptic-2d").problem
ALONE = MPI.COMM_SELF
MESHES = (4, 8, 16, 32, 64, 128, 256)
FEATURES = (50, 100, 200, 400, 700, 1000)
TRAINED = {
    "Adam": ((24, 24), Adam(steps=10**6, learning_rate=3e-3)),
    "L-BFGS": ((24, 24), LBFGS(steps=10**6, tolerance=0)),
    "Levenberg–Marquardt": ((24, 24), LevenbergMarquardt(steps=1000, tolerance=0)),
    "variable projection": ((150,), VariableProjection(steps=150, tolerance=0)),
}
"""Each with the network that suits it: variable projection wants one wide layer, the others two narrower ones."""

Errors = dict[str, float]


def relative(found: np.ndarray, exact: np.ndarray) -> float:
    """‖found - exact‖ / ‖exact‖."""
    return float(np.linalg.norm(found - exact) / np.linalg.norm(exact))


class Cell:
    """The cell problems: errors of the worse corrector and of a*."""

    name, points = "cell", {"frozen": 1.4, "trained": 32}

    def __init__(self) -> None:
        self.at, self.exact, self.a = spectral_cell(PROBLEM, 63)
        self.networks = pinn.cell_networks

    def mesh(self, degree: int, cells: int) -> Any:
        """Finite elements."""
        return fem.solve_cell(PROBLEM, ALONE, degree=degree, cells=cells, estimate=False)

    def network(self, **arguments: Any) -> Any:
        """Networks."""
        return pinn.solve_cell(PROBLEM, **arguments)

    def errors(self, solution: Any) -> Errors:
        """Against the reference."""
        values = [on_points(c, self.at) for c in solution.correctors]
        chi = max(relative(v - v.mean(), self.exact[:, j]) for j, v in enumerate(values))
        return {"chi": chi, "a": float(np.abs(solution.coefficient - self.a).max() / np.abs(self.a).max())}


class Homogenized:
    """The homogenized equation with the exact a*."""

    name, points = "homogenized", {"frozen": 1.4, "trained": 36}

    def __init__(self) -> None:
        self.a = spectral_cell(PROBLEM, 63)[2]
        line = np.linspace(0, 1, 51)
        self.at = np.stack([g.ravel() for g in np.meshgrid(line, line, indexing="ij")], axis=1)
        self.exact = homogenized_2d(line, line, float(self.a[0, 0])).ravel()
        self.networks = pinn.homogenized_networks

    def mesh(self, degree: int, cells: int) -> Any:
        """Finite elements."""
        return fem.solve_homogenized(PROBLEM, self.a, ALONE, degree=degree, cells=cells)

    def network(self, **arguments: Any) -> Any:
        """Networks."""
        return pinn.solve_homogenized(PROBLEM, self.a, **arguments)

    def errors(self, solution: Any) -> Errors:
        """Against the reference."""
        return {"u": relative(on_points(solution, self.at), self.exact)}


class _Enough(Exception):
    """The time is over."""


def finite_elements(task: Any, budget: float) -> Iterator[dict[str, Any]]:
    """Uniform meshes, until a solve takes too long."""
    for degree in (1, 2, 3, 4):
        task.mesh(degree, 2)  # compiles
        for cells in MESHES:
            start = time.perf_counter()
            solution = task.mesh(degree, cells)
            seconds = time.perf_counter() - start
            yield {"method": f"P{degree}", "setting": cells, "seconds": seconds, **task.errors(solution)}
            if seconds > budget / 4:
                break


def frozen(task: Any, seeds: int) -> Iterator[dict[str, Any]]:
    """Random features, more and more."""
    for features in FEATURES:
        points = int(task.points["frozen"] * features**0.5) + 1
        runs = []
        for seed in range(seeds):
            start = time.perf_counter()
            solution = task.network(hidden=(features,), optimizer=LastLayer(), points=points, seed=seed)
            runs.append({"seconds": time.perf_counter() - start, **task.errors(solution)})
        yield {"method": "frozen", "setting": features, **median(runs)}


def curve(task: Any, name: str, budget: float, seed: int) -> dict[int, dict[str, float]]:
    """Errors along one training, at steps that grow by a fifth."""
    hidden, optimizer = TRAINED[name]
    marks = iter(sorted({round(1.2**k) for k in range(80)}))
    networks = list(task.networks(PROBLEM, seed=seed, hidden=hidden))
    found: dict[int, dict[str, float]] = {}
    spent, start, mark = 0.0, time.perf_counter(), next(marks)

    def measure(step: int, steps: int, loss: float) -> None:
        nonlocal spent, mark
        begin = time.perf_counter()
        seconds = begin - start - spent
        if step >= mark or seconds > budget:
            while mark <= step:
                mark = next(marks)
            found[step] = {"seconds": seconds, **task.errors(task.network(networks=networks, train=False))}
            if seconds > budget:
                raise _Enough
        spent += time.perf_counter() - begin

    measure.follow = lambda copies: networks.__setitem__(slice(None), copies)  # type: ignore[attr-defined]  # those that are trained
    with contextlib.suppress(_Enough):
        task.network(networks=networks, optimizer=optimizer, points=task.points["trained"], progress=measure)
    return found


def trained(task: Any, name: str, budget: float, seeds: int) -> Iterator[dict[str, Any]]:
    """The medians of the curves."""
    curves = [curve(task, name, budget, seed) for seed in range(seeds)]
    for step in curves[0]:
        runs = [found[step] for found in curves if step in found]
        if len(runs) > seeds / 2:
            yield {"method": name, "setting": step, **median(runs)}


def median(runs: list[dict[str, float]]) -> dict[str, float]:
    """Of each number by itself."""
    return {key: statistics.median(run[key] for run in runs) for key in runs[0]}


TARGETS = {"chi": (1e-2, 1e-4, 1e-6, 1e-8), "a": (1e-4, 1e-8, 1e-12), "u": (1e-2, 1e-4, 1e-6, 1e-7)}
TITLES = {"chi": "correctors χ, cell problem", "a": "a*, cell problem", "u": "homogenized equation"}


def table(rows: list[dict[str, Any]]) -> str:
    """The shortest time in which each method gets below a target."""
    methods = list(dict.fromkeys(row["method"] for row in rows))
    heads = [f"{TITLES[k]} ≤ {t:.0e}" for k, targets in TARGETS.items() for t in targets]
    lines = ["| seconds to | " + " | ".join(heads) + " |", "|---|" + "---:|" * len(heads)]
    for method in methods:
        cells = []
        for key, targets in TARGETS.items():
            for target in targets:
                own = [r for r in rows if r["method"] == method and key in r and r[key] <= target]
                cells.append(f"{min(r['seconds'] for r in own):.2f}" if own else "–")
        lines.append(f"| {method} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def figure(rows: list[dict[str, Any]]) -> Figure:
    """One panel for each error."""
    picture = Figure(figsize=(13, 4.6), layout="constrained")
    axes = picture.subplots(1, 3)
    methods = list(dict.fromkeys(row["method"] for row in rows))
    elements = {f"P{k}": (f"C{k - 1}", marker) for k, marker in enumerate("os^D", 1)}
    networks = {
        "frozen": "black",
        "Adam": "C4",
        "L-BFGS": "C5",
        "Levenberg–Marquardt": "C6",
        "variable projection": "C7",
    }
    for ax, key in zip(axes, TARGETS, strict=True):
        for method in methods:
            own = [r for r in rows if r["method"] == method and key in r]
            xs, ys = [r["seconds"] for r in own], [max(r[key], 1e-16) for r in own]
            if method in elements:
                colour, marker = elements[method]
                ax.loglog(xs, ys, marker=marker, ms=4, lw=1, ls="--", color=colour, label=f"FEM {method}")
            else:
                label = "frozen features" if method == "frozen" else method
                style = {"marker": "*", "ms": 7} if method == "frozen" else {"lw": 2}
                ax.loglog(xs, ys, color=networks[method], label=label, **style)
        ax.set(title=TITLES[key], xlabel="wall time in s, one thread", ylabel="relative error")
        ax.grid(alpha=0.3)
    picture.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=9, fontsize=8)
    return picture


def main() -> None:
    """Measure everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("results/work-precision"))
    parser.add_argument("--budget", type=float, default=30, help="seconds for one training")
    parser.add_argument("--seeds", type=int, default=5)
    given = parser.parse_args()
    torch.set_num_threads(1)
    rows: list[dict[str, Any]] = []
    for task in (Cell(), Homogenized()):
        parts: list[Callable[[], Iterator[dict[str, Any]]]] = [
            lambda task=task: finite_elements(task, given.budget),
            lambda task=task: frozen(task, given.seeds),
            *(lambda task=task, name=name: trained(task, name, given.budget, given.seeds) for name in TRAINED),
        ]
        for part in parts:
            for row in part():
                rows.append({"problem": task.name, **row})
                errors = ", ".join(f"{k} {row[k]:.1e}" for k in ("chi", "a", "u") if k in row)
                print(
                    f"{task.name:12} {row['method']:20} {row['setting']:7} {row['seconds']:8.2f} s   {errors}",
                    flush=True,
                )
    text = table(rows)
    print(text)
    store.write_json(given.out / "work_precision.json", {"rows": rows})
    store.write_atomically(given.out / "work_precision.md", lambda file: file.write(text.encode()))
    figure(rows).savefig(given.out / "work_precision.png", dpi=130)


if __name__ == "__main__":
    main()
