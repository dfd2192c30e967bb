"""Figures that several pages have."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

_WIDTH, _ROW, _LEGEND = 4.2, 0.5, 0.9
"""Inches: of a figure, as wide as a phone makes it legible; of a row; and of what is below."""


_FEW = 2.0
"""Powers of ten below which 2 and 5 have labels too."""


def rows(names: Sequence[str], label: str) -> tuple[Figure, Axes]:
    """A logarithmic axis with a named row for each of several things, the first one on top, and room for a legend below."""
    height = _ROW * (len(names) + 0.3)
    total = height + _LEGEND + 0.05
    figure = Figure(figsize=(_WIDTH, total))
    ax = figure.add_axes((0.1 / _WIDTH, _LEGEND / total, 1 - 0.25 / _WIDTH, height / total))
    ax.set_xscale("log")
    ax.set_ylim(len(names) - 0.5, -0.8)
    ax.set_yticks([])
    for place, name in enumerate(names):
        ax.text(0.01, place - 0.36, name, transform=ax.get_yaxis_transform(), fontsize=8.5, va="center")
        ax.axhline(place, color="0.85", linewidth=0.8, zorder=0)
    ax.set_xlabel(label, labelpad=1)
    ax.margins(x=0.06)
    ax.grid(axis="x", alpha=0.3)
    return figure, ax


def decades(ax: Axes) -> None:
    """Logarithmic axes whose labels are whole powers of ten, with room around what was drawn, and for a legend above."""
    for name in "xy":
        axis = getattr(ax, f"{name}axis")
        getattr(ax, f"set_{name}scale")("log")
        low, high = (math.log10(limit) for limit in axis.get_data_interval())
        room = max(0.1 * (high - low), 0.25, (1.2 - (high - low)) / 2)
        above = 0.4 * (high - low + 1) if name == "y" else room  # for the legend
        getattr(ax, f"set_{name}lim")(10 ** (low - room), 10 ** (high + above))
        axis.set_minor_formatter(NullFormatter())
    ax.grid(alpha=0.3)


def powers(ax: Axes, above: float = 0.0) -> None:
    """A logarithmic y-axis, over at least a factor of ten, with labels that are not too wide; `above`: room for a legend, as a
    share."""
    ax.set_yscale("log")
    low, high = (math.log10(limit) for limit in ax.get_ylim())
    room = max((1 - (high - low)) / 2, 0.0)
    ax.set_ylim(10 ** (low - room), 10 ** (high + room + above * (high - low + 2 * room)))
    if high - low < _FEW:
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}" if value >= 1e-3 else f"{value:.0e}"))
    ax.yaxis.set_minor_formatter(NullFormatter())


_SHORT = 26
"""Letters of a label of which two find room beside each other."""


def legend_rows(labels: Sequence[str]) -> int:
    """How many rows `legend` takes."""
    longest = max((len(label.replace("$e_", "e").replace("$", "")) for label in labels), default=0)
    return (len(labels) + 1) // 2 if longest <= _SHORT else len(labels)


def legend_above(ax: Axes) -> None:
    """In two columns in the room that `decades` and `powers` can leave above what was drawn."""
    handles, labels = ax.get_legend_handles_labels()
    found = dict(zip(labels, handles, strict=True))
    ax.legend(
        found.values(), found.keys(), loc="upper center", ncols=2, fontsize=6.5, columnspacing=1.0, handletextpad=0.4,
        handlelength=1.6, borderpad=0.3, labelspacing=0.3,
    )  # fmt: skip


def legend(figure: Figure) -> None:
    """In two columns below, or in one where labels are long."""
    handles, labels = figure.axes[0].get_legend_handles_labels()
    found = dict(zip(labels, handles, strict=True))
    columns = 2 if legend_rows(list(found)) < len(found) else 1
    figure.legend(
        found.values(), found.keys(), loc="lower center", ncols=columns, fontsize=8, frameon=False, bbox_to_anchor=(0.5, 0.0),
        borderpad=0.1, labelspacing=0.3, columnspacing=1.0, handletextpad=0.3,
    )  # fmt: skip


def bars(values: Mapping[str, float], label: str) -> Figure:
    """Horizontal bars, the first one on top, each with its value and its share of all."""
    height = 0.65 + 0.27 * len(values)
    figure = Figure(figsize=(_WIDTH, height))
    ax = figure.add_axes((1.4 / _WIDTH, 0.5 / height, 1 - 1.5 / _WIDTH, 1 - 0.55 / height))
    total = sum(values.values()) or 1.0
    drawn = ax.barh(range(len(values)), list(values.values()), color="C0", height=0.65)
    ax.bar_label(drawn, [f"{v:.2g} ({v / total:.0%})" for v in values.values()], padding=3, fontsize=8)
    ax.set_yticks(range(len(values)), list(values))
    ax.invert_yaxis()
    ax.margins(x=0.28)
    ax.set_xlabel(label)
    return figure


def plain_frame(height: float, rows: int, left: float = 0.7) -> tuple[Figure, Axes]:
    """One panel as wide as `rows`, and so high, with room for a legend of so many rows below."""
    below = 0.6 + 0.16 * rows
    total = height + below + 0.1
    figure = Figure(figsize=(_WIDTH, total))
    return figure, figure.add_axes((left / _WIDTH, below / total, 1 - (left + 0.15) / _WIDTH, height / total))
