"""Solids in one piece and in several, on one rank and on several; and systems that multigrid cannot solve."""

from __future__ import annotations

from collections.abc import Callable

from mpi4py import MPI
from petsc4py import PETSc

import numpy as np
import pytest
import sympy

import ufl
from dolfinx import fem, mesh

from hybrid import EllipticProblem
from hybrid.failures import SolverError
from hybrid.fem import solve_cell, solve_cell_on_mesh, solve_multiscale
from hybrid.fem.algebra import options
from hybrid.fem.algebra.assembly import assembled
from hybrid.fem.algebra.coefficients import as_ufl
from hybrid.fem.algebra.linear import DIRECT, MULTIGRID, LinearSolver
from hybrid.fem.algebra.pieces import first_rows, pieces
from hybrid.fem.meshes.box import box
from hybrid.fem.norms import integral
from hybrid.symbols import cos, pi, y

SQUARE = [(0.0, 1.0), (0.0, 1.0)]
Where = Callable[[np.ndarray, np.ndarray], np.ndarray]


def solid(comm: MPI.Comm, inside: Where, count: int = 16) -> mesh.Mesh:
    whole = box(comm, SQUARE, [count, count], "box")
    cells = whole.topology.index_map(2)
    every = np.arange(cells.size_local + cells.num_ghosts, dtype=np.int32)
    middle = mesh.compute_midpoints(whole, 2, every)
    return mesh.create_submesh(whole, 2, every[inside(middle[:, 0], middle[:, 1])])[0]


def strips(s: np.ndarray, z: np.ndarray) -> np.ndarray:
    return ((z > 0.125) & (z < 0.375)) | ((z > 0.625) & (z < 0.875))


