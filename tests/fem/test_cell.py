"""Cell problems by finite elements: closed forms and bounds."""

from __future__ import annotations

import faulthandler
import gc
import itertools
import math

from mpi4py import MPI

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

import ufl
from dolfinx import fem

from hybrid import EllipticProblem, SolverError
from hybrid.fem import solve_cell
from hybrid.fem.cells.operator import CellOperator
from hybrid.fem.norms import norm
from hybrid.media.interpolated import SlowCoefficient
from hybrid.symbols import cos, pi, sin, x, y

pytestmark = pytest.mark.mpi

A_STAR = 1.935359234812
CHI_NORM = 0.0207142768236

# a = g(y0) h(y1) with 1/g of mean 1: χ_1 = sin(2π y0)/(4π) and a*_11 = mean h; the same with g and h changed over.
G, H = 1 / (1 + cos(2 * pi * y[0]) / 2), 1 / (1 + cos(2 * pi * y[1]) / 2)
ARITHMETIC = 1 / math.sqrt(0.75)


def _problem(a: sympy.Expr, dim: int = 2, **more: object) -> EllipticProblem:
    return EllipticProblem(domain=[(0, 1)] * dim, eps=0.1, a=a, f=1, **more)


@pytest.mark.parametrize("degree", [1, 2, 3])
def test_convergence_order(comm: MPI.Comm, degree: int) -> None:
    errors = []
    for cells in (24, 48):
        chi = solve_cell(_problem(G * H), comm, degree=degree, cells=cells, estimate=False).correctors[0]
        mesh = chi.function_space.mesh
        exact = ufl.sin(2 * ufl.pi * ufl.SpatialCoordinate(mesh)[0]) / (4 * ufl.pi)
        errors.append(norm(chi - exact, mesh, 2 * degree + 4))
    assert math.log2(errors[0] / errors[1]) == pytest.approx(degree + 1, abs=0.1)


def test_a_product_coefficient(comm: MPI.Comm) -> None:
    solution = solve_cell(_problem(G * H), comm, degree=4, cells=24)
    assert np.abs(solution.coefficient - ARITHMETIC * np.eye(2)).max() < 1e-8


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_laminates_have_harmonic_and_arithmetic_means(comm: MPI.Comm, dim: int) -> None:
    solution = solve_cell(_problem(G, dim), comm, degree=4, cells=24 if dim < 3 else 6, estimate=False)
    expected = np.diag([1.0, *[ARITHMETIC] * (dim - 1)])
    assert np.abs(solution.coefficient - expected).max() < (1e-8 if dim < 3 else 1e-3)


def test_the_papers_cell(comm: MPI.Comm, paper: EllipticProblem) -> None:
    solution = solve_cell(paper, comm, cells=32)
    assert np.abs(solution.coefficient - A_STAR * np.eye(2)).max() < 1e-10
    for chi in solution.correctors:
        mesh = chi.function_space.mesh
        assert norm(chi, mesh, 8) == pytest.approx(CHI_NORM, rel=1e-8)
        mean = comm.allreduce(fem.assemble_scalar(fem.form(chi * ufl.dx)), op=MPI.SUM)
        assert abs(mean) < 1e-13
    assert solution.error_estimates is not None
    assert max(solution.error_estimates) < 1e-6


def test_another_period_is_the_same_medium(comm: MPI.Comm) -> None:
    one = solve_cell(_problem(2 + sin(2 * pi * y[0]) * cos(2 * pi * y[1])), comm, cells=8, estimate=False)
    other = solve_cell(_problem(2 + sin(y[0]) * cos(y[1]), period=2 * math.pi), comm, cells=8, estimate=False)
    assert np.abs(one.coefficient - other.coefficient).max() < 1e-10


amplitudes = st.floats(-0.3, 0.3)


