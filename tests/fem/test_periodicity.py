from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from mpi4py import MPI
from petsc4py import PETSc

import numpy as np
import pytest

import basix.ufl
import ufl
from dolfinx import fem, mesh

from hybrid import InputError
from hybrid.fem import read_mesh
from hybrid.fem.algebra.periodicity import _match, independent_points, periodic_constraint
from hybrid.fem.meshes.box import box

pytestmark = pytest.mark.mpi

MESHES = Path(__file__).parents[2] / "meshes"


@pytest.mark.parametrize("dim", [1, 2, 3])
@pytest.mark.parametrize("degree", [1, 2, 3, 4])
def test_the_constraint_reproduces_periodic_functions(comm: MPI.Comm, dim: int, degree: int) -> None:
    cell = [(0.0, 1.0), (-1.0, 1.0), (0.0, 0.3)][:dim]
    counts = [5, 4, 3][:dim]
    space = fem.functionspace(box(comm, cell, counts), ("Lagrange", degree))
    constraint = periodic_constraint(space, cell)
    rows, columns = constraint.getSize()
    assert rows == space.dofmap.index_map.size_global
    assert columns == np.prod([n * degree for n in counts])  # as many as on a torus

    def function(x: np.ndarray) -> np.ndarray:
        return sum(np.sin(2 * np.pi * (x[i] - lo) / (hi - lo) + i) for i, (lo, hi) in enumerate(cell)) + np.cos(
            2 * np.pi * (x[0] + sum(2 * (x[i] - cell[i][0]) / (cell[i][1] - cell[i][0]) for i in range(1, dim)))
        )

    assert _reproduced(constraint, space, function) < 1e-12


def _reproduced(constraint: PETSc.Mat, space: fem.FunctionSpace, function: Callable[[np.ndarray], np.ndarray]) -> float:
    """How far a function is from the periodic one that has its values, averaged over what belongs together."""
    u = fem.Function(space)
    u.interpolate(function)
    right = constraint.createVecRight()
    # K w = u has the solution w = (KᵀK)⁻¹ Kᵀ u exactly if u is periodic.
    ones, counted = constraint.createVecLeft(), constraint.createVecRight()
    ones.set(1.0)
    constraint.multTranspose(ones, counted)
    constraint.multTranspose(u.x.petsc_vec, right)
    right.pointwiseDivide(right, counted)
    back = constraint.createVecLeft()
    constraint.mult(right, back)
    far = float(np.abs(back.array - u.x.array[: len(back.array)]).max(initial=0.0))
    return float(space.mesh.comm.allreduce(far, op=MPI.MAX))


def _waves(x: np.ndarray) -> np.ndarray:
    """Of period one in every direction."""
    return sum(np.sin(2 * np.pi * x[i] + i) * np.cos(2 * np.pi * x[(i + 1) % 3]) for i in range(3))


@pytest.mark.parametrize("degree", [2, 3])
@pytest.mark.parametrize("name", ["inclusion-2d", "perforated-2d", "inclusion-3d"])
def test_curved_meshes_and_holes(comm: MPI.Comm, name: str, degree: int) -> None:
    grid = read_mesh(MESHES / f"{name}.msh", comm).mesh
    space = fem.functionspace(grid, ("Lagrange", degree))
    constraint = periodic_constraint(space, [(0.0, 1.0)] * grid.geometry.dim)
    rows, columns = constraint.getSize()
    assert columns < rows
    assert _reproduced(constraint, space, _waves) < 1e-12
    assert _reproduced(constraint, space, lambda x: x[0]) > 0.1


def test_a_hole_through_the_faces(comm: MPI.Comm) -> None:
    """What is left of a square when its corners are holes: parts of the faces, that match."""
    grid = mesh.create_unit_square(comm, 8, 8, ghost_mode=mesh.GhostMode.none)
    cells = np.arange(grid.topology.index_map(2).size_local, dtype=np.int32)
    kept = cells[np.abs(mesh.compute_midpoints(grid, 2, cells)[:, :2] - 0.5).min(axis=1) < 0.25]
    cross = mesh.create_submesh(grid, 2, kept)[0]
    for degree in (1, 3):
        space = fem.functionspace(cross, ("Lagrange", degree))
        constraint = periodic_constraint(space, [(0.0, 1.0)] * 2)
        rows, columns = constraint.getSize()
        assert rows - columns == 2 * (4 * degree + 1)
        assert _reproduced(constraint, space, _waves) < 1e-12


