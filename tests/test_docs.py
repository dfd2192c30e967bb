"""The pages in docs/: their links, the names and arrows they speak of, and their numbers, as they are recorded."""

from __future__ import annotations

import json
import re
import tomllib
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("meshes/*.md"), *ROOT.glob("examples/**/*.md")])
BENCHMARKS, RECORDED = ROOT / "examples" / "reproduction" / "benchmarks", ROOT / "hybrid" / "paper" / "data"


def tables(page: Path) -> list[list[list[str]]]:
    """The cells of each table, its head first."""
    found: list[list[list[str]]] = []
    before = False
    for line in page.read_text(encoding="utf-8").splitlines():
        here = line.startswith("|")
        if here and not before:
            found.append([])
        if here and not re.fullmatch(r"[|:\- ]+", line):
            found[-1].append([cell.strip() for cell in line.strip("|").split("|")])
        before = here
    return found


def table(head: str) -> list[list[str]]:
    """The rows of the table in choosing.md whose first cell this is."""
    (found,) = (rows[1:] for rows in tables(ROOT / "docs" / "choosing.md") if rows[0][0] == head)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", [*ROOT.glob("docs/*.md"), ROOT / "README.md"], ids=lambda page: page.name)
def test_names_are_there(page: Path) -> None:
    for name in set(re.findall(r"`(hybrid(?:\.\w+)+)", page.read_text(encoding="utf-8"))):
        parts = name.split(".")
        depth = max(k for k in range(1, len(parts) + 1) if _is_module(".".join(parts[:k])))
        found = import_module(".".join(parts[:depth]))
        for part in parts[depth:]:
            assert hasattr(found, part), name
            found = getattr(found, part)


def _is_module(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # what it would be in is no package
        return False


def test_the_floors_are_those_that_lint_checks() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = (contract["layers"] for contract in contracts if contract["type"] == "layers")
    assert "```\n" + "\n".join(layers) + "\n```" in (ROOT / "docs" / "layout.md").read_text(encoding="utf-8")


def test_seconds_to_an_error() -> None:
    (recorded,) = tables(BENCHMARKS / "work_precision.md")
    (shown,) = (rows for rows in tables(ROOT / "docs" / "choosing.md") if rows[0][0] == "seconds to")
    places = [
        recorded[0].index(name.replace(" ≤", ", cell problem ≤") if name[0] in "ca" else name) for name in shown[0][1:]
    ]
    rows = {row[0]: row for row in recorded}
    assert [[row[0], *(rows[row[0]][k] for k in places)] for row in shown[1:]] == shown[1:]


def test_presets() -> None:
    recorded = json.loads((RECORDED / "baselines" / "seeds.json").read_text())["table"]
    rows = [
        [r["part"], r["preset"], f"{r['median']['error']:.1e}", f"{r['worst']:.1e}", f"{r['median']['seconds']:.2g}"]
        for r in recorded
    ]
    assert rows == table("part")


def test_formulations() -> None:
    found: dict[str, list[str]] = {}
    for dim in (1, 2):
        recorded = json.loads((RECORDED / "baselines" / f"elliptic-{dim}d.json").read_text())["rows"]
        for row in sorted(recorded, key=lambda row: row["fast_frequency"]):
            found.setdefault(row["formulation"], []).append(f"{row['error']:.1e}")
    assert [[name, *errors] for name, errors in found.items()] == table("formulation")


def test_degrees_and_cells() -> None:
    rows = json.loads((BENCHMARKS / "work_precision.json").read_text())["rows"]
    found = {(row["problem"], row["method"], row["setting"]): row for row in rows}

    def errors(degree: str, cells: int) -> str:
        cell, solution = found["cell", degree, cells], found["homogenized", degree, cells]
        return f"{cell['a']:.0e}, {cell['chi']:.0e}, {solution['u']:.0e}"

    degrees = ("P1", "P2", "P3", "P4")
    assert [[degree, *(errors(degree, cells) for cells in (8, 32, 128))] for degree in degrees] == table("degree")


def test_random_problems() -> None:
    runs, unresolved = tables(BENCHMARKS / "random.md")
    fast, accurate = (next(row for row in runs if row[:2] == [preset, "all"]) for preset in ("fast", "accurate"))
    kinds = [row[2] for row in unresolved[1:]]
    (f, f_worst), (a, a_worst) = fast[7].split(", "), accurate[7].split(", ")
    decays, boards = kinds.count("reaction-diffusion"), kinds.count("2D checkerboard")
    said = (
        f"Of {fast[2]} random problems {fast[4][:-1]} % come out resolved with fast, {accurate[4][:-1]} % with accurate, ",
        f"none wrong; the median run takes {f} and {a} s, the longest {f_worst} and {a_worst} s",
        f"Of the {len(kinds)} runs",
        f"{decays} are decays hidden by rounding, or nearly so, and {boards} checkerboards",
    )
    assert fast[6] == accurate[6] == "0"
    page = " ".join((ROOT / "docs" / "choosing.md").read_text(encoding="utf-8").split())
    assert [line for line in said if line not in page] == []
