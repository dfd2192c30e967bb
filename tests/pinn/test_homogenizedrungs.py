"""Networks that grow until their own estimate is small enough."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from hybrid import EllipticProblem
from hybrid.comparison import grid
from hybrid.media.interpolated import SlowCoefficient, slow_nodes
from hybrid.pinn import homogenized_networks, homogenized_rungs, preset, solve_homogenized
from hybrid.pinn.optimizers.ladder import climb
from hybrid.pinn.settings import NetworkSettings
from hybrid.pinn.steady.homogenizedrungs import cost
from hybrid.pinn.steady.spectrum import spectrum_of
from hybrid.symbols import exp, pi, sin, x, y

Exact = Callable[[np.ndarray], np.ndarray]
ROOT = math.sqrt(3)


def _problem(f: object, dim: int = 1, high: float = 1.0) -> EllipticProblem:
    return EllipticProblem(domain=[(0, high)] * dim, eps=0.05, a=2 + sin(2 * pi * y[0]), f=f)


TWO = _problem(ROOT * (2 * pi) ** 2 * sin(2 * pi * x[0]) + 0.1 * ROOT * (50 * pi) ** 2 * sin(50 * pi * x[0]))
PRODUCT = _problem((ROOT + 2) * (10 * pi) ** 2 * sin(10 * pi * x[0]) * sin(10 * pi * x[1]), 2)


def _front() -> tuple[EllipticProblem, SlowCoefficient, Exact]:
    """a*(x) = √3 (1 + 9/(1 + exp(-60 (x - 1)))) on [0, 2], f = 1, by quadrature."""

    def a(at: np.ndarray) -> np.ndarray:
        return np.asarray(ROOT * (1 + 9 / (1 + np.exp(-60 * (at - 1)))))

    problem = _problem(1, 1, 2.0)
    nodes = slow_nodes(problem.domain, 257)
    s = np.linspace(0, 2, 200001)
    middle = (s[1:] + s[:-1]) / 2
    one, first = (np.append(0.0, np.cumsum(g / a(middle) * (s[1] - s[0]))) for g in (np.ones_like(middle), middle))
    u = first[-1] / one[-1] * one - first
    return (
        problem,
        SlowCoefficient(((0.0, 2.0),), nodes, a(nodes)[:, :, None]),
        lambda points: np.interp(points[:, 0], s, u),
    )


def _climbed(problem: EllipticProblem, a: object, name: str) -> tuple[object, int, object]:
    def solve(number: int, arguments: object) -> object:
        return solve_homogenized(problem, a, **arguments)  # type: ignore[arg-type]

    rungs = homogenized_rungs(problem, a, preset(name, "homogenized", problem))  # type: ignore[arg-type]
    return climb(solve, rungs, 1e-4, lambda found: found.trust["solution"])  # type: ignore[attr-defined, no-any-return]


@pytest.mark.parametrize("name", ["fast", "accurate"])
@pytest.mark.parametrize("case", ["two", "product", "front"])
def test_what_was_off_by_much_is_right(case: str, name: str) -> None:
    if case == "front":
        problem, a, exact = _front()
    elif case == "two":
        problem, a = TWO, [[ROOT]]  # type: ignore[assignment]
        exact = lambda p: np.sin(2 * np.pi * p[:, 0]) + 0.1 * np.sin(50 * np.pi * p[:, 0])  # noqa: E731
    else:
        problem, a, exact = PRODUCT, np.diag([ROOT, 2.0]), lambda p: np.sin(10 * np.pi * p).prod(axis=1)  # type: ignore[assignment]
    solution, rung, _ = _climbed(problem, a, name)
    points = grid(problem.domain, 801 if problem.dim == 1 else 81)
    error = np.linalg.norm(solution.field.values(points) - exact(points)) / np.linalg.norm(exact(points))  # type: ignore[attr-defined]
    estimate = solution.trust["solution"].error  # type: ignore[attr-defined]
    assert rung > 0
    assert estimate <= 1e-4
    assert error < 3 * estimate


def test_the_first_rung_is_what_was_asked_for_and_waves_stay_of_its_kind() -> None:
    for name, kind in (("fast", "LastLayer"), ("accurate", "VariableProjection")):
        arguments = preset(name, "homogenized", PRODUCT)
        first, *others = homogenized_rungs(PRODUCT, np.eye(2), arguments, 30.0)
        assert first == arguments
        assert others
        for rung in others:
            assert cost(2, rung)[0] <= 30.0
            (network,) = homogenized_networks(PRODUCT, **NetworkSettings(**rung).shape.arguments())
            assert network.weights[-1].shape == (1, rung["hidden"][0])
            if "separable" not in rung:
                assert type(rung["optimizer"]).__name__ == kind
                assert network.weights[0].shape == (rung["hidden"][0], 2 + 2 * len(rung.get("waves", ())))
        assert "separable" not in others[0]
        assert "separable" in others[-1]


def test_a_small_budget_leaves_the_first_rung_only() -> None:
    arguments = preset("fast", "homogenized", PRODUCT)
    assert list(homogenized_rungs(PRODUCT, np.eye(2), arguments, 0.01)) == [arguments]


def test_waves_are_seen_where_there_are_any() -> None:
    eye = np.eye(2)
    found = spectrum_of(PRODUCT.homogenized(eye)).waves
    assert {tuple(round(k / math.pi, 3) for k in wave) for wave in found} == {(5.0, 5.0), (5.0, -5.0)}
    assert spectrum_of(_problem(1 + x[0], 2).homogenized(eye)).waves == ()
    assert spectrum_of(_problem(exp(-(((x[0] - 0.4) / 0.05) ** 2))).homogenized(np.eye(1))).waves == ()
    (wave,) = spectrum_of(_problem(sin(30 * x[0])).homogenized(np.eye(1))).waves
    assert wave[0] == pytest.approx(15, rel=2e-3)  # of the coordinate scaled to [-1, 1]


def test_the_band_follows_the_steepness() -> None:
    bumps = [_problem(exp(-(((x[0] - 0.4) / width) ** 2))) for width in (0.1, 0.03, 0.01)]
    bands = [spectrum_of(bump.homogenized(np.eye(1))).band for bump in bumps]
    assert bands[0] < bands[1] / 2 < bands[2] / 4
    problem, a, _ = _front()
    assert spectrum_of(problem.homogenized(a)).band > 3 * spectrum_of(problem.homogenized(np.eye(1))).band


def test_waves_among_the_inputs_have_their_derivatives() -> None:
    import torch

    from hybrid.pinn.functions.embedding import AffineEmbedding
    from hybrid.pinn.functions.network import VALUE, hessian_operators

    embedding = AffineEmbedding([(0.0, 1.0), (1.0, 3.0)], [(2.0, -3.0)])
    point = torch.tensor([0.3, 1.4], dtype=torch.float64)
    jet = embedding.jet(point[None], hessian_operators(2))[:, 0]
    for k in range(embedding.width):

        def value(p: torch.Tensor, k: int = k) -> torch.Tensor:
            return embedding.jet(p[None], VALUE)[0, 0, k]

        gradient, hessian = torch.func.grad(value)(point), torch.func.hessian(value)(point)
        assert (jet[1:3, k] - gradient).abs().max() < 1e-13
        assert (jet[3:, k] - torch.stack([hessian[0, 0], hessian[0, 1], hessian[1, 1]])).abs().max() < 1e-12
