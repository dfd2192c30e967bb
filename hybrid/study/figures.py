"""The figures of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hybrid import pinn
from hybrid.comparison import grid, on_points
from hybrid.comparison.transfer import Comparable
from hybrid.fem import CellSolution, Solution
from hybrid.problems import EllipticProblem
from hybrid.study.cases import Case
from hybrid.symbols import evaluate

_STYLE = {"font.size": 9, "axes.titlesize": 10, "figure.dpi": 150, "axes.formatter.limits": (-3, 4)}


def draw(
    out: Path, case: Case, results: Mapping[str, Any], u: Solution, v: Solution, w: Solution, p: pinn.Solution,
    cell: CellSolution, chi: pinn.CellSolution,
) -> None:  # fmt: skip
    """Write ``solutions.png``, ``errors.png``, ``correctors.png`` and ``training.png``; collective, drawn on rank 0."""
    problem = case.problem
    comm = u.function.function_space.mesh.comm
    count = 2001 if problem.dim == 1 else 241
    points = grid(problem.domain, count)
    solutions: dict[str, Comparable] = {"u": u, "v": v, "w": w, "p": p}
    values = {name: on_points(s, points) for name, s in solutions.items()}
    inside = grid([(0.0, q) for q in problem.period], 101 if problem.dim == 1 else 81)
    correctors = [
        (on_points(one, inside), on_points(other, inside))
        for one, other in zip(cell.correctors, chi.correctors, strict=True)
    ]
    if comm.rank:
        return
    coefficient = _first_entry(problem, points)
    with matplotlib.rc_context(_STYLE):
        paint = _lines if problem.dim == 1 else _maps
        e, symbol = results["errors"], "a" if problem.isotropic else "a_{11}"
        paint(out / "solutions.png", problem.domain, points, [
            (rf"coefficient ${symbol}(x, x/\varepsilon)$", coefficient),
            (r"reference $u_\varepsilon$ (FEM)", values["u"]),
            ("$v$: FEM homogenization", values["v"]),
            ("$p$: neural homogenization", values["p"]),
        ], "viridis")  # fmt: skip
        paint(out / "errors.png", problem.domain, points, [
            (rf"$p - u_\varepsilon$,  $e_1$ = {e['e1']:.3g}", values["p"] - values["u"]),
            (rf"$w - u_\varepsilon$,  $e_2$ = {e['e2']:.3g}", values["w"] - values["u"]),
            (rf"$p - w$,  $e_3$ = {e['e3']:.2g}", values["p"] - values["w"]),
            (rf"$v - u_\varepsilon$,  $e_4$ = {e['e4']:.3g}", values["v"] - values["u"]),
        ], "RdBu_r")  # fmt: skip
        panels = []
        for j, (one, other) in enumerate(correctors, 1):
            size = max(float(np.linalg.norm(one)), 1e-300)
            difference = float(np.linalg.norm(other - one)) / size
            panels += [
                (rf"corrector $\chi_{j}$ (network)", other),
                (rf"$\chi_{j}$: network - FEM, relative {difference:.1g}", other - one),
            ]
        paint(out / "correctors.png", [(0.0, q) for q in problem.period], inside, panels, "RdBu_r", "y")
        _training(out / "training.png", results["training"])


def _first_entry(problem: EllipticProblem, points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    values = dict(zip(problem.slow, points.T, strict=True)) | dict(
        zip(problem.fast, points.T / problem.eps, strict=True)
    )
    return np.broadcast_to(np.asarray(evaluate(problem.matrix[0, 0], values), dtype=float), len(points))


Panel = tuple[str, npt.NDArray[np.float64]]


def _figure(rows: int, columns: int, height: float) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(4.2 * columns, height * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    return figure, list(axes.flat)


def _maps(
    path: Path, box: Sequence[Sequence[float]], points: npt.NDArray[np.float64], panels: Sequence[Panel], colours: str,
    symbol: str = "x",
) -> None:  # fmt: skip
    figure, axes = _figure((len(panels) + 1) // 2, 2, 3.5)
    count = round(len(points) ** 0.5)
    (left, right), (bottom, top_edge) = box
    for ax, (title, values) in zip(axes, panels, strict=True):
        top = float(np.abs(values).max()) or 1.0
        low, high = (-top, top) if colours == "RdBu_r" else (None, None)
        image = ax.imshow(
            values.reshape(count, count).T, origin="lower", extent=(left, right, bottom, top_edge),
            cmap=colours, vmin=low, vmax=high, interpolation="bilinear",
        )  # fmt: skip
        figure.colorbar(image, ax=ax, shrink=0.85)
        ax.set(title=title, xlabel=f"${symbol}_0$", ylabel=f"${symbol}_1$")
    figure.savefig(path)


def _lines(
    path: Path, box: Sequence[Sequence[float]], points: npt.NDArray[np.float64], panels: Sequence[Panel], colours: str,
    symbol: str = "x",
) -> None:  # fmt: skip
    figure, axes = _figure((len(panels) + 1) // 2, 2, 2.6)
    for ax, (title, values) in zip(axes, panels, strict=True):
        ax.plot(points[:, 0], values, color="C0" if colours == "viridis" else "C3", linewidth=1)
        ax.set(title=title, xlabel=f"${symbol}_0$", xlim=box[0])
        ax.grid(alpha=0.3)
    figure.savefig(path)


def _training(path: Path, training: Mapping[str, Any]) -> None:
    figure, axes = _figure(1, 2, 3.0)
    titles = {"cell": "cell problems", "homogenized": "homogenized equation"}
    for ax, (part, title) in zip(axes, titles.items(), strict=True):
        loss = training[part]["loss"]
        ax.semilogy(range(len(loss)), loss, marker="o" if len(loss) < 5 else None, color="C0")
        ax.set(title=f"{title}: {training[part]['optimizer']}", xlabel="step", ylabel="loss (mean square residual)")
        ax.grid(alpha=0.3, which="both")
    figure.savefig(path)
