"""One self-contained page with the paper's tables and figures beside what was measured here; the tables as Markdown and CSV."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import jinja2
import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.image import imsave
from matplotlib.transforms import Bbox

from hybrid import store
from hybrid.paper.cases import PAPER, case, names
from hybrid.paper.figures import FIGURES
from hybrid.paper.findings import findings
from hybrid.paper.settings import paper_settings
from hybrid.paper.tables import tables
from hybrid.study.figures import STYLE
from hybrid.study.recorder import FORMAT

PRESETS = ("accurate", "fast", "paper")
RECORDED = Path(__file__).resolve().parent / "data"
"""Results that were recorded once, for what has not been run here: the preset paper takes hours."""


def collect(out: Path) -> tuple[dict[tuple[str, str], dict[str, Any]], dict[str, Any], set[tuple[str, str]]]:
    """Complete results by (preset, case), the extras by name, and which of the results are recorded ones."""
    data, recorded = {}, set()
    for preset in PRESETS:
        for name in names():
            for place in (out, RECORDED):
                found = store.read_json(place / preset / name / "results.json")
                if found is not None and found.get("status") == "complete" and found.get("format") == FORMAT:
                    data[preset, name] = found
                    if place == RECORDED:
                        recorded.add((preset, name))
                    break
    extras = {}
    for name in ("elliptic-1d", "elliptic-2d", "coarse-mesh", "seeds"):
        for place in (out, RECORDED):
            found = store.read_json(place / "baselines" / f"{name}.json")
            if found is not None:
                extras[name] = found
                break
    return data, extras, recorded


def write_page(out: Path) -> Path:
    """Write ``index.html``, ``tables.md`` and ``tables.csv`` from what is in the folder and what was recorded."""
    data, extras, recorded = collect(out)
    found = tables(data, extras)
    figures = [{"number": n, "title": title, "panels": _panels(draw, data)} for n, (title, draw) in FIGURES.items()]
    cases = [
        {
            "name": name, "title": case(name).title, "assumptions": case(name).assumptions,
            "stated": paper_settings(case(name).problem).stated, "assumed": paper_settings(case(name).problem).assumed,
        }
        for name in names() if not name.endswith("-literal")
    ]  # fmt: skip
    sources = [
        {
            "preset": preset, "case": name, "recorded": (preset, name) in recorded,
            "finished": results["provenance"]["finished"], "versions": results["provenance"]["versions"],
            "seed": results["provenance"]["seed"], "kind": results["training"]["cell"]["kind"],
        }
        for (preset, name), results in data.items()
    ]  # fmt: skip
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("hybrid.paper", "templates"), autoescape=True, undefined=jinja2.StrictUndefined
    )
    text = environment.get_template("page.html").render(
        paper=PAPER, tables=found, figures=figures, cases=cases, sources=sources, findings=findings(data, extras)
    )
    page = out / "index.html"
    store.write_atomically(page, lambda file: file.write(text.encode()))
    markdown = "\n".join(table.markdown() for table in found)
    store.write_atomically(out / "tables.md", lambda file: file.write(markdown.encode()))
    separated = "".join(table.comma_separated() for table in found)
    store.write_atomically(out / "tables.csv", lambda file: file.write(separated.encode()))
    return page


def _panels(draw: Any, data: Any) -> list[str]:
    """The panels of a figure, each a PNG in base64, so that a phone can put them below each other; none if a run is missing."""
    try:
        with matplotlib.rc_context(STYLE | {"figure.dpi": 150}):
            figure = draw(data)
            figure.get_layout_engine().set(w_pad=0.1)  # room for the cuts
            canvas = FigureCanvasAgg(figure)
            canvas.draw()
            canvas.draw()  # labels move once the layout has been made
    except KeyError:
        return []
    pixels = np.asarray(canvas.buffer_rgba())
    height, width = pixels.shape[:2]
    found = []
    for ax in figure.axes:
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