def round_the_edge(s: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Two pieces, as the upper edge is the lower one."""
    return (z < 0.125) | (z > 0.875) | ((z > 0.375) & (z < 0.625))


def strip_and_island(s: np.ndarray, z: np.ndarray) -> np.ndarray:
    return (z < 0.125) | (z > 0.875) | ((z > 0.375) & (z < 0.625) & (s > 0.25) & (s < 0.625))


def one_strip(s: np.ndarray, z: np.ndarray) -> np.ndarray:
    return (z > 0.25) & (z < 0.75)


@pytest.mark.mpi
@pytest.mark.parametrize(
    ("inside", "expected"), [(one_strip, 0.5), (strips, 0.5), (round_the_edge, 0.5), (strip_and_island, 0.25)]
)
@pytest.mark.parametrize("given", [{}, {"cell_pc_type": "lu"}])
def test_solids_in_pieces(comm: MPI.Comm, inside: Where, expected: float, given: dict[str, str]) -> None:
    grid = solid(comm, inside)
    with options.defaults(given):
        found = solve_cell_on_mesh(grid, SQUARE, ufl.Identity(2))
    np.testing.assert_allclose(found.coefficient, np.diag([expected, 0.0]), atol=1e-10)
    for chi in found.correctors:
        assert abs(integral(chi * ufl.dx, grid)) < 1e-10


@pytest.mark.mpi
@pytest.mark.parametrize(("inside", "expected"), [(one_strip, 1), (strips, 2), (strip_and_island, 3)])
def test_pieces_are_counted_on_all_ranks_together(comm: MPI.Comm, inside: Where, expected: int) -> None:
    """Without a period: the strip at the edge is two."""
    space = fem.functionspace(solid(comm, inside), ("Lagrange", 1))
    u, v = ufl.TrialFunction(space), ufl.TestFunction(space)
    matrix = assembled(ufl.inner(ufl.grad(u), ufl.grad(v)) * ufl.dx)
    number, count = pieces(matrix)
    assert count == expected
    assert comm.allreduce(len(first_rows(number, count, matrix))) == count
    z = space.tabulate_dof_coordinates()[: len(number), 1]
    for piece in range(count):
        low, high = (comm.allreduce(f(z[number == piece], initial=b), op=o) for f, b, o in
                     ((np.min, 2.0, MPI.MIN), (np.max, -1.0, MPI.MAX)))  # fmt: skip
        assert high - low < 0.51


def layered(contrast: float) -> EllipticProblem:
    """Layers whose sides are lines of the mesh."""
    a = 1 + (contrast - 1) * sympy.Heaviside(cos(2 * pi * y[0]) - cos(pi / 3))
    return EllipticProblem(domain=SQUARE, eps=0.5, a=a, f=1)


def test_layers_of_a_million_to_one() -> None:
    cell = solve_cell(layered(1e6), MPI.COMM_SELF, degree=2, cells=12, estimate=False)
    harmonic = 1 / (2 / 3 + 1e-6 / 3)
    np.testing.assert_allclose(np.diag(cell.coefficient), [harmonic, 1 / 3 * 1e6 + 2 / 3], rtol=1e-6)


@pytest.mark.mpi
@pytest.mark.long
def test_where_multigrid_does_not_converge_a_factorization_does(comm: MPI.Comm) -> None:
    """Boards of a million to one that meet in corners."""
    boards = sympy.Heaviside(sympy.sin(6 * pi * y[0]) * sympy.sin(10 * pi * y[1]))
    problem = EllipticProblem(domain=SQUARE, eps=0.5, a=1 + (1e6 - 1) * boards, f=1)
    mesh = box(comm, problem.domain, [24, 24])
    at = ufl.SpatialCoordinate(mesh)
    a = as_ufl(problem.medium.matrix, {s: at[i] for i, s in enumerate(problem.fast)}, mesh)
    found = solve_cell_on_mesh(mesh, problem.domain, a, degree=4)
    assert "a factorization was used instead" in found.notes[0]
    with options.defaults({"cell_pc_type": "lu"}):
        expected = solve_cell_on_mesh(mesh, problem.domain, a, degree=4)
    np.testing.assert_allclose(found.coefficient, expected.coefficient, rtol=1e-8, atol=1e-2)


def test_a_cell_of_two_pi_by_a_hundredth() -> None:
    sides = (2 * np.pi, 0.01)
    medium = 2 + sympy.sin(y[0]) * sympy.cos(200 * pi * y[1])
    problem = EllipticProblem(domain=[(0, 4 * np.pi), (0, 0.02)], eps=1.0, period=sides, a=medium, f=1)
    found = solve_cell(problem, MPI.COMM_SELF, cells=16, estimate=False)
    with options.defaults({"cell_pc_type": "lu"}):
        expected = solve_cell(problem, MPI.COMM_SELF, cells=16, estimate=False)
    np.testing.assert_allclose(found.coefficient, expected.coefficient, rtol=1e-6, atol=1e-6)
    # Layers in y1, at each y0: the mean of a, and that of sqrt(4 - sin²).
    s = (np.arange(1000) + 0.5) / 1000 * 2 * np.pi
    np.testing.assert_allclose(np.diag(found.coefficient), [2.0, np.sqrt(4 - np.sin(s) ** 2).mean()], rtol=3e-5)


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e10, 1e15])
def test_iterations_do_not_depend_on_the_unit_of_the_coefficient(scale: float, paper: EllipticProblem) -> None:
    space = fem.functionspace(box(MPI.COMM_SELF, SQUARE, [16, 16]), ("Lagrange", 2))
    from hybrid.fem.cells.operator import CellOperator

    u, v = ufl.TrialFunction(space), ufl.TestFunction(space)
    z = ufl.SpatialCoordinate(space.mesh)
    a = fem.Constant(space.mesh, scale) * (2 + ufl.sin(2 * ufl.pi * z[0]) * ufl.cos(2 * ufl.pi * z[1]))
    operator = CellOperator(space, SQUARE, a * ufl.inner(ufl.grad(u), ufl.grad(v)) * ufl.dx, ufl.dx(domain=space.mesh))
    values = operator.loads[0].duplicate()
    assert operator.solver.solve(operator.loads[0], values, operator.zero) <= 10
    assert not operator.solver.notes


def test_a_problem_times_ten_billion(paper: EllipticProblem) -> None:
    one = solve_cell(paper, MPI.COMM_SELF, cells=8, estimate=False)
    large = EllipticProblem(domain=paper.domain, eps=paper.eps, a=1e10 * paper.a, f=paper.f)
    found = solve_cell(large, MPI.COMM_SELF, cells=8, estimate=False)
    np.testing.assert_allclose(found.coefficient / 1e10, one.coefficient, rtol=1e-8, atol=1e-8)
    u = solve_multiscale(large, MPI.COMM_SELF, cells_per_period=4, estimate=False)
    assert u.iterations <= 10


def laplacian(count: int, stretch: float) -> tuple[PETSc.Mat, PETSc.Vec]:
    space = fem.functionspace(box(MPI.COMM_SELF, [(0, stretch), (0, 1)], [count, count]), ("Lagrange", 1))
    u, v = ufl.TrialFunction(space), ufl.TestFunction(space)
    matrix = assembled((ufl.inner(ufl.grad(u), ufl.grad(v)) + u * v) * ufl.dx)
    b = matrix.createVecRight()
    b.array[:] = np.random.default_rng(0).standard_normal(b.local_size)
    return matrix, b


def test_a_factorization_after_multigrid_and_what_it_leaves_alone() -> None:
    matrix, b = laplacian(8, 1.0)
    kept = b.array.copy()
    solver = LinearSolver(
        matrix, "few_", dict(MULTIGRID) | {"ksp_max_it": 1, "pc_type": "none", "ksp_type": "cg"}, dim=2
    )
    found = b.duplicate()
    assert solver.solve(b, found) == 1
    assert "factorization" in solver.notes[0]
    direct = LinearSolver(laplacian(8, 1.0)[0], "direct_", DIRECT)
    expected = b.duplicate()
    direct.solve(b, expected)
    np.testing.assert_allclose(found.array, expected.array, rtol=1e-9)
    assert (b.array == kept).all()


def test_the_users_own_options_are_not_replaced_and_the_advice_cures() -> None:
    matrix, b = laplacian(16, 100.0)
    given = {"own_pc_type": "none", "own_ksp_max_it": 2}
    with options.defaults(given), pytest.raises(SolverError, match="-own_pc_type lu"):
        LinearSolver(matrix, "own_", MULTIGRID, dim=2).solve(b, b.duplicate())
    with options.defaults({"own_pc_type": "lu"}):
        solver = LinearSolver(laplacian(16, 100.0)[0], "own_", MULTIGRID, dim=2)
        found = b.duplicate()
        solver.solve(b, found)
    residual = b.duplicate()
    solver.matrix.mult(found, residual)
    residual.axpy(-1.0, b)
    assert residual.norm() < 1e-10 * b.norm()
