"""Cell problems on the mesh that defines their medium, refined as far as estimates ask for it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import replace

from mpi4py import MPI

import numpy as np
import numpy.typing as npt

import ufl
from dolfinx import fem

from hybrid.clock import clock
from hybrid.equation import Equation
from hybrid.fem.algebra.linear import DIRECT
from hybrid.fem.cells.bounds import corrector_sizes, with_other_side
from hybrid.fem.cells.cellsolution import CellSolution
from hybrid.fem.cells.onmesh import solve_cell_on_mesh
from hybrid.fem.degrees import difference, left, lower_degrees
from hybrid.fem.meshes.fitted import inner_degree
from hybrid.fem.meshes.tiled import by_region, tiled
from hybrid.fem.sizes import DIRECTLY, SIZES
from hybrid.media.cellmesh import CellMesh
from hybrid.media.interpolated import relative_change
from hybrid.media.regions import Regions
from hybrid.trust import Estimate

Array = npt.NDArray[np.float64]
_CORRECTORS = 10.0
"""How much more than a* correctors may be off: a* is off by the square of it."""
_ROUNDING = 1e-14


def solve_region_cells(
    equation: Equation, comm: MPI.Comm, *, degree: int, cells: int, estimate: bool, tol: float | None, budget: int
) -> CellSolution:
    """The correctors and a* of a coefficient that is constant on the regions of a mesh of the cell.

    In one and two dimensions a* is the geometric mean of bounds from both sides: of the energy of the correctors, and of
    1 / <1/a>, or of the energy for a / det a, by duality. Correctors are compared with those of lower degrees on the same mesh,
    and so is a* in three dimensions (`hybrid.fem.degrees`).

    Args:
        equation: With a flux that is `hybrid.media.regions.Regions`.
        comm: The ranks that share the work.
        degree: Polynomial degree of the elements, above that of the mesh's cells.
        cells: Along each side of the cell: the mesh is refined until a uniform one of as many cells has as many.
        estimate: Whether there are to be any estimates but those that cost little.
        tol: Refine until the estimated relative error of a* is at most this, and those of the correctors ten times as much.
        budget: Unknowns of the finest mesh at the most.

    Raises:
        InputError: The degree is too low.
        SolverError: The linear solver (prefix ``cell_``) did not converge.
    """
    start = clock()
    assert isinstance(equation.flux, Regions)
    mesh = equation.flux.mesh
    lower = lower_degrees(degree, mesh.degree, "degree") if estimate or tol is not None else []
    while mesh.across < cells:
        mesh = mesh.refined()
    attempts: list[Mapping[str, object]] = []
    while True:
        found = _on(equation, equation.flux, mesh, comm, degree, lower)
        size = len(mesh.cells) * degree**mesh.dim / math.factorial(mesh.dim)
        attempts.append({"cells": mesh.across, **{name: e.error for name, e in found.trust.items()}})
        if tol is None or _within(found, tol) or size * 2**mesh.dim > budget:
            break
        mesh = mesh.refined()
    return replace(found, attempts=tuple(attempts) if found.trust else (), seconds=clock() - start)


def _within(found: CellSolution, tol: float) -> bool:
    return all(e.within(tol if name == "coefficient" else _CORRECTORS * tol) for name, e in found.trust.items())


def _on(
    equation: Equation, medium: Regions, cell: CellMesh, comm: MPI.Comm, degree: int, lower: list[int]
) -> CellSolution:
    """On one mesh."""
    mesh = tiled(comm, cell, [1] * cell.dim, equation.period)
    a = by_region(medium, mesh)

    def solve(flux: ufl.core.expr.Expr, order: int) -> CellSolution:
        few = SIZES[cell.dim].factors and len(cell.cells) * order**cell.dim / 2 <= DIRECTLY
        dx = ufl.dx(domain=mesh, metadata={"quadrature_degree": inner_degree(mesh, 2 * order + 2)})
        return solve_cell_on_mesh(mesh, equation.cell, flux, degree=order, dx=dx, defaults=DIRECT if few else None)

    def mean() -> float:
        parts = {n: float(np.ptp(cell.nodes[cell.regions == n], axis=1).sum()) for n in medium.tensors}
        inverse = sum(parts[n] / tensor[0, 0] for n, tensor in medium.tensors.items()) / sum(parts.values())
        return float(1 / inverse)

    found = with_other_side(solve(a, degree), mean, lambda: solve(a / ufl.det(a), degree))
    if not lower:
        return found
    coarser = [solve(a, order) for order in lower]
    errors, trust = _corrector_estimates([found, *coarser], degree, max(equation.period))
    if "coefficient" not in found.trust:
        trust["coefficient"] = _of_energies([found, *coarser], degree)
    return replace(found, error_estimates=errors, trust=trust | dict(found.trust))


def _of_energies(levels: list[CellSolution], degree: int) -> Estimate:
    """Of a*, from energies of lower degrees."""
    values = [np.asarray(level.coefficient) for level in levels]
    changes = [relative_change(a - b, values[0]) for a, b in itertools.pairwise(values)]
    error = left(changes[0], changes[1] if len(changes) > 1 else None, degree)
    return Estimate(max(error, _ROUNDING), _how(len(levels)))


def _corrector_estimates(
    levels: list[CellSolution], degree: int, period: float
) -> tuple[tuple[float, ...], dict[str, Estimate]]:
    errors: list[float] = []
    trust: dict[str, Estimate] = {}
    for j, (own, size) in enumerate(corrector_sizes(levels[0].correctors, period)):
        chi: list[fem.Function] = [level.correctors[j] for level in levels]
        vanishes = size != own
        changes = [0.0, 0.0] if vanishes else [difference(b, a) for a, b in itertools.pairwise(chi)]
        errors.append(left(changes[0], changes[1] if len(changes) > 1 else None, degree))
        none = Estimate(own / size, "it vanishes: its size against the largest corrector, or the period")
        trust[f"chi_{j + 1}"] = none if vanishes else Estimate(errors[-1], _how(len(levels)))
    return tuple(errors), trust


def _how(levels: int) -> str:
    if levels < 3:
        return "elements of one degree less on the same mesh: their error"
    return "elements of one and two degrees less on the same mesh, by the power of the degree that they show"
