"""Meshes with lines on interfaces, and what is exact on them."""

from __future__ import annotations

from mpi4py import MPI

import numpy as np
import pytest

import basix

from hybrid import EllipticProblem, InputError
from hybrid.comparison import errors
from hybrid.fem import solve_cell, solve_homogenized, solve_multiscale
from hybrid.fem.meshes.box import box
from hybrid.fem.meshes.fitted import Fitting, cell_planes, domain_planes, inner_degree
from hybrid.symbols import FUNCTIONS, cos, pi, sin, x, y

pytestmark = pytest.mark.mpi
step = FUNCTIONS["step"]


def _problem(a: object, dim: int, **more: object) -> EllipticProblem:
    return EllipticProblem(**({"domain": [(0, 1)] * dim, "eps": 0.25, "a": a, "f": 1} | more))  # type: ignore[arg-type]


def _laminate(contrast: float, part: float) -> object:
    return 1 + (contrast - 1) * step(cos(2 * pi * y[0]) - cos(pi * part))


def test_lines_lie_on_the_planes_and_the_way_back_is_known(comm: MPI.Comm) -> None:
    fitting = Fitting.to([(0, 1), (0, 2)], [10, 6], [[0.15, 0.85], [0.01]])
    assert fitting.counts == (10, 6)
    points = fitting.mesh(comm).geometry.x[:, :2]
    for axis, c in ((0, 0.15), (0, 0.85), (1, 0.01)):
        assert comm.allreduce(float(np.abs(points[:, axis] - c).min()), MPI.MIN) < 1e-15
    assert np.abs(fitting.moved(fitting.back(points)) - points).max() < 1e-14
    assert np.diff(fitting.back(np.linspace(0, [1, 2], 7)), axis=0).min() > 0


def test_a_mesh_that_has_the_lines_stays_as_it_is(comm: MPI.Comm) -> None:
    fitting = Fitting.to([(0, 1), (0, 1)], [12, 12], [[0.25, 0.5], []])
    assert not fitting.moves
    uniform = box(comm, [(0, 1), (0, 1)], [12, 12])
    assert (fitting.mesh(comm).geometry.x == uniform.geometry.x).all()


