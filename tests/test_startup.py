"""Start-up: what is refused, and listed, is so before anything heavy is loaded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import hybrid
from hybrid.lazy import lazily

HEAVY = ("torch", "dolfinx", "petsc4py", "matplotlib")
GOOD = """
kind = "elliptic"
domain = [[0, 1], [0, 1]]
eps = 0.25
a = "2 + sin(2*pi*y0)*cos(2*pi*y1)"
f = "sin(x0) + cos(x1)"
"""
DRIVER = """
import contextlib, io, json, sys
from hybrid import cli
answers = []
for words in json.loads(sys.argv[1]):
    with contextlib.redirect_stderr(io.StringIO()) as said, contextlib.redirect_stdout(io.StringIO()):
        try:
            cli.main(words)
        except SystemExit as ended:
            code = ended.code
    loaded = [name for name in json.loads(sys.argv[2]) if name in sys.modules]
    answers.append({"words": words, "code": code, "said": said.getvalue(), "loaded": loaded})
print(json.dumps(answers))
"""


def answers(cwd: Path, words: list[list[str]], modules: tuple[str, ...] = HEAVY) -> list[dict[str, Any]]:
    """What the command makes of them, one after the other in one process."""
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, json.dumps(words), json.dumps(modules)],
        cwd=cwd, capture_output=True, text=True, timeout=120, check=False, env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_bad_input_is_refused_without_anything_heavy(tmp_path: Path) -> None:
    files = {
        "syntax": GOOD + "kappa =",
        "unknown": GOOD + "kappa = 1",
        "positive": GOOD.replace('"2 + sin', '"sin'),
        "name": GOOD.replace("y1", "z1"),
        "domain": GOOD.replace("[[0, 1], [0, 1]]", "[[1, 0]]"),
        "degree": GOOD + "[fem]\ndegree = 9",
        "size": GOOD + "[fem]\ncells_per_period = 4096\ndegree = 4\n",
        "steps": GOOD + '[pinn]\npreset = "fast"\nsteps = 5',
        "paper": GOOD + '[pinn]\npreset = "paper"\noptimizer = "adam"',
        "periodicity": GOOD + '[pinn]\nformulation = "energy"\nperiodicity = "penalty"',
        "large": GOOD + "[pinn]\nhidden = [10000, 10000]\npoints = 4096",
        "jumps": GOOD.replace('"2 + sin(2*pi*y0)', '"2 + step(sin(2*pi*y0))') + '[pinn]\nformulation = "strong"',
    }
    for name, text in files.items():
        (tmp_path / f"{name}.toml").write_text(text)
    words = [["run", f"{name}.toml"] for name in (*files, "missing")]
    words += [["plan", "unknown.toml"], ["run", "nope"], ["plan", "nope"], ["runn"], ["run"]]
    words += [
        ["run", "elliptic-2d", *more] for more in (["--preset", "best"], ["--seed", "-1"], ["--reference-tol", "2"])
    ]
    words += [["run", "elliptic-2d", "--out", "syntax.toml/here"], ["run", "elliptic-2d", "--", "ksp_monitor"]]
    words += [["reproduce", *more] for more in (["--preset", "best"], ["--case", "nothing"], ["--out", "."])]
    for name, text in (("results", '{"format"'), ("plan", "[]")):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.json").write_text(text)
    words += [["report", folder] for folder in ("nothing", ".", "syntax.toml", "results", "plan")]
    for answer in answers(tmp_path, words):
        assert answer["code"] == 2, answer
        assert answer["said"].startswith("hybrid: "), answer
        assert answer["said"].count("\n") == 1, answer
        assert not answer["loaded"], answer


def test_a_plan_needs_nothing_heavy_and_help_and_cases_not_even_sympy(tmp_path: Path) -> None:
    light = answers(tmp_path, [["--help"], ["run", "--help"], ["cases"], ["run", "nope"]], (*HEAVY, "sympy", "numpy"))
    assert [answer["loaded"] for answer in light] == [[]] * 4
    (plan,) = answers(tmp_path, [["plan", "elliptic-2d"]])
    assert (plan["code"], plan["loaded"]) == (0, [])


def test_every_fault_of_a_file_is_said_in_the_order_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "three.toml").write_text(
        GOOD.replace("0.25", "-1").replace('"2 + sin', '"sin') + '[pinn]\npreset = "fast"\nsteps = 5'
    )
    (answer,) = answers(tmp_path, [["run", "three.toml", "--preset", "fast"]])
    eps, a, steps = answer["said"].splitlines()
    assert eps.startswith("hybrid: three.toml: eps: -1 is not allowed")
    assert a.startswith("hybrid: three.toml: a: not positive")
    assert steps.startswith("hybrid: pinn.steps: last-layer least squares takes one step")
    assert answer["code"] == 2


@pytest.mark.parametrize("package", [hybrid, hybrid.fem, hybrid.pinn])
def test_packages_load_what_they_export_on_first_use(package: Any) -> None:
    assert set(package.__all__) <= set(dir(package))
    assert all(getattr(package, name) is not None for name in package.__all__)
    assert set(getattr(package, "_HOMES", package.__all__)) == set(package.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = package.nothing


def test_names_and_submodules_are_found() -> None:
    load, names = lazily("hybrid.pinn", {"Network": "functions.network"})
    assert load("Network") is hybrid.pinn.Network
    assert load("intime").__name__ == "hybrid.pinn.intime"
    assert "Network" in names()
    assert callable(hybrid.fem.piecewise)
