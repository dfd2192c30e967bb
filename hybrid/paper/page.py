"""The page of the reproduction: the paper's tables and figures beside what was measured here; tables as Markdown and CSV."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hybrid import store
from hybrid.paper.cases import CITATION, paper_cases
from hybrid.paper.experiment import Figure, Recorded, Results, Runs
from hybrid.paper.experiments import EXPERIMENTS, FIGURES
from hybrid.paper.overview import overview
from hybrid.paper.recorded import recorded_in, stored, together
from hybrid.paper.settings import paper_settings
from hybrid.report import page
from hybrid.report.pictures import Picture, picture
from hybrid.report.tabular import Table


def write_page(out: Path, recorded: Recorded | None = None) -> Path:
    """Write ``index.html``, ``figures/``, ``tables.md`` and ``tables.csv`` from what is in the folder and, where that is
    missing, from what was recorded: `stored` if None."""
    own, path = recorded_in(out), out / "index.html"
    found = together(own, stored() if recorded is None else recorded)
    tables = [table for experiment in EXPERIMENTS for table in experiment.tables(found)]
    page.write(
        path, "reproduction.html", "hybrid.paper", paper=CITATION, tables=tables, sources=_sources(found.runs, own.runs),
        overview=overview(path, found), figures=[picture_of(path, figure, found.runs) for figure in FIGURES],
        sentences=[text for experiment in EXPERIMENTS for text in experiment.summary(found)][: page.MOST],
        findings=[text for experiment in EXPERIMENTS for text in experiment.findings(found)], cases=_cases(),
    )  # fmt: skip
    markdown = "\n".join(table.markdown() for table in tables)
    store.write_atomically(out / "tables.md", lambda file: file.write(markdown.encode()))
    separated = "".join(table.comma_separated() for table in tables)
    store.write_atomically(out / "tables.csv", lambda file: file.write(separated.encode()))
    return path


def picture_of(path: Path, figure: Figure, runs: Runs) -> Picture:
    """A figure of the paper on the page that is to be written; without panels if a run is missing."""
    name, title = f"figure-{figure.number}", f"Figure {figure.number}"
    if not figure.is_ready(runs):
        return Picture(name, f"{figure.title}.", (), title)
    text = f"{figure.title}. Run: {'; '.join(_described(runs[need]) for need in figure.needs)}."
    return picture(path, name, title, text, lambda: figure.draw(runs))


def _described(results: Results) -> str:
    made = results["provenance"]
    return f"{results['case']}, preset {results['preset']}, seed {made['seed']}"


def _cases() -> list[Mapping[str, Any]]:
    """What the text states and what had to be assumed."""
    return [
        {
            "name": shown.name, "title": shown.case.title, "assumptions": shown.case.assumptions,
            "stated": paper_settings(shown.case.problem).stated, "assumed": paper_settings(shown.case.problem).assumed,
        }
        for shown in paper_cases(literal=False)
    ]  # fmt: skip


def _sources(runs: Runs, own: Runs) -> Table:
    head = ("preset", "case", "source", "finished", "seed", "networks", "DOLFINx", "PETSc", "torch")
    rows = []
    for (preset, name), results in runs.items():
        made = results["provenance"]
        versions = (made["versions"][library] for library in ("dolfinx", "petsc", "torch"))
        source = "run here" if (preset, name) in own else "recorded"
        kind = results["training"]["cell"]["kind"]
        rows.append((preset, name, source, made["finished"], str(made["seed"]), kind, *versions))
    return Table("Every run: when, with what, and whether it was recorded or run here", head, rows, words=(0, 1, 2, 5))
