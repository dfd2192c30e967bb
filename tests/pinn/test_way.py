"""The way of a cell problem through the networks: how often it comes back to a file that it has left."""

from __future__ import annotations

import os
import sys
from itertools import groupby
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import sympy as sp

import hybrid
from hybrid.equation import Equation
from hybrid.pinn.optimizers.kinds import LastLayer
from hybrid.symbols import x, y

ROOT = Path(hybrid.__file__).parent
DATA = {"equation.py", "geometry.py", "media/base.py"}
"""What the problem is itself: looking at its attributes is not going anywhere."""

SMOOTH = 2 + sp.sin(2 * sp.pi * y[0]) * sp.cos(2 * sp.pi * y[1])
BOARD = 1 + 3 * sp.Heaviside(sp.sin(2 * sp.pi * y[0])) * sp.Heaviside(sp.sin(2 * sp.pi * y[1]))
WAYS: dict[str, tuple[sp.Expr, dict[str, Any]]] = {
    "of y": (SMOOTH, {}),
    "not exactly periodic": (SMOOTH, {"periodicity": "oversampling"}),
    "a is an input": (SMOOTH, {"medium": True}),
    "a product": ((2 + x[0]) * SMOOTH, {}),
    "of x and y": (1 + x[0] + (1 + x[1]) * SMOOTH, {"hidden": (20,)}),
    "node by node": (1 + x[0] + (1 + x[1]) * SMOOTH, {"slow_nodes": (3, 3)}),
    "a jumps": (BOARD, {"formulation": "first-order"}),
    "a jumps, fitted fluxes": (BOARD, {"formulation": "energy"}),
    "a product that jumps, corners": ((2 + x[0]) * BOARD, {"formulation": "first-order", "singular": True}),
}


def visited(problem: hybrid.EllipticProblem, **settings: Any) -> list[str]:
    """The files whose functions the problem, its equation or its coefficient is given to, one after the other."""
    calls: list[str] = []
    inside = f"{ROOT}{os.sep}"

    def follow(frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if event != "call" or not code.co_filename.startswith(inside) or code.co_name.startswith("<"):
            return
        given = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        values = [frame.f_locals.get(name) for name in given]
        if any(
            isinstance(v, Equation | type(problem)) or type(v).__module__.startswith("hybrid.media") for v in values
        ):
            calls.append(code.co_filename.removeprefix(inside))

    before = sys.getprofile()
    sys.setprofile(follow)
    try:
        hybrid.pinn.solve_cell(problem, **settings)
    finally:
        sys.setprofile(before)
    return [path for path, _ in groupby(path for path in calls if path not in DATA)]


def read_once(way: list[str]) -> list[str]:
    """The same with the rounds of each loop read once."""
    length = 1
    while length <= 8:
        at = next((i for i in range(len(way)) if way[i : i + length] == way[i + length : i + 2 * length] != []), None)
        if at is None:
            length += 1
        else:
            way, length = way[:at] + way[at + length :], 1
    return way


def test_loops_are_read_once() -> None:
    assert read_once(list("sababcabcde")) == list("sabcde")


@pytest.mark.parametrize("kind", WAYS)
def test_a_cell_problem_seldom_comes_back(kind: str) -> None:
    """Along each way that there is. Over all branches together it was 28 when it was first counted, of fewer ways."""
    a, settings = WAYS[kind]
    problem = hybrid.EllipticProblem(domain=[(0, 1), (0, 1)], eps=1 / 8, a=a, f=1)
    settings = {"hidden": (60,), "optimizer": LastLayer()} | settings
    hybrid.pinn.solve_cell(problem, **settings)  # what is loaded or computed only once is no part of the way
    way = read_once(visited(problem, **settings))
    assert len(way) > 20  # it was followed
    assert len(way) - len(set(way)) <= 14, way