@pytest.mark.parametrize("directions", [[0], [1], [2], [0, 2]])
def test_some_directions_only(comm: MPI.Comm, directions: list[int]) -> None:
    counts = [5, 4, 3]
    space = fem.functionspace(box(comm, [(0.0, 1.0)] * 3, counts), ("Lagrange", 2))
    constraint = periodic_constraint(space, [(0.0, 1.0)] * 3, directions)
    columns = np.prod([2 * n + (i not in directions) for i, n in enumerate(counts)])
    assert constraint.getSize()[1] == columns
    points = comm.allreduce(len(independent_points(space, [(0.0, 1.0)] * 3, directions)))
    assert points == columns
    others = [i for i in range(3) if i not in directions]
    assert _reproduced(constraint, space, lambda x: _waves(x) + sum(x[i] for i in others)) < 1e-12


def test_a_finer_lower_face_is_refused(comm: MPI.Comm) -> None:
    """Every point of the lower face must have a partner too; a hanging one would be free to move."""
    points = np.array([[0, 0], [1, 0], [1, 1], [0, 1], [0, 0.5]], dtype=float)
    cells = np.array([[0, 1, 4], [1, 2, 4], [2, 3, 4]], dtype=np.int64)
    if comm.rank:
        points, cells = points[:0], cells[:0]
    element = basix.ufl.element("Lagrange", "triangle", 1, shape=(2,))
    domain = mesh.create_mesh(comm, cells, ufl.Mesh(element), points)
    for degree in (1, 2):
        with pytest.raises(InputError, match="do not match"):
            periodic_constraint(fem.functionspace(domain, ("Lagrange", degree)), [(0.0, 1.0)] * 2)


def test_faces_that_do_not_match_are_refused(comm: MPI.Comm) -> None:
    domain = mesh.create_unit_square(comm, 4, 4)
    x = domain.geometry.x
    right = np.abs(x[:, 0] - 1) < 1e-12
    x[right, 1] = x[right, 1] ** 1.5
    space = fem.functionspace(domain, ("Lagrange", 1))
    with pytest.raises(InputError, match="do not match"):
        periodic_constraint(space, [(0.0, 1.0)] * 2)


def test_an_edge_that_one_face_does_not_have_is_refused(comm: MPI.Comm) -> None:
    """A point on an edge has three images; two of them would satisfy either pair of faces alone."""
    corners = np.array([[0, 0], [1, 0], [0, 1], [1, 1]], dtype=float)
    bottom = np.column_stack([corners, np.zeros(4)])
    top = np.column_stack([corners, np.ones(4)])
    middle = np.array([[0, 0, 0.5], [1, 0, 0.5], [0, 1, 0.5]], dtype=float)  # but not (1, 1, 1/2)
    centre = np.array([[0.5, 0.5, 0.5]])
    points = np.concatenate([bottom, top, middle, centre])
    faces = [  # all to the centre; the side faces are fans from the points in the middle of their edges
        *[(0, 1, 3), (0, 3, 2), (4, 5, 7), (4, 7, 6)],
        *[(0, 1, 9), (0, 9, 8), (8, 9, 4), (9, 5, 4)],  # y = 0
        *[(0, 2, 10), (0, 10, 8), (8, 10, 4), (10, 6, 4)],  # x = 0
        *[(1, 3, 9), (9, 3, 7), (9, 7, 5)],  # x = 1
        *[(2, 3, 10), (10, 3, 7), (10, 7, 6)],  # y = 1
    ]
    cells = np.array([(*face, 11) for face in faces], dtype=np.int64)
    if comm.rank:
        points, cells = points[:0], cells[:0]
    element = basix.ufl.element("Lagrange", "tetrahedron", 1, shape=(3,))
    domain = mesh.create_mesh(comm, cells, ufl.Mesh(element), points)
    with pytest.raises(InputError, match="do not match: 1 points"):
        periodic_constraint(fem.functionspace(domain, ("Lagrange", 1)), [(0.0, 1.0)] * 3)


def test_many_points_are_matched_fast_and_to_rounding() -> None:
    """A face of 64³ quadratic cells, whose coordinates carry rounding errors, in any order."""
    rng = np.random.default_rng(0)
    line = np.linspace(0, 1, 129)
    known = np.stack([g.ravel() for g in np.meshgrid([0.0], line, line, indexing="ij")], axis=1)
    order = rng.permutation(len(known))
    wanted = known[order] + rng.uniform(-1e-15, 1e-15, known.shape)
    start = time.perf_counter()
    match = _match(known, np.concatenate([wanted, [[0.0, 0.5, 0.5 + 1e-6]]]), 1e-8)
    assert time.perf_counter() - start < 1.0
    assert (match == [*order, -1]).all()
