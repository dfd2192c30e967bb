"""Periodic cell problems and the homogenized coefficient by finite elements."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from mpi4py import MPI
from petsc4py import PETSc

import numpy as np
import numpy.typing as npt

import dolfinx
import ufl
from dolfinx import fem

from hybrid.checks import check_degree, check_domain
from hybrid.equation import Equation
from hybrid.failures import InputError
from hybrid.fem.algebra import options
from hybrid.fem.algebra.assembly import assembled, load
from hybrid.fem.algebra.coefficients import as_arrays, as_ufl
from hybrid.fem.algebra.linear import DIRECT, MULTIGRID, LinearSolver, check_symmetric, clean_up
from hybrid.fem.algebra.multigrid import levels
from hybrid.fem.algebra.periodicity import independent_points, periodic_constraint
from hybrid.fem.algebra.pieces import pieces
from hybrid.fem.algebra.stencil import Entries
from hybrid.fem.algebra.sumfactors import filling
from hybrid.fem.cells.bounds import corrector_sizes as corrector_sizes
from hybrid.fem.cells.bounds import harmonic_mean, with_bounds
from hybrid.fem.cells.cellmeshes import refined
from hybrid.fem.cells.cellsolution import CellSolution as CellSolution
from hybrid.fem.cells.jumpcell import has_corners, solve_adaptive
from hybrid.fem.cells.slowcells import solve_slow_cells
from hybrid.fem.meshes.fitted import Fitting, cell_planes, inner_degree
from hybrid.fem.meshes.points import bounds
from hybrid.fem.norms import integral
from hybrid.interfaces import BROKEN

_DIRECTLY = 250_000
"""Unknowns up to which a coefficient that jumps is solved with by a factorization, whatever its contrast."""


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
    budget: int = 2_000_000,
) -> CellSolution:
    """Solve -∂_i( a_ij (∂_j χ_k + δ_jk) ) = 0 in Y, χ_k periodic with mean 0 (paper, equations (9) and (10)).

    Mesh lines follow planes y_i = c where a jumps or has a kink. Where it jumps, a* is the geometric mean of bounds from both
    sides; in two dimensions, where interfaces cross or are curved, the mesh refines until they meet
    (`hybrid.fem.cells.adaptive`; `degree` is then the highest there may be, and `cells` and `shape` mean nothing).

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
        budget: Unknowns at the most, of the finest mesh, or of all cell problems together where a depends on x.

    Returns:
        The correctors and a*_ij = mean over Y of a_ij + a_ik ∂_k χ_j (formula after (11), with the derivative that the
        text leaves out).

    Raises:
        InputError: a jumps in x, and is no product of a function of x and one of y.
        SolverError: The linear solver (prefix ``cell_``) did not converge.
    """
    start = time.perf_counter()
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
    return replace(found, seconds=time.perf_counter() - start)


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

    a = as_ufl(equation.medium.matrix, values)
    more: dict[str, Any] = {"space": space}
    if fitting.moves:
        more["uniform"] = fitting.back
    if equation.medium.interfaces:
        more["dx"] = ufl.dx(domain=mesh, metadata={"quadrature_degree": inner_degree(mesh, 2 * degree + 2)})
    stretched = max(counts) > 2 * min(counts)  # multigrid here coarsens all directions alike
    if (equation.medium.interfaces or stretched) and dim < 3 and degree**dim * math.prod(counts) <= _DIRECTLY:
        more["defaults"] = DIRECT
    known = None if equation.medium.interfaces or fitting.moves else entries
    found = solve_cell_on_mesh(mesh, cell, a, degree=degree, entries=known, **more)
    if not equation.medium.interfaces or dim == 3:
        return found
    if dim == 1:
        return with_bounds(found, np.array([[harmonic_mean(equation, fixed)]]))
    dual = solve_cell_on_mesh(mesh, cell, a / ufl.det(a), degree=degree, **more)
    return with_bounds(found, np.asarray(dual.coefficient) / np.linalg.det(np.asarray(dual.coefficient)))


class CellOperator:
    """A symmetric form on periodic functions of mean zero, made ready once for any number of right-hand sides.

    Args:
        space: Lagrange elements on the mesh of the cell.
        cell: One (low, high) for each dimension.
        form: The bilinear form; only constants are in its null space, one for each piece of the solid.
        dx: The measure of means over the cell.
        entries: The coefficient of the form as a function of coordinates, if the mesh fills the cell.
        defaults: PETSc options of the linear solver.
        uniform: From points of the mesh to those of the uniform one that it was moved from: multigrid's lattices fit that.

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
        defaults: Mapping[str, object] | None = None,
        uniform: Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]] | None = None,
    ) -> None:
        self.space, self.dx = space, dx
        self.constraint = periodic_constraint(space, cell)
        quadrature = dx.metadata().get("quadrature_degree")
        quick = None if entries is None or quadrature is None else filling(space, entries, quadrature)
        full = assembled(form, fill=quick)
        check_symmetric(full)
        self.loads, self.linear = self._of_linear_functions(full, len(cell))
        # The constraint has one entry in a row: for that PETSc's own choice takes four times as long.
        with options.defaults({"matptap_via": "rap" if full.comm.size == 1 else "allatonce"}):
            self.matrix = full.PtAP(self.constraint)
        full.destroy()
        self.volume = integral(1.0 * dx, space.mesh)
        # A solid that does not fill the cell may be in several pieces.
        whole = self.volume > (1 - 1e-9) * np.prod([high - low for low, high in cell])
        self.pieces = None if whole else pieces(self.matrix)
        # The load of a corrector of size 1; what is left of that of a corrector that vanishes, in a layered medium, is less.
        spacing = (self.volume / self.matrix.getSize()[0]) ** (1 / len(cell))
        diagonal = self.matrix.getDiagonal()
        self.zero = float(1e-12 * spacing * diagonal.norm())
        diagonal.destroy()
        # The solution is unique up to a constant: the mean is taken out afterwards.
        place = uniform or (lambda points: points)
        self.solver = LinearSolver(
            self.matrix, "cell_", (MULTIGRID if len(cell) > 1 else DIRECT) if defaults is None else defaults,
            lambda: levels(space, a=entries, points=place(independent_points(space, cell)), cell=cell), singular=True,
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
        products = np.array([[y.dot(image) for image in images] for y in linear])
        for vector in (*linear, *images):
            vector.destroy()
        return loads, products

    def close(self) -> None:
        """Free what is PETSc's: what Python frees after `clean_up` keeps a communicator; collective."""
        self.solver.close()
        for each in (self.constraint, *self.loads):
            each.destroy()

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
    defaults: Mapping[str, object] | None = None,
    uniform: Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]] | None = None,
    space: fem.FunctionSpace | None = None,
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
        defaults: PETSc options of the linear solver, where the user has set none.
        uniform: From points of a fitted mesh to those of the uniform one that it was moved from (`hybrid.fem.meshes.fitted`).
        space: Lagrange elements of this degree on the mesh, if there are some already.

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
    space = fem.functionspace(mesh, ("Lagrange", degree)) if space is None else space
    dx = ufl.dx(domain=mesh, metadata={"quadrature_degree": 2 * degree + 2}) if dx is None else dx
    u, v = ufl.TrialFunction(space), ufl.TestFunction(space)
    operator = CellOperator(space, cell, ufl.inner(a * ufl.grad(u), ufl.grad(v)) * dx, dx, entries, defaults, uniform)
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
    correctors = tuple(operator.function(chi, f"chi_{k}") for k, chi in enumerate(found, 1))
    for vector in (*found, image):
        vector.destroy()
    operator.close()
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
