"""One self-contained page with the paper's tables and figures beside what was measured here; the tables as Markdown and CSV."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import jinja2
import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Drawing
from matplotlib.image import imsave
from matplotlib.transforms import Bbox

from hybrid import store
from hybrid.paper.cases import CITATION, paper_cases
from hybrid.paper.experiment import Figure, Recorded, Runs
from hybrid.paper.experiments import EXPERIMENTS, FIGURES
from hybrid.paper.recorded import recorded_in, stored, together
from hybrid.paper.settings import paper_settings
from hybrid.study.figures import STYLE


def write_page(out: Path, recorded: Recorded | None = None) -> Path:
    """Write ``index.html``, ``tables.md`` and ``tables.csv`` from what is in the folder and, where that is missing, from what
    was recorded: `stored` if None."""
    own = recorded_in(out)
    found = together(own, stored() if recorded is None else recorded)
    tables = [table for experiment in EXPERIMENTS for table in experiment.tables(found)]
    findings = [text for experiment in EXPERIMENTS for text in experiment.findings(found)]
    figures = [
        {"number": figure.number, "title": figure.title, "panels": panels_of(figure, found.runs)} for figure in FIGURES
    ]
    cases = [
        {
            "name": shown.name, "title": shown.case.title, "assumptions": shown.case.assumptions,
            "stated": paper_settings(shown.case.problem).stated, "assumed": paper_settings(shown.case.problem).assumed,
        }
        for shown in paper_cases(literal=False)
    ]  # fmt: skip
    sources = [
        {
            "preset": preset, "case": name, "recorded": (preset, name) not in own.runs,
            "finished": results["provenance"]["finished"], "versions": results["provenance"]["versions"],
            "seed": results["provenance"]["seed"], "kind": results["training"]["cell"]["kind"],
        }
        for (preset, name), results in found.runs.items()
    ]  # fmt: skip
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("hybrid.paper", "templates"), autoescape=True, undefined=jinja2.StrictUndefined
    )
    text = environment.get_template("page.html").render(
        paper=CITATION, tables=tables, figures=figures, cases=cases, sources=sources, findings=findings
    )
    page = out / "index.html"
    store.write_atomically(page, lambda file: file.write(text.encode()))
    markdown = "\n".join(table.markdown() for table in tables)
    store.write_atomically(out / "tables.md", lambda file: file.write(markdown.encode()))
    separated = "".join(table.comma_separated() for table in tables)
    store.write_atomically(out / "tables.csv", lambda file: file.write(separated.encode()))
    return page


def panels_of(figure: Figure, runs: Runs) -> list[str]:
    """The panels of a figure, each a PNG in base64, so that a phone can put them below each other; none if a run is missing."""
    if not figure.is_ready(runs):
        return []
    with matplotlib.rc_context(STYLE | {"figure.dpi": 150}):
        drawing = figure.draw(runs)
        drawing.get_layout_engine().set(w_pad=0.1)  # room for the cuts
        canvas = FigureCanvasAgg(drawing)
        canvas.draw()
        canvas.draw()  # labels move once the layout has been made
    return _cut(drawing, canvas)


def _cut(drawing: Drawing, canvas: FigureCanvasAgg) -> list[str]:
    pixels = np.asarray(canvas.buffer_rgba())
    height, width = pixels.shape[:2]
    found = []
    for ax in drawing.axes:
        if ax.get_label() == "<colorbar>":
            continue
        parts = [ax, *(image.colorbar.ax for image in ax.images if image.colorbar is not None)]
        box = Bbox.union([part.get_tightbbox(canvas.get_renderer()) for part in parts])
        left, right = max(int(box.x0) - 14, 0), min(int(box.x1) + 8, width)
        top, bottom = max(int(height - box.y1) - 6, 0), min(int(height - box.y0) + 7, height)
        buffer = io.BytesIO()
        imsave(buffer, np.ascontiguousarray(pixels[top:bottom, left:right]), format="png")
        found.append(base64.b64encode(buffer.getvalue()).decode())
    return found
