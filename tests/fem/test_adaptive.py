"""Adaptive meshes for coefficients that jump: closed forms, bounds, and the correctors that are handed out."""

from __future__ import annotations

import itertools

from mpi4py import MPI

import numpy as np
import pytest
import sympy

from hybrid import EllipticProblem
from hybrid.comparison import at_points, corrector_errors
from hybrid.fem import solve_cell
from hybrid.fem.cells.adaptive import geometric_mean
from hybrid.fem.cells.jumpcell import BUDGET
from hybrid.fem.cells.torus import rule
from hybrid.fem.meshes.bisection import Forest, edges_of
from hybrid.symbols import FUNCTIONS, asin, pi, sin, x, y

step = FUNCTIONS["step"]
SINE = [sin(2 * pi * s) for s in y[:2]]


def _problem(a: sympy.Expr, **more: object) -> EllipticProblem:
    return EllipticProblem(**({"domain": [(0, 1)] * 2, "eps": 0.25, "a": a, "f": 1} | more))  # type: ignore[arg-type]


def _quarters(a: float, b: float, c: float, d: float) -> sympy.Expr:
    """a, b in one column, d, c in the other."""
    left, low = step(SINE[0]), step(SINE[1])
    return left * (low * a + (1 - low) * b) + (1 - left) * (low * d + (1 - low) * c)


def _forest(count: int = 4) -> Forest:
    line = np.linspace(0.0, 1.0, count + 1)
    return Forest([line, 2 * line], 0.0, lambda points: np.broadcast_to(np.eye(2), (len(points), 2, 2)))


def _areas(forest: Forest, leaves: np.ndarray) -> np.ndarray:
    return np.asarray(np.abs(np.linalg.det(np.stack([forest.first[leaves], forest.second[leaves]], axis=1))) / 2)


