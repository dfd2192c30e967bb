"""The way of a cell problem through the networks: how often it comes back to a file that it has left."""

from __future__ import annotations

import sys
from itertools import groupby
from pathlib import Path
from types import FrameType
from typing import Any

import sympy as sp

import hybrid
from hybrid.equation import Equation
from hybrid.pinn.optimizers.kinds import LastLayer
from hybrid.symbols import y

ROOT = Path(hybrid.__file__).parent
DATA = {"equation.py", "geometry.py"}
"""What the problem is itself: looking at its attributes is not going anywhere."""


def visited(problem: hybrid.EllipticProblem, **settings: Any) -> list[str]:
    """The files whose functions the problem, its equation or its coefficient is given to, one after the other."""
    calls: list[str] = []

    def follow(frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        path = Path(code.co_filename)
        if event != "call" or not path.is_relative_to(ROOT) or code.co_name.startswith("<"):
            return
        given = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        values = [frame.f_locals.get(name) for name in given]
        if any(
            isinstance(v, Equation | type(problem)) or type(v).__module__.startswith("hybrid.media") for v in values
        ):
            calls.append(str(path.relative_to(ROOT)))

    before = sys.getprofile()
    sys.setprofile(follow)
    try:
        hybrid.pinn.solve_cell(problem, **settings)
    finally:
        sys.setprofile(before)
    return [path for path, _ in groupby(path for path in calls if path not in DATA)]


def test_a_cell_problem_seldom_comes_back() -> None:
    """Along one plain way, without the branches that others take: over all of them it was 28 when it was first counted."""
    problem = hybrid.EllipticProblem(
        domain=[(0, 1), (0, 1)], eps=1 / 8, a=2 + sp.sin(2 * sp.pi * y[0]) * sp.cos(2 * sp.pi * y[1]), f=1
    )
    settings = {"hidden": (60,), "optimizer": LastLayer()}
    hybrid.pinn.solve_cell(problem, **settings)  # what is loaded or computed only once is no part of the way
    way = visited(problem, **settings)
    assert len(way) > 20  # it was followed
    assert len(way) - len(set(way)) <= 14, way
