"""The page of a sweep, from its plan and the rows of the runs that have ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from hybrid.report import page, sweepplots
from hybrid.report import sweeptables as tables
from hybrid.report.pictures import Picture, picture
from hybrid.report.sentences import scale
from hybrid.report.sweeprows import SEED, Sweep, values
from hybrid.report.sweepwords import estimate, sentences


def write(folder: Path, sweep: Sweep) -> Path:
    """Write ``index.html`` and ``figures/`` into the folder of a sweep."""
    path = folder / "index.html"
    summary = [tables.ways(sweep), tables.statistics(sweep), tables.orders(sweep), tables.costs(sweep)]
    return page.write(
        path, "sweep.html", sweep=sweep, sentences=sentences(sweep)[: page.MOST], lead=_lead(path, sweep),
        tables=[table for table in summary if table is not None], failures=tables.failures(sweep), runs=tables.runs(sweep),
        pictures=list(_pictures(path, sweep)), fixed=tables.fixed(sweep),
    )  # fmt: skip


def _ran(sweep: Sweep) -> str:
    axes = [
        f"{name} {_listed([scale(v) if name == 'eps' and isinstance(v, float) else v for v in values])}"
        for name, values in sweep.axes.items()
    ]
    unsure = [
        f"{name} {said}" for name in ("e1", "e4", "e5") if (said := estimate(sweep.complete, name)).startswith("not")
    ]
    doubt = f" {'; '.join(unsure)}." if unsure else ""
    return f"Run: {len(sweep.complete)} runs of {sweep.name}, {', '.join(axes)}.{doubt}"


def _listed(values: Sequence[object]) -> str:
    found = ["–" if value is None else str(value) for value in values]
    return " | ".join(found) if len(found) <= 6 else f"{found[0]} … {found[-1]} ({len(found)} values)"


def _lead(path: Path, sweep: Sweep) -> Picture:
    title, text = "Errors of all runs", f"Medians; bars from the least to the largest. {_ran(sweep)}"
    if not values(sweep.complete, "e1"):
        return Picture("lead", text, (), title)
    return picture(path, "lead", title, text, lambda: sweepplots.lead(sweep))


def _pictures(path: Path, sweep: Sweep) -> Iterator[Picture]:
    if not values(sweep.complete, "e1"):
        return

    def drawn(name: str, title: str, text: str, draw: Callable[[Sweep], Figure]) -> Picture:
        return picture(path, name, title, f"{text} {_ran(sweep)}", lambda: draw(sweep))

    if len(sweep.groups) > 1:
        yield drawn(
            "groups", "Errors by group", "Medians over seeds, from the least to the largest.", sweepplots.by_group
        )
    if len({row.get(SEED) for row in sweep.complete}) > 1:
        yield drawn(
            "spread", "Spread over seeds", "A dot for each run, a bar for the median of a setting.", sweepplots.spread
        )
    yield drawn(
        "precision", "Work and precision",
        "Every run; larger and joined, for each problem, those that no other one by the same way beats in both. Seconds with "
        "estimates and attempts.", sweepplots.precision,
    )  # fmt: skip
    yield drawn("costs", "Where the seconds go", "Medians over the runs at each place.", sweepplots.costs)
