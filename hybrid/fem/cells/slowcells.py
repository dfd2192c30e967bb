"""Cell problems of a coefficient that depends on x: one for each node of an interpolation, or one in all."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from mpi4py import MPI

import numpy as np
import numpy.typing as npt

from hybrid.clock import clock
from hybrid.equation import Equation
from hybrid.failures import InputError, SolverError
from hybrid.fem.cells.cellsolution import CellSolution
from hybrid.fem.cells.slowsamples import hardest, hardness, interpolation_error
from hybrid.fem.cells.slowtrust import CORRECTORS, SolveAt, enough, estimated, fewest, mesh_for, together
from hybrid.fem.sizes import SIZES
from hybrid.grids import COUNTS, closed
from hybrid.interfaces import level_sets
from hybrid.media.interpolated import (
    ProductCoefficient,
    SlowCoefficient,
    positive_definite,
    slow_nodes,
)
from hybrid.parallel import on_root
from hybrid.separation import separated
from hybrid.symbols import coordinates, evaluate
from hybrid.trust import Estimate, largest

Array = npt.NDArray[np.float64]

_LEAST = 4000
"""Unknowns that a cell problem counts as at the least, for what it takes to set one up."""
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
        tol: Of the interpolation; None: that of `hybrid.fem.sizes`.
        budget: Unknowns of all cell problems of one interpolation together.

    Raises:
        InputError: a jumps in x, and is no product.
        SolverError: A cell problem failed, or the interpolant is not positive where a is.
    """
    start = clock()
    product = separated(equation)
    if product is not None:
        factor, fixed = product
        found = alone(fixed)
        coefficient = ProductCoefficient.of(equation.domain, (factor, np.asarray(found.coefficient)))
        middle = np.array([[(low + high) / 2 for low, high in equation.domain]])
        return replace(found, coefficient=coefficient, nodes=middle, bounds=None, seconds=clock() - start)
    _refuse_jumps(equation)
    tolerance = SIZES[equation.dim].truncation if tol is None else tol / 2  # the mesh has the other half
    first = nodes or COUNTS[equation.dim].nodes
    counts = [first if s in equation.medium.matrix.free_symbols else 1 for s in equation.slow]
    search = _Search(equation, comm, at, degree, tolerance, budget, nodes is not None, cells, counts)
    missed = search.nodes_by_the_medium()
    search.cells_by_tolerance(tol, missed)
    found, cut = search.interpolated(missed)
    found, trust = search.resolved(found, cut, tol, cells)
    base = trust["coefficient"]
    together = None if base.error is None else base.error + cut
    how = f"{base.how}; and what the interpolation in x cuts off ({cut:.1e})"
    return replace(
        found,
        trust=trust | {"coefficient": Estimate(together, how)},
        attempts=tuple(search.attempts),
        seconds=clock() - start,
    )


