from __future__ import annotations

import math

from mpi4py import MPI

import numpy as np
import pytest
import sympy

import ufl

from hybrid import EllipticProblem
from hybrid.fem import solve_homogenized
from hybrid.fem.norms import norm
from hybrid.symbols import evaluate, exp, pi, sin, x, y

pytestmark = pytest.mark.mpi


@pytest.mark.parametrize(("dim", "degree"), [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3)])
def test_convergence_order(comm: MPI.Comm, dim: int, degree: int) -> None:
    a = np.array([[2.0, 0.7], [0.7, 1.0]])[:dim, :dim]
    u = {1: sin(pi * x[0]) * exp(x[0]), 2: sin(pi * x[0]) * sin(2 * pi * x[1]) * exp(x[1])}[dim]
    f = -sum(a[i, j] * sympy.diff(u, x[i], x[j]) for i in range(dim) for j in range(dim))
    problem = EllipticProblem(domain=[(0, 1)] * dim, eps=0.1, a=1 + 0 * y[0], f=f)
    errors = []
    for cells in (16, 32):
        solution = solve_homogenized(problem, a, comm, degree=degree, cells=cells)
        mesh = solution.function.function_space.mesh
        coordinate = ufl.SpatialCoordinate(mesh)
        exact = evaluate(u, {x[i]: coordinate[i] for i in range(dim)}, "ufl")
        errors.append(norm(solution.function - exact, mesh, 2 * degree + 4))
    assert math.log2(errors[0] / errors[1]) == pytest.approx(degree + 1, abs=0.1)
