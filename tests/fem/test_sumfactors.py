from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mpi4py import MPI

import numpy as np
import pytest

import ufl
from dolfinx import fem

from hybrid.fem.algebra.assembly import assembled
from hybrid.fem.algebra.sumfactors import filling
from hybrid.fem.meshes.box import box
from hybrid.fem.meshes.fitted import Fitting

pytestmark = pytest.mark.mpi

BOX = [(0.0, 1.0), (-0.5, 1.0), (0.2, 0.7)]


def isotropic(y: Sequence[Any], of: Any) -> list[list[Any]]:
    a = 2 + of.sin(5 * y[0]) * of.cos(3 * y[1]) + y[2]
    return [[a if i == j else 0.0 for j in range(3)] for i in range(3)]


def full(y: Sequence[Any], of: Any) -> list[list[Any]]:
    b, c = of.sin(4 * y[0] + y[2]), of.exp(y[1])
    return [[3.0, b, 0.3 * c], [b, 2 + c, y[2]], [0.3 * c, y[2], 4 + b]]


@pytest.mark.parametrize("degree", [1, 2, 3, 5])
@pytest.mark.parametrize("a", [isotropic, full])
def test_the_matrix_is_that_of_the_form(comm: MPI.Comm, degree: int, a: Any) -> None:
    mesh = box(comm, BOX, [3, 4, 2], "box")
    space = fem.functionspace(mesh, ("Lagrange", degree))
    u, v = ufl.TrialFunction(space), ufl.TestFunction(space)
    dx = ufl.dx(metadata={"quadrature_degree": 2 * degree + 1})
    matrix = ufl.as_matrix(a(ufl.SpatialCoordinate(mesh), ufl))
    form = ufl.inner(matrix * ufl.grad(u), ufl.grad(v)) * dx
    fill = filling(space, lambda y: a(y, np), 2 * degree + 1)
    assert fill is not None
    exact, found = assembled(form), assembled(form, fill=fill)
    assert (exact - found).norm() < 1e-13 * exact.norm()


def test_other_meshes_are_for_the_form(comm: MPI.Comm) -> None:
    fitted = Fitting.to(BOX, (6, 6, 6), [[0.37], [], []]).mesh(comm, "box")
    for mesh in (box(comm, BOX, [3, 4, 2]), box(comm, BOX[:2], [3, 4], "box"), fitted):
        assert filling(fem.functionspace(mesh, ("Lagrange", 2)), lambda y: isotropic(y, np), 4) is None
