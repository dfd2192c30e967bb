"""Solutions on finer and finer meshes: how far they are off, and the first one that is not too far."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hybrid.checks import positive
from hybrid.errors import InputError
from hybrid.fem.dirichlet import Solution
from hybrid.fem.norms import coarsened, relative_difference, richardson
from hybrid.trust import Estimate

BUDGET = 2_000_000
"""Unknowns of the largest mesh that a tolerance may lead to."""
LOOSER = 100.0
"""How much more a time step may be off in the solve that shows what time stepping costs."""
SHOWN = 10.0
"""Of that difference no more than this part is the error of the accurate solve: measured, a 35th to a hundredth."""
TIGHTEST = 1e-13
"""No step can be more accurate than rounding lets it be."""


class Resolutions:
    """Solutions of one equation by the number of cells along each side, and the relative error allowed in a time step.

    Args:
        solve_on: Solves it: with so many cells, and steps so accurate (0: no time).
        unknowns: Of the solve with so many cells.
        order: The best that the L2 error of the mesh can show.
    """

    def __init__(self, solve_on: Callable[[int, float], Solution], unknowns: Callable[[int], int], order: int) -> None:
        self._solve_on, self._unknowns, self._order = solve_on, unknowns, order
        self._known: dict[tuple[int, float], Solution] = {}

    def estimated(self, cells: int, steps: float = 0.0) -> Solution:
        """The solution with the estimate of its relative L2 error, from coarser meshes and less accurate steps; collective."""
        start = time.perf_counter()
        in_space, in_time = self._errors(cells, steps)
        fine = self._solved(cells, steps)
        return replace(fine, seconds=time.perf_counter() - start, **said(in_space, in_time, bool(steps)))

    def until(self, tol: float, budget: int, cells: int, steps: float = 0.0) -> Solution:
        """The first solution whose estimate is at most `tol`; the best one where the next mesh would exceed the budget.

        Raises:
            InputError: The tolerance or the budget is not a positive number.
        """
        tol, budget = check_tolerance(tol, budget)
        best: tuple[float, Solution] | None = None
        attempts: list[dict[str, Any]] = []
        while True:
            start = time.perf_counter()
            in_space, in_time = self._errors(cells, steps)
            found = self._solved(cells, steps)
            error, seconds = in_space + in_time, time.perf_counter() - start
            attempts.append(attempt(cells, found.dofs, error, seconds) | ({"tolerance": steps} if steps else {}))
            if best is None or error < best[0]:
                best = error, replace(found, **said(in_space, in_time, bool(steps)))
            if error <= tol or stalled(attempts):
                break
            sharper = in_time > tol / 2 and steps > TIGHTEST
            finer = not in_space <= tol / 2 or not sharper
            if finer and self._unknowns(2 * cells) > budget:
                break
            steps = max(steps / LOOSER, TIGHTEST) if sharper else steps
            cells = 2 * cells if finer else cells
        return replace(best[1], attempts=tuple(attempts), seconds=sum(a["seconds"] for a in attempts))

    def _errors(self, cells: int, steps: float) -> tuple[float, float]:
        (half, quarter), ratios = coarsened([cells])
        levels = [self._solved(count, steps) for count in (cells, half[0], quarter[0])]
        in_space = richardson([level.function for level in levels], ratios, self._order)
        if not steps:
            return in_space, 0.0
        return in_space, time_error(self._solved(cells, LOOSER * steps), levels[0])

    def _solved(self, cells: int, steps: float) -> Solution:
        if (cells, steps) not in self._known:
            self._known[cells, steps] = self._solve_on(cells, steps)
        return self._known[cells, steps]


def time_error(loose: Solution, fine: Solution) -> float:
    """What time stepping leaves in the accurate one of two solutions on one mesh; collective."""
    return relative_difference(loose.function, fine.function) / SHOWN


def check_tolerance(tol: Any, budget: Any) -> tuple[float, int]:
    """A tolerance and a number of unknowns, or InputError."""
    number = positive(tol, "tol")
    if number >= 1:
        raise InputError("tol", f"{number:g} is not allowed; it must be between 0 and 1")
    return number, int(positive(budget, "budget"))


def attempt(cells: int, dofs: int, error: float, seconds: float) -> dict[str, Any]:
    """What is to be remembered of one resolution."""
    return {
        "cells": cells, "dofs": dofs, "error_estimate": error if math.isfinite(error) else None, "seconds": seconds,
    }  # fmt: skip


def stalled(attempts: list[dict[str, Any]]) -> bool:
    """Whether finer meshes have not helped twice."""
    errors = [math.inf if a["error_estimate"] is None else a["error_estimate"] for a in attempts]
    return len(errors) > 2 and math.isfinite(min(errors)) and min(errors[-2:]) > 0.9 * min(errors[:-2])


def said(in_space: float, in_time: float, timed: bool) -> dict[str, Any]:
    """The fields of a solution for the errors that its mesh and its time steps leave."""
    error = in_space + in_time
    return {"error_estimate": error, "trust": {"solution": trusted(error, in_time if timed else None)}}


def trusted(error: float, in_time: float | None = None) -> Estimate:
    """The estimate in words."""
    if not math.isfinite(error):
        return Estimate(None, "the solutions on three meshes, each twice as fine, do not come closer: refine the mesh")
    how = "Richardson's extrapolation from meshes twice and four times as coarse, with the order seen"
    if in_time is not None:
        how += f"; and {in_time:.1e} for time, from steps with 100 times the error"
    return Estimate(error, how)
