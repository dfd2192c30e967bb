"""The cell problems: correctors, a* and r*, by networks against finite elements and against exact values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure as Drawing

from hybrid.paper import plots
from hybrid.paper.cases import case, paper_cases
from hybrid.paper.experiment import Experiment, Figure, Recorded, Runs
from hybrid.paper.monitors import CELL_GRID
from hybrid.report.tabular import Table, text_of
from hybrid.study.figures import frame

_SLOW = "elliptic-1d-slow"
_WANTED = (
    ("elliptic-2d", "chi_1", 0), ("elliptic-2d", "chi_2", 1), (_SLOW, "e_a", 0), ("reaction-diffusion-10", "N", 0),
    ("reaction-diffusion-50", "N", 0),
)  # fmt: skip
"""Case, number in the paper, and which corrector."""
_LABELS = {"chi_1": "χ₁", "chi_2": "χ₂", "e_a": "a*(x)", "N": "N"}


def _errors(recorded: Recorded) -> Table:
    """Correctors and e_a: paper, preset paper, fast, accurate."""
    rows, own = [], [0.0]
    for name, key, j in _WANTED:
        cells = [f"{_LABELS[key]}, {name}", text_of(case(name).published.get(key))]
        for preset in ("paper", "fast", "accurate"):
            results = recorded.run(preset, name)
            if results is None:
                cells.append("–")
                continue
            own += results["cell"]["fem"]["error_estimates"]
            if key == "e_a":
                cells.append(text_of(results["homogenized"]["e_a"]))
            elif preset == "paper":
                cells.append(text_of(results["averaged"][key]))
            else:
                cells.append(text_of(results["cell"]["pinn"]["errors"][j]))
        rows.append(cells)
    return Table(
        "Cell problems: relative L2 errors against finite elements",
        ("", "paper", "preset paper", "preset fast", "preset accurate"),
        rows,
        f"Preset paper: averaged over the last epochs on a grid of {CELL_GRID} points a side, as in the paper; a*(x) at the "
        f"end. The finite elements themselves are off by up to {max(own):.1e}.",
    )


def _coefficients(recorded: Recorded) -> Table:
    rows = []
    for shown in paper_cases():
        if shown.exact is None:
            continue
        cells = [shown.name, f"{shown.exact:.9f}"]
        for preset, path in (("accurate", "fem"), ("paper", "pinn"), ("fast", "pinn"), ("accurate", "pinn")):
            results = recorded.run(preset, shown.name)
            if results is None:
                cells.append("–")
                continue
            value: Any = results["homogenized"][path]
            while isinstance(value, list):
                value = value[0]
            cells.append(f"{value:.9f}")
        rows.append(cells)
    return Table(
        "Homogenized coefficients a* (first entry) and r*",
        ("", "exact", "finite elements", "preset paper", "preset fast", "preset accurate"),
        rows,
        "1D: the harmonic mean. 2D: computed independently by a spectral method. Reaction–diffusion: -1/(8π²D), and -1/(2D) in "
        "the literal reading.",
    )


def _slow_coefficient(runs: Runs) -> Drawing:
    figure, (left, right) = frame(1, 2)
    exact = runs["accurate", _SLOW]["samples"]["cell"]
    left.plot(exact["x"], exact["a_fem"], color="0.6", linewidth=3, label="FEM")
    right.plot(exact["x"], exact["slope_fem"], color="0.6", linewidth=3, label="FEM")
    for k, preset in enumerate(("paper", "accurate")):
        cell = runs[preset, _SLOW]["samples"]["cell"]
        style = {"color": f"C{3 - 3 * k}", "linestyle": ("--", ":")[k], "label": f"preset {preset}"}
        left.plot(cell["x"], cell["a_pinn"], **style)
        at = np.array(cell["nodes"])
        right.plot(at, cell["slope_autodiff"], ".", color=style["color"], label=f"preset {preset}, automatic diff.")
    left.set(title="homogenized coefficient $a^*(x)$", xlabel="$x$")
    right.set(title=r"$\mathrm{d}a^*/\mathrm{d}x$", xlabel="$x$")
    plots.finish_curves(left, right)
    return figure


def _reaction_cell(name: str) -> Callable[[Runs], Drawing]:
    def draw(runs: Runs) -> Drawing:
        results = runs["paper", name]
        figure, axes = frame(1, 2)
        curve = results["training"]["cell"]["monitored"]
        plots.history(axes[0], curve, {"N": "$N$"}, "error of $N$ while training")
        cell = results["samples"]["cell"]
        y = np.linspace(0, 1, len(cell["fem"][0]))
        axes[1].plot(y, cell["fem"][0], color="0.6", linewidth=3, label="FEM")
        axes[1].plot(y, cell["pinn"][0], "--", color="C3", label="network, preset paper")
        axes[1].set(title="corrector $N(y)$", xlabel="$y$")
        plots.finish_curves(axes[1])
        return figure

    return draw


def _cell(number: int, name: str, title: str) -> Figure:
    return Figure(number, f"{title}, cell problem", (("paper", name),), _reaction_cell(name))


class Correctors(Experiment):
    """What every run finds of the cell problems."""

    figures = (
        Figure(11, "1D slow, a*(x) and its derivative", (("accurate", _SLOW), ("paper", _SLOW)), _slow_coefficient),
        _cell(16, "reaction-diffusion-10", "ε = 1/10"),
        _cell(21, "reaction-diffusion-50", "ε = 1/50"),
    )

    def tables(self, recorded: Recorded) -> Sequence[Table]:
        """Errors, and coefficients."""
        return [_errors(recorded), _coefficients(recorded)]

    def findings(self, recorded: Recorded) -> Sequence[str]:
        """None: the tables say it."""
        return []
