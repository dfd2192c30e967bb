"""Cell problems at several x: how well they are resolved, and how many mesh cells that takes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from mpi4py import MPI

import numpy as np
import numpy.typing as npt

from hybrid.equation import Equation
from hybrid.fem.cells.bounds import corrector_estimates, extrapolated
from hybrid.fem.cells.cellsolution import CellSolution
from hybrid.fem.cells.slowsamples import against_means, hardest, surplus
from hybrid.fem.norms import coarsened
from hybrid.media.interpolated import SlowCoefficient, relative_change
from hybrid.parallel import on_root
from hybrid.trust import Estimate, largest

Array = npt.NDArray[np.float64]
SolveAt = Callable[[Array, int, MPI.Comm], CellSolution]
"""Solves the cell problems for one x, with so many mesh cells along each side, on the ranks given."""

CORRECTORS = 100.0
"""How much more than a* the correctors may be off."""
_SETTING_UP = 10_000
"""Unknowns that take as long as what each cell problem takes before it is solved."""
_ROUNDING = 1e-11
"""What a* is off by for no reason of the mesh."""


def enough(trust: Mapping[str, Estimate], tol: float, correctors: float) -> bool:
    """Whether a* and the correctors are known to these tolerances."""
    return all(e.within(tol if name == "coefficient" else correctors) for name, e in trust.items())


def fewest(places: Array, at: SolveAt, cells: int, tolerance: float) -> int:
    """How few mesh cells leave a* where it is, to a tenth of the tolerance, at all these x; not collective."""
    least = 1
    for x in places:
        own, here = cells, np.asarray(at(x, cells, MPI.COMM_SELF).coefficient)
        while own >= max(8, 2 * least):
            coarse = np.asarray(at(x, own // 2, MPI.COMM_SELF).coefficient)
            if relative_change(coarse - here, here) > tolerance / 10:
                break
            own //= 2
        least = max(least, own)
    return least


def mesh_for(places: Array, at: SolveAt, cells: int, most: float, degree: int, period: float, tol: float) -> int:
    """How many mesh cells, a multiple of `cells` by a power of two and not above `most`, are enough at all these x; not
    collective."""
    for x in places:
        while 2 * cells <= most:
            trust = _trust_at([at(x, cells, MPI.COMM_SELF), *_coarser(x, at, cells)], cells, degree, period)
            if enough(trust, tol / 2, CORRECTORS * tol):
                break
            cells *= 2
    return cells


def estimated(
    equation: Equation,
    comm: MPI.Comm,
    at: SolveAt,
    found: CellSolution,
    cells: int,
    degree: int,
    measures: Array,
) -> dict[str, Estimate]:
    """Estimates of a* and of the correctors; collective.

    In one dimension a* is known at all nodes. In more it is compared with that on two coarser meshes, at as many of the
    hardest nodes as a third of the cost of all cell problems allows. The correctors are compared at the hardest of these.

    Args:
        measures: Of how hard the nodes are, (k, n).
    """
    assert isinstance(found.coefficient, SlowCoefficient)
    dim, nodes, values = equation.dim, found.coefficient.nodes, found.coefficient.values
    estimates: dict[int, Estimate] = {}
    count = 0
    if equation.is_line and not equation.medium.interfaces:
        estimates = dict(enumerate(on_root(comm, partial(against_means, equation, nodes, values))))
    elif not equation.medium.interfaces and comm.allreduce(
        len({id(c.function_space) for c in found.correctors}) <= 1, op=MPI.LAND
    ):
        # All nodes have one mesh: where kinks move with x each has its own, and three would be too many.
        here = np.zeros(len(nodes))
        here[comm.rank :: comm.size] = surplus(found.correctors, dim)
        measures = np.vstack([comm.allreduce(here), measures])
        (half, quarter), _ = coarsened([cells])
        cost, *coarse = [_SETTING_UP + (c * degree) ** dim for c in (cells, *half, *quarter)]
        count = int(len(nodes) * cost / (3 * sum(coarse)))
    looked_at = on_root(comm, partial(hardest, measures, count))
    levels: dict[int, list[CellSolution]] = {}

    def solve(indices: Sequence[int]) -> dict[int, Estimate]:
        """Those of this rank on coarser meshes."""
        for own, i in ((i // comm.size, i) for i in indices if i % comm.size == comm.rank and i not in levels):
            fine = replace(found, coefficient=values[i], correctors=found.correctors[dim * own :][:dim])
            levels[i] = [fine, *_coarser(nodes[i], at, cells)]
        return {i: _coefficient_at(levels[i], cells, degree) for i in indices if i in levels}

    for part in together(comm, partial(solve, looked_at)):
        estimates |= {i: largest([e, *([estimates[i]] if i in estimates else [])]) for i, e in part.items()}
    # The error of a* is the square of that of the correctors in the energy.
    chosen = on_root(comm, partial(_chosen, hardest(measures), estimates))

    def compare() -> list[dict[str, Estimate]]:
        solve(chosen)
        return [_trust_at(levels[i], cells, degree, max(equation.period)) for i in chosen if i in levels]

    known = [trust for part in together(comm, compare) for trust in part]
    trust = {name: largest([each[name] for each in known]) for name in known[0]}
    return trust | {"coefficient": largest([trust["coefficient"], *estimates.values()])}


def together[T](comm: MPI.Comm, task: Callable[[], T]) -> list[T]:
    """What each rank finds, or the first failure of one; collective."""
    mine: tuple[T | None, Exception | None]
    try:
        mine = (task(), None)
    except Exception as error:  # the others have to hear of it, they wait below
        mine = (None, error)
    gathered = comm.allgather(mine)
    for _, failure in gathered:
        if failure is not None:
            raise failure
    return [part for part, _ in gathered]


def _chosen(hard: list[int], estimates: Mapping[int, Estimate]) -> list[int]:
    """The hardest nodes, and that where a* is off by far more than there."""
    off = {i: math.inf if e.error is None else e.error for i, e in estimates.items()}
    worst = max(off, key=lambda i: off[i])
    there = max(off.get(i, 0.0) for i in hard)
    return [*hard, worst] if worst not in hard and off[worst] > max(2 * there, _ROUNDING) else hard


def _coarser(x: Array, at: SolveAt, cells: int) -> list[CellSolution]:
    """Solutions at one x with half and a quarter of the cells; not collective."""
    (half, quarter), _ = coarsened([cells])
    return [at(x, count, MPI.COMM_SELF) for count in (*half, *quarter)]


def _coefficient_at(levels: Sequence[CellSolution], cells: int, degree: int) -> Estimate:
    """Of a* at one x, from solutions on three meshes, the finest first."""
    return extrapolated([np.asarray(level.coefficient) for level in levels], coarsened([cells])[1], degree + 1)


def _trust_at(levels: Sequence[CellSolution], cells: int, degree: int, period: float) -> dict[str, Estimate]:
    """The same, and of the correctors; not collective."""
    ratios = coarsened([cells])[1]
    correctors = corrector_estimates([level.correctors for level in levels], ratios, degree + 1, period)[1]
    return {"coefficient": _coefficient_at(levels, cells, degree), **correctors}
