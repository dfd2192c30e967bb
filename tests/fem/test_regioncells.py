"""Media that meshes define, by finite elements: a* between bounds, correctors and u_ε, against published values, closed forms,
and the same media written as expressions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mpi4py import MPI

import numpy as np
import pytest
import sympy

from dolfinx.fem import Function, functionspace

from hybrid import EllipticProblem, InputError, fem
from hybrid.fem.degrees import left
from hybrid.fem.meshes.points import at_points, spread
from hybrid.fem.meshes.tiled import tiled
from hybrid.media.regions import Regions
from hybrid.symbols import sin, x, y

MESHES = Path(__file__).parents[2] / "meshes"
DISCS = 1.3829339817
"""Discs of radius 1/4 and conductivity 10, by the formula of test_inclusions.py (Perrins, McKenzie, McPhedran 1979)."""

SPHERES = 1.1548784
"""Spheres of the same, by the formula there (Sangani and Acrivos 1983)."""


def disc(**values: object) -> EllipticProblem:
    medium = Regions.read(MESHES / "inclusion-2d.msh", {"matrix": 1, "inclusion": 10} | values)
    return EllipticProblem(domain=[(0, 1), (0, 1)], eps=0.5, a=medium, f=1)


@pytest.mark.mpi
def test_an_array_of_discs(comm: MPI.Comm) -> None:
    problem = disc()
    found = fem.solve_cell(problem, comm, degree=3, cells=4)
    a = np.asarray(found.coefficient)
    assert np.abs(a - DISCS * np.eye(2)).max() < 1e-5
    # The bounds are those of the mesh's disc, whose edge is parabolas: bounds by elements of degree 5 lie between them.
    finer = fem.solve_cell(problem, comm, degree=5, cells=4, estimate=False)
    for low, high in [(found.bounds[0], finer.bounds[0]), (finer.bounds[1], found.bounds[1])]:
        assert np.linalg.eigvalsh(high - low).min() > -1e-11
    off = np.abs(a - np.asarray(finer.coefficient)).max() / DISCS
    assert off < found.trust["coefficient"].error < 1e-5
    old = fem.read_mesh(MESHES / "inclusion-2d.msh", comm)
    same = fem.solve_cell_on_mesh(old.mesh, [(0, 1)] * 2, fem.piecewise(old, {1: 1, 2: 10}), degree=3)
    assert found.bounds[1] == pytest.approx(np.asarray(same.coefficient), abs=1e-12)


@pytest.mark.mpi
def test_an_array_of_spheres(comm: MPI.Comm) -> None:
    medium = Regions.read(MESHES / "inclusion-3d.msh", {"matrix": 1, "inclusion": 10})
    problem = EllipticProblem(domain=[(0, 1)] * 3, eps=0.5, a=medium, f=1)
    found = fem.solve_cell(problem, comm, degree=2, cells=4, estimate=False)
    a = np.asarray(found.coefficient)
    assert np.abs(a - SPHERES * np.eye(3)).max() < 1e-3
    # The energy is a bound from above, but for the 5e-5 of the sphere that its curved cells are too small by.
    assert np.linalg.eigvalsh(a)[0] > SPHERES - 2e-5
    assert found.bounds is None


def test_estimates_of_correctors_against_higher_degrees(comm: MPI.Comm) -> None:
    found, exact = (fem.solve_cell(disc(), comm, degree=d, cells=4, estimate=d < 5) for d in (4, 5))
    points = spread(exact.correctors[0].function_space.mesh, 1000)
    for j in range(2):
        one, other = (at_points(c.correctors[j], points) for c in (found, exact))
        off = np.linalg.norm(one - other) / np.linalg.norm(other)
        assert off < found.error_estimates[j] < 1e-5


@pytest.mark.mpi
def test_points_near_the_edge_are_found_in_their_curved_cells(comm: MPI.Comm) -> None:
    medium = disc().medium
    assert isinstance(medium, Regions)
    domain = tiled(comm, medium.mesh, [2, 1], [1, 1])
    a = Function(functionspace(domain, ("DG", 0)))
    numbers = medium.mesh.regions[domain.topology.original_cell_index // 2]
    a.x.array[a.function_space.dofmap.list[:, 0]] = numbers
    angle, radius = np.random.default_rng(0).random((2, 400)) * [[2 * np.pi], [4e-3]] + [[0], [0.248]]
    points = 0.5 + np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    known = medium.mesh.region_at(points)
    assert 50 < (known == 2).sum() < 350
    for shift in ([0, 0], [1, 0]):
        assert (at_points(a, points + shift) == known).all()


@pytest.mark.mpi
def test_layers_have_a_closed_form(comm: MPI.Comm, layers: Callable[..., Path]) -> None:
    hard = np.array([[4.0, 1.0], [1.0, 2.0]])
    medium = Regions.read(layers(2, 8, cut=0.25), {"soft": 1, "hard": hard.tolist()})
    problem = EllipticProblem(domain=[(0, 1)] * 2, eps=0.5, a=medium, f=1)
    # Milton 2002, The theory of composites, chapter 9: 1/a*_00 = <1/a_00>, a*_01/a*_00 = <a_01/a_00>, …
    share, a = (0.25, 0.75), (np.eye(2), hard)
    first = 1 / sum(s / m[0, 0] for s, m in zip(share, a))
    ratio = sum(s * m[0, 1] / m[0, 0] for s, m in zip(share, a))
    last = sum(s * (m[1, 1] - m[0, 1] ** 2 / m[0, 0]) for s, m in zip(share, a)) + first * ratio**2
    exact = np.array([[first, first * ratio], [first * ratio, last]])
    found = fem.solve_cell(problem, comm, degree=2, cells=4)
    assert np.abs(np.asarray(found.coefficient) - exact).max() < 1e-12
    assert found.trust["coefficient"].error < 1e-12
    line = Regions.read(layers(1, 8, cut=0.25), {"soft": 1, "hard": 4})
    one = fem.solve_cell(EllipticProblem(domain=[(0, 1)], eps=0.5, a=line, f=1), comm, degree=2, cells=4)
    assert one.coefficient == pytest.approx(np.array([[first]]), abs=1e-12)


@pytest.mark.mpi
def test_u_eps_on_copies_of_the_mesh_is_that_of_the_expression(comm: MPI.Comm, layers: Callable[..., Path]) -> None:
    """In a box that begins elsewhere; mesh lines of the expression's reference follow its jumps."""
    medium = Regions.read(layers(2, 8, cut=0.25), {"soft": 1, "hard": 4})
    domain = [(-0.25, 0.75), (0, 0.5)]
    one = fem.solve_multiscale(
        EllipticProblem(domain=domain, eps=0.25, a=medium, f=1), comm, degree=4, cells_per_period=8
    )

    inside = sympy.Heaviside(sympy.cos(2 * sympy.pi * (y[0] - sympy.Rational(1, 8))) - sympy.cos(sympy.pi / 4))
    a = 4 - 3 * inside  # soft where |y_0 - 1/8| < 1/8, periodically
    other = fem.solve_multiscale(
        EllipticProblem(domain=domain, eps=0.25, a=a, f=1), comm, degree=4, cells_per_period=16
    )
    points = spread(other.function.function_space.mesh, 2000)
    values = [at_points(u.function, points) for u in (one, other)]
    off = np.linalg.norm(values[0] - values[1]) / np.linalg.norm(values[1])
    assert one.error_estimate is not None
    assert off < one.error_estimate + other.error_estimate
    assert one.error_estimate < 1e-4


