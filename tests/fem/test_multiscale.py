"""The reference: manufactured solutions, its own error estimate, and the numbers of DESIGN's table."""

from __future__ import annotations

import math

from mpi4py import MPI

import numpy as np
import pytest
import sympy

import ufl

from hybrid import EllipticProblem
from hybrid.fem import Solution, solve_multiscale
from hybrid.fem.norms import norm, relative_difference
from hybrid.symbols import cos, evaluate, exp, pi, sin, x, y

pytestmark = pytest.mark.mpi


def manufactured(dim: int, eps: float) -> tuple[EllipticProblem, sympy.Expr]:
    """A problem whose solution is known: f = -∇·(a(x, x/ε) ∇u) with the fast variables put in."""
    a = {1: 2 + sin(2 * pi * y[0])}.get(dim, 2 + sin(2 * pi * y[0]) * cos(2 * pi * y[1]) + x[0] / 2)
    u = {
        1: sin(pi * x[0]) * exp(x[0]),
        2: sin(pi * x[0]) * sin(2 * pi * x[1]) * exp(x[1]),
        3: sin(pi * x[0]) * sin(pi * x[1]) * exp(x[1]) * sin(pi * x[2]),
    }[dim]
    inside = a.subs({y[i]: x[i] / eps for i in range(dim)})
    f = -sum(sympy.diff(inside * sympy.diff(u, x[i]), x[i]) for i in range(dim))
    return EllipticProblem(domain=[(0, 1)] * dim, eps=eps, a=a, f=f), u


@pytest.mark.parametrize(("dim", "degree"), [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3)])
def test_convergence_order(comm: MPI.Comm, dim: int, degree: int) -> None:
    problem, u = manufactured(dim, 0.5)
    errors = []
    for cells in (32, 64) if degree < 3 else (16, 32):
        solution = solve_multiscale(problem, comm, degree=degree, cells_per_period=cells // 2, estimate=False)
        errors.append(_error(solution, u))
    assert math.log2(errors[0] / errors[1]) == pytest.approx(degree + 1, abs=0.1)


def _error(solution: Solution, u: sympy.Expr) -> float:
    """‖u_h - u‖."""
    mesh = solution.function.function_space.mesh
    coordinate = ufl.SpatialCoordinate(mesh)
    exact = evaluate(u, {x[i]: coordinate[i] for i in range(mesh.geometry.dim)}, "ufl")
    return norm(solution.function - exact, mesh, 2 * solution.degree + 4)


@pytest.mark.parametrize(
    ("dim", "degree", "shape", "counts"),
    [
        (2, 1, "box", (32, 64)), (2, 2, "box", (16, 32)), (2, 3, "box", (16, 32)), (2, 4, "box", (8, 16)),
        (3, 1, "box", (8, 16)), (3, 2, "box", (8, 12)), (3, 3, "box", (8, 10)), (3, 4, "box", (8, 9)),
        (3, 1, "simplex", (8, 16)), (3, 2, "simplex", (8, 12)), (3, 3, "simplex", (8, 10)), (3, 4, "simplex", (8, 9)),
    ],
)  # fmt: skip
def test_convergence_order_of_every_shape(
    comm: MPI.Comm, dim: int, degree: int, shape: str, counts: tuple[int, int]
) -> None:
    problem, u = manufactured(dim, 1.0)
    errors = []
    for cells in counts:
        solution = solve_multiscale(problem, comm, degree=degree, cells_per_period=cells, shape=shape, estimate=False)
        errors.append(_error(solution, u))
    order = math.log(errors[0] / errors[1]) / math.log(counts[1] / counts[0])
    assert order == pytest.approx(degree + 1, abs=0.3)


@pytest.mark.parametrize("degree", [1, 2, 3])
def test_the_estimate_is_about_the_error(comm: MPI.Comm, degree: int) -> None:
    problem, u = manufactured(2, 0.5)
    solution = solve_multiscale(problem, comm, degree=degree, cells_per_period=16)
    mesh = solution.function.function_space.mesh
    coordinate = ufl.SpatialCoordinate(mesh)
    exact = evaluate(u, {x[i]: coordinate[i] for i in range(2)}, "ufl")
    error = norm(solution.function - exact, mesh, 2 * degree + 4) / norm(exact, mesh, 8)
    assert solution.error_estimate is not None
    assert 0.5 < solution.error_estimate / error < 2


def test_the_estimate_sees_a_kink(comm: MPI.Comm) -> None:
    """Where a has kinks the error does not fall with the elements' order, and the estimate must not say so."""
    a = 1 + 9 * sympy.Max(0, sin(2 * pi * y[0]) - sympy.Rational(31, 100))
    problem = EllipticProblem(domain=[(0, 1)], eps=0.25, a=a, f=1)
    fine = solve_multiscale(problem, comm, degree=4, cells_per_period=640, estimate=False)
    coarse = solve_multiscale(problem, comm, degree=4, cells_per_period=20)
    error = relative_difference(coarse.function, fine.function)
    assert coarse.error_estimate is not None
    assert error / 3 < coarse.error_estimate < 0.01


def test_the_estimate_survives_the_coarsest_meshes(comm: MPI.Comm) -> None:
    problem, _ = manufactured(2, 0.5)
    for cells in (2, 3, 5):
        solution = solve_multiscale(problem, comm, degree=2, cells_per_period=cells)
        assert solution.error_estimate is not None
        assert solution.error_estimate > 1e-4


def test_the_norm_of_the_papers_solution(comm: MPI.Comm, paper: EllipticProblem) -> None:
    solution = solve_multiscale(paper, comm, degree=3, cells_per_period=12, estimate=False)
    mesh = solution.function.function_space.mesh
    assert norm(solution.function, mesh, 6) == pytest.approx(0.02827369, abs=5e-8)


def test_whole_periods_get_whole_cells(comm: MPI.Comm) -> None:
    problem = EllipticProblem(domain=[(0, 1)], eps=0.1, a=2 + sin(2 * pi * y[0]), f=1)
    solution = solve_multiscale(problem, comm, degree=1, cells_per_period=7, estimate=False)
    assert solution.dofs == 71
    broken = EllipticProblem(domain=[(0, math.pi)], eps=1 / 8, a=2 + sin(2 * pi * y[0]), f=1)
    assert (
        solve_multiscale(broken, comm, degree=1, cells_per_period=10, estimate=False).dofs == math.ceil(80 * np.pi) + 1
    )
