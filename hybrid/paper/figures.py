"""The counterparts of the paper's Figures 1 to 23, drawn from recorded results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hybrid.paper.cases import case
from hybrid.study.figures import colour_map, symbol

Results = Mapping[str, Any]
Data = Mapping[tuple[str, str], Results]
"""Results by (preset, case)."""

_TWO, _ONE, _SLOW = "elliptic-2d", "elliptic-1d", "elliptic-1d-slow"
_R10, _R50 = "reaction-diffusion-10", "reaction-diffusion-50"


def _figure(columns: int, height: float = 3.0) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(3.9 * columns, height), layout="constrained")
    return figure, list(figure.subplots(1, columns, squeeze=False).flat)


def _line(results: Results, name: str) -> tuple[np.ndarray, np.ndarray]:
    ((low, high),) = case(str(results["case"])).problem.domain
    values = np.array(results["samples"][name])
    return np.linspace(low, high, len(values)), values


def _coefficient(ax: Axes, results: Results) -> None:
    chosen = case(str(results["case"]))
    ax.plot(*_line(results, "coefficient"), color="C0", linewidth=0.8)
    ax.set(title=f"coefficient {symbol(chosen)}", xlabel="$x$", xlim=chosen.problem.domain[0])
    ax.grid(alpha=0.3)


def _solutions(ax: Axes, results: Results, name: str, label: str) -> None:
    ax.plot(*_line(results, "u"), color="0.6", linewidth=3, label=r"reference $u_\varepsilon$ (FEM)")
    ax.plot(*_line(results, name), "--", color="C3", label=label)
    problem: Any = case(str(results["case"])).problem
    when = f" at $t$ = {problem.T:g}" if hasattr(problem, "T") else ""
    ax.set(title=f"solution{when}", xlabel="$x$", xlim=problem.domain[0])
    ax.legend(fontsize=8)
    ax.grid(alpha=0.3)


def _history(ax: Axes, curve: Mapping[str, Any], names: Mapping[str, str], title: str, last: int | None = None) -> None:
    epochs = np.array(curve["epochs"])
    keep = epochs >= (0 if last is None else epochs[-1] - last)
    for k, (name, label) in enumerate(names.items()):
        values = np.array(curve["errors"][name])[keep]
        ax.plot(epochs[keep], values, color=f"C{k}", linewidth=0.9, label=f"{label}: {curve['averages'][name]:.3g}")
    _finish_history(ax, title if last is None else f"the last {min(last, epochs[-1])} epochs", curve["average_over"])


def _finish_history(ax: Axes, title: str, average_over: int) -> None:
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


def _coefficient_and_reference_2d(data: Data) -> Figure:
    results = data["accurate", _TWO]
    figure, (left, right) = _figure(2, 3.3)
    box = case(_TWO).problem.domain
    samples = results["samples"]
    colour_map(left, box, np.array(samples["coefficient"]), "viridis", f"coefficient {symbol(case(_TWO))}")
    colour_map(right, box, np.array(samples["u"]), "viridis", r"reference $u_\varepsilon$ (FEM)")
    return figure


def _difference_2d(data: Data) -> Figure:
    figure, axes = _figure(2, 3.3)
    for ax, preset in zip(axes, ("paper", "accurate"), strict=True):
        s = data[preset, _TWO]["samples"]
        values = np.array(s["u"]) - np.array(s["p"])
        colour_map(ax, case(_TWO).problem.domain, values, "RdBu_r", rf"$u_\varepsilon - p$, preset {preset}")
    return figure


def _classical_1d(data: Data) -> Figure:
    results = data["paper", _ONE]
    figure, axes = _figure(3)
    _coefficient(axes[0], results)
    _solutions(axes[1], results, "classical", "classical PINN")
    _history(axes[2], results["classical"]["monitored"], {"error": "classical PINN"}, "error while training")
    return figure


def _direct(name: str, key: str, last: int, solution: bool) -> Callable[[Data], Figure]:
    label = {"classical": "classical PINN", "transfer": "classical PINN, started from $p$"}[key]

    def draw(data: Data) -> Figure:
        results = data["paper", name]
        curve = results[key]["monitored"]
        figure, axes = _figure(3 if solution else 2)
        _history(axes[0], curve, {"error": label}, "error while training")
        _history(axes[1], curve, {"error": label}, "", last)
        if solution:
            _solutions(axes[2], results, key, label)
        return figure

    return draw


def _corrector_2d(j: int) -> Callable[[Data], Figure]:
    def draw(data: Data) -> Figure:
        study = data["paper", _TWO]["oversampling"]
        figure, axes = _figure(2)
        for k, (kind, label) in enumerate((("with", "oversampling"), ("without", "without"))):
            curve = study["curves"][kind]
            for ax, first in ((axes[0], 0), (axes[1], curve["epochs"][-1] - 4000)):
                keep = np.array(curve["epochs"]) >= first
                name = f"chi_{j}"
                text = f"{label}: {curve['averages'][name]:.3g}"
                ax.plot(np.array(curve["epochs"])[keep], np.array(curve["errors"][name])[keep], color=f"C{k}",
                        linewidth=0.9, label=text)  # fmt: skip
        _finish_history(axes[0], rf"corrector $\chi_{j}$", curve["average_over"])
        _finish_history(axes[1], "the last 4000 epochs", curve["average_over"])
        return figure

    return draw


def _homogenized(name: str, last: int) -> Callable[[Data], Figure]:
    def draw(data: Data) -> Figure:
        curve = data["paper", name]["training"]["homogenized"]["monitored"]
        figure, axes = _figure(2)
        names = {"e1": "$e_1$", "e3": "$e_3$"}
        _history(axes[0], curve, names, "errors of $p$ while training")
        _history(axes[1], curve, names, "", last)
        return figure

    return draw


def _coefficient_and_p(name: str) -> Callable[[Data], Figure]:
    def draw(data: Data) -> Figure:
        figure, axes = _figure(3)
        _coefficient(axes[0], data["accurate", name])
        _solutions(axes[1], data["paper", name], "p", "$p$, preset paper")
        _solutions(axes[2], data["accurate", name], "p", "$p$, preset accurate")
        return figure

    return draw


def _slow_coefficient(data: Data) -> Figure:
    figure, (left, right) = _figure(2)
    exact = data["accurate", _SLOW]["samples"]["cell"]
    left.plot(exact["x"], exact["a_fem"], color="0.6", linewidth=3, label="FEM")
    right.plot(exact["x"], exact["slope_fem"], color="0.6", linewidth=3, label="FEM")
    for k, preset in enumerate(("paper", "accurate")):
        cell = data[preset, _SLOW]["samples"]["cell"]
        style = {"color": f"C{3 - 3 * k}", "linestyle": ("--", ":")[k], "label": f"preset {preset}"}
        left.plot(cell["x"], cell["a_pinn"], **style)
        at = np.array(cell["nodes"])
        right.plot(at, cell["slope_autodiff"], ".", color=style["color"], label=f"preset {preset}, automatic diff.")
    left.set(title="homogenized coefficient $a^*(x)$", xlabel="$x$")
    right.set(title=r"$\mathrm{d}a^*/\mathrm{d}x$", xlabel="$x$")
    for ax in (left, right):
        ax.legend(fontsize=8)
        ax.grid(alpha=0.3)
    return figure


def _reaction_cell(name: str) -> Callable[[Data], Figure]:
    def draw(data: Data) -> Figure:
        results = data["paper", name]
        figure, axes = _figure(2)
        _history(axes[0], results["training"]["cell"]["monitored"], {"N": "$N$"}, "error of $N$ while training")
        cell = results["samples"]["cell"]
        y = np.linspace(0, 1, len(cell["fem"][0]))
        axes[1].plot(y, cell["fem"][0], color="0.6", linewidth=3, label="FEM")
        axes[1].plot(y, cell["pinn"][0], "--", color="C3", label="network, preset paper")
        axes[1].set(title="corrector $N(y)$", xlabel="$y$")
        axes[1].legend(fontsize=8)
        axes[1].grid(alpha=0.3)
        return figure

    return draw


FIGURES: dict[int, tuple[str, Callable[[Data], Figure]]] = {
    1: ("Section 2.1, 1D without slow dependency: coefficient, and the classical PINN against the reference", _classical_1d),
    2: ("Section 5.2, 2D: the coefficient and the reference", _coefficient_and_reference_2d),
    3: ("2D, classical PINN: error while training", _direct(_TWO, "classical", 1500, False)),
    4: ("2D, corrector χ₁ with oversampling and without", _corrector_2d(1)),
    5: ("2D, corrector χ₂ with oversampling and without", _corrector_2d(2)),
    6: ("2D, NH-PINN: e₁ and e₃ while training", _homogenized(_TWO, 1200)),
    7: ("2D, where the error is: reference minus NH-PINN", _difference_2d),
    8: ("2D, transfer learning: the classical PINN started from NH-PINN", _direct(_TWO, "transfer", 1500, False)),
    9: ("Section 5.3, 1D slow: the coefficient, and NH-PINN against the reference", _coefficient_and_p(_SLOW)),
    10: ("1D slow, classical PINN", _direct(_SLOW, "classical", 500, True)),
    11: ("1D slow, a*(x) and its derivative", _slow_coefficient),
    12: ("1D slow, NH-PINN: e₁ and e₃ while training", _homogenized(_SLOW, 2000)),
    13: ("1D slow, transfer learning", _direct(_SLOW, "transfer", 500, False)),
    14: ("Section 5.4, ε = 1/10: the coefficient, and NH-PINN against the reference", _coefficient_and_p(_R10)),
    15: ("ε = 1/10, classical PINN", _direct(_R10, "classical", 1000, True)),
    16: ("ε = 1/10, cell problem", _reaction_cell(_R10)),
    17: ("ε = 1/10, NH-PINN: e₁ and e₃ while training", _homogenized(_R10, 2000)),
    18: ("ε = 1/10, transfer learning", _direct(_R10, "transfer", 1000, False)),
    19: ("ε = 1/50: the coefficient, and NH-PINN against the reference", _coefficient_and_p(_R50)),
    20: ("ε = 1/50, classical PINN", _direct(_R50, "classical", 1000, True)),
    21: ("ε = 1/50, cell problem", _reaction_cell(_R50)),
    22: ("ε = 1/50, NH-PINN: e₁ and e₃ while training", _homogenized(_R50, 2000)),
    23: ("ε = 1/50, transfer learning", _direct(_R50, "transfer", 1000, False)),
}  # fmt: skip
"""Number, what it shows, and how it is drawn; a KeyError there means that a run it needs has not been done."""
