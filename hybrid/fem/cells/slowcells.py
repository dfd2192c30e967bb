"""Cell problems of a coefficient that depends on x: one for each node of an interpolation, or one in all."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from mpi4py import MPI

import numpy as np
import numpy.typing as npt

from hybrid.equation import Equation
from hybrid.failures import InputError, SolverError
from hybrid.fem.cells.bounds import corrector_estimates, extrapolated
from hybrid.fem.cells.cellsolution import CellSolution
from hybrid.fem.cells.slowsamples import against_means, hardest, hardness, interpolation_error, surplus
from hybrid.fem.norms import coarsened
from hybrid.interfaces import level_sets
from hybrid.media.interpolated import (
    ProductCoefficient,
    SlowCoefficient,
    positive_definite,
    relative_change,
    slow_nodes,
)
from hybrid.parallel import on_root
from hybrid.separation import separated
from hybrid.symbols import coordinates, evaluate
from hybrid.trust import Estimate, largest

Array = npt.NDArray[np.float64]
SolveAt = Callable[[Array, int, MPI.Comm], CellSolution]
"""Solves the cell problems for one x, with so many mesh cells along each side, on the ranks given."""

_NODES = {1: 33, 2: 9, 3: 5}
_TRUNCATION = {1: 1e-8, 2: 1e-6, 3: 1e-4}
"""What may be cut off the expansion of a*(x), where no tolerance is given."""
_LEAST = 4000
"""Unknowns that a cell problem counts as at the least, for what it takes to set one up."""
_CORRECTORS = 100.0
"""How much more than a* the correctors may be off."""
_SETTING_UP = 10_000
"""Unknowns that take as long as what each cell problem takes before it is solved."""
_ROUNDING = 1e-11
"""What a* is off by for no reason of the mesh."""
_MESHES = 100
"""Nodes of a rank at the most, where a jumps and each has a mesh of its own: MPI has not many more communicators for them."""


def solve_slow_cells(
    equation: Equation,
    comm: MPI.Comm,
    at: SolveAt,
    alone: Callable[[Equation], CellSolution],
    cells: int,
    degree: int,
    nodes: int | None,
    tol: float | None,
    budget: int,
) -> CellSolution:
    """a*(x) and the correctors at its nodes.

    Args:
        equation: Gives a(x, y).
        comm: The ranks that share the nodes.
        at: Solves for one x.
        alone: Solves a problem without x on all ranks.
        cells: Mesh cells along each side of the cell.
        degree: Of the elements.
        nodes: Chebyshev nodes in each direction that a depends on; None: as many as it takes.
        tol: Of the interpolation; None: `_TRUNCATION`.
        budget: Unknowns of all cell problems of one interpolation together.

    Raises:
        InputError: a jumps in x, and is no product.
        SolverError: A cell problem failed, or the interpolant is not positive where a is.
    """
    start = time.perf_counter()
    product = separated(equation)
    if product is not None:
        factor, fixed = product
        found = alone(fixed)
        coefficient = ProductCoefficient.of(equation.domain, factor, np.asarray(found.coefficient))
        middle = np.array([[(low + high) / 2 for low, high in equation.domain]])
        return replace(found, coefficient=coefficient, nodes=middle, bounds=None, seconds=time.perf_counter() - start)
    _refuse_jumps(equation)
    tolerance = _TRUNCATION[equation.dim] if tol is None else tol / 2  # the mesh has the other half
    first = nodes or _NODES[equation.dim]
    counts = [first if s in equation.medium.matrix.free_symbols else 1 for s in equation.slow]
    attempts: list[Mapping[str, object]] = []

    def affordable(counts: Sequence[int]) -> bool:
        total = math.prod(counts)
        most = _MESHES * comm.size if equation.medium.interfaces else total
        return total <= most and total * max((cells * degree) ** equation.dim, _LEAST) <= budget

    @functools.cache
    def measures(counts: tuple[int, ...]) -> Array:
        return on_root(comm, partial(hardness, equation, slow_nodes(equation.domain, counts)))

    def worst(counts: Sequence[int]) -> Array:
        """The hardest nodes."""
        return slow_nodes(equation.domain, counts)[hardest(measures(tuple(counts)))]

    def fewest(counts: Sequence[int]) -> int:
        """Cells for more nodes than at first."""
        return on_root(comm, partial(_fewest, worst(counts), at, cells, tolerance))

    # Ranks may differ by rounding: what decides how long loops are is that of the first.
    def missed_by(counts: Sequence[int]) -> float:
        return on_root(comm, partial(interpolation_error, equation, counts))

    # What a alone says costs no cell problem.
    asked, coarser = cells, False
    missed = missed_by(counts)
    while nodes is None and missed > tolerance:
        if not coarser:
            cells, coarser = fewest(counts), True
        more = [_more(n, missed, tolerance, True) for n in counts]
        if more == counts or not affordable(more):
            break
        attempts.append({"nodes": tuple(counts), "cells": cells, "truncation": missed})
        counts, missed = more, missed_by(more)
    if tol is not None and missed < tol and not equation.medium.interfaces:
        most = (budget / math.prod(counts)) ** (1 / equation.dim) / degree
        cells = on_root(comm, partial(_mesh_for, worst(counts), at, cells, most, degree, max(equation.period), tol))
    while True:
        found = _interpolated(equation, comm, at, cells, counts)
        tails, positive = on_root(comm, partial(_judged, found, missed, counts))
        attempts.append({"nodes": tuple(counts), "cells": cells, "truncation": max(tails)})
        if nodes is not None or (max(tails) <= tolerance and positive):
            break
        if not coarser:
            cells, coarser = fewest(counts), True
        more = [_more(n, tail, tolerance, positive) for n, tail in zip(counts, tails, strict=True)]
        if more == counts or not affordable(more):
            break
        counts, missed = more, missed_by(more)
    if not positive:
        raise SolverError(
            f"a*(x) between {' x '.join(map(str, counts))} nodes is not positive, though a is: it varies too fast in x; "
            "raise nodes or budget of solve_cell"
        )
    while True:
        cell_trust = dict(found.trust)
        if len(cell_trust) > equation.dim:  # known from each node
            break
        cell_trust = _estimated(equation, comm, at, found, cells, degree, measures(tuple(counts))) | cell_trust
        if tol is None:  # fewer cells than were asked for were enough at some nodes, and have to be at all
            enough = cells >= asked or _enough(cell_trust, tolerance, math.inf)
        else:  # no mesh makes up for nodes that are missing
            enough = max(tails) >= tol or _enough(cell_trust, tol - max(tails), _CORRECTORS * tol)
        if enough or math.prod(counts) * (2 * cells * degree) ** equation.dim > budget:
            break
        cells *= 2
        found = _interpolated(equation, comm, at, cells, counts)
        attempts.append({"nodes": tuple(counts), "cells": cells, "truncation": max(tails)})
    base, cut = cell_trust["coefficient"], max(tails)
    together = None if base.error is None else base.error + cut
    trust = cell_trust | {
        "coefficient": Estimate(together, f"{base.how}; and what the interpolation in x cuts off ({cut:.1e})")
    }
    return replace(found, trust=trust, attempts=tuple(attempts), seconds=time.perf_counter() - start)


def _enough(trust: Mapping[str, Estimate], tol: float, correctors: float) -> bool:
    """Whether a* and the correctors are known to these tolerances."""
    return all(e.within(tol if name == "coefficient" else correctors) for name, e in trust.items())


def _refuse_jumps(equation: Equation) -> None:
    """An interpolant in x knows no jumps.

    Raises:
        InputError: There are some.
    """
    axes = [np.linspace(low, high, {1: 4001, 2: 201, 3: 41}[equation.dim]) for low, high in equation.domain]
    points = np.stack([g.ravel() for g in np.meshgrid(*axes, indexing="ij")], axis=1)
    for phi in level_sets(equation.medium.matrix):
        if phi.free_symbols <= set(equation.slow):
            value = np.asarray(evaluate(phi, coordinates(equation.slow, points)))
            if value.min() < 0 < value.max():
                raise InputError(
                    "a", f"it jumps where {phi} = 0, at a slow x; allowed is that in a product g(x) b(y) only, or smooth steps "
                    "such as 1/(1 + exp(-x0/d))"
                )  # fmt: skip


def _interpolated(equation: Equation, comm: MPI.Comm, at: SolveAt, cells: int, counts: list[int]) -> CellSolution:
    """The cell problems at the nodes, shared out over the ranks."""
    start = time.perf_counter()
    nodes = slow_nodes(equation.domain, counts)
    mine = range(comm.rank, len(nodes), comm.size)
    solved: list[CellSolution] = []

    def solve() -> list[tuple[int, Array, Mapping[str, Estimate]]]:
        for i in mine:
            solved.append(at(nodes[i], cells, MPI.COMM_SELF))
        return [(i, np.asarray(s.coefficient), s.trust) for i, s in zip(mine, solved, strict=True)]

    values = np.empty((len(nodes), equation.dim, equation.dim))
    each: dict[str, list[Estimate]] = {}
    for part in _together(comm, solve):
        for i, a, known in part:
            values[i] = a
            for name, estimate in known.items():
                each.setdefault(name, []).append(estimate)
    domain = tuple((float(low), float(high)) for low, high in equation.domain)
    correctors = tuple(chi for s in solved for chi in s.correctors)
    return CellSolution(
        SlowCoefficient(domain, nodes, values), correctors, time.perf_counter() - start, None, nodes[list(mine)],
        trust={name: largest(estimates) for name, estimates in each.items()},
    )  # fmt: skip


def _more(count: int, tail: float, tolerance: float, positive: bool) -> int:
    """Nodes in a direction: as many as the decay of the expansion so far says, at most twice as many."""
    if count == 1 or (tail <= tolerance and positive):
        return count
    wanted = 1.1 * count * math.log(tolerance) / math.log(tail) if tail < 0.5 else 2.0 * count
    return math.ceil(min(max(wanted, 1.3 * count), 2.0 * count))


def _judged(found: CellSolution, missed: float, counts: Sequence[int]) -> tuple[tuple[float, ...], bool]:
    """What the interpolation cuts off in each direction, and whether the interpolant is positive."""
    assert isinstance(found.coefficient, SlowCoefficient)
    # Tails are relative to the largest a*(x), and the estimate to the smallest.
    eigenvalues = np.linalg.eigvalsh(found.coefficient.values)
    ratio = float(eigenvalues.max() / eigenvalues.min())
    tails = (max(t * ratio, missed) if n > 1 else t for t, n in zip(found.coefficient.tails, counts, strict=True))
    return tuple(tails), positive_definite(found.coefficient)


def _fewest(places: Array, at: SolveAt, cells: int, tolerance: float) -> int:
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


def _mesh_for(places: Array, at: SolveAt, cells: int, most: float, degree: int, period: float, tol: float) -> int:
    """How many mesh cells, a multiple of `cells` by a power of two and not above `most`, are enough at all these x; not
    collective."""
    for x in places:
        while 2 * cells <= most:
            trust = _trust_at([at(x, cells, MPI.COMM_SELF), *_coarser(x, at, cells)], cells, degree, period)
            if _enough(trust, tol / 2, _CORRECTORS * tol):
                break
            cells *= 2
    return cells


def _estimated(
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
    if dim == 1 and not equation.medium.interfaces:
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

    for part in _together(comm, partial(solve, looked_at)):
        estimates |= {i: largest([e, *([estimates[i]] if i in estimates else [])]) for i, e in part.items()}
    # The error of a* is the square of that of the correctors in the energy.
    chosen = on_root(comm, partial(_chosen, hardest(measures), estimates))

    def compare() -> list[dict[str, Estimate]]:
        solve(chosen)
        return [_trust_at(levels[i], cells, degree, max(equation.period)) for i in chosen if i in levels]

    known = [trust for part in _together(comm, compare) for trust in part]
    trust = {name: largest([each[name] for each in known]) for name in known[0]}
    return trust | {"coefficient": largest([trust["coefficient"], *estimates.values()])}


def _together[T](comm: MPI.Comm, task: Callable[[], T]) -> list[T]:
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
