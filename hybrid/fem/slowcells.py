"""Cell problems of a coefficient that depends on x: one for each node of an interpolation, or one in all."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from mpi4py import MPI

import numpy as np
import numpy.typing as npt

from hybrid.coefficient import (
    ProductCoefficient,
    SlowCoefficient,
    positive_definite,
    relative_change,
    separated,
    slow_nodes,
)
from hybrid.errors import InputError, SolverError
from hybrid.fem.bounds import corrector_estimates, extrapolated
from hybrid.fem.cellsolution import CellSolution
from hybrid.fem.norms import coarsened
from hybrid.fem.slowsamples import interpolation_error, steepest
from hybrid.interfaces import level_sets
from hybrid.problems import EllipticProblem
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
_MESHES = 100
"""Nodes of a rank at the most, where a jumps and each has a mesh of its own: MPI has not many more communicators for them."""


def solve_slow_cells(
    problem: EllipticProblem,
    comm: MPI.Comm,
    at: SolveAt,
    alone: Callable[[EllipticProblem], CellSolution],
    cells: int,
    degree: int,
    nodes: int | None,
    tol: float | None,
    budget: int,
) -> CellSolution:
    """a*(x) and the correctors at its nodes.

    Args:
        problem: Gives a(x, y).
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
    product = separated(problem)
    if product is not None:
        factor, fixed = product
        found = alone(fixed)
        coefficient = ProductCoefficient.of(problem.domain, factor, np.asarray(found.coefficient))
        middle = np.array([[(low + high) / 2 for low, high in problem.domain]])
        return replace(found, coefficient=coefficient, nodes=middle, bounds=None, seconds=time.perf_counter() - start)
    _refuse_jumps(problem)
    tolerance = _TRUNCATION[problem.dim] if tol is None else tol / 2  # the mesh has the other half
    first = nodes or _NODES[problem.dim]
    counts = [first if s in problem.matrix.free_symbols else 1 for s in problem.slow]
    attempts: list[Mapping[str, object]] = []

    def affordable(counts: Sequence[int]) -> bool:
        total = math.prod(counts)
        most = _MESHES * comm.size if problem.jumps else total
        return total <= most and total * max((cells * degree) ** problem.dim, _LEAST) <= budget

    def fewest(counts: Sequence[int]) -> int:
        """Cells for more nodes than at first."""
        x = slow_nodes(problem.domain, counts)
        return _fewest(x[steepest(problem, x)], at, cells, tolerance)

    # What a alone says costs no cell problem.
    missed, coarser = interpolation_error(problem, counts), False
    while nodes is None and missed > tolerance:
        if not coarser:
            cells, coarser = fewest(counts), True
        more = [_more(n, missed, tolerance, True) for n in counts]
        if more == counts or not affordable(more):
            break
        attempts.append({"nodes": tuple(counts), "cells": cells, "truncation": missed})
        counts, missed = more, interpolation_error(problem, more)
    if tol is not None and not problem.jumps:
        x = slow_nodes(problem.domain, counts)
        most = (budget / len(x)) ** (1 / problem.dim) / degree
        at_worst = x[steepest(problem, x)]
        cells = _mesh_for(at_worst, comm, at, cells, most, degree, max(problem.period), tol)
    while True:
        found = _interpolated(problem, comm, at, cells, counts)
        assert isinstance(found.coefficient, SlowCoefficient)
        # Tails are relative to the largest a*(x), and the estimate to the smallest.
        eigenvalues = np.linalg.eigvalsh(found.coefficient.values)
        ratio = float(eigenvalues.max() / eigenvalues.min())
        tails = tuple(
            max(t * ratio, missed) if n > 1 else t for t, n in zip(found.coefficient.tails, counts, strict=True)
        )
        positive = positive_definite(found.coefficient)
        attempts.append({"nodes": tuple(counts), "cells": cells, "truncation": max(tails)})
        if nodes is not None or (max(tails) <= tolerance and positive):
            break
        if not coarser:
            cells, coarser = fewest(counts), True
        more = [_more(n, tail, tolerance, positive) for n, tail in zip(counts, tails, strict=True)]
        if more == counts or not affordable(more):
            break
        counts, missed = more, interpolation_error(problem, more)
    if not positive:
        raise SolverError(
            f"a*(x) between {' x '.join(map(str, counts))} nodes is not positive, though a is: it varies too fast in x; "
            "raise nodes or budget of solve_cell"
        )
    while True:
        cell_trust = dict(found.trust)
        if len(cell_trust) > problem.dim:  # known from each node
            break
        index = steepest(problem, found.coefficient.nodes)
        cell_trust = _trust_at_a_node(found, index, comm, at, cells, degree, max(problem.period)) | cell_trust
        enough = tol is None or _enough(cell_trust, tol - max(tails), _CORRECTORS * tol)
        if enough or math.prod(counts) * (2 * cells * degree) ** problem.dim > budget:
            break
        cells *= 2
        found = _interpolated(problem, comm, at, cells, counts)
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


