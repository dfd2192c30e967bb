"""Every optimizer on the same small problem: fit u'' = -π² sin πx, u(0) = u(1) = 0."""

from __future__ import annotations

import itertools
import math

import pytest
import torch

from hybrid import SolverError
from hybrid.pinn import LBFGS, Adam, LastLayer, LevenbergMarquardt, VariableProjection
from hybrid.pinn.functions.bubble import Bubble
from hybrid.pinn.functions.embedding import AffineEmbedding
from hybrid.pinn.functions.network import VALUE, Network, laplacian
from hybrid.pinn.leastsquares.rows import Rows, behind_factor
from hybrid.pinn.leastsquares.sampling import clustered_grid
from hybrid.pinn.leastsquares.system import System
from hybrid.pinn.optimizers.base import Optimizer
from hybrid.pinn.presets import OPTIMIZERS

BOX = ((0.0, 1.0),)


def _equations(width: int = 12) -> System:
    points, weight = clustered_grid(BOX, 40)
    coefficients = torch.zeros(3, 40, dtype=torch.float64)
    coefficients[2] = 1.0
    coefficients = behind_factor(coefficients, Bubble(BOX)(points, laplacian(1)), laplacian(1))
    target = -(math.pi**2) * torch.sin(math.pi * points)
    return System(
        Network(AffineEmbedding(BOX), (width,), 1, 0), [Rows([(points, coefficients)], target, laplacian(1), weight)]
    )


def _error(equations: System) -> float:
    x = torch.linspace(0, 1, 101, dtype=torch.float64)[:, None]
    with torch.no_grad():
        u = equations.network(x)[:, 0] * 4 * x[:, 0] * (1 - x[:, 0])
    return float((u - torch.sin(math.pi * x[:, 0])).norm() / torch.sin(math.pi * x[:, 0]).norm())


@pytest.mark.parametrize(
    ("optimizer", "bound"),
    [
        (LevenbergMarquardt(steps=60), 1e-5),
        (LastLayer(), 1e-5),
        (LBFGS(steps=400), 1e-3),
        (Adam(steps=1500, learning_rate=1e-2, final_rate=1e-4), 2e-2),
    ],
)
def test_optimizers_solve(optimizer: Optimizer, bound: float) -> None:
    equations = _equations()
    seen: list[tuple[int, int, float]] = []
    history = optimizer.train(equations, lambda *at: seen.append(at))
    assert _error(equations) < bound
    assert history.loss[-1] < history.loss[0]
    assert history.loss[-1] == pytest.approx(equations.loss(), rel=1e-6)
    assert seen
    assert seen[-1][2] == history.loss[-1]


def test_trained_means_every_layer_and_frozen_means_the_last() -> None:
    for optimizer, hidden_moves in ((LevenbergMarquardt(steps=2), True), (LastLayer(), False), (Adam(steps=2), True)):
        equations = _equations()
        before = [p.detach().clone() for p in equations.network.parameters()]
        optimizer.train(equations)
        weights, last, biases = before[0], before[1], before[2]
        assert (not torch.equal(weights, equations.network.weights[0])) == hidden_moves
        assert (not torch.equal(biases, equations.network.biases[0])) == hidden_moves
        assert not torch.equal(last, equations.network.weights[1])


def test_the_loss_never_rises_with_levenberg_marquardt() -> None:
    loss = LevenbergMarquardt(steps=40).train(_equations()).loss
    assert all(b < a for a, b in itertools.pairwise(loss))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_divergence_is_named(name: str) -> None:
    equations = _equations()
    with torch.no_grad():
        equations.network.weights[0].fill_(float("nan"))
    with pytest.raises(SolverError, match="diverged"):
        OPTIMIZERS[name]().train(equations)


def test_adam_recovers_from_a_divergence() -> None:
    """A rate at which the loss explodes: back to the best point, at half the rate, and told."""
    equations = _equations()
    history = Adam(steps=300, learning_rate=30.0).train(equations)
    assert history.recovered
    assert "half the learning rate" in history.recovered[0]
    assert history.loss[-1] < history.loss[0]
    with pytest.raises(SolverError, match=r"diverged.* again after 4 recoveries.*smaller learning rate"):
        Adam(steps=300, learning_rate=1e9).train(_equations())


def test_stagnation_is_named_and_stops() -> None:
    for optimizer in (Adam(steps=5000, learning_rate=1e-9, tolerance=0.01), LBFGS(steps=4000)):
        history = optimizer.train(_equations())
        assert "reduced by less than" in history.stopped
        assert len(history.loss) * optimizer.stride < optimizer.steps


def test_every_step_is_taken_and_told() -> None:
    for steps in (7, 39, 40):
        seen: list[int] = []
        history = LBFGS(steps=steps, tolerance=0).train(_equations(), lambda k, n, _, seen=seen: seen.append(k))
        assert seen[-1] == steps
        assert len(history.loss) == len(seen)


@pytest.mark.parametrize(
    "optimizer", [LevenbergMarquardt(steps=60), VariableProjection(steps=60)], ids=lambda o: o.name
)
def test_a_problem_that_can_be_solved_exactly_ends_well(optimizer: Optimizer) -> None:
    """Five rows for a dozen features: the model promises less than rounding, and the last loss is the network's."""
    points = torch.linspace(0, 1, 5, dtype=torch.float64)[:, None]
    ones = torch.ones(1, 5, dtype=torch.float64)
    losses: list[float] = []
    for seed in range(12):
        network = Network(AffineEmbedding([(0.0, 1.0)]), (12,), 1, seed)
        equations = System(network, [Rows([(points, ones)], torch.sin(3 * points), VALUE, ones[0] / 5)])
        history = optimizer.train(equations)
        assert history.loss[-1] == equations.loss()
        losses.append(history.loss[-1])
    assert sorted(losses)[6] < 1e-20
