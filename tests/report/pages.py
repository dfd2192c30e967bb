"""Pages read as a browser reads them, and what there is to make pages of: a recorded run, and the rows of a sweep."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from hybrid.paper.cases import case
from hybrid.paper.recorded import stored
from hybrid.study.files import data_of

EMPTY = {"meta", "img", "input", "br", "link"}


@dataclass
class Page(HTMLParser):
    """What a page has, by kind of element.

    Attributes:
        text: All of it.
        tags: Every element with its attributes, in their order.
        tables: By title, the cells of every row, the head first.
        lead: The sentences of the first screen.
    """

    text: str = ""
    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    tables: dict[str, list[list[str]]] = field(default_factory=dict)
    lead: list[str] = field(default_factory=list)
    _open: list[tuple[str, str]] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> Page:
        page = cls()
        HTMLParser.__init__(page)
        page.feed(path.read_text(encoding="utf-8"))
        assert page._open == []
        return page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append((tag, found))
        if tag not in EMPTY:
            self._open.append((tag, found.get("class") or ""))
        if tag == "div" and "aria-label" in found:
            self._title = str(found["aria-label"])
        elif tag == "table":
            self.tables[self._title] = []
        elif tag == "tr":
            self.tables[self._title].append([])
        elif tag in {"td", "th"}:
            self.tables[self._title][-1].append("")
        elif tag == "li" and ("div", "lead") in self._open:
            self.lead.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop()[0] == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        inside = [name for name, _ in self._open]
        if inside and inside[-1] not in {"style", "script"}:
            self.text += data
        if {"td", "th"} & set(inside):
            self.tables[self._title][-1][-1] += data
        elif ("div", "lead") in self._open and "li" in inside:
            self.lead[-1] += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def check_page(path: Path) -> Page:
    """What every page is: alone in its file, with one heading; one figure and at most five sentences first; figures with words
    for those who do not see them, and with files beside the page."""
    page = Page.read(path)
    names = [name for name, _ in page.tags]
    assert names.count("h1") == 1
    assert [meta["name"] for meta in page.all("meta") if "name" in meta] == ["viewport"]
    assert page.all("link") == []
    for _, attributes in page.tags:
        for key in ("src", "href"):
            assert (attributes.get(key) or "#").startswith(("data:image/png;base64,", "#")), attributes
    assert "://" not in path.read_text(encoding="utf-8").replace("data:image/png;base64,", "")
    assert all(image["alt"] for image in page.all("img"))
    anchors = {str(a["href"]) for a in page.all("a")}
    assert anchors <= {f"#{attributes['id']}" for _, attributes in page.tags if "id" in attributes}
    assert 1 <= len(page.lead) <= 5
    assert all(text.endswith(".") and "nan" not in text and "inf " not in text for text in page.lead)
    first = names.index("table")
    assert names[:first].count("figure") == 1
    assert names.count("table") == len([a for _, a in page.tags if "wide" in str(a.get("class"))]) - names.count("pre")
    for figure in page.all("figure"):
        if f'id="{figure["id"]}">\n<div class="panels' in path.read_text(encoding="utf-8"):
            for ending in ("png", "pdf"):
                assert (path.parent / "figures" / f"{figure['id']}.{ending}").stat().st_size > 1000
    return page


def recorded(name: str = "elliptic-1d", preset: str = "fast") -> dict[str, Any]:
    """The results of a recorded run, with what runs say today: what was asked for, and what each number may be off by."""
    found = json.loads(json.dumps(stored().runs[preset, name]))
    chosen = case(name)
    found["provenance"]["request"] = {
        "problem": data_of(chosen), "title": chosen.title, "assumptions": list(chosen.assumptions), "preset": preset, "seed": 0,
    }  # fmt: skip
    found["trust"] = {
        key: {"estimate": 1e-3 * value, "how": "for a test", "resolved": True}
        for key, value in found["errors"].items()
        if key in {"e1", "e2", "e3", "e4", "e5"}
    }
    return found


def leave(folder: Path, results: Mapping[str, Any]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps(results))
    return folder


def row(eps: float, seed: int = 0, **more: Any) -> dict[str, Any]:
    """Of a run whose e4 falls like ε, and e5 like ε²."""
    errors = {
        "e1": 0.4 * eps * (1 + 0.01 * seed),
        "e2": 0.4 * eps,
        "e3": 1e-6 * (1 + seed),
        "e4": 0.4 * eps,
        "e5": 0.3 * eps**2,
    }
    known = {f"{name}_estimate": 1e-3 * value for name, value in errors.items()}
    sure = {f"{name}_resolved": True for name in errors}
    seconds = {
        "seconds.reference": 0.1 / eps, "seconds.fem_cell": 0.2, "seconds.cell": 0.15, "seconds.v": 0.1,
        "seconds.fem_homogenized": 0.15,
        "seconds.pinn_cell": 0.3, "seconds.pinn_homogenized": 0.2, "seconds.total": 1.5 + 0.1 / eps,
    }  # fmt: skip
    return {
        "status": "complete", "reason": None, "name": "law", "kind": "elliptic", "dim": 1, "pinn.preset": "fast",
        "pinn.seed": seed, "eps": eps, "a": "2 + sin(2*pi*y0)", **errors, **known, **sure, "reference_estimate": 1e-7,
        "v_estimate": 1e-8, "p_estimate": 1e-6, "resolved": True, "unresolved": 0, "trained": True, **seconds,
        "hybrid": "0.1.0", "problem_hash": f"{eps}",
    } | more  # fmt: skip


def failed(eps: float, seed: int = 0, **more: Any) -> dict[str, Any]:
    kept = ("name", "kind", "dim", "pinn.preset", "pinn.seed", "eps", "a")
    return (
        {k: v for k, v in row(eps, seed).items() if k in kept} | {"status": "failed", "reason": "no convergence"} | more
    )


def leave_sweep(folder: Path, rows: list[dict[str, Any]], axes: Mapping[str, Any], missing: int = 0) -> Path:
    """A sweep's folder."""
    keys = [f"{k:016x}" for k in range(len(rows) + missing)]
    plan = {"format": 1, "name": "law", "axes": dict(axes), "runs": [{"key": key, "settings": {}} for key in keys]}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plan.json").write_text(json.dumps(plan))
    (folder / "sweep.toml").write_text('name = "law"\n')
    for key, found in zip(keys, rows, strict=False):
        (folder / "runs" / key).mkdir(parents=True)
        (folder / "runs" / key / "row.json").write_text(json.dumps({"run": key, **found}))
    return folder