def _refuse_jumps(problem: EllipticProblem) -> None:
    """An interpolant in x knows no jumps.

    Raises:
        InputError: There are some.
    """
    axes = [np.linspace(low, high, {1: 4001, 2: 201, 3: 41}[problem.dim]) for low, high in problem.domain]
    points = np.stack([g.ravel() for g in np.meshgrid(*axes, indexing="ij")], axis=1)
    for phi in level_sets(problem.matrix):
        if phi.free_symbols <= set(problem.slow):
            value = np.asarray(evaluate(phi, coordinates(problem.slow, points)))
            if value.min() < 0 < value.max():
                raise InputError(
                    "a", f"it jumps where {phi} = 0, at a slow x; allowed is that in a product g(x) b(y) only, or smooth steps "
                    "such as 1/(1 + exp(-x0/d))"
                )  # fmt: skip


def _interpolated(problem: EllipticProblem, comm: MPI.Comm, at: SolveAt, cells: int, counts: list[int]) -> CellSolution:
    """The cell problems at the nodes, shared out over the ranks."""
    start = time.perf_counter()
    nodes = slow_nodes(problem.domain, counts)
    mine = range(comm.rank, len(nodes), comm.size)
    solved: list[CellSolution] = []
    failure: Exception | None = None
    try:
        for i in mine:
            solved.append(at(nodes[i], cells, MPI.COMM_SELF))
    except Exception as error:  # of one rank's cells: the others have to hear of it, they wait below
        failure = error
    values = np.empty((len(nodes), problem.dim, problem.dim))
    gathered = comm.allgather((failure, list(mine), [(s.coefficient, s.trust) for s in solved]))
    failures = [found for found, _, _ in gathered if found is not None]
    if failures:
        raise failures[0]
    each: dict[str, list[Estimate]] = {}
    for _, indices, part in gathered:
        for i, (a, known) in zip(indices, part, strict=True):
            values[i] = a
            for name, estimate in known.items():
                each.setdefault(name, []).append(estimate)
    domain = tuple((float(low), float(high)) for low, high in problem.domain)
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


def _fewest(x: Array, at: SolveAt, cells: int, tolerance: float) -> int:
    """How few mesh cells leave a* at one x where it is, to a tenth of the tolerance."""
    here = np.asarray(at(x, cells, MPI.COMM_SELF).coefficient)
    while cells >= 8:
        coarse = np.asarray(at(x, cells // 2, MPI.COMM_SELF).coefficient)
        if relative_change(coarse - here, here) > tolerance / 10:
            break
        cells //= 2
    return cells


def _mesh_for(
    x: Array, comm: MPI.Comm, at: SolveAt, cells: int, most: float, degree: int, period: float, tol: float
) -> int:  # fmt: skip
    """How many mesh cells, a multiple of `cells` by a power of two and not above `most`, are enough at one x; collective."""
    failure: Exception | None = None
    try:
        while comm.rank == 0 and 2 * cells <= most:
            if _enough(
                _trust_at(x, at(x, cells, MPI.COMM_SELF), at, cells, degree, period), tol / 2, _CORRECTORS * tol
            ):
                break
            cells *= 2
    except Exception as error:  # the others wait below
        failure = error
    failure, cells = comm.bcast((failure, cells))
    if failure is not None:
        raise failure
    return cells


def _trust_at_a_node(
    found: CellSolution, index: int, comm: MPI.Comm, at: SolveAt, cells: int, degree: int, period: float
) -> dict[str, Estimate]:
    """Estimates from three meshes at one node; collective."""
    assert isinstance(found.coefficient, SlowCoefficient)
    dim = len(found.coefficient.domain)
    trust: dict[str, Estimate] = {}
    failure: Exception | None = None
    if index % comm.size == comm.rank:
        own = index // comm.size
        correctors = found.correctors[dim * own : dim * (own + 1)]
        fine = replace(found, coefficient=found.coefficient.values[index], correctors=correctors)
        try:
            trust = _trust_at(found.coefficient.nodes[index], fine, at, cells, degree, period)
        except Exception as error:
            failure = error
    for other, problem in comm.allgather((trust, failure)):
        if problem is not None:
            raise problem
        trust = other or trust
    return trust


def _trust_at(x: Array, fine: CellSolution, at: SolveAt, cells: int, degree: int, period: float) -> dict[str, Estimate]:
    """Of a solution at one x, from two coarser meshes; not collective."""
    (half, quarter), ratios = coarsened([cells])
    coarse, coarser = at(x, half[0], MPI.COMM_SELF), at(x, quarter[0], MPI.COMM_SELF)
    values = [np.asarray(level.coefficient) for level in (fine, coarse, coarser)]
    levels = [level.correctors for level in (fine, coarse, coarser)]
    return {
        "coefficient": extrapolated(values, ratios, degree + 1),
        **corrector_estimates(levels, ratios, degree + 1, period)[1],
    }