def test_a_reference_refines_until_its_tolerance(comm: MPI.Comm, layers: Callable[..., Path]) -> None:
    medium = Regions.read(layers(1, 2), {"soft": 1, "hard": 10})
    problem = EllipticProblem(domain=[(0, 1)], eps=0.25, a=medium, f=sin(7 * x[0]))
    u = fem.solve_multiscale(problem, comm, degree=2, cells_per_period=2, reference_tol=1e-5)
    assert len(u.attempts) > 1
    fine = fem.solve_multiscale(problem, comm, degree=4, cells_per_period=32)
    points = spread(u.function.function_space.mesh, 500)
    one, other = at_points(u.function, points), at_points(fine.function, points)
    assert np.linalg.norm(one - other) / np.linalg.norm(other) < u.error_estimate <= 1e-5

    def refuse(cells: int) -> None:
        raise InputError("here", "too many")

    with pytest.raises(InputError, match=r"1e-09 is out of reach: 2 cells per period leave .* and 4 are too many"):
        fem.solve_multiscale(problem, comm, degree=2, cells_per_period=2, reference_tol=1e-9, check=refuse)
    with pytest.raises(InputError, match="it has to be 2 or more"):
        fem.solve_multiscale(problem, comm, degree=1)


@pytest.mark.parametrize(("power", "low", "high"), [(2.0, 0.99, 1.01), (6.0, 0.99, 1.01)])
def test_what_is_left_of_an_error_that_falls_like_a_power_of_the_degree(power: float, low: float, high: float) -> None:
    errors = [d**-power for d in (2.0, 3.0, 4.0)]
    last, before = errors[1] - errors[2], errors[0] - errors[1]
    assert low < left(last, before, 4) / errors[2] < high
    errors = [10.0**-d for d in (2, 3, 4)]  # faster: more is said than is left
    assert errors[2] < left(errors[1] - errors[2], errors[0] - errors[1], 4) < errors[1]
    assert left(1e-3, 1e-3, 4) == float("inf")
    assert left(1e-3, None, 3) == 1e-3