def test_bisection_keeps_the_torus_conforming_and_covered() -> None:
    forest, random = _forest(), np.random.default_rng(0)
    for _ in range(8):
        leaves = forest.leaves()
        forest.refine(random.choice(leaves, len(leaves) // 5, replace=False))
        leaves = forest.leaves()
        keys, edges = edges_of(forest.vertices[leaves], len(forest.positions))
        assert (np.bincount(edges.ravel()) == 2).all()
        assert len(leaves) - len(keys) + len(np.unique(forest.vertices[leaves])) == 0  # Euler's number of a torus
        assert _areas(forest, leaves).sum() == pytest.approx(2.0, rel=1e-14)
    corner = np.stack([0 * forest.first, forest.first, forest.second], axis=1) + forest.origin[:, None]
    off = (corner - forest.positions[forest.vertices]) / forest.sides
    assert np.abs(off - np.round(off)).max() < 1e-12


def test_a_corner_is_refined_far_beyond_what_coordinates_can_tell() -> None:
    forest = _forest()
    begin = [0] * 6
    for _ in range(400):
        leaves = forest.leaves()
        begin.append(len(forest.leaf))
        forest.refine(leaves[(forest.vertices[leaves] == 5).any(axis=1)], begin[-7])
    assert forest.size()[forest.leaves()].min() < 1e-60
    leaves = forest.leaves()
    assert (np.bincount(edges_of(forest.vertices[leaves], len(forest.positions))[1].ravel()) == 2).all()
    assert len(leaves) < 400 * 20
    coarser = forest.cut_off(1e-3)
    assert (np.bincount(edges_of(forest.vertices[coarser], len(forest.positions))[1].ravel()) == 2).all()
    assert forest.size()[coarser].min() >= 1e-3 / 2
    assert _areas(forest, coarser).sum() == pytest.approx(2.0, rel=1e-14)


def test_quadrature_on_parts_is_exact_for_polynomials() -> None:
    for refined in (0, 2):
        points, weights = rule(4, refined)
        assert weights.sum() == pytest.approx(0.5)
        assert weights @ (points[:, 0] ** 3 * points[:, 1]) == pytest.approx(1 / 120)


def test_the_geometric_mean_of_matrices_lies_between_them() -> None:
    one, other = np.array([[2.0, 0.5], [0.5, 1.0]]), np.array([[3.0, 0.5], [0.5, 4.0]])
    mean = geometric_mean(one, other)
    assert np.linalg.det(mean) == pytest.approx(np.sqrt(np.linalg.det(one) * np.linalg.det(other)))
    assert mean @ np.linalg.inv(one) @ mean == pytest.approx(other)
    assert np.linalg.eigvalsh(mean - one).min() > 0 > np.linalg.eigvalsh(mean - other).max()


@pytest.mark.mpi
def test_a_checkerboard_is_the_geometric_mean(comm: MPI.Comm) -> None:
    solution = solve_cell(_problem(1 + 99 * step(SINE[0] * SINE[1])), comm)
    assert np.abs(solution.coefficient - 10 * np.eye(2)).max() < 1e-6
    assert solution.trust["coefficient"].within(1e-3)
    assert solution.bounds is not None
    assert (
        np.linalg.eigvalsh(solution.bounds[0] - 10 * np.eye(2)).max()
        < 0
        < np.linalg.eigvalsh(solution.bounds[1] - 10 * np.eye(2)).min()
    )


def test_a_checkerboard_of_contrast_10000() -> None:
    """Singularities r^0.0127: the triangles in the corners are 1e-100 small, and still the budget ends first."""
    solution = solve_cell(_problem(1 + 9999 * step(SINE[0] * SINE[1])), MPI.COMM_SELF)
    assert np.abs(solution.coefficient - 100 * np.eye(2)).max() < 1e-3
    error = solution.trust["coefficient"].error
    assert error is not None
    assert 1e-3 < error < 1
    assert max(int(a["unknowns"]) for a in solution.attempts) <= BUDGET  # type: ignore[call-overload]


@pytest.mark.mpi
@pytest.mark.parametrize(("parts", "exact"), [((1, 2, 3, 4), 2.0493902), ((1, 10, 2, 5), 3.270236)])
def test_four_phases_lie_between_the_bounds(comm: MPI.Comm, parts: tuple[int, ...], exact: float) -> None:
    """Mortola and Steffé's formula, proved by Craster and Obnosov 2001 and by Milton 2001."""
    a, b, c, d = parts
    formula = np.sqrt(
        (a + b) * (c + d) / ((a + d) * (b + c)) * (a * b * c + a * b * d + a * c * d + b * c * d) / (a + b + c + d)
    )
    assert formula == pytest.approx(exact, rel=1e-6)
    solution = solve_cell(_problem(_quarters(*parts)), comm, tol=1e-4)
    assert solution.bounds is not None
    assert solution.bounds[0][0, 0] < formula < solution.bounds[1][0, 0]
    assert solution.coefficient[0, 0] == pytest.approx(formula, rel=1e-4)
    assert solution.trust["coefficient"].within(1e-4)


def test_a_curved_interface_lies_between_the_bounds() -> None:
    """Discs of low density: Maxwell's formula up to the fourth power of the radius (Rayleigh's next term is of order R^8)."""
    z = [asin(sin(pi * (s - 0.5))) / pi for s in y[:2]]
    radius, contrast = 0.2, 10.0
    part, beta = np.pi * radius**2, (contrast - 1) / (contrast + 1)
    third = 0.305827 * part**4 * beta**2  # Rayleigh 1892, square array
    exact = 1 + 2 * part * beta / (1 - part * beta - third)
    inside = sympy.Float(radius) ** 2 - z[0] ** 2 - z[1] ** 2
    solution = solve_cell(_problem(1 + (contrast - 1) * step(inside)), MPI.COMM_SELF, tol=3e-3)
    error = solution.trust["coefficient"].error
    assert error is not None
    assert error <= 3e-3
    assert np.abs(np.diag(solution.coefficient) / exact - 1).max() < error


@pytest.mark.mpi
def test_correctors_on_adaptive_meshes_are_functions_of_the_whole_cell(comm: MPI.Comm) -> None:
    """χ_1 of the checkerboard is odd about its corners, and its own best approximation."""
    solution = solve_cell(_problem(1 + 9 * step(SINE[0] * SINE[1])), comm, tol=1e-4)
    ends = np.array(list(itertools.product([0.0, 0.25, 1.0], repeat=2)))
    points = np.vstack([ends, np.random.default_rng(0).random((50, 2))])
    chi = solution.correctors[0]
    values, turned = at_points(chi, points), at_points(chi, 1 - points)
    assert np.abs(values + turned).max() < 1e-3 * np.abs(values).max()
    assert np.abs(values).max() > 0.05
    assert values[[0, 1, 2]] == pytest.approx(values[[6, 7, 8]], abs=1e-12)  # periodic
    own = [lambda points, c=c: at_points(c, points) for c in solution.correctors]
    if comm.size == 1:
        assert max(corrector_errors(own, solution.correctors, 1.0)) < 1e-6


def test_correctors_are_off_by_what_is_estimated() -> None:
    problem = _problem(1 + 9 * step(SINE[0] * SINE[1]))
    rough, fine = (solve_cell(problem, MPI.COMM_SELF, tol=tol) for tol in (3e-2, 1e-5))
    points = np.random.default_rng(0).random((300, 2))
    for j in range(2):
        exact, value = (at_points(s.correctors[j], points) for s in (fine, rough))
        off = float(np.linalg.norm(value - exact) / np.linalg.norm(exact))
        estimate = rough.trust[f"chi_{j + 1}"].error
        assert estimate is not None
        assert off / 2 < estimate < 30 * off


@pytest.mark.mpi
def test_a_jump_in_y_and_a_slow_variable(comm: MPI.Comm) -> None:
    """√(a b) of checkerboards of a = 1 + x, b = 10 + x."""
    problem = _problem(1 + x[0] + 9 * step(SINE[0] * SINE[1]))
    solution = solve_cell(problem, comm, nodes=4)
    found = solution.coefficient(np.array([[0.3, 0.7]]))[0]  # type: ignore[operator]
    assert np.abs(found - np.sqrt(1.3 * 10.3) * np.eye(2)).max() < 1e-3
    assert solution.trust["coefficient"].within(1e-2)
