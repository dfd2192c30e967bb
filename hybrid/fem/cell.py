"""Periodic cell problems and the homogenized coefficient by finite elements."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from mpi4py import MPI
from petsc4py import PETSc

import numpy as np
import numpy.typing as npt

import dolfinx
import ufl
from dolfinx import fem

from hybrid.checks import check_degree, check_domain
from hybrid.coefficient import SlowCoefficient, slow_nodes
from hybrid.errors import InputError, SolverError
from hybrid.fem.assembly import assembled, load
from hybrid.fem.coefficients import as_arrays, as_ufl
from hybrid.fem.linear import DIRECT, MULTIGRID, LinearSolver, check_symmetric, clean_up
from hybrid.fem.mesh import box
from hybrid.fem.multigrid import levels
from hybrid.fem.norms import coarsened, integral, norm, richardson
from hybrid.fem.periodicity import independent_points, periodic_constraint
from hybrid.fem.pieces import pieces
from hybrid.fem.points import bounds
from hybrid.fem.stencil import Entries
from hybrid.problems import EllipticProblem


@dataclass(frozen=True)
class CellSolution:
    """The correctors χ_1 … χ_d and the homogenized coefficient.

    Attributes:
        coefficient: a*, (d, d), or a*(x).
        correctors: The χ_j, mean zero, on the mesh of the cell; those of this rank's nodes one after another, d for each,
            where a depends on x.
        seconds: Wall time.
        error_estimates: Estimated relative L2 errors of the χ_j, where they were asked for (0 for a corrector that vanishes).
        nodes: The values of x that this rank's correctors belong to, (n, d), where a depends on x.
        notes: What the linear solver did differently from what was asked for, a line each.
    """

    coefficient: npt.NDArray[np.float64] | SlowCoefficient
    correctors: tuple[fem.Function, ...]
    seconds: float
    error_estimates: tuple[float, ...] | None = None
    nodes: npt.NDArray[np.float64] | None = None
    notes: tuple[str, ...] = ()


def solve_cell(
    problem: EllipticProblem,
    comm: MPI.Comm,
    *,
    degree: int = 4,
    cells: int = 24,
    shape: str = "simplex",
    estimate: bool = True,
    nodes: int | None = None,
) -> CellSolution:
    """Solve -∂_i( a_ij (∂_j χ_k + δ_jk) ) = 0 in Y, χ_k periodic with mean 0 (paper, equations (9) and (10)).

    Args:
        problem: Gives a and the period. Where a depends on x there is a cell problem for each x; they are solved at
            Chebyshev nodes, shared out over the ranks, and a*(x) interpolates.
        comm: The ranks that share the work.
        degree: Polynomial degree of the elements.
        cells: Mesh cells along each side of the periodic cell.
        shape: Of the cells, one of `hybrid.fem.mesh.SHAPES`.
        estimate: Also solve with half and a quarter of the cells, to estimate the errors of the correctors (Richardson).
        nodes: Chebyshev nodes in each slow dimension.

    Returns:
        The correctors and a*_ij = mean over Y of a_ij + a_ik ∂_k χ_j (formula after (11), with the derivative that the
        text leaves out).

    Raises:
        InputError: a depends on x.
        SolverError: The linear solver (prefix ``cell_``) did not converge.
    """
    start = time.perf_counter()
    if problem.depends_on_slow:
        return _solve_slow_cells(problem, comm, degree, cells, shape, nodes or {1: 33, 2: 9, 3: 5}[problem.dim])

    def solve(count: int) -> CellSolution:
        return _solve_at(problem, comm, degree, count, shape, None)

    fine = solve(cells)
    if not estimate:
        return fine
    (half, quarter), ratios = coarsened([cells])
    # One by one, each with a name: a mesh that dies while an exception passes frees its communicator in the middle of that,
    # and mpi4py then waits for its own lock. What has a name lives as long as the traceback does.
    coarse = solve(half[0])
    coarser = solve(quarter[0])
    levels = [fine, coarse, coarser]
    sizes = corrector_sizes(fine.correctors, max(problem.period))
    errors = tuple(
        richardson([level.correctors[j] for level in levels], ratios, degree + 1) if size == own else 0.0
        for j, (own, size) in enumerate(sizes)
    )
    return replace(fine, error_estimates=errors, seconds=time.perf_counter() - start)


def _solve_at(
    problem: EllipticProblem, comm: MPI.Comm, degree: int, count: int, shape: str, at: npt.NDArray[np.float64] | None
) -> CellSolution:
    """The cell problems for one x (None: a does not depend on it)."""
    dim = problem.dim
    cell = [(0.0, p) for p in problem.period]
    mesh = box(comm, cell, [count] * dim, shape)
    y = ufl.SpatialCoordinate(mesh)
    values = {s: y[i] for i, s in enumerate(problem.fast)}
    if at is not None:  # constants and not numbers: the compiled form is the same for all x
        values |= {s: fem.Constant(mesh, float(at[i])) for i, s in enumerate(problem.slow)}

    def entries(y: Sequence[npt.NDArray[np.float64]]) -> Sequence[Sequence[Any]]:
        slow = {} if at is None else {s: float(at[i]) for i, s in enumerate(problem.slow)}
        return as_arrays(problem.matrix, {s: y[i] for i, s in enumerate(problem.fast)} | slow)

    return solve_cell_on_mesh(
        mesh, cell, as_ufl(problem.matrix, values), degree=degree, entries=None if problem.jumps else entries
    )


def _solve_slow_cells(
    problem: EllipticProblem, comm: MPI.Comm, degree: int, cells: int, shape: str, count: int
) -> CellSolution:
    start = time.perf_counter()
    nodes = slow_nodes(problem.domain, count)
    mine = range(comm.rank, len(nodes), comm.size)
    solved: list[CellSolution] = []
    failure: SolverError | None = None
    try:
        for i in mine:
            solved.append(_solve_at(problem, MPI.COMM_SELF, degree, cells, shape, nodes[i]))
    except SolverError as error:  # of one rank's cells: the others have to hear of it, they wait below
        failure = error
    values = np.empty((len(nodes), problem.dim, problem.dim))
    gathered = comm.allgather((failure, list(mine), [s.coefficient for s in solved]))
    failures = [found for found, _, _ in gathered if found is not None]
    if failures:
        raise failures[0]
    for _, indices, part in gathered:
        for i, a in zip(indices, part, strict=True):
            values[i] = a
    coefficient = SlowCoefficient(tuple(problem.domain), nodes, values)  # type: ignore[arg-type]
    correctors = tuple(chi for s in solved for chi in s.correctors)
    return CellSolution(coefficient, correctors, time.perf_counter() - start, None, nodes[list(mine)])


def corrector_sizes(correctors: Sequence[fem.Function], period: float) -> list[tuple[float, float]]:
    """For each corrector its norm, and the norm that its error is measured against; collective.

    The two are the same but for a corrector that vanishes, as that along the layers of a laminate does: it is measured
    against the largest of the others, and where all vanish against the norm of a function of the size of the period.
    """
    mesh = correctors[0].function_space.mesh
    own = [norm(c, mesh, 2 * c.function_space.element.basix_element.degree) for c in correctors]
    largest, period_norm = max(own), period * norm(fem.Constant(mesh, 1.0), mesh, 0)
    scale = largest if largest > 1e-8 * period_norm else period_norm
    return [(size, size if size > 1e-6 * scale else scale) for size in own]


class CellOperator:
    """A symmetric form on periodic functions of mean zero, made ready once for any number of right-hand sides.

    Args:
        space: Lagrange elements on the mesh of the cell.
        cell: One (low, high) for each dimension.
        form: The bilinear form; only constants are in its null space, one for each piece of the solid.
        dx: The measure of means over the cell.
        entries: The coefficient of the form as a function of coordinates, if the mesh fills the cell.

    Raises:
        InputError: Opposite faces do not match, or the form is not symmetric or not finite.

    Attributes:
        matrix: Of the form between periodic functions.
        loads: The linear forms of -y_1 … -y_d in the first argument: right-hand sides of the correctors.
        linear: The form between y_i and y_j, (d, d).
    """

    def __init__(
        self,
        space: fem.FunctionSpace,
        cell: Sequence[Sequence[float]],
        form: ufl.Form,
        dx: ufl.Measure,
        entries: Entries | None = None,
    ) -> None:
        self.space, self.dx = space, dx
        self.constraint = periodic_constraint(space, cell)
        full = assembled(form)
        check_symmetric(full)
        self.loads, self.linear = self._of_linear_functions(full, len(cell))
        self.matrix = full.PtAP(self.constraint)
        full.destroy()
        self.volume = integral(1.0 * dx, space.mesh)
        # A solid that does not fill the cell may be in several pieces.
        whole = self.volume > (1 - 1e-9) * np.prod([high - low for low, high in cell])
        self.pieces = None if whole else pieces(self.matrix)
        # The load of a corrector of size 1; what is left of that of a corrector that vanishes, in a layered medium, is less.
        spacing = (self.volume / self.matrix.getSize()[0]) ** (1 / len(cell))
        self.zero = float(1e-12 * spacing * self.matrix.getDiagonal().norm())
        # The solution is unique up to a constant: the mean is taken out afterwards.
        self.solver = LinearSolver(
            self.matrix, "cell_", MULTIGRID if len(cell) > 1 else DIRECT,
            lambda: levels(space, a=entries, points=independent_points(space, cell), cell=cell), singular=True,
            pieces=self.pieces, dim=len(cell),
        )  # fmt: skip

    def _of_linear_functions(self, full: PETSc.Mat, dim: int) -> tuple[list[PETSc.Vec], npt.NDArray[np.float64]]:
        """They lie in the space, so that their matrix products do for integrals."""
        points = self.space.tabulate_dof_coordinates()
        linear, images, loads = [], [], []
        for k in range(dim):
            y, image, load = full.createVecRight(), full.createVecLeft(), self.constraint.createVecRight()
            y.array[:] = points[: y.local_size, k]
            full.mult(y, image)
            self.constraint.multTranspose(image, load)
            load.scale(-1.0)
            linear.append(y)
            images.append(image)
            loads.append(load)
        return loads, np.array([[y.dot(image) for image in images] for y in linear])

    def load(self, form: ufl.Form) -> PETSc.Vec:
        """The right-hand side of a linear form."""
        b = load(form)
        right = self.constraint.createVecRight()
        self.constraint.multTranspose(b, right)
        b.destroy()
        return right

    def solve(self, load: PETSc.Vec, zero: float = 0.0) -> PETSc.Vec:
        """The values of the periodic solution, unique up to a constant, at the independent dofs.

        Args:
            load: The right-hand side.
            zero: A residual of this norm is none: `self.zero` for the loads of correctors, which are differences.

        Raises:
            SolverError: The linear solver did not converge.
        """
        values = load.duplicate()
        self.solver.solve(load, values, zero)
        return values

    def function(self, values: PETSc.Vec, name: str) -> fem.Function:
        """The function of mean zero, on each piece of the solid, with these values up to constants."""
        function = self._on_mesh(values, name)
        if self.pieces is None or self.pieces[1] == 1:
            function.x.array[:] -= integral(function * self.dx, self.space.mesh) / self.volume
            return function
        for number in range(self.pieces[1]):
            inside = values.duplicate()
            inside.array[:] = self.pieces[0] == number
            piece = self._on_mesh(inside, "piece")
            share = integral(piece * self.dx, self.space.mesh)
            function.x.array[:] -= piece.x.array * (integral(function * piece * self.dx, self.space.mesh) / share)
        return function

    def _on_mesh(self, values: PETSc.Vec, name: str) -> fem.Function:
        function = fem.Function(self.space, name=name)
        self.constraint.mult(values, function.x.petsc_vec)
        function.x.scatter_forward()
        return function


def solve_cell_on_mesh(
    mesh: dolfinx.mesh.Mesh,
    cell: Sequence[Sequence[float]],
    a: ufl.core.expr.Expr,
    *,
    degree: int = 2,
    dx: ufl.Measure | None = None,
    entries: Entries | None = None,
) -> CellSolution:
    """The same on any mesh of the cell whose opposite faces match, Gmsh's for instance.

    Args:
        mesh: A mesh of the box `cell`, or of a part of it (a perforated cell: a* is then still the mean over the box,
            with a = 0 in the holes).
        cell: One (low, high) for each dimension.
        a: The coefficient, a d×d UFL matrix on the mesh.
        degree: Polynomial degree of the elements; at least that of the mesh's own geometry.
        dx: The measure to integrate with; by default over all cells with quadrature of degree 2·degree + 2.
        entries: The coefficient as a function of coordinates, if the mesh fills the box: multigrid is then quicker.

    Raises:
        InputError: The degree is lower than that of the geometry, the mesh does not reach the faces of the cell, opposite
            faces do not match, or a is not symmetric or not finite.
        SolverError: The linear solver (prefix ``cell_``) did not converge.
    """
    start = time.perf_counter()
    check_degree(degree)
    if not isinstance(mesh, dolfinx.mesh.Mesh):
        raise InputError("mesh", f"a {type(mesh).__name__}; allowed is a dolfinx.mesh.Mesh")
    _check_fills(mesh, cell)
    shape = (len(cell), len(cell))
    if not isinstance(a, ufl.core.expr.Expr) or a.ufl_shape != shape:
        what = f"of shape {a.ufl_shape}" if isinstance(a, ufl.core.expr.Expr) else f"a {type(a).__name__}"
        raise InputError("a", f"{what}; allowed is a UFL matrix of shape {shape}")
    if degree < mesh.geometry.cmaps[0].degree:
        raise InputError("degree", f"{degree}, on a mesh with curved cells of degree {mesh.geometry.cmaps[0].degree}")
    space = fem.functionspace(mesh, ("Lagrange", degree))
    dx = ufl.dx(domain=mesh, metadata={"quadrature_degree": 2 * degree + 2}) if dx is None else dx
    u, v = ufl.TrialFunction(space), ufl.TestFunction(space)
    operator = CellOperator(space, cell, ufl.inner(a * ufl.grad(u), ufl.grad(v)) * dx, dx, entries)
    found = [operator.solve(load, operator.zero) for load in operator.loads]
    # The energy (y_i + χ_i)·A(y_j + χ_j): the mean of the flux for exact correctors, and off by the square of their error.
    size = float(np.prod([high - low for low, high in cell]))
    crossed = np.array([[load.dot(chi) for chi in found] for load in operator.loads])
    image = operator.matrix.createVecLeft()
    inner = np.empty_like(crossed)
    for j, chi in enumerate(found):
        operator.matrix.mult(chi, image)
        inner[:, j] = [other.dot(image) for other in found]
    coefficient = (operator.linear - crossed - crossed.T + inner) / size
    operator.solver.close()
    correctors = tuple(operator.function(chi, f"chi_{k}") for k, chi in enumerate(found, 1))
    clean_up(space)
    seconds, notes = time.perf_counter() - start, tuple(operator.solver.notes)
    return CellSolution((coefficient + coefficient.T) / 2, correctors, seconds, notes=notes)


def _check_fills(mesh: dolfinx.mesh.Mesh, cell: Sequence[Sequence[float]]) -> None:
    """The mesh reaches both faces of the cell in each direction; or neither by far, as layers of solid and void do."""
    if len(cell) != mesh.geometry.dim:
        raise InputError("cell", f"{len(cell)} intervals for a mesh in {mesh.geometry.dim} dimensions")
    bounds_of_cell = np.array(check_domain(cell, "cell")).T
    reach = np.array(bounds(mesh))
    gaps = (reach - bounds_of_cell) * [[1.0], [-1.0]] / (bounds_of_cell[1] - bounds_of_cell[0])
    meets, clear = (np.abs(gaps) < 1e-8).all(axis=0), (gaps > 0.01).all(axis=0)
    if not ((meets | clear).all() and meets.any()):
        i = int(np.argmin(meets))
        raise InputError(
            "mesh", f"it reaches from {reach[0, i]:.10g} to {reach[1, i]:.10g} in direction {i}, the cell from "
            f"{bounds_of_cell[0, i]:.10g} to {bounds_of_cell[1, i]:.10g}; it has to reach both faces of the cell"
        )  # fmt: skip
