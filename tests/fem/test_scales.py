"""Units do not matter: the same problem in other units has the same relative numbers."""

from __future__ import annotations

import functools

import pytest

import hybrid  # noqa: F401  (orders the imports of MPI and DOLFINx)

from mpi4py import MPI  # isort: skip

from dataclasses import replace

import numpy as np

from dolfinx import fem

from hybrid import EllipticProblem, ReactionDiffusionProblem
from hybrid.fem import solve_cell, solve_homogenized, solve_multiscale
from hybrid.fem.meshes.box import box
from hybrid.fem.meshes.points import at_points, carry, spread
from hybrid.fem.norms import norm, relative_difference
from hybrid.symbols import cos, exp, pi, sin, t, x, y

UNITS = [(1e-12, 1e12, 1e-7), (1e12, 1e-12, 1e5), (1e-7, 1e-12, 1e12)]
"""Of length, of a or D, and of f or u0."""
COMM = MPI.COMM_SELF
BOX = [(0.0, 1.0), (0.0, 0.5)]


def elliptic(dim: int, length: float, a: float, f: float) -> EllipticProblem:
    """u in units of f length² / a."""
    s, z = [xi / length for xi in x], [yi / length for yi in y]
    medium = 2 + sin(2 * pi * z[0]) * (cos(2 * pi * z[1]) if dim > 1 else 1)
    domain = [(low * length, high * length) for low, high in BOX[:dim]]
    return EllipticProblem(domain=domain, eps=0.25, period=length, a=a * medium, f=f * (1 + sin(3 * s[0])))


def reacting(dim: int, length: float, D: float, size: float) -> ReactionDiffusionProblem:
    """Time in units of length² / D, u in those of `size`."""
    s, z, T = [xi / length for xi in x], [yi / length for yi in y], 0.02 * length**2 / D
    domain = [(low * length, high * length) for low, high in BOX[:dim]]
    return ReactionDiffusionProblem(
        domain=domain, eps=0.25, period=length, D=D, r=D / length**2 * cos(2 * pi * z[0]), T=T,
        f=size / T * (1 + cos(3 * t / T) * s[0]), u0=size * sin(2 * pi * s[0]) * exp(s[0]),
    )  # fmt: skip


@functools.cache
def numbers(dim: int, length: float = 1.0, a: float = 1.0, f: float = 1.0) -> np.ndarray:
    problem = elliptic(dim, length, a, f)
    cell = solve_cell(problem, COMM, cells=8, degree=3)
    u = solve_multiscale(problem, COMM, cells_per_period=6)
    v = solve_homogenized(problem, cell.coefficient, COMM, cells=16)
    middle = at_points(u.function, [[0.3 * length, 0.2 * length][:dim]])[0]
    chi = norm(cell.correctors[0], cell.correctors[0].function_space.mesh, 6)
    return np.array([
        *np.ravel(cell.coefficient) / a, chi / length ** (1 + dim / 2), *cell.error_estimates,
        middle / (f * length**2 / a), u.error_estimate, v.error_estimate, v.trust["solution"].error,
        relative_difference(v.function, u.function),
    ])  # fmt: skip


@functools.cache
def reacting_numbers(dim: int, length: float = 1.0, D: float = 1.0, size: float = 1.0) -> np.ndarray:
    problem = reacting(dim, length, D, size)
    fine = {1: 16, 2: 6}[dim]
    cell = solve_cell(problem, COMM, cells=8, degree=3)
    u = solve_multiscale(problem, COMM, cells_per_period=4, degree=2, tolerance=1e-5)
    v = solve_homogenized(problem, cell.coefficient, COMM, cells=fine, degree=2, tolerance=1e-5)
    return np.array([
        cell.coefficient * length**2 / D, *cell.error_estimates, np.abs(u.function.x.array).max() / size,
        relative_difference(v.function, u.function), u.error_estimate, v.error_estimate,
        cell.trust["coefficient"].error,
    ])  # fmt: skip


def same(found: np.ndarray, expected: np.ndarray) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize(("dim", "units"), [*((1, units) for units in UNITS), (2, UNITS[0]), (2, UNITS[1])])
def test_elliptic_problems_in_other_units(dim: int, units: tuple[float, float, float]) -> None:
    same(numbers(dim, *units), numbers(dim))


@pytest.mark.parametrize(("dim", "units"), [*((1, units) for units in UNITS), (2, UNITS[0])])
def test_reaction_diffusion_in_other_units(dim: int, units: tuple[float, float, float]) -> None:
    same(reacting_numbers(dim, *units), reacting_numbers(dim))


@pytest.mark.parametrize("size", [1e-12, 1e-7, 1e12])
@pytest.mark.parametrize("shape", ["simplex", "box"])
def test_values_at_points_and_on_other_meshes_in_other_units(size: float, shape: str) -> None:
    domain = [(0.3 * size, 1.3 * size), (-0.01 * size, 0.0)]
    spaces = [fem.functionspace(box(COMM, domain, [n, n], shape), ("Lagrange", 2)) for n in (9, 7)]
    u = fem.Function(spaces[0])
    u.interpolate(lambda z: (z[0] / size) ** 2 + z[1] / size)

    def exact(z: np.ndarray) -> np.ndarray:
        return (z[:, 0] / size) ** 2 + z[:, 1] / size

    points = spread(u.function_space.mesh, 500)
    np.testing.assert_allclose(at_points(u, points), exact(points), rtol=1e-12)
    carried = carry(u, spaces[1])
    np.testing.assert_allclose(carried.x.array, exact(spaces[1].tabulate_dof_coordinates()), rtol=1e-12)


def test_correctors_that_vanish_do_so_in_every_unit() -> None:
    """Their size is compared with the period, a length, and with the cell's volume."""
    for size in (1.0, 1e-7, 1e7):
        problem = elliptic(2, size, 1.0, 1.0)
        cell = solve_cell(replace(problem, a=2 + sin(2 * pi * y[0] / size)), COMM, cells=8, degree=2)
        assert cell.error_estimates is not None
        assert cell.error_estimates[1] == 0.0 < cell.error_estimates[0] < 0.1
