"""What references have in common: an estimate of their own error, refinement until it is small enough, and a cache."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from typing import Any

from mpi4py import MPI
from petsc4py import PETSc

import dolfinx
from dolfinx import fem

from hybrid import store
from hybrid._version import __version__
from hybrid.clock import clock
from hybrid.equation import Equation
from hybrid.failures import InputError, SolverError
from hybrid.fem import cache as files
from hybrid.fem.cache import ReferenceCache
from hybrid.fem.dirichlet import Solution
from hybrid.fem.meshes.box import cell_counts
from hybrid.fem.meshes.fitted import reference_fitting
from hybrid.fem.norms import mesh_error, order_limit
from hybrid.fem.resolution import LOOSER, SHOWN, TIGHTEST, time_error, trusted
from hybrid.parallel import on_root
from hybrid.trust import Estimate
from hybrid.waves import cells_to_see

SolveOn = Callable[[fem.FunctionSpace, float], Solution]
"""Solves on a space, with a relative error allowed in a time step where there is time."""

_SLOW = 0.2
"""No order below this promises anything."""
_ROUGH = 1e-7
"""An error that refining does not reduce is not due to rounding above this."""
SMALLEST_TOLERANCE = 1e-11
"""What linear solvers and rounding allow: an estimate below this is no tolerance to ask for."""


_NOT_KEPT = {"function", "trust", "attempts", "notes"}
"""Fields of a solution that no file has."""


def silent(_: str) -> None:
    """Report nothing."""


def anything(_: int) -> None:
    """Allow every mesh."""


@dataclass(frozen=True)
class Reference(Solution):
    """A solution on a mesh that resolves ε, and how it came to be.

    Attributes:
        cells_per_period: Mesh cells along each period.
        time_error: What of `error_estimate` is due to the time stepping.
        cached: Whether it comes from a cache. `seconds` are then those of the solve that put it there.
        attempts: With a tolerance, what `Attempt` has for each mesh, coarsest first.
    """

    cells_per_period: int = 0
    time_error: float = 0.0
    cached: bool = False


def sensible_tolerance(estimate: float) -> float:
    """The tolerance to ask for where an error of this size is wanted: what refining can reach."""
    return min(max(estimate, SMALLEST_TOLERANCE), 0.5)


@dataclass
class References:
    """References of one problem on finer and finer meshes.

    Args:
        equation: The equation.
        comm: The ranks that share the work.
        solve_on: How it is solved.
        degree: Polynomial degree of the elements.
        shape: Of the cells, one of `hybrid.fem.meshes.box.SHAPES`.
        estimate: Whether to estimate errors: of the mesh from solutions on meshes twice and four times as coarse, of the time
            stepping from one with steps less accurate.
        cache: Where references are kept, or None.
    """

    equation: Equation
    comm: MPI.Comm
    solve_on: SolveOn
    degree: int
    shape: str = "simplex"
    estimate: bool = True
    cache: ReferenceCache | None = None

    def __post_init__(self) -> None:
        p = self.equation
        self._limit = order_limit(p.source, p.varying)
        self._needed = cells_to_see(p) if self.estimate else 0
        self._known: dict[tuple[tuple[int, ...], float], Solution] = {}  # what a finer mesh needs for its estimate

    def on(self, cells: int, steps: float = 0.0) -> Reference:
        """The reference with so many cells per period, and the relative error allowed in a time step (0: no time).

        Raises:
            SolverError: A solve failed.
        """
        start = clock()
        counts = cell_counts(self.equation, cells)
        space = self._space(counts)
        lattice = (self.equation.domain, counts)
        key = self._key(space, counts, steps)
        found = self.cache.load(key, space, lattice) if self.cache is not None else None
        if found is not None:
            function, kept = found
            reference = self._reference(function, kept, cells, cached=True)
            self._known[tuple(counts), steps] = reference
            return reference
        fine = self._solved(counts, steps, space)
        kept = {f.name: getattr(fine, f.name) for f in fields(Solution) if f.name not in _NOT_KEPT}
        if self.estimate:
            in_time = self._time_error(counts, steps, fine)
            kept["time_error"] = in_time
            in_space = self._mesh_error(counts, steps, SHOWN * in_time + fine.rounding)
            # Meshes that all miss the same waves agree with each other.
            kept["error_estimate"] = in_space + in_time + fine.rounding if cells >= self._needed else math.inf
            kept["seconds"] = clock() - start
        if self.cache is not None:
            self.cache.save(key, fine.function, lattice, kept)
        return self._reference(fine.function, kept, cells, notes=fine.notes)

    def _reference(self, function: fem.Function, kept: dict[str, Any], cells: int, **more: Any) -> Reference:
        found = Reference(function, **kept, cells_per_period=cells, **more)
        if found.error_estimate is None:
            return found
        if cells < self._needed:
            why = (
                f"{cells} cells per period do not see what the coefficient oscillates with: at least {self._needed} do"
            )
            return replace(found, trust={"solution": Estimate(None, why)})
        timed = None if self.equation.time is None else found.time_error
        return replace(found, trust={"solution": trusted(found.error_estimate, timed, found.rounding)})

    def until(
        self, tolerance: float, cells: int, steps: float, report: Callable[[str], None], check: Callable[[int], None]
    ) -> Reference:
        """Refine until the estimated relative L2 error is at most the tolerance.

        Args:
            tolerance: Of the error.
            cells: Cells per period to begin with.
            steps: Relative error allowed in a time step to begin with (0: no time).
            report: Called on every rank with one line for each attempt.
            check: Called on rank 0 with the next number of cells per period; raises InputError if that cannot be solved.

        Raises:
            InputError: The tolerance is not a number between 0 and 1, or the next mesh is too large.
            SolverError: A solve failed, or refining does not help any more.
        """
        if not 0 < tolerance < 1:
            raise InputError("reference_tol", f"{tolerance!r}; allowed is a number between 0 and 1, 1e-6 for instance")
        attempts: list[Attempt] = []
        peaks = cells_to_see(self.equation, inverse=True)
        while True:
            try:
                found = self.on(cells, steps)
            except SolverError as failed:
                if not attempts:
                    raise
                raise SolverError(
                    f"{_reached(attempts)}, asked for was {tolerance:g}; on the next one {failed}"
                ) from None
            attempts.append(Attempt.of(found))
            report(str(attempts[-1]))
            if attempts[-1].error_estimate <= tolerance:
                seconds = sum(a.seconds for a in attempts)
                return replace(found, attempts=tuple(asdict(a) for a in attempts), seconds=seconds)
            if found.rounding > tolerance:
                raise SolverError(f"{tolerance:g} is out of reach: {found.trust['solution'].how}")
            finer, steps = _next(attempts, tolerance, steps, self.degree + 1, peaks)
            try:
                on_root(self.comm, partial(check, finer))
            except InputError as refused:
                text = f"{tolerance:g} is out of reach: {_reached(attempts)}, and {finer} are {refused.what}"
                raise InputError("reference_tol", text) from None
            keep = {tuple(cell_counts(self.equation, n)) for n in (cells, (cells + 1) // 2)}
            self._known = {known: s for known, s in self._known.items() if known[0] in keep}
            cells = finer

    def _space(self, counts: Sequence[int]) -> fem.FunctionSpace:
        fitting = reference_fitting(self.equation, counts)
        return fem.functionspace(fitting.mesh(self.comm, self.shape), ("Lagrange", self.degree))

    def _key(self, space: fem.FunctionSpace, counts: Sequence[int], steps: float) -> str:
        options = sorted((k, v) for k, v in PETSc.Options().getAll().items() if k.startswith("reference_"))
        return store.key_of(
            files.FORMAT, __version__, dolfinx.__version__, self.equation.digest, list(counts),
            space.mesh.topology.cell_name(), self.degree, steps, self.estimate, options,
            *(["fitted"] if reference_fitting(self.equation, counts).moves else []),
        )  # fmt: skip

    def _solved(self, counts: Sequence[int], steps: float, space: fem.FunctionSpace | None = None) -> Solution:
        known = self._known.get((tuple(counts), steps))
        if known is None:
            known = self.solve_on(space or self._space(counts), steps)
            self._known[tuple(counts), steps] = known
        return known

    def _mesh_error(self, counts: Sequence[int], steps: float, noise: float) -> float:
        return mesh_error(
            lambda coarser: self._solved(coarser, steps).function, counts, self.degree + 1, noise, self._limit
        )

    def _time_error(self, counts: Sequence[int], steps: float, fine: Solution) -> float:
        if not steps:
            return 0.0
        return time_error(self._solved(counts, LOOSER * steps, fine.function.function_space), fine)


@dataclass(frozen=True)
class Attempt:
    """One mesh on the way to a tolerance."""

    cells_per_period: int
    dofs: int
    error_estimate: float
    time_error: float
    seconds: float
    cached: bool

    @classmethod
    def of(cls, found: Reference) -> Attempt:
        """What is to be remembered of a reference."""
        return cls(
            found.cells_per_period, found.dofs, found.error_estimate if found.error_estimate is not None else math.inf,
            found.time_error, found.seconds, found.cached,
        )  # fmt: skip

    def __str__(self) -> str:
        text = f"{self.cells_per_period} cells per period, {self.dofs} dofs: error about {self.error_estimate:.1e}"
        return text + ", from the cache" * self.cached


def _reached(attempts: Sequence[Attempt]) -> str:
    last = attempts[-1]
    return f"{last.cells_per_period} cells per period leave the reference an error of about {last.error_estimate:.1e}"


def _next(
    attempts: Sequence[Attempt], tolerance: float, steps: float, order: float, peaks: int = 0
) -> tuple[int, float]:
    """Cells per period and accuracy of the time steps for the next attempt.

    Twice the cells: their error estimate needs the coarser solutions that are there already. But not twice if the order that
    was seen promises that 1.5 times as many will do; then a multiple of four, which multigrid likes.

    Raises:
        SolverError: Refining does not help any more.
    """
    last, errors = attempts[-1], [a.error_estimate for a in attempts]
    in_time, in_space = last.time_error, last.error_estimate - last.time_error
    best = min(errors)
    coarse = last.cells_per_period < peaks  # no order shows yet
    stuck = not coarse and len(errors) > 2 and math.isfinite(best) and min(errors[-2:]) > 0.9 * min(errors[:-2])
    lost = not coarse and len(errors) > 4 and not math.isfinite(best)
    if stuck or lost or (in_time > tolerance / 2 and steps <= TIGHTEST):
        advice = f"ask for {sensible_tolerance(2 * best):.1g} by --reference-tol, or for no estimate" if best < 1 else (
            "the solutions on finer meshes do not come closer to each other"
        )  # fmt: skip
        raise SolverError(
            f"the reference's estimated error does not get below {best:.1e}, and {tolerance:g} was asked for: "
            + (
                "rounding or the linear solver limits it; "
                if best < _ROUGH or in_time > tolerance / 2
                else "its gradient is infinite somewhere, as at "
                "corners of interfaces, or interfaces lie within mesh cells; "
            )
            + advice
        )
    if in_time > tolerance / 2:
        steps = max(steps / LOOSER, TIGHTEST)
    allowed = tolerance - min(in_time, tolerance / 2)
    cells = last.cells_per_period
    if in_space <= allowed:
        return cells, steps
    earlier = [a for a in attempts if a.cells_per_period < cells]
    if earlier and math.isfinite(in_space):
        before = earlier[-1]
        gain = (before.error_estimate - before.time_error) / in_space
        seen = math.log(gain) / math.log(cells / before.cells_per_period) if 0 < gain < math.inf else 0.0
        order = min(seen, order)
    if not (math.isfinite(in_space) and order > _SLOW):
        return 2 * cells, steps
    wanted = math.ceil(1.05 * cells * min((in_space / allowed) ** (1 / order), 2.0) / 4) * 4
    return (wanted if cells < wanted <= 1.5 * cells else 2 * cells), steps
