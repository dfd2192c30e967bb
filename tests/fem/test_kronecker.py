from __future__ import annotations

from mpi4py import MPI
from petsc4py import PETSc

import numpy as np
import pytest

import ufl
from dolfinx import fem

from hybrid import EllipticProblem
from hybrid.fem import solve_homogenized
from hybrid.fem.kronecker import solve_constant
from hybrid.fem.meshes.fitted import Fitting
from hybrid.symbols import exp, sin, x, y

pytestmark = pytest.mark.mpi

BOX = [(0.0, 1.0), (-0.5, 1.0), (0.0, 0.7)]
FULL = np.array([[2.0, 0.5, -0.3], [0.5, 1.0, 0.2], [-0.3, 0.2, 0.8]])


def problem(dim: int) -> EllipticProblem:
    f = exp(x[0]) + sum(sin(3 * x[i]) for i in range(dim))
    return EllipticProblem(domain=BOX[:dim], eps=0.1, a=1 + 0 * y[0], f=f)


@pytest.mark.parametrize(("dim", "degree", "cells"), [(2, 1, 9), (2, 3, 8), (2, 5, 4), (3, 2, 5), (3, 4, 3)])
@pytest.mark.parametrize("diagonal", [True, False])
def test_it_is_the_solution_of_the_assembled_system(
    comm: MPI.Comm, dim: int, degree: int, cells: int, diagonal: bool
) -> None:
    a = np.diag(np.diag(FULL))[:dim, :dim] if diagonal else FULL[:dim, :dim]
    arguments = {"degree": degree, "cells": cells, "shape": "box", "estimate": False}
    found = solve_homogenized(problem(dim), a, comm, **arguments)
    database = PETSc.Options()
    database["homogenized_ksp_rtol"] = 1e-13  # a user's option: then it is PETSc that solves
    try:
        exact = solve_homogenized(problem(dim), a, comm, **arguments)
    finally:
        database.delValue("homogenized_ksp_rtol")
    difference = found.function.x.petsc_vec - exact.function.x.petsc_vec
    assert difference.norm() < 1e-9 * exact.function.x.petsc_vec.norm()
    assert (found.iterations == 1) == diagonal
    assert exact.steps["setup"] > 0 == found.steps["setup"]


def test_lines_need_not_be_uniform(comm: MPI.Comm) -> None:
    """On any lines cubics are found exactly: u = x(1 - x) z(0.7 - z)(z + 1) is one of them in each direction."""
    mesh = Fitting.to([BOX[0], BOX[2]], (8, 4), [[0.37], [0.22]]).mesh(comm, "box")
    space = fem.functionspace(mesh, ("Lagrange", 3))
    s, t = ufl.SpatialCoordinate(mesh)
    a = np.array([[1.5, 0.4], [0.4, 0.9]])
    u = s * (1 - s) * t * (0.7 - t) * (t + 1)
    found = solve_constant(space, a, -ufl.div(ufl.as_matrix(a.tolist()) * ufl.grad(u)))
    assert found is not None
    exact = fem.Function(space)
    exact.interpolate(lambda p: p[0] * (1 - p[0]) * p[1] * (0.7 - p[1]) * (p[1] + 1))
    assert np.abs(found.function.x.array - exact.x.array).max() < 1e-9 * np.abs(exact.x.array).max()


def test_ghosts_have_their_values(comm: MPI.Comm) -> None:
    found = solve_homogenized(problem(3), FULL, comm, degree=2, cells=4, shape="box", estimate=False).function
    values = found.x.array.copy()
    found.x.scatter_forward()
    assert np.array_equal(values, found.x.array)


def test_the_rest_is_for_others(comm: MPI.Comm, monkeypatch: pytest.MonkeyPatch) -> None:
    a = FULL[:2, :2]
    simplices = solve_homogenized(problem(2), a, comm, degree=2, cells=6, estimate=False)
    space = simplices.function.function_space
    assert solve_constant(space, a, fem.Constant(space.mesh, 1.0)) is None
    assert simplices.steps["setup"] > 0
    arguments = {"degree": 2, "cells": 6, "shape": "box", "estimate": False}
    exact = solve_homogenized(problem(2), a, comm, **arguments)
    monkeypatch.setattr("hybrid.fem.kronecker._ITERATIONS", 3)  # too few: multigrid is asked
    found = solve_homogenized(problem(2), a, comm, **arguments)
    assert found.steps["setup"] > 0 == exact.steps["setup"]
    difference = found.function.x.petsc_vec - exact.function.x.petsc_vec
    assert difference.norm() < 1e-8 * exact.function.x.petsc_vec.norm()
