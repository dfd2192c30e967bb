from __future__ import annotations

from mpi4py import MPI

import numpy as np
import pytest

from dolfinx import fem

from hybrid import EllipticProblem, comparison
from hybrid.fem.meshes.box import SHAPES, box
from hybrid.fem.norms import carry
from hybrid.pinn import Field, homogenized_networks
from hybrid.symbols import cos, numpy_function, sin, x

pytestmark = pytest.mark.mpi

CUBIC = 1 + x[0] ** 3 - 2 * x[0] * x[1] ** 2 + x[1]


def _function(comm: MPI.Comm, count: int, degree: int, expression: object = CUBIC) -> fem.Function:
    space = fem.functionspace(box(comm, [(0.0, 1.0), (0.0, 2.0)], [count, count]), ("Lagrange", degree))
    u = fem.Function(space)
    values = numpy_function(expression)
    u.interpolate(lambda p: values(p[:2].T))
    return u


def test_point_evaluation_is_exact_for_polynomials_on_every_rank(comm: MPI.Comm) -> None:
    u = _function(comm, 5, 3)
    points = comparison.grid([(0, 1), (0, 2)], 13)  # boundary, mesh lines and vertices among them
    assert np.abs(comparison.at_points(u, points) - numpy_function(CUBIC)(points)).max() < 1e-13


def test_points_outside_are_refused(comm: MPI.Comm) -> None:
    with pytest.raises(ValueError, match="1 points lie outside"):
        comparison.at_points(_function(comm, 3, 1), [[0.5, 0.5], [1.5, 0.5]])


def test_mesh_to_mesh_is_exact_for_polynomials(comm: MPI.Comm) -> None:
    space = _function(comm, 7, 3).function_space
    carried = carry(_function(comm, 4, 3), space)
    exact = numpy_function(CUBIC)(space.tabulate_dof_coordinates()[:, :2])
    assert np.abs(carried.x.array - exact).max() < 1e-12


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dim", [2, 3])
def test_every_shape_of_cells(comm: MPI.Comm, dim: int, shape: str) -> None:
    """Points on faces, edges and corners of cells, and meshes whose cells do not match, whole and in thirds."""
    domain, cubic = [(0.0, 1.0), (-1.0, 2.0), (0.0, 0.5)][:dim], CUBIC + x[dim - 1] ** 3
    values = numpy_function(cubic)
    spaces = [fem.functionspace(box(comm, domain, [n] * dim, shape), ("Lagrange", 3)) for n in (3, 4)]
    u = fem.Function(spaces[0])
    u.interpolate(lambda p: values(p[:dim].T))
    points = comparison.grid(domain, 7)
    assert np.abs(comparison.at_points(u, points) - values(points)).max() < 1e-12
    exact = values(spaces[1].tabulate_dof_coordinates()[:, :dim])
    assert np.abs(carry(u, spaces[1]).x.array - exact).max() < 1e-12


def test_network_to_mesh_and_points(comm: MPI.Comm, paper: EllipticProblem) -> None:
    field = Field(homogenized_networks(paper, seed=1)[0], 0, 2)
    u = _function(comm, 4, 2)
    there = comparison.to_space(field, u.function_space)
    points = u.function_space.tabulate_dof_coordinates()[:, :2]
    assert np.abs(there.x.array - field.values(points)).max() == 0.0
    assert comparison.on_points(field, points[:3]) == pytest.approx(field.values(points[:3]))


def test_errors_of_known_functions(comm: MPI.Comm) -> None:
    """u = sin x0 cos x1: relative errors of (1 + δ) u are δ, in every norm."""
    u, scaled, other = (_function(comm, 12, 3, s * sin(x[0]) * cos(x[1])) for s in (1, 1.25, 1.5))
    found = comparison.errors(u, v=scaled, w=other, p=other)
    assert found == pytest.approx(
        {"e1": 0.5, "e2": 0.5, "e3": 0.0, "e4": 0.25, "e1_h1": 0.5, "e2_h1": 0.5, "e3_h1": 0.0, "e4_h1": 0.25}
    )
    on_grid = comparison.grid_errors([(0, 1), (0, 2)], u, v=scaled, w=other, r=scaled, count=11)
    assert on_grid == pytest.approx({"e2": 0.5, "e4": 0.25, "e5": 0.25})
