"""The tables of a sweep's page."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hybrid.report.sentences import said, scale
from hybrid.report.sweepplots import WAYS, point_of, shares
from hybrid.report.sweeprows import SEED, Sweep, grouped, is_resolved, number_in, values
from hybrid.report.sweepwords import order_of, ordered
from hybrid.report.tabular import Table, stage
from hybrid.study.rows import Row
from hybrid.study.statistics import spread

_ERRORS = ("e1", "e2", "e3", "e4", "e5", "direct.plain", "direct.period")


def runs(sweep: Sweep) -> Table:
    """Every run that has ended."""
    axes = [*sweep.varied, *([SEED] if SEED in sweep.axes else [])]
    coefficients = [name for name in ("a_fem", "a_pinn", "r_fem", "r_pinn") if values(sweep.rows, name)]
    names = [name for name in (*_ERRORS, *coefficients) if values(sweep.rows, name)]
    rows = [
        (
            *(_setting(row, name) for name in axes), str(row.get("status")), *(_cell(row, name) for name in names),
            said(found) if (found := number_in(row, "seconds.total")) is not None else "–", str(row.get("run")),
        )
        for row in sweep.rows
    ]  # fmt: skip
    note = (
        "Each number with what it may be off by; (!): not resolved. The last column is the run's folder in runs, with all of "
        "its results; results.csv and results.parquet have all columns."
    )
    return Table("Settings, errors and seconds of each run", (*axes, "status", *names, "seconds", "run"), rows, note)


def _setting(row: Row, name: str) -> str:
    found = row.get(name)
    if name == "eps" and isinstance(found, float):
        return scale(found)
    return "–" if found is None else f"{found:g}" if isinstance(found, float) else str(found)


def _cell(row: Row, name: str) -> str:
    value, off = number_in(row, name), number_in(row, f"{name}_estimate")
    if value is None:
        return "–"
    digits = 10 if name[0] in "ar" else 4
    text = f"{value:.{digits}g} ± {'?' if off is None else f'{off:.0e}'}"
    return text if is_resolved(row, name) else f"{text} (!)"


def ways(sweep: Sweep) -> Table | None:
    """What each way to a solution gives and costs, medians over the seeds of every setting; None where no run is complete."""
    if not sweep.complete:
        return None
    shown = {label: way for label, way in WAYS.items() if values(sweep.complete, way[0])}
    rows = []
    for part in grouped(sweep.complete, sweep.varied).values():
        cells = []
        for name, seconds_of, *_ in shown.values():
            points = [point for row in part if (point := point_of(row, name, seconds_of)) is not None]
            seconds, error = np.median(points, axis=0) if points else (np.nan, np.nan)
            cells += [f"{error:.3g}", f"{seconds:.0f}" if seconds >= 10 else f"{seconds:.2g}"] if points else ["–", "–"]
        cells += [f"{np.median(found):.2g}" if (found := values(part, name)) else "–" for name in sweep.corrector]
        rows.append((*(_setting(part[0], name) for name in sweep.varied), *cells))
    head = [text for label in shown for text in (label.replace("$e_", "e").replace("$", ""), "seconds")]
    return Table(
        "What each way gives, and what it costs", (*sweep.varied, *head, *sweep.corrector), rows,
        "Relative L2 errors; the reference by its own estimate. Seconds with estimates and attempts, no compilations; what "
        "was found by another run counts as it did there. "
        + "".join(f"{name}: the first corrector, network against FEM. " for name in sweep.corrector) + "–: not there.",
    )  # fmt: skip


def statistics(sweep: Sweep) -> Table:
    """The errors of every setting over its seeds."""
    rows, shown = (
        [],
        [
            "e4",
            "e1",
            "e3",
            *sweep.corrector,
            "e5",
            *(name for name in _ERRORS if "." in name and values(sweep.rows, name)),
        ],
    )
    for part in grouped(sweep.rows, sweep.varied).values():
        done = [row for row in part if row.get("status") == "complete"]
        trained = [row.get("trained") for row in done if row.get("trained") is not None]
        share = f"{(len(part) - len(done) + trained.count(False)) / len(part):.0%}"
        cells = [cell for name in shown for cell in _spread(done, name)]
        rows.append((*(_setting(part[0], name) for name in sweep.varied), str(len(part)), share, *cells))
    head = [f"{name} {what}" for name in shown for what in ("median", "quartiles", "worst")]
    note = "Failed: the share of runs that ended without results, or whose networks did not train. Over all seeds of a setting."
    return Table("Errors by setting", (*sweep.varied, "runs", "failed", *head), rows, note)


def _spread(rows: Sequence[Row], name: str) -> tuple[str, str, str]:
    found = values(rows, name)
    if not found:
        return "–", "–", "–"
    s = spread(found)
    unsure = "" if all(is_resolved(row, name) for row in rows) else " (!)"
    return f"{s.median:.4g}{unsure}", f"{s.low:.3g} … {s.high:.3g}", f"{s.worst:.4g}"


def orders(sweep: Sweep) -> Table | None:
    """What the errors show; None where ε does not vary."""
    rows = []
    for label, part in sweep.groups.items():
        for name in ("e4", "e1", "e5"):  # no estimate stands beside an error in H1
            found = order_of(sweep, part, name)
            if found is not None:
                rows.append((label or "all", name, ordered(found), str(found.points)))
    note = (
        "Least squares through the medians over seeds, in logarithms, of errors more than three times what they may be "
        "off by; in brackets where it is with 95 %, by their scatter."
    )
    return (
        Table("Observed orders in ε", ("", "error", "order", "values of ε"), rows, note, words=(0, 1)) if rows else None
    )


def failures(sweep: Sweep) -> Table:
    """What has failed, and why."""
    rows = [
        (
            str(row.get("reason")),
            ", ".join(f"{name} = {_setting(row, name)}" for name in sweep.axes),
            str(row.get("run")),
        )
        for row in sweep.failed
    ]
    return Table(f"Runs that failed: {len(rows)}", ("reason", "settings", "run"), rows, words=(0, 1, 2))


def costs(sweep: Sweep) -> Table | None:
    """The median seconds of each stage, and all of them; None where no run is complete."""
    if not sweep.complete:
        return None
    median = shares(sweep.complete)
    total = {name: sum(values(sweep.complete, f"seconds.{name}")) for name in median}
    rows = [
        (
            stage(name),
            f"{median[name]:.2f}",
            f"{total[name]:.1f}",
            f"{total[name] / sum(total.values()):.1%}",
        )
        for name in median
    ]
    seconds = values(sweep.complete, "seconds.total")
    rows.append(("a run", f"{np.median(seconds):.2f}", f"{sum(seconds):.1f}", ""))
    return Table("Seconds by stage", ("", "median", "all runs", "share"), rows)


_COMMON = {
    "name", "kind", "dim", "hybrid", "python", "dolfinx", "petsc", "torch", "numpy", "sympy", "mpi", "ranks",
    "threads", "device",
}  # fmt: skip
_TABLES = {"fem", "pinn", "constants"}


def fixed(sweep: Sweep) -> Table:
    """What all runs have in common, and with what they were made."""
    rows = []
    for name in dict.fromkeys(name for row in sweep.rows for name in row):
        found = {row.get(name) for row in sweep.complete}
        if len(found) == 1 and None not in found and _is_setting(name, sweep.complete[0]):
            rows.append((name, str(found.pop())))
    return Table("What all runs have in common", ("", ""), rows, words=(0, 1))


def _is_setting(name: str, row: Row) -> bool:
    """Settings, versions, and the fields of the problem, which are between ε and the errors."""
    names = list(row)
    start = names.index("eps") if "eps" in names else 0
    end = min((names.index(mark) for mark in ("e1", "e3") if mark in names), default=0)
    return name in _COMMON or name.split(".")[0] in _TABLES or name in names[start:end]
