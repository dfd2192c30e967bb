"""The house: how long files and functions are, and how many places choose by dimension, kind, preset or formulation."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

from hybrid.physics import kinds
from hybrid.pinn.cells.formulations import FORMULATIONS
from hybrid.pinn.cells.periodicities import PERIODICITIES
from hybrid.pinn.steady.boundaries import BOUNDARIES
from hybrid.study.options import preset_names

ROOT = Path(__file__).resolve().parents[1] / "hybrid"
WORDS = {*kinds(), *preset_names(), *FORMULATIONS, *PERIODICITIES, *BOUNDARIES, "ritz", "stages", "space-time"}
ASKED = {"preset", "formulation", "periodicity", "boundary", "method"}
BOXES = {"box", "domain", "period", "cell", "sides", "counts"}


@cache
def trees() -> list[tuple[str, ast.Module]]:
    return [(str(path.relative_to(ROOT)), ast.parse(path.read_text())) for path in sorted(ROOT.rglob("*.py"))]


def _name(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _is_dimension(node: ast.AST) -> bool:
    """`dim`, `equation.dim`, `len(box)`, and differences of these and numbers."""
    if isinstance(node, ast.BinOp):
        return _is_dimension(node.left) and isinstance(node.right, ast.Constant)
    if isinstance(node, ast.Call) and _name(node.func) == "len" and node.args:
        return _name(node.args[0]) in BOXES
    return _name(node) in {"dim", "d", "tdim", "gdim"}


def _is_number(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int) and 1 <= node.value <= 3


def _chooses(node: ast.AST) -> bool:
    """Whether it is a table by dimension, a comparison with a number of dimensions, or one with a word of the settings."""
    if isinstance(node, ast.Dict):
        keys = [key.elts[0] if isinstance(key, ast.Tuple) else key for key in node.keys if key is not None]
        return bool(keys) and all(map(_is_number, keys))
    if isinstance(node, ast.Subscript):  # (…, …, …)[dim - 1]
        return isinstance(node.slice, ast.BinOp) and _is_dimension(node.slice) and isinstance(node.value, ast.Tuple)
    if not isinstance(node, ast.Compare):
        return False
    sides = [node.left, *node.comparators]
    if any(map(_is_dimension, sides)) and any(map(_is_number, sides)):
        return True
    several = [
        one for side in sides for one in (side.elts if isinstance(side, ast.Set | ast.Tuple | ast.List) else [side])
    ]
    words = {one.value for one in several if isinstance(one, ast.Constant) and isinstance(one.value, str)}
    asked = any(_name(one) in ASKED or (isinstance(one, ast.Attribute) and one.attr == "kind") for one in sides)
    return bool(words & WORDS) or (asked and bool(words))


def branches() -> list[str]:
    return [
        f"{path}:{node.lineno}"  # type: ignore[attr-defined]
        for path, tree in trees()
        for node in ast.walk(tree)
        if _chooses(node)
    ]


def test_choices_are_made_in_few_places() -> None:
    """Fifty are few; there are fewer."""
    found = branches()
    assert len(found) <= 44, "\n".join(found)


def test_choices_are_seen() -> None:
    seen = [
        "{1: 8, 2: 6, 3: 4}[dim]", "dim < 3", "equation.dim == 2", "len(box) != 2", "(8, 6, 4)[dim - 1]",
        "{(1, True): 2, (2, True): 3}[dim, frozen]", "formulation == 'strong'", "given.get('method') != 'stages'",
        "name == 'fast'", "problem.kind == 'other'", "boundary in {'hard', 'soft'}",
    ]  # fmt: skip
    for text in seen:
        assert any(map(_chooses, ast.walk(ast.parse(text)))), text
    for text in ("len(periods) != dim", "{'a': 1}", "x == 2", "points[dim]", "name == 'cell'"):
        assert not any(map(_chooses, ast.walk(ast.parse(text)))), text


def test_files_and_functions_are_short() -> None:
    """A file has 300 lines at most, a function 60, its docstring apart."""
    long = []
    for path, tree in trees():
        if (lines := len((ROOT / path).read_text().splitlines())) > 300:
            long.append(f"{path}: {lines}")
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                first, end = node.body[0], node.end_lineno or node.lineno
                text = isinstance(first, ast.Expr) and ast.get_docstring(node) is not None
                words = (first.end_lineno or 0) - first.lineno + 1 if text else 0
                if end - node.lineno + 1 - words > 60:
                    long.append(f"{path}:{node.lineno}: {node.name}")
    assert long == []


def test_no_package_is_most_of_the_house() -> None:
    """The longest folder of modules has at most a quarter of all lines."""
    lines = {path: len((ROOT / path).read_text().splitlines()) for path, _ in trees()}
    folders: dict[Path, int] = {}
    for path, count in lines.items():
        folders[Path(path).parent] = folders.get(Path(path).parent, 0) + count
    assert max(folders.values()) <= sum(lines.values()) / 4
