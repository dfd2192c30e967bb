"""What three solutions say of the error of the finest: orders are used as they are seen."""

from __future__ import annotations

import math

from mpi4py import MPI

import numpy as np
import pytest
import sympy

from dolfinx import fem, geometry

from hybrid import EllipticProblem
from hybrid.fem import solve_multiscale
from hybrid.fem.meshes.box import box
from hybrid.fem.meshes.points import at_points, spread
from hybrid.fem.norms import extrapolated, relative_difference, richardson_of_values
from hybrid.symbols import pi, sin, y


def values(order: float, count: int = 3) -> list[float]:
    """Of 1 + h^order on meshes of size 1/8, 1/4, 1/2."""
    return [1 + 0.1 * (2.0**k / 8) ** order for k in range(count)]


@pytest.mark.parametrize("order", [0.17, 0.6, 1.0, 2.0, 5.0])
def test_orders_below_one_are_used_too(order: float) -> None:
    finest = values(order)[0]
    assert richardson_of_values(values(order), [2, 2], 8) == pytest.approx((finest - 1) / finest, rel=1e-6)


def test_no_order_is_better_than_the_elements() -> None:
    assert extrapolated(1e-4, 1.0, [2, 2], 3) == pytest.approx(1e-4 / 7)


@pytest.mark.parametrize("second", [1e-3, 0.5e-3, 0.0])
def test_differences_that_grow_say_nothing(second: float) -> None:
    assert extrapolated(1e-3, second, [2, 2], 3) == math.inf


@pytest.mark.parametrize("differences", [(1e-13, 1e-13), (0.0, 0.0), (3e-14, 1e-14), (0.0, 1e-16)])
def test_rounding_is_no_reason_for_doubt(differences: tuple[float, float]) -> None:
    assert 1e-15 <= extrapolated(*differences, [2, 2], 3) < 2e-13


def test_a_mesh_that_was_compared_with_itself_says_nothing() -> None:
    assert extrapolated(0.0, 0.0, [1, 1], 3) == math.inf


def test_zero_is_right_where_all_are_zero() -> None:
    assert richardson_of_values([0.0, 0.0, 0.0], [2, 2], 4) == 0
    assert richardson_of_values([0.0, 1e-3, 2e-3], [2, 2], 4) == math.inf


@pytest.mark.parametrize(("shift", "cells"), [("31/100", 20), ("31/100", 10), ("1/3", 20), ("1/5", 20), ("1/5", 12)])
def test_kinks_that_lie_differently_on_every_mesh(shift: str, cells: int) -> None:
    a = 1 + 9 * sympy.Max(0, sin(2 * pi * y[0]) - sympy.Rational(shift))
    problem = EllipticProblem(domain=[(0, 1)], eps=0.25, a=a, f=1)
    fine = solve_multiscale(problem, MPI.COMM_SELF, degree=4, cells_per_period=640, estimate=False)
    found = solve_multiscale(problem, MPI.COMM_SELF, degree=4, cells_per_period=cells)
    assert found.error_estimate is not None
    assert relative_difference(found.function, fine.function) < 5 * found.error_estimate < 0.2


def test_points_are_found_in_cells_as_dolfinx_finds_them() -> None:
    for dim in (1, 2, 3):
        space = fem.functionspace(box(MPI.COMM_SELF, [(0, 1), (0, 2), (-1, 0)][:dim], [3] * dim), ("DG", 0))
        u = fem.Function(space)
        u.x.array[:] = np.arange(len(u.x.array))
        points = spread(space.mesh, 200)
        padded = np.zeros((200, 3))
        padded[:, :dim] = points
        tree = geometry.bb_tree(space.mesh, dim)
        found = geometry.compute_colliding_cells(space.mesh, geometry.compute_collisions_points(tree, padded), padded)
        expected = space.dofmap.list[found.array[found.offsets[:-1]], 0]
        assert (at_points(u, points) == expected).all()
        with pytest.raises(ValueError, match="outside"):
            at_points(u, [[1.0 + 1e-6] * dim])
