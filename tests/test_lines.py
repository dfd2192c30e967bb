"""Functions of x and y on a line, against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from hybrid.lines import Line
from hybrid.media.interpolated import slow_nodes

PERIOD = 2.5


def line(count: int) -> Line:
    """e^x cos ky."""
    k = 2 * np.pi / PERIOD
    return Line.of(lambda x, y: np.exp(x) * np.cos(k * y), PERIOD, slow_nodes([(0, 2)], count)[:, 0])


def test_integrals_and_slopes() -> None:
    k, x, y = 2 * np.pi / PERIOD, np.linspace(0, 2, 7), np.linspace(-3, 9, 7)
    assert line(16).integral().at(x, y) == pytest.approx(np.exp(x) * np.sin(k * y) / k, abs=1e-11)
    assert line(16).slope().at(x, y) == pytest.approx(np.exp(x) * np.cos(k * y), abs=1e-11)
    at_a_node = line(3).nodes
    assert line(3).at(at_a_node, 0 * at_a_node) == pytest.approx(np.exp(at_a_node), abs=1e-14)


def test_what_does_not_depend_on_x_needs_one_node() -> None:
    square = line(1) * line(1)
    size = np.exp(2.0)  # the node is in the middle
    assert square.mean() == pytest.approx(size / 2, rel=1e-14)
    assert square.centred().mean() == pytest.approx(0, abs=1e-14)
    assert (square + square.times(-1.0)).at(np.zeros(2), np.ones(2)) == pytest.approx(0, abs=1e-14)
