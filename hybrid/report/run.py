"""The page of a run, from its `results.json` alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from matplotlib.figure import Figure

from hybrid.report import page, runplots
from hybrid.report import runtables as tables
from hybrid.report.pictures import Picture, picture
from hybrid.report.sentences import has, scale, sentences, shares
from hybrid.study import figures
from hybrid.study.case import Case
from hybrid.study.record import Record, Request


def write(folder: Path, case: Case, record: Record, request: Request) -> Path:
    """Write ``index.html`` and ``figures/`` into the folder of a run."""
    path = folder / "index.html"
    found = [
        tables.errors(case, record), tables.ladder(record), tables.certificate(record), tables.direct(record),
        tables.coefficients(case, record), tables.bounds(case, record), tables.seeds(record), tables.trust(record),
    ]  # fmt: skip
    stages = shares(record.seconds)
    return page.write(
        path, "run.html", case=case, record=record, problem=tables.problem_file(request),
        sentences=sentences(case, record)[: page.MOST], lead=_lead(path, record),
        tables=[table for table in found if table is not None], pictures=list(_pictures(path, case, record)),
        costs=[tables.seconds(stages), tables.trainings(record)], settings=[tables.settings(record), tables.provenance(record)],
    )  # fmt: skip


def _lead(path: Path, record: Record) -> Picture:
    title, text = "e1 … e5, and what each may be off by", f"{_ran(record)}."
    if record.is_bounded_alone:
        title = "What the errors are at the most, and e3"
    elif not has(record, "e1"):
        return Picture("accuracy", text, (), title)
    return picture(path, "accuracy", title, text, lambda: runplots.accuracy(record))


def _ran(record: Record) -> str:
    return f"Run: {record.case}, ε = {scale(record.eps)}, preset {record.preset}, seed {record.provenance.seed}"


def _pictures(path: Path, case: Case, record: Record) -> Iterator[Picture]:
    """What can be drawn of what the run has found."""
    samples, alone = record.samples, record.is_bounded_alone
    plane = "" if samples is None or "plane" not in samples else f" On the plane x₂ = {samples['plane']:.4g}."

    def drawn(name: str, title: str, text: str, draw: Callable[[], Figure]) -> Picture:
        return picture(path, name, title, f"{text} {_ran(record)}.", draw)

    if samples is not None:
        yield drawn(
            "solutions", "Solutions" if alone else "Coefficient and solutions",
            f"{'Neither sees ε.' if alone else 'The reference resolves ε; v and p do not see it.'}{plane}",
            lambda: figures.solutions(case, record, apart=True),
        )  # fmt: skip
        yield drawn(
            "errors", "Where the paths differ" if alone else "Where the errors are",
            f"Differences behind {'e3' if alone else 'e1 … e4'}; the numbers are norms over the whole box.{plane}",
            lambda: figures.errors(case, record, apart=True),
        )  # fmt: skip
        if samples.get("cell") is not None:
            yield drawn(
                "correctors", "Cell problems", "By networks and by finite elements.",
                lambda: figures.correctors(case, record, apart=True),
            )  # fmt: skip
    if record.ladder is not None:
        yield drawn(
            "ladder", "Reconstructions", "Each has one more term of the expansion than the one to its left.",
            lambda: figures.ladder(record),
        )  # fmt: skip
    if {"cell", "homogenized"} <= record.training.keys():
        yield drawn("training", "Losses", "Mean square residual by step.", lambda: figures.training(record))
    if len(runplots.spent(record)) > 1:
        yield drawn(
            "precision", "Work and precision",
            "Seconds of each path with estimates and attempts, against what its solution is off by; lower and further left "
            "is better.", lambda: runplots.precision(record),
        )  # fmt: skip
    if stages := shares(record.seconds):
        yield drawn("costs", "Where the seconds went", "Wall time by stage.", lambda: runplots.costs(stages))
