"""Cell problems whose load is a source: -D ΔN = f in the periodic cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from mpi4py import MPI

import numpy as np

import ufl
from dolfinx import fem
from dolfinx.mesh import Mesh

from hybrid.clock import clock
from hybrid.equation import Equation
from hybrid.fem.algebra.coefficients import on_mesh
from hybrid.fem.algebra.matrices import clean_up
from hybrid.fem.cells.cellsolution import CellSolution
from hybrid.fem.cells.operator import CellOperator
from hybrid.fem.cost import unknowns
from hybrid.fem.meshes.fitted import Fitting, cell_planes, order_within_cells
from hybrid.fem.norms import coarsened, integral, richardson, richardson_of_values
from hybrid.fem.resolution import BUDGET, attempt, check_tolerance, stalled, trusted


def solve_cell(
    equation: Equation,
    comm: MPI.Comm,
    *,
    degree: int = 4,
    cells: int = 24,
    shape: str = "simplex",
    estimate: bool = True,
    tol: float | None = None,
    budget: int = BUDGET,
) -> CellSolution:
    """Solve -D ΔN = f in Y, N periodic with mean 0, for a source f of mean zero (paper, equation (23), where f = -r).

    Args:
        equation: On the cell, with one load.
        comm: The ranks that share the work.
        degree: Polynomial degree of the elements.
        cells: Mesh cells along each side of the cell.
        shape: Of the cells, one of `hybrid.fem.meshes.box.SHAPES`.
        estimate: Also solve with half and a quarter of the cells, to estimate the errors of N and of <f N> (Richardson).
        tol: Double the cells until both estimates are at most this; `attempts` then say what was tried.
        budget: Unknowns of the largest mesh for that.

    Returns:
        N, and as the coefficient the mean <f N> over Y, (1, 1).

    Raises:
        InputError: A tolerance that is none.
        SolverError: The linear solver (prefix ``cell_``) did not converge.
    """
    start = clock()
    cell = equation.cell
    known: dict[int, CellSolution] = {}
    limit = order_within_cells(equation.varying)

    def solve(count: int) -> CellSolution:
        if count not in known:  # each with a name, see the cell problems of hybrid.fem.cells.cell
            fitting = Fitting.to(cell, [count] * equation.dim, cell_planes(equation.varying, equation), cells)
            known[count] = _solve_cell_on(equation, fitting.mesh(comm, shape), cell, degree)
        return known[count]

    def estimated(count: int) -> tuple[float, float]:
        (half, quarter), ratios = coarsened([count])
        levels = [solve(n) for n in (count, half[0], quarter[0])]
        of_r = richardson_of_values(
            [float(np.asarray(level.coefficient)[0, 0]) for level in levels], ratios, 2 * degree, limit
        )
        return of_r, richardson([level.correctors[0] for level in levels], ratios, degree + 1, limit=limit)

    if tol is None:
        if not estimate:
            return replace(solve(cells), seconds=clock() - start)
        return _with_trust(solve(cells), *estimated(cells), clock() - start)
    tol, budget = check_tolerance(tol, budget)
    attempts: list[dict[str, Any]] = []
    best: tuple[float, CellSolution] | None = None
    while True:
        begin = clock()
        errors = estimated(cells)
        worst = max(errors)
        seconds = clock() - begin
        attempts.append(attempt(cells, unknowns([cells] * equation.dim, degree), worst, seconds))
        if best is None or worst < best[0]:
            best = worst, _with_trust(solve(cells), *errors, clock() - start)
        if worst <= tol or stalled(attempts) or unknowns([2 * cells] * equation.dim, degree) > budget:
            return replace(best[1], attempts=tuple(attempts), seconds=clock() - start)
        cells *= 2


def _with_trust(found: CellSolution, of_r: float, of_n: float, seconds: float) -> CellSolution:
    trust = {"coefficient": trusted(of_r), "N": trusted(of_n)}
    return replace(found, error_estimates=(of_n,), seconds=seconds, trust=trust)


def _solve_cell_on(equation: Equation, mesh: Mesh, cell: Sequence[tuple[float, float]], degree: int) -> CellSolution:
    space = fem.functionspace(mesh, ("Lagrange", degree))
    dx = ufl.dx(domain=mesh, metadata={"quadrature_degree": 2 * degree + 4})
    u, v = ufl.TrialFunction(space), ufl.TestFunction(space)
    y = ufl.SpatialCoordinate(mesh)
    f = on_mesh(equation.source, {s: y[i] for i, s in enumerate(equation.fast)}, mesh)
    operator = CellOperator(space, cell, equation.diffusion * ufl.inner(ufl.grad(u), ufl.grad(v)) * dx, dx)
    # What the quadrature leaves of the mean of f, where it jumps: with it the problem has no solution. The mean of N is zero,
    # so that <f N> does not see it.
    mean = fem.Constant(mesh, integral(f * dx, mesh) / operator.volume)
    load = operator.load((f - mean) * v * dx)
    values = operator.solve(load)
    corrector = operator.function(values, "N")
    energy = integral(f * corrector * dx, mesh) / operator.volume
    notes = tuple(operator.solver.notes)
    for vector in (load, values):
        vector.destroy()
    operator.close()
    clean_up(space)
    return CellSolution(np.array([[energy]]), (corrector,), 0.0, notes=notes)
