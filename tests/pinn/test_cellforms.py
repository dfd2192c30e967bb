"""The cell problem without a derivative of a: energy and first-order form, also for coefficients that jump."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import sympy
import torch

from hybrid import EllipticProblem, InputError
from hybrid.curls import CURL
from hybrid.pinn import LastLayer, LevenbergMarquardt, VariableProjection, preset, solve_cell
from hybrid.pinn.cells.cellquadrature import cell_points
from hybrid.pinn.cells.jumps import KinkEmbedding
from hybrid.pinn.functions.network import hessian_operators
from hybrid.symbols import cos, parse, pi, sin, x, y

A_STAR = 1.935359234812  # DESIGN's table; spectral
LAMINATE = sympy.Piecewise((1, sin(2 * pi * y[0]) > 0), (10, True))
CHECKERBOARD = sympy.Piecewise((1, sin(2 * pi * y[0]) * sin(2 * pi * y[1]) > 0), (10, True))
FORMS = ["first-order", "energy"]


def _problem(a: object, dim: int = 2) -> EllipticProblem:
    return EllipticProblem(domain=[(0, 1)] * dim, eps=1 / 8, a=a, f=1)


def _spectral() -> ModuleType:
    path = Path(__file__).parents[2] / "examples" / "benchmarks" / "spectral.py"
    spec = importlib.util.spec_from_file_location("spectral", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("formulation", FORMS)
@pytest.mark.parametrize("optimizer", [LevenbergMarquardt(steps=60), LastLayer(), VariableProjection(steps=20)])
def test_a_laminate_in_one_dimension(formulation: str, optimizer: object) -> None:
    """a* = 1 / mean(1/a), and χ is a zigzag."""
    problem = _problem(LAMINATE, 1)
    hidden = (60,) if isinstance(optimizer, LastLayer) else (8, 8)
    solution = solve_cell(problem, formulation=formulation, hidden=hidden, optimizer=optimizer, points=200)
    assert solution.coefficient[0, 0] == pytest.approx(2 / 1.1, rel=1e-5)
    points = np.linspace(0, 1, 41)[:, None]
    zigzag = (2 / 1.1 - 1) * (np.abs(points[:, 0] - 0.5) - 0.25)
    assert np.abs(solution.correctors[0].values(points) + zigzag).max() < 1e-3


@pytest.mark.parametrize("formulation", FORMS)
@pytest.mark.parametrize("separate", [False, True])
def test_a_laminate_in_two_dimensions(formulation: str, separate: bool) -> None:
    """The harmonic mean across, the arithmetic one along; the period is not one."""
    a = sympy.Piecewise((1, sin(y[0]) > sympy.S.Half), (10, True))
    problem = EllipticProblem(domain=[(0, 1)] * 2, eps=1 / 80, a=a, f=1, period=2 * math.pi)
    solution = solve_cell(
        problem, formulation=formulation, hidden=(100,), points=32, optimizer=LastLayer(),
        separate=separate,
    )  # fmt: skip
    assert len(solution.networks) == 1 + separate
    share = 1 / 3
    expected = np.diag([1 / (share + (1 - share) / 10), share + (1 - share) * 10])
    assert np.abs(solution.coefficient - expected).max() < 0.01
    # Networks that are given need no training, and stay what they are.
    again = solve_cell(problem, formulation=formulation, networks=solution.networks, train=False)
    assert np.array_equal(again.coefficient, solution.coefficient)


@pytest.mark.parametrize("formulation", FORMS)
def test_the_checkerboard(formulation: str) -> None:
    """a* = √(αβ) (Dykhne), from above; the corners, where gradients are infinite, make it slow."""
    found = solve_cell(_problem(CHECKERBOARD), formulation=formulation, hidden=(160,), points=32, optimizer=LastLayer())
    error = np.diag(found.coefficient) - math.sqrt(10)
    assert (error > 0).all()
    assert error.max() < 0.25
    if formulation == "first-order":
        assert found.bounds is not None
        lower, upper = found.bounds
        assert np.linalg.eigvalsh(lower)[-1] < math.sqrt(10) < np.linalg.eigvalsh(upper)[0]
        assert np.diag(lower + upper) / 2 == pytest.approx([math.sqrt(10)] * 2, rel=0.02)


@pytest.mark.parametrize("formulation", ["strong", *FORMS])
def test_all_formulations_agree_where_a_is_smooth(paper: EllipticProblem, formulation: str) -> None:
    linear = solve_cell(paper, formulation=formulation, hidden=(150,), points=28, optimizer=LastLayer())
    assert np.abs(linear.coefficient - A_STAR * np.eye(2)).max() < 1e-6
    trained = solve_cell(
        paper, formulation=formulation, hidden=(8, 8), points=24, optimizer=LevenbergMarquardt(steps=40)
    )
    assert np.abs(trained.coefficient - A_STAR * np.eye(2)).max() < 1e-3
    for solution in (linear, trained):
        assert solution.bounds is not None
        lower, upper = solution.bounds
        assert np.linalg.eigvalsh(lower)[-1] < A_STAR + 1e-12
        assert np.linalg.eigvalsh(upper)[0] > A_STAR - 1e-12


@pytest.mark.parametrize("formulation", FORMS)
def test_a_full_matrix(formulation: str) -> None:
    a = [[2 + sin(2 * pi * y[0]), cos(2 * pi * y[1]) / 2], [cos(2 * pi * y[1]) / 2, 3 + sin(2 * pi * (y[0] + y[1]))]]
    problem = _problem(a)
    points, correctors, exact = _spectral().solve_cell(problem, 63)
    found = solve_cell(problem, formulation=formulation, hidden=(180,), points=30, optimizer=LastLayer())
    assert np.abs(found.coefficient - exact).max() < 1e-5
    for k, chi in enumerate(found.correctors):
        assert np.linalg.norm(chi.values(points) - correctors[:, k]) < 3e-3 * np.linalg.norm(correctors[:, k])


def test_three_dimensions() -> None:
    """A laminate once more; the potential of the flux is a vector."""
    found = solve_cell(
        _problem(1 / (1 + cos(2 * pi * y[2]) / 2), 3), formulation="first-order", hidden=(6,), points=6,
        optimizer=LevenbergMarquardt(steps=40),
    )  # fmt: skip
    assert found.coefficient == pytest.approx(np.diag([1 / math.sqrt(0.75)] * 2 + [1.0]), abs=1e-3)
    assert found.bounds is not None
    exact = np.diag([1 / math.sqrt(0.75)] * 2 + [1.0])
    assert np.linalg.eigvalsh(exact - found.bounds[0])[0] > 0
    assert np.linalg.eigvalsh(found.bounds[1] - exact)[0] > 0


def test_the_flux_has_no_divergence() -> None:
    """∂_i (curl ψ)_i = Σ ± ∂_i ∂_j ψ_k, and the signs are antisymmetric in i and j."""
    for dim, entries in CURL.items():
        twice = np.zeros((dim, dim, dim))
        for i, k, j, sign in entries:
            twice[k, i, j] += sign
        assert np.array_equal(twice, -twice.transpose(0, 2, 1))


def test_interfaces_points_and_kinks() -> None:
    a = 1 + parse("step(cos(2*pi*y0) - 1/2)*step(sin(2*pi*y1))", y[:2], "a") + sympy.Heaviside(-sin(2 * pi * y[1]))
    problem = _problem(a)
    assert set(problem.cell_problems().interfaces) in (
        {cos(2 * pi * y[0]) - sympy.S.Half, s * sin(2 * pi * y[1])} for s in (1, -1)
    )
    points, weight = cell_points(problem.cell_problems(), 24)
    assert float(weight.sum()) == pytest.approx(1)
    inside = (torch.cos(2 * math.pi * points[:, 0]) > 0.5) & (torch.sin(2 * math.pi * points[:, 1]) > 0)
    assert float(weight[inside].sum()) == pytest.approx(1 / 6, abs=1e-14)  # no piece is cut
    embedding = KinkEmbedding(problem.cell_problems())
    generator = torch.Generator().manual_seed(0)
    at = torch.rand(20, 2, generator=generator, dtype=torch.float64)
    operators, h = hessian_operators(2), 1e-5
    jet = embedding.jet(at, operators)
    assert jet.shape == (6, 20, 2)
    for i in range(2):
        step = torch.zeros(2, dtype=torch.float64)
        step[i] = h
        up, down = embedding.jet(at + step, operators), embedding.jet(at - step, operators)
        assert torch.allclose((up[:3] - down[:3])[0] / (2 * h), jet[1 + i], atol=1e-6)
        assert torch.allclose((up - down)[1 + i] / (2 * h), jet[3 + (0 if i == 0 else 2)], atol=1e-6)


def test_a_network_stays_periodic_whatever_the_steps_look_like() -> None:
    """The factor y0 + 100 of a step's argument changes no sign in the domain, but is not periodic."""
    problem = _problem(LAMINATE + sympy.Heaviside((y[0] + 100) * sin(2 * pi * y[0])), 1)
    assert set(problem.cell_problems().interfaces) == {sin(2 * pi * y[0]), y[0] + 100}
    assert KinkEmbedding(problem.cell_problems()).functions == [sin(2 * pi * y[0])]


def test_presets_for_coefficients_that_jump() -> None:
    problem = _problem(LAMINATE, 1)
    for name in ("fast", "accurate"):
        solution = solve_cell(problem, **preset(name, "cell", problem))
        assert solution.coefficient[0, 0] == pytest.approx(2 / 1.1, rel=1e-8)


def test_what_does_not_go_together(paper: EllipticProblem) -> None:
    with pytest.raises(InputError, match=r"'weak'; allowed are strong, first-order, energy"):
        solve_cell(paper, formulation="weak")
    for periodicity in ("oversampling", "penalty"):
        with pytest.raises(InputError, match="formulation: 'energy' does not go with periodicity"):
            solve_cell(paper, formulation="energy", periodicity=periodicity)
    with pytest.raises(InputError, match="a depends on x; allowed is strong"):
        solve_cell(_problem(2 + x[0] + sin(2 * pi * y[0])), formulation="first-order")
    with pytest.raises(InputError, match="jumps; allowed are first-order, energy"):
        solve_cell(_problem(LAMINATE))
    with pytest.raises(InputError, match="a: jumps in y and depends on x other than by a factor"):
        solve_cell(_problem(LAMINATE + x[0]))
