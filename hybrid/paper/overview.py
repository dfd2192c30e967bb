"""The first figure of the page: the paper's errors, and those found here, in one picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from matplotlib.figure import Figure as Drawing

from hybrid.paper.cases import PaperCase, with_tables
from hybrid.paper.experiment import Recorded
from hybrid.report.pictures import Picture, picture
from hybrid.report.plots import legend, rows

_MARKS: Mapping[str, tuple[str, Mapping[str, object]]] = {
    "paper": ("$e_1$, in the paper", {"marker": "x", "color": "0.35"}),
    "stated": ("$e_1$, its settings run here", {"marker": "o", "color": "C1", "markerfacecolor": "none"}),
    "e1": ("$e_1$, solved well", {"marker": "o", "color": "C0"}),
    "e4": ("$e_4$, homogenization itself", {"marker": "|", "color": "k", "markersize": 11}),
    "e5": ("$e_5$, with correctors", {"marker": "o", "color": "C3"}),
}
"""What is drawn: legend and style."""


def overview(path: Path, recorded: Recorded) -> Picture:
    """The errors by problem; without panels where none was recorded."""
    found = {shown.case.title: values for shown in with_tables() if len(values := _values(recorded, shown)) > 1}
    title, caption = (
        "Errors against the reference",
        "e1 and e5: networks, with the paper's settings (preset paper) and solved well (accurate). e4: finite elements.",
    )
    if not found:
        return Picture("overview", caption, (), title)
    return picture(path, "overview", title, caption, lambda: _draw(found))


def _values(recorded: Recorded, shown: PaperCase) -> dict[str, float]:
    found = {"paper": shown.case.published["e1"]}
    if (results := recorded.run("paper", shown.name)) is not None:
        found["stated"] = results["averaged"]["e1"]
    if (results := recorded.run("accurate", shown.name)) is not None:
        found |= {key: results["errors"][key] for key in ("e1", "e4", "e5")}
    return found


def _draw(found: Mapping[str, Mapping[str, float]]) -> Drawing:
    figure, ax = rows(list(found), "relative $L^2$ error")
    for key, (label, style) in _MARKS.items():
        points = [(values[key], place) for place, values in enumerate(found.values()) if key in values]
        if points:
            ax.plot(*zip(*points, strict=True), linestyle="none", label=label, **style)
    legend(figure)
    return figure
