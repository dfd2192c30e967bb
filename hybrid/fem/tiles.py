"""The reference for media that meshes define: on a mesh of the whole domain, made of copies of that of the cell."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial

from mpi4py import MPI

from dolfinx import fem

from hybrid.clock import clock
from hybrid.equation import Equation
from hybrid.failures import InputError, SolverError
from hybrid.fem.degrees import difference, left, lower_degrees
from hybrid.fem.dirichlet import Solution, solve_on
from hybrid.fem.meshes.tiled import tiled
from hybrid.fem.reference import Attempt, Reference
from hybrid.media.cellmesh import CellMesh
from hybrid.media.regions import Regions
from hybrid.parallel import on_root
from hybrid.trust import Estimate


def solve_on_tiles(
    equation: Equation, comm: MPI.Comm, *, degree: int, cells_per_period: int, estimate: bool, tol: float | None,
    report: Callable[[str], None], check: Callable[[int], None],
) -> Reference:  # fmt: skip
    """u_ε, on copies of the mesh of the cell, with an estimate of its error from elements of lower degrees.

    Args:
        equation: With a flux that is `hybrid.media.regions.Regions`; the domain is whole cells.
        comm: The ranks that share the work.
        degree: Polynomial degree of the elements, above that of the mesh's cells.
        cells_per_period: The mesh of the cell is refined until a uniform one of as many cells has so many along each side.
        estimate: Whether to estimate the error.
        tol: Refine until the estimate is at most this.
        report: Called on every rank with a line for each refinement.
        check: Called on rank 0 with the cells per period of the next one; raises InputError if they are too many.

    Raises:
        InputError: The degree is too low, the tolerance is no number between 0 and 1, or `check` does not allow the next mesh.
        SolverError: The linear solver did not converge, or refining does not reduce the error any more.
    """
    assert isinstance(equation.flux, Regions)
    if tol is not None and not 0 < tol < 1:
        raise InputError("reference_tol", f"{tol!r}; allowed is a number between 0 and 1, 1e-6 for instance")
    lower = lower_degrees(degree, equation.flux.mesh.degree, "degree") if estimate or tol is not None else []
    mesh = equation.flux.mesh
    while mesh.across < cells_per_period:
        mesh = mesh.refined()
    attempts: list[Attempt] = []
    while True:
        found = _on(equation, mesh, comm, degree, lower)
        if tol is None:
            return found
        attempts.append(Attempt.of(found))
        report(str(attempts[-1]))
        errors = [a.error_estimate for a in attempts]
        if errors[-1] <= tol:
            return replace(found, attempts=tuple(map(asdict, attempts)), seconds=sum(a.seconds for a in attempts))
        if len(errors) > 2 and min(errors[-2:]) > 0.9 * min(errors[:-2]):
            raise SolverError(
                f"the reference's estimated error does not get below {min(errors):.1e}, and {tol:g} was asked for"
            )
        try:
            on_root(comm, partial(check, 2 * mesh.across))
        except InputError as refused:
            last = f"{mesh.across} cells per period leave the reference an error of about {errors[-1]:.1e}"
            raise InputError(
                "reference_tol", f"{tol:g} is out of reach: {last}, and {2 * mesh.across} are {refused.what}"
            ) from None
        mesh = mesh.refined()


def _on(equation: Equation, cell: CellMesh, comm: MPI.Comm, degree: int, lower: list[int]) -> Reference:
    """On copies of one mesh."""
    start = clock()
    counts = [round(n) for n in equation.periods]
    origin = [low for low, _ in equation.domain]
    mesh = tiled(comm, cell, counts, equation.period, origin, equation.eps)

    def solve(order: int) -> Solution:
        return solve_on(equation, fem.functionspace(mesh, ("Lagrange", order)), "reference_")

    fine = solve(degree)
    found = Reference(
        fine.function, fine.seconds, fine.iterations, steps=fine.steps, notes=fine.notes, cells_per_period=cell.across
    )
    if not lower:
        return found
    functions = [fine.function, *(solve(order).function for order in lower)]
    changes = [difference(b, a) for a, b in itertools.pairwise(functions)]
    error = left(changes[0], changes[1] if len(changes) > 1 else None, degree)
    how = "elements of one and two degrees less on the same mesh, by the power of the degree that they show"
    if len(changes) == 1:
        how = "elements of one degree less on the same mesh: their error"
    trust = {"solution": Estimate(error if math.isfinite(error) else None, how)}
    return replace(found, error_estimate=error, trust=trust, seconds=clock() - start)
