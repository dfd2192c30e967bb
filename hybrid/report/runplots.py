"""The figures that only the page of a run has: what is known how well, for how many seconds, and where those went."""

from __future__ import annotations

import math
from collections.abc import Mapping

from matplotlib.figure import Figure

from hybrid.report.plots import bars, decades, legend, rows
from hybrid.report.sentences import has
from hybrid.report.tabular import stage
from hybrid.study.figures import frame
from hybrid.study.record import Record

LABELS = {
    "e1": "$e_1$: networks for everything", "e2": "$e_2$: finite elements with the networks' coefficient",
    "e3": "$e_3$: network against finite elements", "e4": "$e_4$: finite elements for everything",
    "e5": "$e_5$: networks with correctors",
}  # fmt: skip


def accuracy(record: Record) -> Figure:
    """e1 … e5, each with the estimate of its own error: the further apart, the better it is known; and bounds of errors."""
    names = [name for name in LABELS if has(record, name) and record.errors[name] > 0]
    bounds = bounds_of(record)
    norm = "relative norm" if bounds else "relative $L^2$ norm"
    figure, ax = rows([*(LABELS[name] for name in names), *bounds], norm)
    for place, value in enumerate(bounds.values(), len(names)):
        ax.plot(value, place, marker=8, color="C2", markersize=9, linestyle="none", label="at the most, proved")
    for place, name in enumerate(names):
        value, found, published = record.errors[name], record.trust.get(name), record.published.get(name)
        resolved = found is not None and found.resolved
        if found is not None and found.estimate:
            ax.plot([found.estimate, value], [place, place], color="0.6", linewidth=1.5, zorder=1)
            ax.plot(found.estimate, place, "|", color="0.4", markersize=9, label="what it may be off by")
        style = {"color": "C0", "label": "measured"} if resolved else {"color": "C3", "label": "measured, not resolved"}
        ax.plot(value, place, "o", markerfacecolor="C0" if resolved else "none", **style)
        if published:
            ax.plot(published, place, "x", color="0.35", label="published")
    legend(figure)
    return figure


def bounds_of(record: Record) -> dict[str, float]:
    """Of the reconstructions by both paths, by labels."""
    names = {"fem": "finite elements", "pinn": "networks"}
    return {
        f"reconstruction, {names[path]}, {norm}": value
        for path, found in record.certificate.items()
        for norm, value in (("energy", found.energy_bound), ("$L^2$", found.l2_bound))
        if math.isfinite(value)
    }


def spent(record: Record) -> dict[str, tuple[float, float]]:
    """(seconds, error) of each way to a solution."""
    s, e = record.seconds, record.errors
    networks = s.get("pinn_cell", 0.0) + s.get("pinn_homogenized", 0.0)
    elements = s.get("fem_cell", 0.0) + s.get("v", s.get("fem_homogenized", 0.0))
    found = {
        label: (seconds, e[name])
        for name, label, seconds in (
            ("e4", "FEM homogenization ($e_4$)", elements), ("e1", "networks ($e_1$)", networks),
            ("e5", "networks, correctors ($e_5$)", networks),
        )
        if has(record, name)
    }  # fmt: skip
    if record.reference is not None and record.reference.error_estimate:
        found["resolving FEM (estimate)"] = (
            s.get("reference", record.reference.seconds),
            record.reference.error_estimate,
        )
    return {label: (seconds, error) for label, (seconds, error) in found.items() if seconds > 0 and error > 0}


def precision(record: Record) -> Figure:
    """Error against seconds."""
    figure, (ax,) = frame(1, 1, 3.2)
    for (label, point), marker in zip(spent(record).items(), "soD^", strict=False):
        ax.plot(*point, marker, label=label)
    ax.set(xlabel="seconds", ylabel="relative $L^2$ error", title="work and precision")
    decades(ax)
    ax.legend(fontsize=7.5)
    return figure


def costs(seconds: Mapping[str, float]) -> Figure:
    """Seconds by stage."""
    return bars({stage(name): value for name, value in seconds.items()}, "seconds")
