from __future__ import annotations

import numpy as np

from hybrid import EllipticProblem
from hybrid.media.interpolated import ProductCoefficient, SlowCoefficient, positive_definite, slow_nodes
from hybrid.separation import separated
from hybrid.symbols import exp, pi, sin, x, y


def test_interpolation_and_derivatives_in_two_dimensions() -> None:
    domain = ((0.0, 2.0), (-1.0, 1.0))
    nodes = slow_nodes(domain, 20)

    def exact(p: np.ndarray) -> np.ndarray:
        f = np.exp(np.sin(p[:, 0]) * p[:, 1])
        return f[:, None, None] * np.array([[2.0, 0.5], [0.5, 1.0]])

    coefficient = SlowCoefficient(domain, nodes, exact(nodes))
    points = np.random.default_rng(0).random((30, 2)) * 2 - [0, 1]
    assert np.abs(coefficient(points) - exact(points)).max() < 1e-10
    gradient = coefficient.gradient(points)
    by_hand = np.stack([np.cos(points[:, 0]) * points[:, 1], np.sin(points[:, 0])], axis=1)[:, :, None, None]
    assert np.abs(gradient - by_hand * exact(points)[:, None]).max() < 1e-8
    assert coefficient.truncation < 1e-10
    assert SlowCoefficient(domain, slow_nodes(domain, 3), exact(slow_nodes(domain, 3))).truncation > 1e-3


def test_directions_have_their_own_numbers_of_nodes() -> None:
    domain = ((0.0, 2.0), (-1.0, 1.0))
    nodes = slow_nodes(domain, (12, 1))
    coefficient = SlowCoefficient(domain, nodes, np.exp(nodes[:, 0])[:, None, None] * np.eye(2))
    points = np.random.default_rng(0).random((30, 2))
    assert coefficient.counts == (12, 1)
    assert np.abs(coefficient(points)[:, 0, 0] - np.exp(points[:, 0])).max() < 1e-8
    assert np.abs(coefficient.gradient(points)[:, 1]).max() == 0.0
    assert coefficient.tails[0] < 1e-9
    assert coefficient.tails[1] == 0.0


def test_a_product_is_taken_apart_and_evaluated_exactly() -> None:
    front = 1 + 9 / (1 + exp(-60 * (x[0] - 1)))
    problem = EllipticProblem(domain=[(0, 2)], eps=0.1, a=(2 + sin(2 * pi * y[0])) * front, f=1)
    found = separated(problem.cell_problems())
    assert found is not None
    factor, rest = found
    assert not rest.medium.depends_on
    coefficient = ProductCoefficient.of(problem.domain, (factor, np.array([[3.0]])))
    at = np.linspace(0, 2, 7)[:, None]
    s = 1 / (1 + np.exp(-60 * (at[:, 0] - 1)))
    scale = float(factor.subs(x[0], 0.3) / front.subs(x[0], 0.3))
    assert np.abs(coefficient(at)[:, 0, 0] / (3 * scale * (1 + 9 * s)) - 1).max() < 1e-14
    assert np.abs(coefficient.gradient(at)[:, 0, 0, 0] - 3 * scale * 540 * s * (1 - s)).max() < 1e-10
    assert coefficient.truncation == 0.0
    assert positive_definite(coefficient)


def test_a_sum_is_no_product() -> None:
    problem = EllipticProblem(domain=[(0, 2)], eps=0.1, a=2 + x[0] + sin(2 * pi * y[0]), f=1)
    assert separated(problem.cell_problems()) is None


def test_matrices_with_one_factor_are_products() -> None:
    b = [[2 + sin(2 * pi * y[0]), 0.5], [0.5, 3]]
    problem = EllipticProblem(domain=[(0, 1)] * 2, eps=0.1, a=[[-(2 + x[0]) * -e for e in row] for row in b], f=1)
    found = separated(problem.cell_problems())
    assert found is not None
    at = {x[0]: 0.3, y[0]: 0.2}
    off = (found[0] * found[1].medium.matrix - problem.medium.matrix).subs(at)
    assert np.abs(np.array(off, dtype=float)).max() < 1e-14
    other = EllipticProblem(domain=[(0, 1)] * 2, eps=0.1, a=[[2 + x[0], 0], [0, 3 + sin(2 * pi * y[0])]], f=1)
    assert separated(other.cell_problems()) is None


def test_an_interpolant_that_becomes_negative_is_seen() -> None:
    domain = ((0.0, 1.0),)
    nodes = slow_nodes(domain, 9)
    values = 1 + 99 / (1 + np.exp(-200 * (nodes[:, 0] - 0.5)))
    assert not positive_definite(SlowCoefficient(domain, nodes, values[:, None, None]))
