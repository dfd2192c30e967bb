"""What is installed: every package, and the files that they read."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TOOL = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]


def test_every_package_is_named() -> None:
    found = {".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "hybrid").rglob("__init__.py")}
    assert set(TOOL["packages"]) == found


def test_every_file_that_is_read_is_named() -> None:
    named = {
        path
        for package, patterns in TOOL["package-data"].items()
        for pattern in patterns
        for path in ROOT.joinpath(*package.split(".")).glob(pattern)
    }
    read = {
        path
        for path in (ROOT / "hybrid").rglob("*")
        if path.is_file() and path.suffix != ".py" and "__pycache__" not in path.parts
    }
    assert named == read
