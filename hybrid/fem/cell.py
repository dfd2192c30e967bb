"""Periodic cell problems and the homogenized coefficient by finite elements."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from mpi4py import MPI
from petsc4py import PETSc

import numpy as np
import numpy.typing as npt

import dolfinx
import ufl
from dolfinx import fem
from dolfinx.fem import petsc as fem_petsc

from hybrid.errors import InputError
from hybrid.fem.linear import DIRECT, LinearSolver
from hybrid.fem.mesh import box
from hybrid.fem.norms import relative_difference
from hybrid.fem.periodicity import periodic_constraint
from hybrid.problems import EllipticProblem
from hybrid.symbols import evaluate


@dataclass(frozen=True)
class CellSolution:
    """The correctors χ_1 … χ_d and the homogenized coefficient.

    Attributes:
        coefficient: a*, (d, d).
        correctors: The χ_j, mean zero, on the mesh of the cell.
        seconds: Wall time.
        error_estimates: Estimated relative L2 errors of the χ_j, where they were asked for (0 for a corrector that vanishes).
    """

    coefficient: npt.NDArray[np.float64]
    correctors: tuple[fem.Function, ...]
    seconds: float
    error_estimates: tuple[float, ...] | None = None


def solve_cell(
    problem: EllipticProblem, comm: MPI.Comm, *, degree: int = 4, cells: int = 24, estimate: bool = True
) -> CellSolution:
    """Solve -∂_i( a_ij (∂_j χ_k + δ_jk) ) = 0 in Y, χ_k periodic with mean 0 (paper, equations (9) and (10)).

    Args:
        problem: Gives a(y) and the period; a may not depend on x.
        comm: The ranks that share the work.
        degree: Polynomial degree of the elements.
        cells: Mesh cells along each side of the periodic cell.
        estimate: Also solve with half the cells, to estimate the errors of the correctors (Richardson).

    Returns:
        The correctors and a*_ij = mean over Y of a_ij + a_ik ∂_k χ_j (formula after (11), with the derivative that the
        text leaves out).

    Raises:
        InputError: a depends on x.
        SolverError: The linear solver (prefix ``cell_``) did not converge.
    """
    if problem.depends_on_slow:
        raise InputError("a", "depends on x, so that there is a cell problem for each x; this is not available yet")
    start = time.perf_counter()
    box_of_cell = [(0.0, p) for p in problem.period]

    def solve(count: int) -> CellSolution:
        mesh = box(comm, box_of_cell, [count] * problem.dim)
        y = ufl.SpatialCoordinate(mesh)
        values = {s: y[i] for i, s in enumerate(problem.fast)}
        entries = [
            [evaluate(problem.matrix[i, j], values, "ufl") for j in range(problem.dim)] for i in range(problem.dim)
        ]
        return solve_cell_on_mesh(mesh, box_of_cell, ufl.as_matrix(entries), degree=degree)

    fine = solve(cells)
    if not estimate:
        return fine
    coarse = solve(max(cells // 2, 2))
    errors = tuple(
        relative_difference(c, f) / (2 ** (degree + 1) - 1) if f.x.petsc_vec.norm() > 0 else 0.0
        for c, f in zip(coarse.correctors, fine.correctors, strict=True)
    )
    return replace(fine, error_estimates=errors, seconds=time.perf_counter() - start)


def solve_cell_on_mesh(
    mesh: dolfinx.mesh.Mesh,
    cell: Sequence[Sequence[float]],
    a: ufl.core.expr.Expr,
    *,
    degree: int = 2,
    dx: ufl.Measure | None = None,
    defaults: Mapping[str, object] = DIRECT,
) -> CellSolution:
    """The same on any mesh of the cell whose opposite faces match, Gmsh's for instance.

    Args:
        mesh: A mesh of the box `cell`, or of a part of it (a perforated cell: a* is then still the mean over the box,
            with a = 0 in the holes).
        cell: One (low, high) for each dimension.
        a: The coefficient, a d×d UFL matrix on the mesh.
        degree: Polynomial degree of the elements.
        dx: The measure to integrate with; by default over all cells with quadrature of degree 2·degree + 4.
        defaults: PETSc options, prefix ``cell_``.
    """
    start = time.perf_counter()
    dim = len(cell)
    space = fem.functionspace(mesh, ("Lagrange", degree))
    dx = ufl.dx(domain=mesh, metadata={"quadrature_degree": 2 * degree + 4}) if dx is None else dx
    u, v = ufl.TrialFunction(space), ufl.TestFunction(space)
    direction = fem.Constant(mesh, np.zeros(dim))

    constraint = periodic_constraint(space, cell)
    full = fem_petsc.assemble_matrix(fem.form(ufl.inner(a * ufl.grad(u), ufl.grad(v)) * dx))
    full.assemble()
    matrix = full.PtAP(constraint)
    # χ is unique up to a constant: hold one value at zero, and take the mean out afterwards.
    matrix.zeroRowsColumns([0] if mesh.comm.rank == 0 else [], diag=1.0)
    solver = LinearSolver(matrix, "cell_", defaults)
    load = fem.form(-ufl.inner(a * direction, ufl.grad(v)) * dx)
    volume = _integral(1.0 * dx, mesh)

    correctors = []
    for k in range(dim):
        direction.value = np.eye(dim)[k]
        b = fem_petsc.assemble_vector(load)
        b.ghostUpdate(PETSc.InsertMode.ADD, PETSc.ScatterMode.REVERSE)
        right, w = matrix.createVecs()
        constraint.multTranspose(b, right)
        if mesh.comm.rank == 0:
            right.array[0] = 0.0
        solver.solve(right, w)
        chi = fem.Function(space, name=f"chi_{k + 1}")
        constraint.mult(w, chi.x.petsc_vec)
        chi.x.scatter_forward()
        chi.x.array[:] -= _integral(chi * dx, mesh) / volume
        correctors.append(chi)

    size = float(np.prod([high - low for low, high in cell]))
    flux = [ufl.dot(a, ufl.grad(chi) + ufl.as_vector(np.eye(dim)[k].tolist())) for k, chi in enumerate(correctors)]
    coefficient = np.array([[_integral(flux[j][i] * dx, mesh) / size for j in range(dim)] for i in range(dim)])
    return CellSolution(coefficient, tuple(correctors), time.perf_counter() - start)


def _integral(integrand: ufl.Form, mesh: dolfinx.mesh.Mesh) -> float:
    return float(mesh.comm.allreduce(fem.assemble_scalar(fem.form(integrand)), op=MPI.SUM))
