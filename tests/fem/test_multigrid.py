"""Multigrid on lattices: what it reproduces, and how many iterations it takes."""

from __future__ import annotations

from mpi4py import MPI
from petsc4py import PETSc

import numpy as np
import pytest
import sympy

import ufl
from dolfinx import fem

from hybrid import EllipticProblem
from hybrid.fem import solve_cell, solve_homogenized, solve_multiscale
from hybrid.fem.algebra.assembly import assembled, rows_where_ranks_meet
from hybrid.fem.algebra.linear import MULTIGRID, LinearSolver
from hybrid.fem.algebra.multigrid import levels
from hybrid.fem.meshes.box import box, zero_on_boundary
from hybrid.symbols import cos, pi, sin, x, y

pytestmark = pytest.mark.mpi


def oscillating(dim: int, eps: float, contrast: float = 3.0) -> EllipticProblem:
    wave = sin(2 * pi * y[0]) * (cos(2 * pi * y[1]) if dim > 1 else 1)
    size = 2 * (contrast - 1) / (contrast + 1)
    return EllipticProblem(domain=[(0, 1)] * dim, eps=eps, a=2 + sympy.Float(size) * wave, f=1 + x[0])


@pytest.mark.parametrize(
    ("counts", "degree", "shape"),
    [([13, 8], 1, "simplex"), ([16, 12], 2, "box"), ([9, 14], 3, "simplex"), ([7, 6, 5], 2, "simplex"), ([6, 4, 9], 4, "box")],
)  # fmt: skip
def test_every_level_reproduces_linear_functions(comm: MPI.Comm, counts: list[int], degree: int, shape: str) -> None:
    """Rows sum up to one, and the coordinates of the coarsest lattice are carried to those of the nodes."""
    dim = len(counts)
    space = fem.functionspace(box(comm, [(0, 2), (-1, 1), (0, 1)][:dim], counts, shape), ("Lagrange", degree))
    found = [level.prolongation for level in levels(space, smallest=4)]
    assert len(found) > 1
    one = found[0].createVecRight()
    one.set(1.0)
    for level in found:
        image = level.createVecLeft()
        level.mult(one, image)
        assert np.abs(image.array - 1).max(initial=0.0) < 1e-12
        one = image
    # A linear function is fixed by its values: least squares on the coarsest lattice has no residual.
    points = space.tabulate_dof_coordinates()[: space.dofmap.index_map.size_local]
    total = found[-1]
    for level in reversed(found[:-1]):
        total = total.matMult(level)
    rows, columns, values = total.getValuesCSR()
    gathered = comm.allgather((np.diff(rows), columns, values, points))
    matrix = np.zeros((sum(len(part[0]) for part in gathered), total.getSize()[1]))
    row = 0
    for sizes, at, weights, _ in gathered:
        matrix[row + np.repeat(np.arange(len(sizes)), sizes), at] = weights
        row += len(sizes)
    linear = np.concatenate([part[3] for part in gathered]) @ np.array([1.0, -2.0, 0.5])
    solution = np.linalg.lstsq(matrix, linear, rcond=None)[0]
    assert np.abs(matrix @ solution - linear).max() < 1e-10


def test_dirichlet_dofs_get_no_correction(comm: MPI.Comm) -> None:
    space = fem.functionspace(box(comm, [(0, 1)] * 2, [12, 12]), ("Lagrange", 2))
    bcs = zero_on_boundary(space)
    fine = levels(space, bcs)[-1].prolongation
    one, image = fine.createVecRight(), fine.createVecLeft()
    one.set(1.0)
    fine.mult(one, image)
    fixed = bcs[0].dof_indices()[0]
    fixed = fixed[fixed < space.dofmap.index_map.size_local]
    assert np.abs(image.array[fixed]).max(initial=0.0) == 0
    assert image.max()[1] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("dim", "degree", "shape", "cells"),
    [
        (2, 1, "simplex", (32, 64)), (2, 2, "simplex", (16, 48)), (2, 3, "simplex", (12, 33)), (2, 4, "simplex", (8, 24)),
        (2, 2, "box", (16, 48)), (2, 4, "box", (8, 21)), (3, 1, "box", (8, 17)), (3, 2, "box", (6, 12)),
        (3, 2, "simplex", (6, 12)), (3, 3, "box", (4, 8)),
    ],
)  # fmt: skip
def test_iterations_do_not_grow_with_the_mesh(
    comm: MPI.Comm, dim: int, degree: int, shape: str, cells: tuple[int, int]
) -> None:
    counts = [
        solve_multiscale(
            oscillating(dim, 0.5), comm, degree=degree, cells_per_period=n // 2, shape=shape, estimate=False
        ).iterations
        for n in cells
    ]
    assert max(counts) <= 15, counts
    assert counts[1] <= counts[0] + 4, counts