@settings(max_examples=6)
@given(st.tuples(amplitudes, amplitudes, amplitudes), st.floats(-0.4, 0.4))
def test_eigenvalues_lie_between_the_means(parts: tuple[float, float, float], shear: float) -> None:
    """(mean a⁻¹)⁻¹ ≤ a* ≤ mean a as quadratic forms, for random matrix coefficients."""
    comm = MPI.COMM_SELF
    p, q, r = (sympy.Float(round(v, 3)) for v in parts)
    s = sympy.Float(round(shear, 3))
    g = 1 + p * sin(2 * pi * y[0]) + q * cos(2 * pi * y[1]) + r * sin(2 * pi * (y[0] + y[1]))
    a = sympy.Matrix([[1 + g, s * g], [s * g, 2 + g]])
    solution = solve_cell(_problem(a), comm, degree=2, cells=12, estimate=False)
    nodes = (np.arange(64) + 0.5) / 64
    y0, y1 = (v.ravel() for v in np.meshgrid(nodes, nodes))
    g_values = np.asarray(sympy.lambdify((y[0], y[1]), g)(y0, y1)) * np.ones_like(y0)
    values = np.array([[1 + g_values, float(s) * g_values], [float(s) * g_values, 2 + g_values]]).transpose(2, 0, 1)
    arithmetic, harmonic = values.mean(0), np.linalg.inv(np.linalg.inv(values).mean(0))
    assert np.abs(solution.coefficient - solution.coefficient.T).max() < 1e-10
    assert np.linalg.eigvalsh(arithmetic - solution.coefficient).min() > -1e-6
    assert np.linalg.eigvalsh(solution.coefficient - harmonic).min() > -1e-6


def test_correctors_that_vanish_are_measured_against_the_others(comm: MPI.Comm) -> None:
    laminate = solve_cell(_problem(G), comm, cells=16)
    constant = solve_cell(_problem(2 + 0 * y[0]), comm, cells=8)
    for solution in (laminate, constant):
        assert solution.error_estimates is not None
        assert max(solution.error_estimates) < 1e-4


def test_more_ranks_than_there_is_to_share(comm: MPI.Comm) -> None:
    solution = solve_cell(_problem(G, 1), comm, degree=1, cells=4)
    assert 1.0 <= solution.coefficient[0, 0] < 1.1


def test_slow_variables_give_a_function_of_x(comm: MPI.Comm) -> None:
    """The paper's section 5.3: a*(x) = √((2 + sin x)² - 1/4), and its derivative."""
    problem = EllipticProblem(domain=[(0, math.pi)], eps=0.125, a=sin(2 * pi * y[0]) / 2 + sin(x[0]) + 2, f=sin(x[0]))
    solution = solve_cell(problem, comm, cells=16)
    assert isinstance(solution.coefficient, SlowCoefficient)
    assert solution.coefficient.truncation < 1e-9
    points = np.linspace(0, np.pi, 41)[:, None]
    s = np.sin(points[:, 0])
    exact = np.sqrt((2 + s) ** 2 - 0.25)
    assert np.abs(solution.coefficient(points)[:, 0, 0] - exact).max() < 1e-8
    slope = (2 + s) * np.cos(points[:, 0]) / exact
    assert np.abs(solution.coefficient.gradient(points)[:, 0, 0, 0] - slope).max() < 1e-6
    here = 0 if solution.nodes is None else len(solution.nodes)
    assert comm.allreduce(here) == 33
    assert len(solution.correctors) == here


def test_slow_variables_in_two_dimensions(comm: MPI.Comm) -> None:
    """a = (1 + x0/4 + x1/8) g(y0): the means of a laminate times a polynomial, at every x."""
    scale = 1 + x[0] / 4 + x[1] ** 2 / 8
    solution = solve_cell(_problem(scale * G), comm, cells=12, degree=3, nodes=4)
    points = np.random.default_rng(1).random((20, 2))
    factor = 1 + points[:, 0] / 4 + points[:, 1] ** 2 / 8
    expected = factor[:, None, None] * np.diag([1.0, ARITHMETIC])
    assert np.abs(solution.coefficient(points) - expected).max() < 1e-4


