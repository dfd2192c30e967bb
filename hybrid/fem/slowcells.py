"""Cell problems of a coefficient that depends on x: one for each node of an interpolation, or one in all."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
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
    tolerance = _TRUNCATION[problem.dim] if tol is None else tol
    first = nodes or _NODES[problem.dim]
    counts = [first if s in problem.matrix.free_symbols else 1 for s in problem.slow]
    attempts: list[Mapping[str, object]] = []
    while True:
        found = _interpolated(problem, comm, at, cells, counts)
        assert isinstance(found.coefficient, SlowCoefficient)
        missed = _missed(problem, found.coefficient)
        tails = tuple(max(t, missed) if n > 1 else t for t, n in zip(found.coefficient.tails, counts, strict=True))
        positive = positive_definite(found.coefficient)
        attempts.append({"nodes": tuple(counts), "cells": cells, "truncation": max(tails)})
        if nodes is not None or (max(tails) <= tolerance and positive):
            break
        if len(attempts) == 1:
            cells = _fewest(found.coefficient.nodes[_steepest(problem, found.coefficient.nodes)], at, cells, tolerance)
        more = [_more(n, tail, tolerance, positive) for n, tail in zip(counts, tails, strict=True)]
        total = math.prod(more)
        if more == counts or total * max((cells * degree) ** problem.dim, _LEAST) > budget:
            break
        if problem.jumps and total > _MESHES * comm.size:
            break
        counts = more
    if not positive:
        raise SolverError(
            f"a*(x) between {' x '.join(map(str, counts))} nodes is not positive, though a is: it varies too fast in x; "
            "raise nodes or budget of solve_cell"
        )
    while True:
        cell_trust = dict(found.trust)
        if len(cell_trust) > problem.dim:  # known from each node
            break
        index = _steepest(problem, found.coefficient.nodes)
        cell_trust = _trust_at_a_node(found, index, comm, at, cells, degree, max(problem.period)) | cell_trust
        enough = tol is None or cell_trust["coefficient"].within(tol)
        if enough or math.prod(counts) * (2 * cells * degree) ** problem.dim > budget:
            break
        cells *= 2
        found = _interpolated(problem, comm, at, cells, counts)
        attempts.append({"nodes": tuple(counts), "cells": cells, "truncation": max(tails)})
    base = cell_trust["coefficient"]
    # Tails are relative to the largest a*(x), and the estimate to the smallest.
    assert isinstance(found.coefficient, SlowCoefficient)
    eigenvalues = np.linalg.eigvalsh(found.coefficient.values)
    cut = max(tails) * float(eigenvalues.max() / eigenvalues.min())
    together = None if base.error is None else base.error + cut
    trust = cell_trust | {
        "coefficient": Estimate(together, f"{base.how}; and what the interpolation in x cuts off ({cut:.1e})")
    }
    return replace(found, trust=trust, attempts=tuple(attempts), seconds=time.perf_counter() - start)


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


def _samples(problem: EllipticProblem, x: Array) -> Array:
    """a at places x, (n, d), and at some y, the same for all: (n, m, d, d)."""
    count = {1: 256, 2: 24, 3: 8}[problem.dim]
    axes = [p * (np.arange(count) + 0.4142) / count for p in problem.period]
    y = np.stack([g.ravel() for g in np.meshgrid(*axes, indexing="ij")], axis=1)
    joint = [np.repeat(column, len(y)) for column in x.T] + [np.tile(column, len(x)) for column in y.T]
    values = dict(zip((*problem.slow, *problem.fast), joint, strict=True))
    found = np.empty((len(x) * len(y), problem.dim, problem.dim))
    for i in range(problem.dim):
        for j in range(problem.dim):
            found[:, i, j] = evaluate(problem.matrix[i, j], values)
    return found.reshape(len(x), len(y), problem.dim, problem.dim)


def _steepest(problem: EllipticProblem, x: Array) -> int:
    """At which of these places a has the largest contrast over the cell: its cell problem is the hardest."""
    eigenvalues = np.linalg.eigvalsh(_samples(problem, x))
    return int(np.argmax(eigenvalues.max(axis=(1, 2)) / eigenvalues.min(axis=(1, 2))))


def _missed(problem: EllipticProblem, coefficient: SlowCoefficient) -> float:
    """How far a(x, y) itself is from its interpolant at the same nodes, relative, at many x between them: the decay of an
    expansion says nothing of what is narrower than the distance of the nodes."""
    count = {1: 2001, 2: 61, 3: 13}[problem.dim]
    varying = [n > 1 for n in coefficient.counts]
    axes = [
        np.linspace(low, high, count if own else 1) for (low, high), own in zip(problem.domain, varying, strict=True)
    ]
    x = np.stack([g.ravel() for g in np.meshgrid(*axes, indexing="ij")], axis=1)
    interpolant = SlowCoefficient(coefficient.domain, coefficient.nodes, _samples(problem, coefficient.nodes))
    worst = 0.0
    for part in np.array_split(x, max(1, len(x) * interpolant.values.shape[1] // 500_000)):
        exact = _samples(problem, part)
        size = np.abs(exact).max(axis=(1, 2, 3), keepdims=True)
        worst = max(worst, float((np.abs(interpolant(part) - exact) / size).max()))
    return worst


def _fewest(x: Array, at: SolveAt, cells: int, tolerance: float) -> int:
    """How few mesh cells leave a* at one x where it is, to a tenth of the tolerance."""
    here = np.asarray(at(x, cells, MPI.COMM_SELF).coefficient)
    while cells >= 8:
        coarse = np.asarray(at(x, cells // 2, MPI.COMM_SELF).coefficient)
        if relative_change(coarse - here, here) > tolerance / 10:
            break
        cells //= 2
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
        (half, quarter), ratios = coarsened([cells])
        own = index // comm.size
        fine = found.correctors[dim * own : dim * (own + 1)]
        try:
            coarse = at(found.coefficient.nodes[index], half[0], MPI.COMM_SELF)
            coarser = at(found.coefficient.nodes[index], quarter[0], MPI.COMM_SELF)
        except Exception as error:
            failure = error
        else:
            values = [found.coefficient.values[index], np.asarray(coarse.coefficient), np.asarray(coarser.coefficient)]
            trust["coefficient"] = extrapolated(values, ratios, degree + 1)
            levels = [fine, coarse.correctors, coarser.correctors]
            trust |= corrector_estimates(levels, ratios, degree + 1, period)[1]
    for other, problem in comm.allgather((trust, failure)):
        if problem is not None:
            raise problem
        trust = other or trust
    return trust
