"""The figures of a sweep's page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator

from hybrid.report.plots import decades, legend, legend_above, legend_rows, plain_frame, powers
from hybrid.report.plots import rows as table_rows
from hybrid.report.runplots import LABELS
from hybrid.report.sentences import scale
from hybrid.report.sweeprows import Sweep, along, grouped, number_in, values
from hybrid.report.sweepwords import order_of, two_digits
from hybrid.report.tabular import stage
from hybrid.study.figures import frame
from hybrid.study.rows import Row, Value
from hybrid.study.statistics import COSTS, cost, pareto

Style = dict[str, Any]
STYLES: Mapping[str, tuple[str, Style]] = {
    "e4": ("FEM, $e_4$", {"color": "k", "marker": "s", "markersize": 5, "linewidth": 1}),
    "e1": ("networks, $e_1$", {"color": "C0", "marker": "o", "markersize": 4, "linewidth": 1}),
    "e5": ("corrected, $e_5$", {"color": "C3", "marker": "^", "markersize": 5, "linewidth": 1}),
    "reference_estimate": ("reference (estimate)", {"color": "0.6", "marker": ".", "linewidth": 1, "linestyle": ":"}),
    "direct.plain": (
        "direct network",
        {"color": "C4", "marker": "v", "markersize": 4, "linewidth": 1, "linestyle": "--"},
    ),
    "direct.period": (
        "direct, knows the period",
        {"color": "C5", "marker": "D", "markersize": 4, "linewidth": 1, "linestyle": "--"},
    ),
}
"""What is drawn against the main axis."""
_SQUARE = {"markersize": 8, "markerfacecolor": "none", "linestyle": ":"}
_LETTERS = 48
"""Of labels beside each other on an axis."""
_MANY = 12
"""Places on an axis that can have a label each."""
STAGES = (
    "reference",
    "fem_cell",
    "fem_homogenized",
    "pinn_cell",
    "pinn_homogenized",
    "ladder",
    "comparison",
    "direct",
    "seeds",
    "figures",
)


def lead(sweep: Sweep) -> Figure:
    """Errors along the main axis, medians over seeds, from the least to the largest; by group where there are some."""
    if not sweep.main:
        return _dots(sweep)
    lines = list(_lines(sweep))
    figure, ax = plain_frame(3.1, legend_rows([label for _, _, label, _ in lines]))
    place = _Places(sweep, sweep.complete)
    for rows, name, label, style in lines:
        _line(ax, sweep, rows, name, place, label, style)
    if sweep.main == "eps":
        _slopes(ax, sweep)
    place.finish(ax)
    ax.set_ylabel("relative $L^2$ error")
    legend(figure)
    return figure


def _lines(sweep: Sweep) -> Iterator[tuple[Sequence[Row], str, str, Style]]:
    """(rows, quantity, label, style) of each line that there is: by group what differs between groups, once what cannot."""
    of_networks = all(name.startswith("pinn.") for name in sweep.others)
    for name, (label, style) in STYLES.items():
        together = len(sweep.groups) == 1 or name.startswith("direct.") or (of_networks and name not in {"e1", "e5"})
        if not values(sweep.complete, name) or (name == "reference_estimate" and not together):
            continue
        if together:
            yield sweep.complete, name, f"{label}{_order(sweep, sweep.complete, name)}", style
            continue
        for k, (group, rows) in enumerate(sweep.groups.items()):
            own = _SQUARE if name == "e4" else {} if name == "e1" else {"linestyle": "-."}
            yield rows, name, f"$e_{name[1]}$, {group}", style | {"color": f"C{k}"} | own


def _dots(sweep: Sweep) -> Figure:
    """e1 … e5 of runs that differ in their seeds alone."""
    names = [name for name in LABELS if values(sweep.complete, name) and min(values(sweep.complete, name)) > 0]
    figure, ax = table_rows([LABELS[name] for name in names], "relative $L^2$ error")
    for place, name in enumerate(names):
        found = values(sweep.complete, name)
        ax.plot(found, [place] * len(found), "o", color="C0", alpha=0.4, label="a run")
        ax.plot(np.median(found), place, "|", color="C3", markersize=12, label="median")
        if off := values(sweep.complete, f"{name}_estimate"):
            ax.plot(max(off), place, "|", color="0.5", markersize=8, label="what they may be off by at the most")
    legend(figure)
    return figure


def by_group(sweep: Sweep) -> Figure:
    """The same, one panel a group, with all quantities."""
    figure, axes = frame((len(sweep.groups) + 1) // 2, 2, 3.2)
    for ax in axes[len(sweep.groups) :]:
        ax.remove()
    place = _Places(sweep, sweep.complete)
    for ax, (label, rows) in zip(axes, sweep.groups.items(), strict=False):
        for name, (text, style) in STYLES.items():
            _line(ax, sweep, rows, name, place, text, style)
        place.finish(ax, above=0.35)
        ax.set(title=label, ylabel="relative $L^2$ error")
        legend_above(ax)
    return figure


def spread(sweep: Sweep) -> Figure:
    """e1, e3 and the first corrector of every run: a dot for each seed, a bar for the median."""
    settings = grouped(sweep.complete, sweep.varied)
    shown = ["e1", "e3", *sweep.corrector]
    figure, axes = frame(1, len(shown), 3.2)
    for ax, name in zip(axes, shown, strict=True):
        for k, rows in enumerate(settings.values()):
            found = values(rows, name)
            if found and min(found) > 0:
                ax.plot([k] * len(found), found, "o", color="C0", alpha=0.5, markersize=4)
                ax.plot([k - 0.3, k + 0.3], [np.median(found)] * 2, color="C3", linewidth=1.5)
        title = f"$e_{name[1]}$" if name[0] == "e" else f"{name}, network against FEM".replace("chi_1", r"$\chi_1$")
        ax.set(title=f"{title}, each seed", ylabel="relative $L^2$ error", xlim=(-0.6, len(settings) - 0.4))
        powers(ax)
        names = ["\n".join(_short(v, n) for v, n in zip(key, sweep.varied, strict=True)) for key in settings]
        if sum(max(map(len, name.split("\n"))) + 1 for name in names) <= _LETTERS:
            ax.set_xticks(range(len(settings)), names, fontsize=7)
            ax.set_xlabel(", ".join(name.split(".")[-1] for name in sweep.varied))
        else:
            ax.set_xlabel("setting, in the order of the table of errors")
        ax.grid(alpha=0.3, axis="y")
    return figure


_Way = tuple[str, str, str, str]
"""A column, whose seconds it took (of `hybrid.study.statistics.COSTS`, or a column too), a marker and a colour."""
WAYS: Mapping[str, _Way] = {
    "FEM ($e_4$)": ("e4", "FEM", "s", "k"),
    "networks ($e_1$)": ("e1", "networks", "o", "C0"),
    "corrected ($e_5$)": ("e5", "networks", "^", "C3"),
    "resolving FEM (estimate)": ("reference_estimate", "reference", "d", "0.5"),
    "direct network": ("direct.plain", "seconds.direct.plain", "v", "C4"),
    "direct, knows the period": ("direct.period", "seconds.direct.period", "D", "C5"),
}
_PARTS: Mapping[str, _Way] = {
    "FEM, v (estimate)": ("v_estimate", "seconds.v", "s", "k"),
    "network, p (estimate)": ("p_estimate", "seconds.pinn_homogenized", "o", "C0"),
    "network against FEM ($e_3$)": ("e3", "seconds.pinn_homogenized", "^", "C2"),
}


def precision(sweep: Sweep) -> Figure:
    """Error against seconds of every run, and for each problem the frontier of each way to solve it."""
    figure, axes = frame(1, 2, 3.2)
    for ax, title, ways in zip(
        axes, ("against the reference", "the homogenized equation alone"), (WAYS, _PARTS), strict=True
    ):
        for label, (name, seconds_of, marker, color) in ways.items():
            for rows in grouped(sweep.complete, ["problem_hash"]).values():
                points = [point for row in rows if (point := point_of(row, name, seconds_of)) is not None]
                if not points:
                    continue
                seconds, errors = np.array(points).T
                ax.plot(seconds, errors, marker, color=color, alpha=0.3, markersize=3)
                best = pareto(seconds, errors)
                style = {"color": color, "markersize": 5, "linestyle": "-", "linewidth": 1}
                ax.plot(seconds[best], errors[best], marker, label=label, **style)
        ax.set(title=title, xlabel="seconds", ylabel="relative $L^2$ error")
        if ax.lines:
            decades(ax)
            legend_above(ax)
    return figure


def costs(sweep: Sweep) -> Figure:
    """Seconds by stage, medians over the runs at each place of the main axis, as shares of their sum."""
    parts = grouped(sweep.complete, [sweep.main]) if sweep.main else {("all runs",): list(sweep.complete)}
    parts = parts if len(parts) <= _MANY else {("all runs",): list(sweep.complete)}
    medians = [shares(rows) for rows in parts.values()]
    names = [name for name in STAGES if any(name in found for found in medians)]
    figure, ax = plain_frame(0.2 + 0.3 * len(parts), legend_rows(names), left=0.9)
    left = np.zeros(len(parts))
    for k, name in enumerate(names):
        share = np.array([found.get(name, 0.0) / sum(found.values()) for found in medians])
        ax.barh(range(len(parts)), share, left=left, label=stage(name), color=f"C{k}", height=0.7)
        left += share
    for place, found in enumerate(medians):
        ax.text(1.01, place, f"{sum(found.values()):.2g} s", va="center", fontsize=8)
    ax.set_yticks(range(len(parts)), [_short(key[0], sweep.main) for key in parts])
    ax.set(xlim=(0, 1.17), xlabel="share of the seconds of a run", ylabel=_axis(sweep.main))
    ax.set_xticks([0, 0.25, 0.5, 0.75, 1])
    ax.invert_yaxis()
    legend(figure)
    return figure


def shares(rows: Sequence[Row]) -> dict[str, float]:
    """The median seconds of each stage."""
    found = {name: values(rows, f"seconds.{name}") for name in STAGES}
    return {name: float(np.median(part)) for name, part in found.items() if part}


def point_of(row: Row, name: str, seconds_of: str) -> tuple[float, float] | None:
    """(seconds, error) of a way, where a run has both and they can be drawn."""
    error, seconds = number_in(row, name), cost(row, seconds_of) if seconds_of in COSTS else number_in(row, seconds_of)
    return (seconds, error) if error and error > 0 and seconds and seconds > 0 else None


class _Places:
    """Where the values of the main axis are: on a logarithmic axis, on a plain one, or side by side."""

    def __init__(self, sweep: Sweep, rows: Sequence[Row]) -> None:
        self.name = sweep.main
        self.known = [key[0] for key in grouped(rows, [self.name])] if self.name else [None]
        self.numeric = (
            all(isinstance(v, int | float) and not isinstance(v, bool) for v in self.known) and len(self.known) > 1
        )
        numbers = [float(v) for v in self.known] if self.numeric else []  # type: ignore[arg-type]
        self.logarithmic = self.numeric and min(numbers) > 0 and max(numbers) >= 3 * min(numbers)

    def of(self, value: Value) -> float:
        return float(value) if self.numeric else self.known.index(value)  # type: ignore[arg-type]

    def finish(self, ax: Axes, above: float = 0.0) -> None:
        """Scales, ticks and labels."""
        powers(ax, above)
        ax.set_xlabel(_axis(self.name))
        if self.logarithmic:
            ax.set_xscale("log")
        if len(self.known) <= _MANY:
            where = [self.of(v) for v in self.known]
            ax.xaxis.set_major_locator(FixedLocator(where))
            ax.set_xticks(where, [_short(v, self.name) for v in self.known])
            ax.xaxis.set_minor_locator(NullLocator())
        ax.xaxis.set_minor_formatter(NullFormatter())
        ax.margins(x=0.08)
        ax.grid(alpha=0.3)


def _line(ax: Axes, sweep: Sweep, rows: Sequence[Row], name: str, place: _Places, label: str, style: Style) -> None:
    found = along(rows, sweep.main, name) if sweep.main else {None: values(rows, name)}
    found = {key: part for key, part in found.items() if part and min(part) > 0}
    if not found:
        return
    where = [place.of(key) for key in found]
    middle = np.array([np.median(part) for part in found.values()])
    low, high = (np.array([pick(part) for part in found.values()]) for pick in (min, max))
    loose: Style = {"linestyle": "none"} if sweep.is_pooled else {}
    ax.errorbar(where, middle, [middle - low, high - middle], capsize=2, label=label, **style | loose)


def _order(sweep: Sweep, rows: Sequence[Row], name: str) -> str:
    found = order_of(sweep, rows, name) if name in {"e1", "e4", "e5"} else None
    return "" if found is None else f", order {two_digits(found.order)}"


def _slopes(ax: Axes, sweep: Sweep) -> None:
    """Lines of order 1, through the largest error of finite elements, and 2 where something falls that fast."""
    found = along(sweep.complete, "eps", "e4") or along(sweep.complete, "eps", "e1")
    eps = np.array([float(key) for key in found])  # type: ignore[arg-type]
    if len(eps) < 2:
        return
    top = float(max(max(part) for part in found.values()))
    for order, style in ((1, "--"), (2, "-.")):
        orders = [o.order for rows in sweep.groups.values() for n in ("e4", "e5") if (o := order_of(sweep, rows, n))]
        if order == 1 or max(orders, default=0.0) > 1.5:
            line = 1.6 * top * (eps / eps.max()) ** order
            ax.plot(eps, line, style, color="0.6", linewidth=1, zorder=0)
            ax.annotate(
                f"order {order}",
                (eps.min(), line.min()),
                xytext=(2, 3),
                textcoords="offset points",
                fontsize=7,
                color="0.4",
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
            )


def _axis(name: str) -> str:
    return {"eps": r"$\varepsilon$", "": ""}.get(name, name)


def _short(value: Value, name: str = "") -> str:
    if isinstance(value, float):
        return scale(value) if name == "eps" or 0 < value < 1 else f"{value:g}"
    return "–" if value is None else str(value)