def test_coarser_meshes_are_coarser_in_each_piece() -> None:
    planes = [[0.15, 0.5, 0.501]]
    for base in (8, 24):
        pieces = []
        for count in (2 * base, base, base // 2, base // 4):
            fitting = Fitting.to([(0, 1)], [count], planes, base)
            pieces.append(np.round(np.diff(fitting.knots[0]) * fitting.counts[0]))
        assert (pieces[0] == 2 * pieces[1]).all()
        assert (pieces[1] == 2 * pieces[2]).all()
        assert (pieces[2] == 2 * pieces[3]).all()
    fine, coarse = (Fitting.to([(0, 1)], [count], planes) for count in (64, 32))
    assert fine.counts[0] == 2 * coarse.counts[0]


def test_quadratures_have_no_points_on_faces() -> None:
    for shape, degree in (("simplex", 4), ("box", 5), ("simplex", 7)):
        mesh = box(MPI.COMM_SELF, [(0, 1)] * 3, [2] * 3, shape)
        chosen = inner_degree(mesh, degree)
        assert chosen >= degree
        kind = basix.CellType[mesh.topology.cell_name()]
        assert basix.make_quadrature(kind, chosen)[0].min() > 1e-9


@pytest.mark.parametrize("contrast", [10.0, 1e3, 1e6])
@pytest.mark.parametrize("dim", [1, 2])
def test_laminates_off_the_mesh_lines_are_exact(comm: MPI.Comm, contrast: float, dim: int) -> None:
    solution = solve_cell(_problem(_laminate(contrast, 0.3), dim), comm, degree=2, cells=8)
    harmonic, arithmetic = 1 / (0.3 / contrast + 0.7), 0.3 * contrast + 0.7
    exact = np.array([harmonic, arithmetic][:dim])
    assert np.abs(np.diag(solution.coefficient) / exact - 1).max() < 1e-13 * contrast + 1e-12
    assert solution.trust["coefficient"].within(1e-7)
    assert all(solution.trust[f"chi_{j + 1}"].within(1e-6) for j in range(dim))
    assert solution.bounds is not None
    assert np.linalg.eigvalsh(solution.bounds[1] - solution.bounds[0]).min() > -1e-12 * arithmetic


def test_a_laminate_in_three_dimensions_is_exact(comm: MPI.Comm) -> None:
    solution = solve_cell(_problem(_laminate(10, 0.3), 3), comm, degree=1, cells=6)
    assert np.abs(solution.coefficient - np.diag([1 / 0.73, 3.7, 3.7])).max() < 1e-8
    assert solution.trust["coefficient"].within(1e-8)


def test_kinks_get_mesh_lines_too(comm: MPI.Comm) -> None:
    """1/a = 2 + |cos|, with kinks off the lines of the mesh: its mean is 2 + 2/π."""
    a = 1 / (2 + FUNCTIONS["abs"](cos(2 * pi * (y[0] - 0.1))))
    assert cell_planes(_problem(a, 1).medium.matrix, _problem(a, 1))[0] == pytest.approx([0.35, 0.85])
    solution = solve_cell(_problem(a, 1), comm, cells=12)
    assert solution.coefficient[0, 0] == pytest.approx(1 / (2 + 2 / np.pi), rel=1e-9)


def test_references_follow_interfaces_of_both_scales(comm: MPI.Comm) -> None:
    problem = _problem((1 + 2 * step(x[0] - 0.45)) * _laminate(10, 0.3), 1)  # type: ignore[operator]
    expected = sorted([0.45, *(0.25 * (k + c) for k in range(4) for c in (0.15, 0.85))])
    assert domain_planes(problem.multiscale())[0] == pytest.approx(expected)
    reference = solve_multiscale(problem, comm, cells_per_period=8)
    assert reference.error_estimate is not None
    assert reference.error_estimate < 1e-3


def test_a_jump_in_the_slow_variable(comm: MPI.Comm) -> None:
    """Of a product: a*(x) = g(x) √3 exactly, and u_0 by hand."""
    g = 1 + 9 * step(x[0] - 0.45)
    problem = _problem(g * (2 + sin(2 * pi * y[0])), 1, eps=0.05)
    found = solve_cell(problem, comm, cells=12)
    points = np.array([[0.449999], [0.450001]])
    assert found.coefficient(points)[:, 0, 0] == pytest.approx(np.sqrt(3) * np.array([1.0, 10.0]), rel=1e-7)
    v = solve_homogenized(problem, found.coefficient, comm, cells=20)
    # -(a u')' = 1: u' = (c - x) / a with c from u(1) = 0
    first, second = 0.45, 0.055
    c = (0.45**2 / 2 + (1 - 0.45**2) / 20) / (first + second)
    largest = (c * 0.45 - 0.45**2 / 2) / np.sqrt(3)
    place = v.function.function_space.tabulate_dof_coordinates()[:, 0]
    here = np.abs(place - 0.45) < 1e-12
    value = float(np.abs(v.function.x.array[here]).max()) if here.any() else 0.0
    assert comm.allreduce(value, MPI.MAX) == pytest.approx(largest, rel=1e-7)
    u = solve_multiscale(problem, comm, cells_per_period=12, estimate=False)
    assert errors(u, v=v)["e4"] < 0.03


def test_a_jump_in_the_slow_variable_of_no_product_is_refused(comm: MPI.Comm) -> None:
    problem = _problem(2 + step(x[0] - 0.5) + sin(2 * pi * y[0]), 1)
    with pytest.raises(InputError, match=r"^a: it jumps"):
        solve_cell(problem, comm, cells=8)
