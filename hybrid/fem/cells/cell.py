"""Periodic cell problems and the homogenized coefficient by finite elements."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from mpi4py import MPI

import numpy as np
import numpy.typing as npt

import ufl
from dolfinx import fem

from hybrid.clock import clock
from hybrid.equation import Equation
from hybrid.fem.algebra.coefficients import as_arrays, as_ufl
from hybrid.fem.algebra.linear import DIRECT
from hybrid.fem.cells.bounds import harmonic_mean, width, with_other_side, with_smooth_bounds
from hybrid.fem.cells.cellmeshes import refined
from hybrid.fem.cells.cellsolution import CellSolution
from hybrid.fem.cells.jumpcell import has_corners, solve_adaptive
from hybrid.fem.cells.onmesh import solve_cell_on_mesh
from hybrid.fem.cells.regioncells import solve_region_cells
from hybrid.fem.cells.slowcells import solve_slow_cells
from hybrid.fem.meshes.fitted import Fitting, cell_planes, inner_degree
from hybrid.fem.sizes import DIRECTLY, SIZES
from hybrid.interfaces import BROKEN
from hybrid.media.regions import Regions


def solve_cell(
    equation: Equation,
    comm: MPI.Comm,
    *,
    degree: int = 4,
    cells: int = 24,
    shape: str = "simplex",
    estimate: bool = True,
    nodes: int | None = None,
    tol: float | None = None,
    a_tol: float | None = None,
    budget: int = 2_000_000,
) -> CellSolution:
    """Solve -∂_i( a_ij (∂_j χ_k + δ_jk) ) = 0 in Y, χ_k periodic with mean 0 (paper, equations (9) and (10)).

    Mesh lines follow planes y_i = c where a jumps or has a kink. a* is between bounds from both sides, but where it depends on
    x, and where a jumps in three dimensions. Where it jumps, a* is the geometric mean of them; in two dimensions, where
    interfaces cross or are curved, the mesh refines until they meet (`hybrid.fem.cells.adaptive`; `degree` is then the highest
    there may be, and `cells` and `shape` mean nothing). A medium that is a mesh is solved for on that mesh
    (`hybrid.fem.cells.regioncells`).

    Args:
        equation: Gives a and the period. Where a depends on x there is a cell problem for each x; they are solved at
            Chebyshev nodes, shared out over the ranks, and a*(x) interpolates. If a = g(x) b(y) there is one, and
            a*(x) = g(x) b* exactly.
        comm: The ranks that share the work.
        degree: Polynomial degree of the elements.
        cells: Mesh cells along each side of the periodic cell.
        shape: Of the cells, one of `hybrid.fem.meshes.box.SHAPES`.
        estimate: Also solve with half and a quarter of the cells, to estimate the errors of the correctors and of a*
            (Richardson).
        nodes: Chebyshev nodes in each slow dimension that a depends on; by default as many as a*(x) asks for.
        tol: Refine until the estimated relative error of a* is at most this, and those of the correctors ten times as much.
        a_tol: Refine until the bounds of a* are that near to each other, relative; where a depends on y alone.
        budget: Unknowns at the most, of the finest mesh, or of all cell problems together where a depends on x.

    Returns:
        The correctors and a*_ij = mean over Y of a_ij + a_ik ∂_k χ_j (formula after (11), with the derivative that the
        text leaves out).

    Raises:
        InputError: a jumps in x, and is no product of a function of x and one of y.
        SolverError: The linear solver (prefix ``cell_``) did not converge.
    """
    start = clock()
    jumps = bool(equation.flux.interfaces)
    if jumps and a_tol is not None:  # half the gap is the estimate that is refined by there
        tol = min(tol or 1.0, a_tol / 2)
    if isinstance(equation.flux, Regions):
        return solve_region_cells(equation, comm, degree=degree, cells=cells, estimate=estimate, tol=tol, budget=budget)
    if equation.medium.depends_on:
        spaces: dict[Any, fem.FunctionSpace] = {}

        def at(x: npt.NDArray[np.float64], count: int, ranks: MPI.Comm) -> CellSolution:
            return _solve_at(equation, ranks, degree, count, shape, x, spaces, cells)

        def alone(fixed: Equation) -> CellSolution:
            return solve_cell(
                fixed, comm, degree=degree, cells=cells, shape=shape, estimate=estimate, tol=tol, budget=budget
            )

        return solve_slow_cells(equation, comm, at, alone, cells, degree, nodes, tol, budget)
    if has_corners(equation, equation.medium.matrix):
        return solve_adaptive(equation, equation.medium.matrix, comm, degree=degree, tol=tol, budget=budget)

    def on_mesh(count: int) -> CellSolution:
        return _solve_at(equation, comm, degree, count, shape, None, None, cells)

    found = refined(on_mesh, cells, equation, degree, estimate or tol is not None, tol, budget)
    if not jumps:
        count = int(found.attempts[-1]["cells"]) if found.attempts else cells  # type: ignore[call-overload]
        found = with_smooth_bounds(found, equation, count)
        while (
            a_tol is not None
            and width(np.asarray(found.bounds)) > a_tol
            and (2 * count * degree) ** equation.dim <= budget
        ):
            count *= 2
            found = with_smooth_bounds(replace(on_mesh(count), trust=found.trust), equation, count)
    return replace(found, seconds=clock() - start)


def _solve_at(
    equation: Equation,
    comm: MPI.Comm,
    degree: int,
    count: int,
    shape: str,
    at: npt.NDArray[np.float64] | None,
    spaces: dict[Any, fem.FunctionSpace] | None = None,
    base: int | None = None,
) -> CellSolution:
    """The cell problems for one x (None: a does not depend on it).

    There are `count` cells along each side, on a mesh that is compared with one of `base` cells.
    `spaces` keeps those on meshes of this communicator: each mesh takes communicators, of which there are not many.
    """
    dim = equation.dim
    cell = equation.cell
    slow = {} if at is None else {s: float(at[i]) for i, s in enumerate(equation.slow)}
    fixed = (
        equation.medium.matrix.subs(slow) if slow and equation.medium.matrix.has(*BROKEN) else equation.medium.matrix
    )
    if has_corners(equation, fixed):
        return solve_adaptive(equation, fixed, comm, degree=degree)
    # Finer meshes are finer where a varies: layers need none along them.
    coarse = count if base is None else min(count, base)
    counts = [count if s in fixed.free_symbols else coarse for s in equation.fast]
    fitting = Fitting.to(cell, counts, cell_planes(fixed, equation), base)
    key = (fitting.counts, tuple(map(tuple, fitting.images)))
    space = None if spaces is None else spaces.get(key)
    if space is None:
        space = fem.functionspace(fitting.mesh(comm, shape), ("Lagrange", degree))
    if spaces is not None:
        spaces[key] = space
    mesh = space.mesh
    y = ufl.SpatialCoordinate(mesh)
    values = {s: y[i] for i, s in enumerate(equation.fast)}
    if at is not None:  # constants and not numbers: the compiled form is the same for all x
        values |= {s: fem.Constant(mesh, value) for s, value in slow.items()}

    def entries(y: Sequence[npt.NDArray[np.float64]]) -> Sequence[Sequence[Any]]:
        return as_arrays(equation.medium.matrix, {s: y[i] for i, s in enumerate(equation.fast)} | slow)

    a = as_ufl(equation.medium.matrix, values, mesh)
    more: dict[str, Any] = {"space": space}
    if fitting.moves:
        more["uniform"] = fitting.back
    if equation.medium.interfaces:
        more["dx"] = ufl.dx(domain=mesh, metadata={"quadrature_degree": inner_degree(mesh, 2 * degree + 2)})
    stretched = max(counts) > 2 * min(counts)  # multigrid here coarsens all directions alike
    few = SIZES[dim].factors and degree**dim * math.prod(counts) <= DIRECTLY
    if few and (equation.medium.interfaces or stretched):
        more["defaults"] = DIRECT
    known = None if equation.medium.interfaces or fitting.moves else entries
    found = solve_cell_on_mesh(mesh, cell, a, degree=degree, entries=known, **more)
    if not equation.medium.interfaces:
        return found
    return with_other_side(
        found,
        lambda: harmonic_mean(equation, fixed),
        lambda: solve_cell_on_mesh(mesh, cell, a / ufl.det(a), degree=degree, **more),
    )