def test_a_tolerance_is_met_by_more_cells(comm: MPI.Comm) -> None:
    solution = solve_cell(_problem(2 + 1.9 * sin(2 * pi * y[0]), 1), comm, cells=6, tol=1e-6)
    assert solution.coefficient[0, 0] == pytest.approx(math.sqrt(4 - 1.9**2), rel=1e-6)
    assert solution.trust["coefficient"].within(1e-6)
    assert len(solution.attempts) > 1


def test_estimates_of_the_coefficient_are_near_its_error(comm: MPI.Comm) -> None:
    solution = solve_cell(_problem(2 + 1.9 * sin(2 * pi * y[0]), 1), comm, cells=48, degree=2)
    off = abs(solution.coefficient[0, 0] / math.sqrt(4 - 1.9**2) - 1)
    error = solution.trust["coefficient"].error
    assert error is not None
    assert off < error < 30 * off


def test_a_slow_variable_gets_as_many_nodes_as_it_takes(comm: MPI.Comm) -> None:
    a = 1.1 + 9 / (1 + sympy.exp(-20 * (x[0] - 1))) + sin(2 * pi * y[0])
    problem = EllipticProblem(domain=[(0, 2)], eps=0.1, a=a, f=1)
    solution = solve_cell(problem, comm, cells=12)
    assert isinstance(solution.coefficient, SlowCoefficient)
    assert len(solution.coefficient.nodes) > 33
    points = np.linspace(0, 2, 101)
    mean = 1.1 + 9 / (1 + np.exp(-20 * (points - 1)))
    assert np.abs(solution.coefficient(points[:, None])[:, 0, 0] / np.sqrt(mean**2 - 1) - 1).max() < 1e-4
    assert len(solution.attempts) > 1


def test_what_the_interpolation_in_x_cuts_off_is_in_the_estimate(comm: MPI.Comm) -> None:
    """√((2 + g)² - t²) is nearly singular where g is smallest, though a is a sine in x; its expansion decays unevenly."""
    a = 2 + 1.4 * sin(4 * pi * y[0]) + sin(8 * pi * x[0]) / 2
    problem = EllipticProblem(domain=[(0, 1)], eps=0.1, a=a, f=1)
    points = np.linspace(0, 1, 801)
    exact = np.sqrt((2 + np.sin(8 * np.pi * points) / 2) ** 2 - 1.4**2)
    solution = solve_cell(problem, comm, cells=32, tol=1e-5)
    off = np.abs(solution.coefficient(points[:, None])[:, 0, 0] / exact - 1).max()  # type: ignore[operator]
    error = solution.trust["coefficient"].error
    assert error is not None
    assert off < 2 * error
    assert error < 1e-5


def test_a_failure_on_the_way_leaves_nothing_locked(comm: MPI.Comm, monkeypatch: pytest.MonkeyPatch) -> None:
    """Meshes that die while an exception passes free their communicators then, and mpi4py waits for its own lock for good."""
    problem = _problem(2 + sin(2 * pi * y[0]) * cos(2 * pi * y[1]), 3)
    operator, count = CellOperator.__init__, itertools.count(1)

    def third_fails(self: CellOperator, *arguments: object) -> None:
        if next(count) == 3:
            raise SolverError("the third one")
        operator(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(CellOperator, "__init__", third_fails)
    faulthandler.dump_traceback_later(60, exit=True)
    try:
        with pytest.raises(SolverError, match="the third one"):
            solve_cell(problem, comm, degree=2, cells=6, shape="box")
        gc.collect()
        other = comm.Dup()
        other.allgather(comm.rank)
        other.Free()
    finally:
        faulthandler.cancel_dump_traceback_later()
