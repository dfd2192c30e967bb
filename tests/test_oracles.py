"""The oracles of the random problems: against DESIGN's values, and against each other."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "examples" / "benchmarks"))

import oracles
import random_problems

from hybrid.study.files import from_data


def test_lines() -> None:
    """DESIGN's values: the paper's sections 2.1 and 5.3."""
    plain = oracles.line(lambda x, y: 2 + np.sin(2 * np.pi * y) / 2 + 0 * x, np.sin, math.pi, 1 / 8, [])
    assert plain["e4"] == pytest.approx(0.00506029, abs=1e-8)
    slow = oracles.line(lambda x, y: 2 + np.sin(2 * np.pi * y) / 2 + np.sin(x), np.sin, math.pi, 1 / 8, [])
    assert slow["e4"] == pytest.approx(0.00512517, abs=1e-8)
    at = np.array([0.3, 1.0, 2.5])
    assert slow["coefficient"](at) == pytest.approx(np.sqrt((2 + np.sin(at)) ** 2 - 1 / 4), rel=1e-12)


def test_layers_without_a_reaction_are_lines() -> None:
    def b(y: np.ndarray) -> np.ndarray:
        return np.where(np.abs(y - 0.5) < 0.2, 7.0, 1.0)

    jumps, f = [0.3, 0.7], lambda x: np.sin(3 * x) + 1
    one = oracles.line(lambda x, y: b(y) + 0 * x, f, 2.0, 0.25, jumps)
    other = oracles.layers(b, b, f, 2.0, 0.25, jumps, 0.0, fine=8)
    assert other["e4"] == pytest.approx(one["e4"], rel=1e-9)
    assert other["e5"] == pytest.approx(one["e5"], rel=1e-4)
    assert other["coefficient"][0] == pytest.approx(1 / (0.6 + 0.4 / 7), rel=1e-12)


def test_cells() -> None:
    def a(y0: np.ndarray, y1: np.ndarray) -> np.ndarray:
        return (2 + np.sin(2 * np.pi * y0) * np.cos(2 * np.pi * y1)) * np.eye(2)[:, :, None, None]

    assert np.abs(oracles.smooth_cell(a, 48) - 1.935359234812 * np.eye(2)).max() < 1e-11
    assert oracles.four_phases(1, 100, 1, 100) == pytest.approx(10)
    assert oracles.four_phases(1, 2, 3, 4) == pytest.approx(2.0493902, abs=5e-8)
    assert oracles.four_phases(2, 2, 8, 8) == pytest.approx(3.2)  # layers: the harmonic mean across


def test_reaction_diffusion() -> None:
    """DESIGN's value; f does not vanish at the ends, so that its sine series converges slowly."""
    found = oracles.reaction_diffusion(
        2.0, lambda y: np.cos(2 * np.pi * y), lambda x: np.sin(2 * np.pi * (x - np.pi)),
        lambda x: np.sin(x - np.pi) / 100, 2 * np.pi, 1 / 10, 1.0, 1,
    )  # fmt: skip
    assert found["e4"] == pytest.approx(0.00093260, rel=3e-4)
    assert found["coefficient"] == pytest.approx(-1 / (16 * np.pi**2), rel=1e-10)


@pytest.mark.parametrize("seed", range(24))
def test_every_random_problem_is_one(seed: int) -> None:
    drawn = random_problems.draw(seed)
    case = from_data(drawn.data, "test", "random")
    assert case.problem.dim == len(drawn.data["domain"])
    assert repr(random_problems.draw(seed)) == repr(drawn)


def test_a_number_is_wrong_if_it_is_resolved_and_off_by_ten_estimates() -> None:
    assert random_problems.is_wrong(1e-3, 1e-5, True)
    assert random_problems.is_wrong(1e-3, None, True)
    assert random_problems.is_wrong(math.nan, 1.0, True)
    assert not random_problems.is_wrong(1e-3, 1e-5, False)
    assert not random_problems.is_wrong(1e-4, 1.1e-5, True)