def test_iterations_do_not_grow_with_the_periods_nor_much_with_the_contrast(comm: MPI.Comm) -> None:
    def iterations(eps: float, contrast: float) -> int:
        cells = round(96 * eps)
        problem = oscillating(2, eps, contrast)
        return solve_multiscale(problem, comm, degree=2, cells_per_period=cells, estimate=False).iterations

    few = [iterations(eps, 3.0) for eps in (1 / 2, 1 / 8, 1 / 16)]
    assert max(few) <= 15
    assert max(few) - min(few) <= 3
    assert iterations(1 / 8, 100.0) <= 25


@pytest.mark.parametrize(
    ("dim", "degree", "shape", "cells", "contrast"),
    [(2, 2, "simplex", 48, 3.0), (2, 4, "box", 16, 100.0), (3, 1, "box", 16, 3.0), (3, 2, "simplex", 8, 10.0)],
)  # fmt: skip
def test_iterations_on_many_ranks_are_those_of_one(
    comm: MPI.Comm, dim: int, degree: int, shape: str, cells: int, contrast: float
) -> None:
    """Gauss-Seidel alone, which stays within a rank, takes two to three more."""
    problem = oscillating(dim, 0.5, contrast)
    one, many = (
        solve_multiscale(
            problem, ranks, degree=degree, cells_per_period=cells // 2, shape=shape, estimate=False
        ).iterations
        for ranks in (MPI.COMM_SELF, comm)
    )
    assert abs(many - one) <= 1


@pytest.mark.parametrize("name", ["mg_levels_ksp_type", "mg_levels_2_ksp_type"])
def test_the_users_smoother_is_used_on_any_number_of_ranks(comm: MPI.Comm, name: str) -> None:
    space = fem.functionspace(box(comm, [(0, 1)] * 2, [48, 48]), ("Lagrange", 2))
    bcs = zero_on_boundary(space)
    u, v = ufl.TrialFunction(space), ufl.TestFunction(space)
    database = PETSc.Options()
    before = database.getAll()

    def smoother() -> str:
        matrix = assembled(ufl.inner(ufl.grad(u), ufl.grad(v)) * ufl.dx, bcs)
        solver = LinearSolver(matrix, "mine_", MULTIGRID, lambda: levels(space, bcs))
        kind = str(solver.ksp.getPC().getMGSmoother(2).getType())
        b, x = matrix.createVecs()
        b.set(1.0)
        assert solver.solve(b, x) < 15
        solver.close()
        return kind

    assert smoother() == ("python" if comm.size > 1 else "richardson")
    database["mine_" + name] = "chebyshev"
    try:
        assert smoother() == "chebyshev"
    finally:
        database.delValue("mine_" + name)
    assert database.getAll() == before


def test_rows_where_ranks_meet(comm: MPI.Comm) -> None:
    """As a matrix from `aij` knows them, and as they are found in any other."""
    space = fem.functionspace(box(comm, [(0, 1)] * 2, [7, 5], "box"), ("Lagrange", 2))
    u, v = ufl.TrialFunction(space), ufl.TestFunction(space)
    matrix = assembled((u * v + ufl.inner(ufl.grad(u), ufl.grad(v))) * ufl.dx)
    starts, columns, values = matrix.getValuesCSR()
    first, last = matrix.getOwnershipRange()
    other = PETSc.Mat().createAIJ(matrix.getSizes(), csr=(starts, columns, values), comm=comm)
    foreign = np.add.reduceat((columns < first) | (columns >= last), starts[:-1]) > 0
    for each in (matrix, other):
        assert (rows_where_ranks_meet(each) == np.flatnonzero(foreign)).all()
    assert (comm.allreduce(int(foreign.sum())) > 0) == (comm.size > 1)


