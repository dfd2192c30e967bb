"""Cell problems on a mesh and two coarser ones, for estimates; and on finer meshes until these are small enough."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import sympy

from hybrid.equation import Equation
from hybrid.fem.cells.bounds import corrector_estimates, extrapolated
from hybrid.fem.cells.cellsolution import CellSolution
from hybrid.fem.meshes.fitted import order_within_cells
from hybrid.fem.norms import coarsened
from hybrid.trust import largest

SolveOn = Callable[[int], CellSolution]
"""Solves on a mesh of so many cells along each side."""
_NOISE = 1e-8
"""Estimates below this that refining does not improve are those of linear solvers."""
_CORRECTORS = 10.0
"""How much more than a* correctors may be off: a* is off by the square of it."""


def refined(
    solve: SolveOn,
    cells: int,
    equation: Equation,
    degree: int,
    estimate: bool,
    tol: float | None,
    budget: int,
) -> CellSolution:
    """The solution on meshes with twice as many cells, again and again, until estimates of relative errors are small enough.

    Args:
        solve: How.
        cells: Of the first mesh, along each side of the cell.
        equation: Gives the period.
        degree: Of the elements.
        estimate: Whether there are to be any estimates but those that cost nothing.
        tol: What the error of a* may be, and `_CORRECTORS` times of it that of the correctors; None: the first mesh does.
        budget: Unknowns of the finest mesh at the most.

    Returns:
        That on the last mesh: what it says of itself has been seen on the finest meshes.
    """
    known: dict[int, CellSolution] = {}

    def solved(count: int) -> CellSolution:
        if count not in known:
            known[count] = solve(count)
        return known[count]

    first = cells
    attempts: list[Mapping[str, object]] = []
    worst: list[float] = []
    while True:
        found = _with_estimates(solved, cells, equation, degree) if estimate else solved(cells)
        if found.trust:
            attempts.append({"cells": cells, **{name: e.error for name, e in found.trust.items()}})
        if tol is None or _within(found, tol):
            break
        worst.append(_off(found))
        if len(worst) > 2 and min(worst[-2:]) > 0.9 * min(worst[:-2]) and min(worst) < _NOISE:
            break  # rounding, or the linear solver's tolerance
        varying = sum(s in equation.medium.matrix.free_symbols for s in equation.fast)
        if (2 * cells * degree) ** varying * (first * degree) ** (equation.dim - varying) > budget:
            break
        cells *= 2
    return replace(found, attempts=tuple(attempts))


def _within(found: CellSolution, tol: float) -> bool:
    return all(e.within(tol if name == "coefficient" else _CORRECTORS * tol) for name, e in found.trust.items())


def _off(found: CellSolution) -> float:
    worst = largest(list(found.trust.values())).error
    return math.inf if worst is None else worst


def _with_estimates(solved: SolveOn, cells: int, equation: Equation, degree: int) -> CellSolution:
    """The solution on one mesh, with estimates from two coarser ones."""
    fine = solved(cells)
    (half, quarter), ratios = coarsened([cells])
    # One by one, each with a name: a mesh that dies while an exception passes frees its communicator in the middle of that,
    # and mpi4py then waits for its own lock. What has a name lives as long as the traceback does.
    coarse = solved(half[0])
    coarser = solved(quarter[0])
    meshes = [fine, coarse, coarser]
    limit = order_within_cells(equation.medium.matrix)
    correctors = [level.correctors for level in meshes]
    errors, trust = corrector_estimates(correctors, ratios, degree + 1, max(equation.period), limit)
    values = [np.asarray(level.coefficient) for level in meshes]
    trust |= {"coefficient": extrapolated(values, ratios, degree + 1, limit)}
    if "coefficient" in fine.trust:  # bounds say more, but for what their quadrature leaves between jumps
        flat = equation.medium.matrix.replace(sympy.Heaviside, lambda *_: sympy.S.One)
        bounds = fine.trust["coefficient"]
        both = largest([bounds, trust["coefficient"]]) if flat.free_symbols & set(equation.fast) else bounds
        trust |= dict(fine.trust) | {"coefficient": both}
    return replace(fine, error_estimates=errors, trust=trust)
