"""Figures that several pages have."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

_WIDTH, _ROW, _LEGEND = 4.2, 0.5, 0.95
"""Inches: of a figure, as wide as a phone makes it legible; of a row; and of what is below."""


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


def legend(figure: Figure) -> None:
    """In two columns below."""
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="lower center", ncols=2, fontsize=8, frameon=False, bbox_to_anchor=(0.5, 0.0),
        borderpad=0.1, labelspacing=0.3, columnspacing=1.0, handletextpad=0.3,
    )  # fmt: skip
