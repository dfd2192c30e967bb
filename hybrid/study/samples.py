"""Values on grids, kept in `results.json` for the figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hybrid.comparison import at_points, grid, on_points
from hybrid.physics import Problem
from hybrid.pinn.functions.field import evaluated
from hybrid.pinn.functions.network import VALUE
from hybrid.product import Product
from hybrid.study.monitor import significant
from hybrid.study.recorder import Recorder
from hybrid.symbols import coordinates, evaluate

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class _Grids:
    """In one dimension, in the plane or in space.

    Attributes:
        errors: Points along each side of the grid on which errors are measured a second time.
        in_time: The same for equations with time.
        shown: Points along each side of what figures show.
        cell: The same of the cell.
        digits: Of values that figures show.
        cell_digits: Of those in the cell.
        slow: Whether a*(x) and its derivative are shown.
    """

    errors: int
    in_time: int
    shown: int = 61
    cell: int = 41
    digits: int = 5
    cell_digits: int = 5
    slow: bool = False


_GRIDS = {
    1: _Grids(401, 201, shown=1001, cell=201, digits=6, cell_digits=9, slow=True),
    2: _Grids(101, 201),
    3: _Grids(41, 41),
}


def grid_count(problem: Problem) -> int:
    """Points along each side of the uniform grid on which errors are measured a second time."""
    grids = _GRIDS[problem.dim]
    return grids.in_time if problem.multiscale().time else grids.errors


def samples(run: Recorder) -> dict[str, Any]:
    """Values on grids for the figures, rounded; small differences are taken before that. Collective.

    Without a reference nothing is sampled that oscillates: no grid of figures would resolve it.
    """
    problem: Problem = run.problem
    grids = _GRIDS[problem.dim]
    count, inner, digits = grids.shown, grids.cell, grids.digits
    points, plane = _plane(problem.domain, count, 1 / 2)
    solutions: dict[str, Any] = {"u": run.u} if run.case.has_reference else {}
    solutions |= {"v": run.v, "w": run.w, "p": run.p}
    values = {name: on_points(s, points) for name, s in solutions.items()}
    found: dict[str, Any] = {
        "points": count,
        **plane,
        **({"coefficient": significant(_coefficient(problem, points), 5)} if run.case.has_reference else {}),
        **{name: significant(v, digits) for name, v in values.items()},
        "p_minus_w": significant(values["p"] - values["w"], 4),
    }
    for name, field in run.fields.items():
        found[name] = significant(field.values(points), digits)
    if problem.flux.depends_on:
        found["cell"] = _slow_samples(run, points) if grids.slow else None
    else:
        digits = grids.cell_digits
        cell, plane = _plane(problem.cell, inner, _AT)
        found_there = evaluated(run.chi.correctors, Product.of(cell), VALUE)
        pairs = [(at_points(one, cell), jet[0]) for one, jet in zip(run.cell.correctors, found_there, strict=True)]
        found["cell"] = {
            "points": inner,
            **plane,
            "fem": [significant(one, digits) for one, _ in pairs],
            "pinn": [significant(other, digits) for _, other in pairs],
            "difference": [significant(other - one, 4) for one, other in pairs],
        }
    return found


_AT = 3 / 8
"""Where the cell is cut in space, of its height: neither sines nor cosines of the first frequencies vanish there."""


def _plane(box: Sequence[Sequence[float]], count: int, part: float) -> tuple[Array, dict[str, float]]:
    """The grid of a box of one or two dimensions; of one of three the grid of a plane across it, and "plane", its height."""
    if len(box) < 3:
        return grid(box, count), {}
    (low, high) = box[2]
    height = low + part * (high - low)
    flat = grid(box[:2], count)
    return np.column_stack([flat, np.full(len(flat), height)]), {"plane": height}


def _slow_samples(run: Recorder, points: Array) -> dict[str, Any]:
    """a*(x) and its derivative by both paths; collective."""
    fem, net = run.cell.coefficient, run.chi.coefficient
    at = points[::5]
    return {
        "x": significant(at[:, 0]),
        "a_fem": significant(fem(at)[:, 0, 0]), "a_pinn": significant(net(at)[:, 0, 0]),
        "slope_fem": significant(fem.gradient(at)[:, 0, 0, 0]), "slope_pinn": significant(net.gradient(at)[:, 0, 0, 0]),
        "nodes": significant(net.nodes[:, 0]), "slope_autodiff": significant(run.chi.slopes[:, 0, 0, 0]),
    }  # fmt: skip


def _coefficient(problem: Problem, points: Array) -> Array:
    """The first entry of what oscillates with x/ε."""
    values = coordinates(problem.slow, points) | coordinates(problem.fast, points / problem.eps)
    entry = problem.medium.matrix[0, 0]
    return np.broadcast_to(np.asarray(evaluate(entry, values), dtype=float), len(points))
