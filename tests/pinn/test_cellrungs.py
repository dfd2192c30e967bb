"""Rungs that resolve what the presets do not, and what the cell solvers refuse."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import pytest
import sympy
import torch
from torch import Tensor

from hybrid import EllipticProblem, InputError, ReactionDiffusionProblem
from hybrid.pinn import (
    LBFGS,
    Adam,
    LastLayer,
    LevenbergMarquardt,
    Network,
    VariableProjection,
    cell_networks,
    preset,
    solve_cell,
    solve_cells,
)
from hybrid.pinn.cells import cell, sourcecell
from hybrid.pinn.cells.cellrungs import cell_rungs, fundamental
from hybrid.pinn.functions.embedding import PeriodicEmbedding
from hybrid.pinn.functions.network import hessian_operators
from hybrid.pinn.optimizers.ladder import climb
from hybrid.symbols import cos, pi, sin, x, y
from hybrid.trust import largest


def _problem(a: object, dim: int = 2) -> EllipticProblem:
    return EllipticProblem(domain=[(0, 1)] * dim, eps=1 / 8, a=a, f=1)


def _climbed(problem: EllipticProblem, name: str, tolerance: float) -> tuple[Any, int]:
    arguments = preset(name, "cell", problem)
    solution, rung, _ = climb(
        lambda _, given: solve_cell(problem, **given), cell_rungs(problem.cell_problems(), arguments), tolerance,
        lambda found: largest(list(found.trust.values())),
    )  # fmt: skip
    return solution, rung


@pytest.mark.parametrize("name", ["fast", "accurate"])
def test_a_steep_laminate_is_resolved_by_the_next_rung(name: str) -> None:
    solution, rung = _climbed(_problem(2 + 1.999 * sin(2 * pi * y[0]), 1), name, 1e-6)
    assert rung == 1
    assert solution.coefficient[0, 0] == pytest.approx(math.sqrt(4 - 1.999**2), rel=1e-9)


def test_high_frequencies_are_resolved_by_the_next_rung() -> None:
    problem = _problem(2 + sin(40 * pi * y[0]) * cos(14 * pi * y[1]))
    _, second, *_ = cell_rungs(problem.cell_problems(), preset("fast", "cell", problem))
    solution = solve_cell(problem, **second)
    assert all(estimate.within(1e-4) for estimate in solution.trust.values())
    assert solution.trust["coefficient"].within(1e-8)
    assert solution.coefficient == pytest.approx(np.diag(np.diag(solution.coefficient)), abs=1e-6)


@pytest.mark.parametrize("name", ["fast", "accurate"])
def test_a_sum_of_fast_and_slow_is_resolved_by_the_next_rung(name: str) -> None:
    """a* = √((2 + g)² - t²) for 2 + t sin + g; the network of the first rung has one period where a has twelve."""
    problem = _problem(2 + sympy.Float(1.2) * sin(24 * pi * y[0]) + sin(2 * pi * x[0]) / 2, 1)
    solution, rung = _climbed(problem, name, 1e-4)
    assert rung == 1
    at = np.linspace(0, 1, 101)
    exact = np.sqrt((2 + np.sin(2 * np.pi * at) / 2) ** 2 - 1.2**2)
    off = np.abs(solution.coefficient(at[:, None])[:, 0, 0] / exact - 1).max()
    assert off < 1e-7
    assert off < 10 * solution.trust["coefficient"].error + 1e-12


def test_harmonics_of_a_steep_wave_are_no_waves_of_their_own() -> None:
    decaying = [(6 * k, 0.5**k) for k in range(1, 9)]
    assert [k for k, _ in fundamental(decaying)] == [6]
    assert [k for k, _ in fundamental([(1, 1.0), (20, 0.5)])] == [1, 20]
    assert [k for k, _ in fundamental([(2, 1.0), (3, 0.5), (4, 0.7)])] == [2, 3]


def test_rungs_of_a_sum_have_a_point_for_what_it_does_not_depend_on() -> None:
    problem = _problem(2 + sin(2 * pi * y[0]) * sin(2 * pi * y[1]) + sin(2 * pi * x[0]) / 2)
    rungs = list(cell_rungs(problem.cell_problems(), preset("fast", "cell", problem)))
    assert rungs[0]["slow_nodes"][0] > 5
    assert rungs[0]["slow_nodes"][1] == 1
    second = next(rung for rung in rungs if "slow_points" in rung)
    assert second["slow_points"][0] > 5
    assert second["slow_points"][1] == 1
    shape = {key: second[key] for key in ("medium", "frequencies")}
    (network,) = cell_networks(problem, hidden=(5,), **shape)
    points = torch.rand(6, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    moved = points.clone()
    moved[:, 1] += 0.3
    assert torch.equal(network(points), network(moved))
    jet = network.jet(points.requires_grad_(), hessian_operators(4, [(0, 0), (0, 2), (2, 3)]))
    for i in range(4):
        (slope,) = torch.autograd.grad(jet[0, :, 0].sum(), points, retain_graph=True)
        torch.testing.assert_close(jet[1 + i, :, 0], slope[:, i])
    for k, (i, j) in enumerate([(0, 0), (0, 2), (2, 3)]):
        (second_slope,) = torch.autograd.grad(jet[1 + i, :, 0].sum(), points, retain_graph=True)
        torch.testing.assert_close(jet[5 + k, :, 0], second_slope[:, j])


def test_the_first_rung_is_what_was_asked_for() -> None:
    problem = _problem(2 + sin(2 * pi * y[0]))
    for name, kind in (("fast", LastLayer), ("accurate", VariableProjection)):
        arguments = preset(name, "cell", problem)
        first, *others = cell_rungs(problem.cell_problems(), arguments)
        assert first == arguments
        assert others
        quick = [] if name == "fast" else [others.pop(0)]
        assert all(rung == preset("fast", "cell", problem) for rung in quick)
        assert all(isinstance(rung["optimizer"], kind) for rung in others)
        assert len(list(cell_rungs(problem.cell_problems(), arguments, budget=0.0))) == 1


class Waves(Network):
    """sin in place of tanh, in one hidden layer."""

    def hidden_jet(self, jet: Tensor, operators: Tensor) -> Tensor:
        dim = operators.shape[-1]
        z = jet @ self.weights[0].T
        z = torch.cat([z[:1] + self.biases[0], z[1:]])
        s, c = torch.sin(z[0]), torch.cos(z[0])
        grad = z[1 : 1 + dim]
        cross = torch.einsum("kij,inw,jnw->knw", operators, grad, grad)
        return torch.cat([s[None], c * grad, c * z[1 + dim :] - s * cross])


@pytest.mark.parametrize(
    "optimizer",
    [LastLayer(), LevenbergMarquardt(steps=15), VariableProjection(steps=5), LBFGS(steps=60), Adam(200, 0.01)],
)
def test_a_networks_own_hidden_layers_are_trained(optimizer: object) -> None:
    problem = _problem(2 + sin(2 * pi * y[0]), 1)
    network = Waves(PeriodicEmbedding(problem.period), (12,), 1, seed=1)
    solution = solve_cell(problem, networks=(network,), points=40, optimizer=optimizer)
    first, last = solution.history.loss[0], solution.history.loss[-1]
    assert last < 0.5 * first
    # The loss that was reported is that of the function that is evaluated.
    s = (np.arange(40) + 0.5) / 40
    h = solution.correctors[0].hessians(s[:, None])[:, 0, 0]
    g = solution.correctors[0].gradients(s[:, None])[:, 0]
    rest = (2 + np.sin(2 * np.pi * s)) * h + 2 * np.pi * np.cos(2 * np.pi * s) * (1 + g)
    gauge = float(solution.networks[0](torch.zeros(1, 1, dtype=torch.float64)).detach()[0, 0])
    assert last == pytest.approx(np.mean(rest**2) + gauge**2, rel=1e-6, abs=1e-12)
    if isinstance(optimizer, LastLayer):
        assert solution.coefficient[0, 0] == pytest.approx(math.sqrt(3), rel=1e-4)


def test_networks_that_are_given_are_not_changed() -> None:
    problem = _problem(2 + sin(2 * pi * y[0]), 1)
    one = solve_cell(problem, hidden=(10,), points=20, optimizer=LevenbergMarquardt(steps=3))
    before = copy.deepcopy(one.networks)
    other = solve_cell(problem, networks=one.networks, points=20, optimizer=LevenbergMarquardt(steps=3))
    for network, same in zip(one.networks, before, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(network.parameters(), same.parameters(), strict=True))
    assert other.networks[0] is not one.networks[0]
    assert other.history.loss[0] == pytest.approx(one.history.loss[-1])


def _reaction() -> ReactionDiffusionProblem:
    return ReactionDiffusionProblem(domain=[(0, 1)], eps=0.1, D=1.0, r=cos(2 * pi * y[0]), f=1, u0=0, T=1.0)


@pytest.mark.parametrize(
    ("where", "arguments"),
    [
        ("points", {"points": -3}), ("points", {"points": 0}), ("points", {"points": (4, 4, 4)}), ("hidden", {"hidden": ()}),
        ("hidden", {"hidden": (0,)}), ("hidden", {"hidden": (10, -1)}), ("scale", {"scale": 0.0}),
        ("weights", {"weights": (1.0,), "periodicity": "penalty"}), ("periodicity", {"periodicity": "hope"}),
        ("weights", {"weights": (1.0, 1.0), "periodicity": "oversampling"}),
        ("oversampling", {"oversampling": 9, "points": 10, "periodicity": "oversampling"}),
        ("networks", {"networks": cell_networks(_problem(2 + sin(2 * pi * y[0]), 1))}),
        ("networks", {"networks": ["none"]}), ("frequencies", {"frequencies": [[1]]}),
    ],
)  # fmt: skip
def test_what_is_refused_by_its_name(where: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(InputError) as refused:
        solve_cell(_problem(2 + sin(2 * pi * y[0])), **arguments)
    assert refused.value.where == where


def test_other_kinds_of_problems_are_refused() -> None:
    problem, other = _problem(2 + sin(2 * pi * y[0]), 1), _reaction().cell_problems()
    for call in (lambda: cell.solve_cell(other), lambda: cell.cell_networks(other),
                 lambda: sourcecell.solve_cell(problem.cell_problems()), lambda: solve_cells([_reaction()])):  # fmt: skip
        with pytest.raises(InputError, match="equation"):
            call()  # type: ignore[no-untyped-call]
    with pytest.raises(InputError, match="hidden"):
        solve_cells([problem], optimizer=LastLayer(), hidden=())


def test_a_step_in_x_is_named() -> None:
    problem = _problem((1 + 9 * sympy.Heaviside(x[0] - sympy.Rational(1, 2))) * (2 + sin(2 * pi * y[0])), 1)
    with pytest.raises(InputError, match=r"^a: it jumps in the slow x0"):
        solve_cell(problem)
