"""What does not fit is said, with the argument's name: never a wrong number, never a traceback from elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mpi4py import MPI

import numpy as np
import pytest

import ufl

import hybrid
from hybrid import EllipticProblem, ReactionDiffusionProblem
from hybrid.failures import InputError, SolverError
from hybrid.fem import (
    piecewise,
    solve_cell,
    solve_cell_on_mesh,
    solve_homogenized,
    solve_multiscale,
    solve_on_mesh,
    tagged_box,
)
from hybrid.fem.meshes.box import box
from hybrid.symbols import cos, pi, sin, x, y

COMM = MPI.COMM_SELF
SQUARE = [(0.0, 1.0), (0.0, 1.0)]
IDENTITY = ufl.Identity(2)
ELLIPTIC = EllipticProblem(domain=SQUARE, eps=0.5, a=2 + sin(2 * pi * y[0]), f=1)
REACTING = ReactionDiffusionProblem(domain=[(0, 1)], eps=0.1, D=1.0, r=cos(2 * pi * y[0]), f=1, u0=0, T=0.1)


@pytest.mark.parametrize(
    "reach",
    [
        [(0.3, 1.3), (0, 1)],
        [(1e-7, 1 + 1e-7), (0, 1)],
        [(0, 1 - 1e-7), (0, 1)],
        [(1e-7, 1 - 1e-7), (0, 1)],
        [(0, 0.5), (0, 1)],
        [(0.2, 0.8), (0.2, 0.8)],
    ],
)
def test_a_mesh_that_does_not_fill_the_cell(reach: list[tuple[float, float]]) -> None:
    with pytest.raises(InputError, match=r"^mesh: .*both faces"):
        solve_cell_on_mesh(box(COMM, reach, [4, 4]), SQUARE, IDENTITY)


def wavy(mesh: Any) -> Any:
    z = ufl.SpatialCoordinate(mesh)
    return 0.01 * ufl.sin(2 * ufl.pi * z[0])


@pytest.mark.parametrize(
    ("a", "what"),
    [
        (lambda _: ufl.as_matrix([[2.0, 1.0], [-1.0, 2.0]]), "not symmetric"),
        (lambda m: ufl.as_matrix([[2.0, wavy(m)], [-wavy(m), 2.0]]), "not symmetric"),
        (lambda m: ufl.sqrt(ufl.SpatialCoordinate(m)[0] - 0.5) * IDENTITY, "not a finite number"),
        (lambda _: ufl.as_ufl(1.0), "shape"),
        (lambda _: ufl.Identity(3), "shape"),
        (lambda _: np.eye(2), "ndarray"),
    ],
)
def test_coefficients_that_are_none(a: Callable[[Any], Any], what: str) -> None:
    mesh = box(COMM, SQUARE, [4, 4])
    with pytest.raises(InputError, match=f"^a: .*{what}"):
        solve_cell_on_mesh(mesh, SQUARE, a(mesh))
    grid = tagged_box(COMM, SQUARE, [4, 4])
    if what != "ndarray":
        with pytest.raises(InputError, match=f"^a: .*{what}"):
            solve_on_mesh(grid, a(grid.mesh), 1, dirichlet={"x0=low": 0})


CALLS: list[tuple[str, Callable[[], object]]] = [
    ("degree", lambda: solve_cell_on_mesh(box(COMM, SQUARE, [4, 4]), SQUARE, IDENTITY, degree=0)),
    ("cell", lambda: solve_cell_on_mesh(box(COMM, SQUARE, [4, 4]), [(0, 1)], IDENTITY)),
    ("cell", lambda: solve_cell_on_mesh(box(COMM, SQUARE, [4, 4]), [(0, 1), (1, 0)], IDENTITY)),
    ("mesh", lambda: solve_cell_on_mesh(SQUARE, SQUARE, IDENTITY)),  # type: ignore[arg-type]
    ("comm", lambda: solve_cell(ELLIPTIC, None)),
    ("comm", lambda: solve_multiscale(REACTING, None)),
    ("problem", lambda: solve_cell("elliptic-2d", COMM)),  # type: ignore[call-overload]
    ("problem", lambda: solve_homogenized(None, np.eye(2), COMM)),  # type: ignore[arg-type]
    ("degree", lambda: solve_cell(ELLIPTIC, COMM, degree=-1)),
    ("degree", lambda: solve_multiscale(ELLIPTIC, COMM, degree=1.5)),
    ("cells", lambda: solve_homogenized(ELLIPTIC, np.eye(2), COMM, cells=0)),
    ("cells_per_period", lambda: solve_multiscale(REACTING, COMM, cells_per_period=0)),
    ("shape", lambda: solve_cell(REACTING, COMM, shape="round")),
    ("coefficient", lambda: solve_homogenized(ELLIPTIC, np.eye(3), COMM)),
    ("coefficient", lambda: solve_homogenized(ELLIPTIC, "two", COMM)),
    ("coefficient", lambda: solve_homogenized(REACTING, np.eye(2), COMM)),
    ("budget", lambda: solve_cell(REACTING, COMM, tol=1e-3, budget=0)),
    ("comm", lambda: tagged_box(None, SQUARE, [4, 4])),
    ("counts", lambda: tagged_box(COMM, SQUARE, [4])),
    ("counts", lambda: tagged_box(COMM, SQUARE, [4, 0])),
    ("domain", lambda: tagged_box(COMM, 3, [4])),  # type: ignore[arg-type]
    ("shape", lambda: tagged_box(COMM, SQUARE, [4, 4], "round")),
    ("domain", lambda: piecewise(SQUARE, {})),  # type: ignore[arg-type]
    ("coefficient", lambda: piecewise(tagged_box(COMM, SQUARE, [4, 4]), 2)),  # type: ignore[arg-type]
    ("domain", lambda: solve_on_mesh(SQUARE, 1, 1, dirichlet={})),  # type: ignore[arg-type]
    ("degree", lambda: solve_on_mesh(tagged_box(COMM, SQUARE, [4, 4]), 1, 1, dirichlet={"x0=low": 0}, degree=0)),
    ("dirichlet", lambda: solve_on_mesh(tagged_box(COMM, SQUARE, [4, 4]), 1, 1, dirichlet=0)),  # type: ignore[arg-type]
    ("f", lambda: solve_on_mesh(tagged_box(COMM, SQUARE, [4, 4]), 1, IDENTITY, dirichlet={"x0=low": 0})),
]  # fmt: skip


@pytest.mark.parametrize(("where", "call"), CALLS)
def test_arguments_that_do_not_fit(where: str, call: Callable[[], object]) -> None:
    with pytest.raises(InputError) as refused:
        call()
    assert refused.value.where == where
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("coefficient", [np.nan * np.eye(2), -np.eye(2)])
def test_coefficients_of_cell_problems_that_failed(coefficient: np.ndarray) -> None:
    with pytest.raises(SolverError, match="homogenized coefficient"):
        solve_homogenized(ELLIPTIC, coefficient, COMM)


def test_both_kinds_of_problem_by_the_same_functions() -> None:
    cell = hybrid.fem.solve_cell(REACTING, COMM)
    assert cell.coefficient == pytest.approx(-1 / (8 * np.pi**2), rel=1e-6)
    u = hybrid.fem.solve_multiscale(REACTING, COMM, cells_per_period=4, tolerance=1e-5)
    v = hybrid.fem.solve_homogenized(REACTING, cell.coefficient, COMM, cells=32, tolerance=1e-5)
    for found in (u, v):
        assert found.trust["solution"].within(1e-2)
    assert hybrid.comparison.errors(u, v=v)["e4"] < 0.01
    elliptic = hybrid.fem.solve_cell(ELLIPTIC, COMM, cells=6)
    assert elliptic.coefficient[0, 0] == pytest.approx(3**0.5, rel=1e-4)


def test_nothing_passed_in_is_changed() -> None:
    coefficient = np.array([[2.0, 0.1], [0.1, 1.0]])
    mesh = box(COMM, SQUARE, [4, 4])
    points = mesh.geometry.x.copy()
    solve_homogenized(ELLIPTIC, coefficient, COMM, cells=4)
    solve_cell_on_mesh(mesh, SQUARE, IDENTITY)
    assert (coefficient == [[2.0, 0.1], [0.1, 1.0]]).all()
    assert (mesh.geometry.x == points).all()


def test_f_may_be_zero_on_a_part_of_the_boundary_problem() -> None:
    """A form of zero has no domain of its own."""
    found = solve_on_mesh(tagged_box(COMM, SQUARE, [4, 4]), 2, 0, dirichlet={"x0=low": 0, "x0=high": x[0]})
    assert found.function.x.array.max() == pytest.approx(1)
