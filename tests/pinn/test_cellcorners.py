"""Corner functions of cells where interfaces cross."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from hybrid import EllipticProblem, pinn
from hybrid.equation import Equation
from hybrid.pinn import LastLayer, Network
from hybrid.pinn.cells.cell import cell_networks
from hybrid.pinn.cells.cellcorners import CornerEmbedding, CornerNetwork, exponents
from hybrid.pinn.functions.network import gradient_only
from hybrid.symbols import parse, x, y

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples" / "benchmarks"))
from oracles import four_phases


def board(a: float, b: float, c: float, d: float, factor: str = "1") -> EllipticProblem:
    """Quarters a, b / d, c, a and b in one column."""
    left, low = "step(sin(2*pi*y0))", "step(sin(2*pi*y1))"
    text = f"{a}*{left}*{low} + {b}*{left}*(1 - {low}) + {d}*(1 - {left})*{low} + {c}*(1 - {left})*(1 - {low})"
    return EllipticProblem(
        domain=[(0, 1)] * 2, eps=1 / 4, a=parse(f"({factor})*({text})", (*x[:2], *y[:2]), "a"), f=1
    )  # fmt: skip


def cell(problem: EllipticProblem) -> Equation:
    return problem.cell_problems()


@pytest.mark.parametrize("k", [10.0, 100.0])
def test_exponents_of_a_symmetric_checkerboard(k: float) -> None:
    """λ = (4/π) arctan(1/√k), twice, as a turn by a right angle makes 1/k of it; and 2 - λ."""
    rates = [rate for rate, _ in exponents((1.0, k, 1.0, k))]
    first = 4 / math.pi * math.atan(1 / math.sqrt(k))
    assert rates[:2] == pytest.approx([first, 2 - first], abs=1e-9)


def test_functions_solve_the_equation_around_a_crossing() -> None:
    """φ and a φ' are continuous; a homogeneous medium and layers have none."""
    quadrants = np.array([1.0, 10.0, 2.0, 5.0])
    for rate, parts in exponents(quadrants):
        turn = rate * math.pi / 2
        ends = parts @ [math.cos(turn), math.sin(turn)]
        slopes = parts @ [-math.sin(turn), math.cos(turn)]
        assert np.roll(parts[:, 0], -1) == pytest.approx(ends, abs=1e-8)
        assert np.roll(quadrants * parts[:, 1], -1) == pytest.approx(quadrants * slopes, abs=1e-7)
    assert exponents((3.0, 3.0, 3.0, 3.0)) == []
    assert exponents((1.0, 1.0, 7.0, 7.0)) == []


def test_jets_are_those_of_the_values() -> None:
    corners = CornerEmbedding(cell(board(1, 10, 2, 5)))
    points = torch.rand(6, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    operators = torch.tensor([[[1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [1.0, 0.0]]], dtype=torch.float64)
    jet, h = corners.jet(points, operators), 1e-4
    assert jet.shape == (5, 6, corners.width)

    def value(i: float, j: float) -> torch.Tensor:
        return corners.jet(points + h * torch.tensor([i, j], dtype=torch.float64), gradient_only(2))[0]

    size = jet[0].abs().max()
    assert (jet[1] - (value(1, 0) - value(-1, 0)) / (2 * h)).abs().max() < 1e-4 * size
    assert (jet[2] - (value(0, 1) - value(0, -1)) / (2 * h)).abs().max() < 1e-4 * size
    second = (value(1, 0) + value(-1, 0) + value(0, 1) + value(0, -1) - 4 * value(0, 0)) / h**2
    assert (jet[3] - second).abs().max() < 1e-3 * size
    mixed = (value(1, 1) + value(-1, -1) - value(1, -1) - value(-1, 1)) / (2 * h * h)
    assert (jet[4] - mixed).abs().max() < 1e-3 * size
    moved = corners.jet(points + torch.tensor([1.0, -2.0], dtype=torch.float64), operators)
    assert torch.allclose(moved, jet, atol=1e-9)


@pytest.mark.parametrize("formulation", ["first-order", "energy"])
def test_bounds_of_a_checkerboard_meet(formulation: str) -> None:
    """1e-4 apart is asked for; without corner functions they are 1e-2 apart. The exact value is between them."""
    problem = board(1, 10, 2, 5)
    found = pinn.solve_cell(
        problem, hidden=(200,), points=40, formulation=formulation, singular=True, optimizer=LastLayer()
    )  # fmt: skip
    assert found.bounds is not None
    lower, upper = found.bounds
    star = np.diag([four_phases(1, 10, 2, 5), four_phases(1, 5, 2, 10)])
    assert np.linalg.eigvalsh(star - lower).min() > 0
    assert np.linalg.eigvalsh(upper - star).min() > 0
    assert np.linalg.norm(upper - lower, 2) < 1e-4 * np.linalg.norm(lower, 2)


def test_a_factor_that_depends_on_x_keeps_them() -> None:
    (network,) = cell_networks(
        cell(board(1, 10, 2, 5, "1 + x0")), hidden=(20,), formulation="first-order", singular=True
    )  # fmt: skip
    assert isinstance(network, CornerNetwork)
    points = torch.rand(3, 4, dtype=torch.float64)
    assert network.evaluate(points, gradient_only(4)).shape == (5, 3, 4)
    layers = EllipticProblem(domain=[(0, 1)] * 2, eps=1 / 4, a=parse("1 + step(sin(2*pi*y0))", y[:2], "a"), f=1)
    (plain,) = cell_networks(cell(layers), hidden=(20,), formulation="first-order", singular=True)
    assert type(plain) is Network