@dataclass
class _Search:
    """How many nodes in x, and how many mesh cells in y, a*(x) asks for; all of it collective.

    Ranks may differ by rounding: what decides how long loops are is that of the first.

    Attributes:
        equation, comm, at, degree, budget: See `solve_slow_cells`.
        tolerance: Of the interpolation.
        settled: Whether the nodes are those that were asked for.
        cells, counts: As they are now.
        coarser: Whether as few cells as are enough have been looked for.
        attempts: What was tried.
    """

    equation: Equation
    comm: MPI.Comm
    at: SolveAt
    degree: int
    tolerance: float
    budget: int
    settled: bool
    cells: int
    counts: list[int]
    coarser: bool = False
    attempts: list[Mapping[str, object]] = field(default_factory=list)
    _measures: dict[tuple[int, ...], Array] = field(default_factory=dict)

    def nodes_by_the_medium(self) -> float:
        """More nodes, as far as a alone says it, which costs no cell problem; the relative error that is left."""
        missed = self._missed()
        while not self.settled and missed > self.tolerance:
            more = self._more([missed] * len(self.counts), True)
            if more is None:
                break
            self._note(missed)
            self.counts = more
            missed = self._missed()
        return missed

    def cells_by_tolerance(self, tol: float | None, missed: float) -> None:
        """As many mesh cells as a tolerance asks for, if the nodes can meet it."""
        if tol is None or missed >= tol or self.equation.medium.interfaces:
            return
        most = (self.budget / math.prod(self.counts)) ** (1 / self.equation.dim) / self.degree
        longest = max(self.equation.period)
        task = partial(mesh_for, self._worst(), self.at, self.cells, most, self.degree, longest, tol)
        self.cells = on_root(self.comm, task)

    def interpolated(self, missed: float) -> tuple[CellSolution, float]:
        """The cell problems at nodes that are enough, and what the interpolation cuts off.

        Raises:
            SolverError: A cell problem failed, or the interpolant is not positive.
        """
        while True:
            found = _interpolated(self.equation, self.comm, self.at, self.cells, self.counts)
            tails, positive = on_root(self.comm, partial(_judged, found, missed, self.counts))
            self._note(max(tails))
            more = None
            if not self.settled and not (max(tails) <= self.tolerance and positive):
                more = self._more(tails, positive)
            if more is None:
                break
            self.counts = more
            missed = self._missed()
        if not positive:
            raise SolverError(
                f"a*(x) between {' x '.join(map(str, self.counts))} nodes is not positive, though a is: it varies too fast "
                "in x; raise nodes or budget of solve_cell"
            )
        return found, max(tails)

    def resolved(
        self, found: CellSolution, cut: float, tol: float | None, asked: int
    ) -> tuple[CellSolution, dict[str, Estimate]]:
        """The same with as many mesh cells as are enough, or as the budget allows, and how far they are off.

        Args:
            found: The solution with the cells as they are.
            cut: What the interpolation cuts off.
            tol: Asked for, or None.
            asked: The mesh cells to have where no tolerance is asked for.
        """
        while True:
            trust = dict(found.trust)
            if len(trust) > self.equation.dim:  # known from each node
                return found, trust
            hard = self._hard()
            trust = estimated(self.equation, self.comm, self.at, found, self.cells, self.degree, hard) | trust
            if tol is None:  # fewer cells than were asked for were enough at some nodes, and have to be at all
                done = self.cells >= asked or enough(trust, self.tolerance, math.inf)
            else:  # no mesh makes up for nodes that are missing
                done = cut >= tol or enough(trust, tol - cut, CORRECTORS * tol)
            unknowns = math.prod(self.counts) * (2 * self.cells * self.degree) ** self.equation.dim
            if done or unknowns > self.budget:
                return found, trust
            self.cells *= 2
            found = _interpolated(self.equation, self.comm, self.at, self.cells, self.counts)
            self._note(cut)

    def _more(self, tails: Sequence[float], positive: bool) -> list[int] | None:
        """More nodes, with no more cells than it takes; None where there is nothing to gain, or no budget."""
        if not self.coarser:
            self.cells = on_root(self.comm, partial(fewest, self._worst(), self.at, self.cells, self.tolerance))
            self.coarser = True
        more = [_more(n, tail, self.tolerance, positive) for n, tail in zip(self.counts, tails, strict=True)]
        return None if more == self.counts or not self._affordable(more) else more

    def _affordable(self, counts: Sequence[int]) -> bool:
        total = math.prod(counts)
        most = _MESHES * self.comm.size if self.equation.medium.interfaces else total
        return total <= most and total * max((self.cells * self.degree) ** self.equation.dim, _LEAST) <= self.budget

    def _missed(self) -> float:
        return on_root(self.comm, partial(interpolation_error, self.equation, self.counts))

    def _hard(self) -> Array:
        """How hard the nodes are."""
        key = tuple(self.counts)
        if key not in self._measures:
            nodes = slow_nodes(self.equation.domain, self.counts)
            self._measures[key] = on_root(self.comm, partial(hardness, self.equation, nodes))
        return self._measures[key]

    def _worst(self) -> Array:
        """The hardest nodes."""
        return slow_nodes(self.equation.domain, self.counts)[hardest(self._hard())]

    def _note(self, truncation: float) -> None:
        self.attempts.append({"nodes": tuple(self.counts), "cells": self.cells, "truncation": truncation})


def _refuse_jumps(equation: Equation) -> None:
    """An interpolant in x knows no jumps.

    Raises:
        InputError: There are some.
    """
    points = closed(equation.domain, COUNTS[equation.dim].slow_fine)
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
    start = clock()
    nodes = slow_nodes(equation.domain, counts)
    mine = range(comm.rank, len(nodes), comm.size)
    solved: list[CellSolution] = []

    def solve() -> list[tuple[int, Array, Mapping[str, Estimate]]]:
        for i in mine:
            solved.append(at(nodes[i], cells, MPI.COMM_SELF))
        return [(i, np.asarray(s.coefficient), s.trust) for i, s in zip(mine, solved, strict=True)]

    values = np.empty((len(nodes), equation.dim, equation.dim))
    each: dict[str, list[Estimate]] = {}
    for part in together(comm, solve):
        for i, a, known in part:
            values[i] = a
            for name, estimate in known.items():
                each.setdefault(name, []).append(estimate)
    domain = tuple((float(low), float(high)) for low, high in equation.domain)
    correctors = tuple(chi for s in solved for chi in s.correctors)
    return CellSolution(
        SlowCoefficient(domain, nodes, values), correctors, clock() - start, None, nodes[list(mine)],
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
