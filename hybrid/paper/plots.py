"""What the figures share: curves on a line, and errors while training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from hybrid.paper.cases import case
from hybrid.paper.experiment import Results
from hybrid.study.figures import symbol


def coefficient(ax: Axes, results: Results) -> None:
    """The oscillating coefficient of a run in one dimension."""
    chosen = case(str(results["case"]))
    ax.plot(*_line(results, "coefficient"), color="C0", linewidth=0.8)
    ax.set(title=f"coefficient {symbol(chosen)}", xlabel="$x$", xlim=chosen.problem.domain[0])
    ax.grid(alpha=0.3)


def solution(ax: Axes, results: Results, name: str, label: str) -> None:
    """A solution of a run in one dimension beside the reference."""
    ax.plot(*_line(results, "u"), color="0.6", linewidth=3, label=r"reference $u_\varepsilon$ (FEM)")
    ax.plot(*_line(results, name), "--", color="C3", label=label)
    problem = case(str(results["case"])).problem
    time = problem.multiscale().time
    when = f" at $t$ = {time.until:g}" if time else ""
    ax.set(title=f"solution{when}", xlabel="$x$", xlim=problem.domain[0])
    ax.legend(fontsize=8)
    ax.grid(alpha=0.3)


def _line(results: Results, name: str) -> tuple[np.ndarray, np.ndarray]:
    ((low, high),) = case(str(results["case"])).problem.domain
    values = np.array(results["samples"][name])
    return np.linspace(low, high, len(values)), values


def history(ax: Axes, curve: Mapping[str, Any], names: Mapping[str, str], title: str, last: int | None = None) -> None:
    """Errors by epoch, and their averages; with `last` the last epochs only."""
    epochs = np.array(curve["epochs"])
    keep = epochs >= (0 if last is None else epochs[-1] - last)
    for k, (name, label) in enumerate(names.items()):
        values = np.array(curve["errors"][name])[keep]
        ax.plot(epochs[keep], values, color=f"C{k}", linewidth=0.9, label=f"{label}: {curve['averages'][name]:.3g}")
    finish_history(ax, title if last is None else f"the last {min(last, epochs[-1])} epochs", curve["average_over"])


def finish_history(ax: Axes, title: str, average_over: int) -> None:
    """Logarithmic where the errors span more than a factor of 3, otherwise linear and at least 2 % of them high."""
    values = np.concatenate([np.asarray(line.get_ydata(), dtype=float) for line in ax.lines])
    low, high = float(values.min()), float(values.max())
    if high > 3 * low > 0:
        ax.set_yscale("log")
    else:
        middle, half = (low + high) / 2, max((high - low) / 2, 0.01 * high)
        ax.set_ylim(middle - 1.1 * half, middle + 1.1 * half)
        ax.ticklabel_format(axis="y", useOffset=False)
    ax.set(title=title, xlabel="epoch", ylabel="relative error")
    ax.legend(fontsize=8, title=f"mean, last {average_over}", title_fontsize=7)
    ax.grid(alpha=0.3, which="both")


def finish_curves(*axes: Axes) -> None:
    """Legends and grids."""
    for ax in axes:
        ax.legend(fontsize=8)
        ax.grid(alpha=0.3)
