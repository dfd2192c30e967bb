from __future__ import annotations

from mpi4py import MPI

import numpy as np
import pytest

import basix.ufl
import ufl
from dolfinx import fem, mesh

from hybrid import InputError
from hybrid.fem.mesh import box
from hybrid.fem.periodicity import periodic_constraint

pytestmark = pytest.mark.mpi


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
    assert np.abs(back.array - u.x.array[: len(back.array)]).max(initial=0.0) < 1e-12


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