def test_long_domains_are_coarsened_lengthwise(comm: MPI.Comm) -> None:
    problem = EllipticProblem(domain=[(0, 30), (0, 1)], eps=1.0, a=2 + sin(2 * pi * y[0]), f=1)
    found = solve_multiscale(problem, comm, degree=2, cells_per_period=5, estimate=False)
    assert found.iterations <= 18


@pytest.mark.parametrize("cells", [2, 3, 4])
def test_tiny_cells_are_solved_on_any_number_of_ranks(comm: MPI.Comm, cells: int) -> None:
    """Lattices of fewer points than ranks in a direction; the coefficient is between the means 1.73 and 2."""
    found = solve_cell(oscillating(3, 0.5), comm, degree=3, cells=cells, shape="box", estimate=False)
    assert 1.7 < np.linalg.eigvalsh(found.coefficient).min() < np.linalg.eigvalsh(found.coefficient).max() < 2.01


@pytest.mark.parametrize(("dim", "shape", "cells"), [(2, "simplex", 16), (2, "box", 15), (3, "box", 8)])
def test_coefficients_do_not_depend_on_the_ranks(comm: MPI.Comm, dim: int, shape: str, cells: int) -> None:
    problem = oscillating(dim, 0.5)
    alone = solve_cell(problem, MPI.COMM_SELF, degree=2, cells=cells, shape=shape, estimate=False)
    together = solve_cell(problem, comm, degree=2, cells=cells, shape=shape, estimate=False)
    assert np.abs(alone.coefficient - together.coefficient).max() < 1e-11


def test_multigrid_and_a_direct_solver_agree(comm: MPI.Comm, paper: EllipticProblem) -> None:
    a = np.array([[2.0, 0.5], [0.5, 1.0]])
    multigrid = solve_homogenized(paper, a, comm, cells=24)
    database = PETSc.Options()
    database["homogenized_pc_type"] = "lu"
    try:
        direct = solve_homogenized(paper, a, comm, cells=24)
    finally:
        database.delValue("homogenized_pc_type")
    assert direct.iterations == 1 < multigrid.iterations
    difference = multigrid.function.x.petsc_vec - direct.function.x.petsc_vec
    assert difference.norm() < 1e-8 * direct.function.x.petsc_vec.norm()


def test_the_coefficient_is_an_energy(comm: MPI.Comm) -> None:
    """From matrices, as the integral of the flux says it: mean of (e_i + ∇χ_i)·a(e_j + ∇χ_j)."""
    entries = [
        [2 + sin(2 * pi * y[0]) / 2, sin(2 * pi * y[1]) / 3],
        [sin(2 * pi * y[1]) / 3, 1 + cos(2 * pi * y[0]) / 2],
    ]
    problem = EllipticProblem(domain=[(0, 1)] * 2, eps=0.5, a=entries, f=1)
    found = solve_cell(problem, comm, degree=3, cells=16, estimate=False)
    mesh = found.correctors[0].function_space.mesh
    where = ufl.SpatialCoordinate(mesh)
    wave, across = ufl.sin(2 * ufl.pi * where[0]) / 2, ufl.sin(2 * ufl.pi * where[1]) / 3
    a = ufl.as_matrix([[2 + wave, across], [across, 1 + ufl.cos(2 * ufl.pi * where[0]) / 2]])
    total = [ufl.as_vector(e) + ufl.grad(chi) for e, chi in zip(([1, 0], [0, 1]), found.correctors, strict=True)]
    dx = ufl.dx(metadata={"quadrature_degree": 8})
    energy = [[comm.allreduce(fem.assemble_scalar(fem.form(ufl.inner(p, a * q) * dx))) for q in total] for p in total]
    assert np.abs(np.array(energy) - found.coefficient).max() < 1e-12
