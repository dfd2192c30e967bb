"""Solutions on finer and finer meshes: how far they are off, and the first one that is not too far."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from dolfinx import fem

from hybrid.checks import positive
from hybrid.clock import clock
from hybrid.failures import InputError
from hybrid.fem.dirichlet import Solution
from hybrid.fem.norms import mesh_error, relative_difference
from hybrid.trust import Estimate

BUDGET = 2_000_000
"""Unknowns of the largest mesh that a tolerance may lead to."""
LOOSER = 100.0
"""How much more a time step may be off in the solve that shows what time stepping costs."""
SHOWN = 10.0
"""Of that difference no more than this part is the error of the accurate solve: measured, a 35th to a hundredth."""
TIGHTEST = 1e-13
"""No step can be more accurate than rounding lets it be."""
_LOST = 0.1
"""Where rounding has made that much of a solution, it may have made all of it."""
_GAIN = 6.0
"""By how much one more degree makes the error smaller, at the least: measured where boundary layers are thinner than a cell."""


class Resolutions:
    """Solutions of one equation by degree, the number of cells along each side, and the error allowed in a time step.

    Args:
        solve_on: Solves it: with elements of such a degree, so many cells, and steps so accurate (0: no time).
        unknowns: Of the solve with such a degree and so many cells.
        degree: That was asked for.
        limit: From `hybrid.fem.norms.order_limit`.
        highest: Degree that the elements may be raised to.
    """

    def __init__(
        self,
        solve_on: Callable[[int, int, float], Solution],
        unknowns: Callable[[int, int], int],
        degree: int,
        limit: float | None = None,
        highest: int = 0,
    ) -> None:
        self._solve_on, self._unknowns, self._degree, self._limit = solve_on, unknowns, degree, limit
        self._highest = highest
        self._known: dict[tuple[int, int, float], Solution] = {}

    def estimated(self, cells: int, steps: float = 0.0) -> Solution:
        """The solution with the estimate of its relative L2 error, from coarser meshes and less accurate steps; collective."""
        start = clock()
        in_space, in_time = self._errors(self._degree, cells, steps)
        fine = self._solved(self._degree, cells, steps)
        seconds = clock() - start
        return replace(fine, seconds=seconds, **said(in_space, in_time, bool(steps), fine.rounding))

    def asked(
        self, tol: float | None, budget: int, cells: int, steps: float = 0.0, *, estimate: bool = True
    ) -> Solution:
        """Within a tolerance, where there is one; else with so many cells, and an estimate if that is wanted."""
        if tol is not None:
            return self.until(tol, budget, cells, steps)
        return self.estimated(cells, steps) if estimate else self._solve_on(self._degree, cells, steps)

    def until(self, tol: float, budget: int, cells: int, steps: float = 0.0) -> Solution:
        """The first solution whose estimate is at most `tol`; the best one where the next mesh would exceed the budget.

        Raises:
            InputError: The tolerance or the budget is not a positive number.
        """
        tol, budget = check_tolerance(tol, budget)
        degree = self._degree
        best: tuple[float, Solution] | None = None
        attempts: list[dict[str, Any]] = []
        while True:
            start = clock()
            in_space, in_time = self._errors(degree, cells, steps)
            found = self._solved(degree, cells, steps)
            error, seconds = in_space + in_time + found.rounding, clock() - start
            attempts.append(
                attempt(cells, found.dofs, error, seconds)
                | {"degree": degree}
                | ({"tolerance": steps} if steps else {})
            )
            if best is None or error < best[0]:
                best = error, replace(found, **said(in_space, in_time, bool(steps), found.rounding))
            if error <= tol or stalled(attempts) or found.rounding > tol:
                break
            sharper = in_time > tol / 2 and steps > TIGHTEST
            if not in_space <= tol / 2 or not sharper:
                last = degree, cells
                degree, cells = self._finer(degree, cells, in_space / (tol - min(in_time, tol / 2)))
                while degree > last[0] + 1 and self._unknowns(degree, cells) > budget:
                    degree -= 1
                if self._unknowns(degree, cells) > budget:
                    break
            steps = max(steps / LOOSER, TIGHTEST) if sharper else steps
        return replace(best[1], attempts=tuple(attempts), seconds=sum(a["seconds"] for a in attempts))

    def _finer(self, degree: int, cells: int, excess: float) -> tuple[int, int]:
        """The next degree and number of cells, where the error of the mesh is so many times what is allowed.

        As many degrees as the error asks for, on the same mesh; then, or where solutions are not smooth, twice the cells.
        """
        if self._limit is not None or degree >= self._highest or not math.isfinite(excess):
            return degree, 2 * cells
        more = max(math.ceil(math.log(max(excess, 1.0)) / math.log(_GAIN)), 1)
        return min(degree + more, self._highest), cells

    def _errors(self, degree: int, cells: int, steps: float) -> tuple[float, float]:
        fine = self._solved(degree, cells, steps)
        in_time = time_error(self._solved(degree, cells, LOOSER * steps), fine) if steps else 0.0

        def on(counts: Sequence[int]) -> fem.Function:
            return self._solved(degree, counts[0], steps).function

        return mesh_error(on, [cells], degree + 1, SHOWN * in_time + fine.rounding, self._limit), in_time

    def _solved(self, degree: int, cells: int, steps: float) -> Solution:
        known = degree, cells, steps
        if known not in self._known:
            self._known[known] = self._solve_on(degree, cells, steps)
        return self._known[known]


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


def said(in_space: float, in_time: float, timed: bool, rounding: float = 0.0) -> dict[str, Any]:
    """The fields of a solution for the errors that its mesh, its time steps and rounding leave."""
    error = in_space + in_time + rounding
    return {
        "error_estimate": error, "trust": {"solution": trusted(error, in_time if timed else None, rounding)},
    }  # fmt: skip


def trusted(error: float, in_time: float | None = None, rounding: float = 0.0) -> Estimate:
    """The estimate in words."""
    how = (
        "rounding: the solution decays so much faster than the equation's slowest mode that what rounding puts into that mode "
        f"is {rounding:.1e} of it at the end"
    )
    if rounding > _LOST:
        return Estimate(None, how)  # of the solution itself there may be nothing left to measure against
    if rounding > error / 2:
        return Estimate(error, how)
    if not math.isfinite(error):
        return Estimate(None, "the solutions on three meshes, each twice as fine, do not come closer: refine the mesh")
    how = "Richardson's extrapolation from meshes twice and four times as coarse, with the order seen"
    if in_time is not None:
        how += f"; and {in_time:.1e} for time, from steps with 100 times the error"
    return Estimate(error, how)
