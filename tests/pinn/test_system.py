from __future__ import annotations

import pytest
import torch
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from hybrid.pinn.functions.bubble import Bubble
from hybrid.pinn.functions.embedding import AffineEmbedding
from hybrid.pinn.functions.network import VALUE, Network, hessian_operators, product_jet
from hybrid.pinn.leastsquares import parts
from hybrid.pinn.leastsquares.rows import Rows, behind_factor
from hybrid.pinn.leastsquares.system import System

BOX = ((0.0, 1.0), (-1.0, 2.0))


def _equations() -> System:
    generator = torch.Generator().manual_seed(1)

    def random(*shape: int) -> torch.Tensor:
        return torch.rand(*shape, generator=generator, dtype=torch.float64)

    network = Network(AffineEmbedding(BOX), (5, 4), 2, seed=0)
    operators = hessian_operators(2)
    turned = operators + torch.tensor(
        [[0.0, 0.3], [-0.3, 0.0]], dtype=torch.float64
    )  # what is not symmetric does not matter
    inner = Rows([(random(6, 2), random(6, 6))], random(6, 2), turned, random(6))
    periodic = Rows([(random(3, 2), random(1, 3)), (random(3, 2), -random(1, 3))], random(3, 2), VALUE, random(3))
    points = random(4, 2)
    stages = Rows(
        [(points, random(6, 4)), (points, random(6, 4)), (random(1, 2), random(6, 4))],
        random(4, 2),
        operators,
        random(4),
        [random(2, 2), random(2, 2), random(2, 2)],
    )
    return System(network, [inner, periodic, stages])


def test_features_and_residuals_are_one_linear_system() -> None:
    equations = _equations()
    ((matrix, target),) = equations.features()
    weight = equations.network.weights[-1]
    expected = (matrix @ weight.reshape(-1, 1) - target).reshape(-1, 2)
    assert (equations.residuals() - expected).abs().max() < 1e-13


@pytest.mark.parametrize("piece", [2, 512])
def test_the_gradient_is_that_of_automatic_differentiation(piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "_PIECE", piece)
    equations = _equations()
    loss = equations.residuals().square().sum() / 2
    expected = torch.autograd.grad(loss, list(equations.network.parameters()))
    found_loss, found = equations.gradient()
    assert found_loss == pytest.approx(float(loss.detach()), rel=1e-13)
    for one, other in zip(found, expected, strict=True):
        assert (one - other).abs().max() < 1e-12 * max(float(other.abs().max()), 1.0)


def test_the_jacobian_is_the_derivative_of_the_residuals() -> None:
    equations = _equations()
    parameters = list(equations.network.parameters())
    theta = parameters_to_vector(parameters).detach()

    def residuals(vector: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            vector_to_parameters(vector, parameters)
            return equations.residuals().T.reshape(-1)

    ((residual, jacobian),) = equations.jacobian()
    assert (residual - residuals(theta)).abs().max() < 1e-13
    step = 1e-6
    for k in range(0, len(theta), 7):
        shift = torch.zeros_like(theta)
        shift[k] = step
        numeric = (residuals(theta + shift) - residuals(theta - shift)) / (2 * step)
        assert (jacobian[:, k] - numeric).abs().max() < 1e-6 * jacobian.abs().max()
    residuals(theta)


def test_the_jacobian_gives_the_gradient_of_the_loss() -> None:
    equations = _equations()
    ((residual, jacobian),) = equations.jacobian()
    (equations.residuals().square().sum() / 2).backward()
    gradient = torch.cat([p.grad.reshape(-1) for p in equations.network.parameters()])
    expected = 2 * jacobian.T @ residual / 2
    assert (gradient - expected).abs().max() < 1e-12 * expected.abs().max()


def test_coefficients_behind_a_factor() -> None:
    network = Network(AffineEmbedding(BOX), (5,), 1, seed=0)
    points = torch.rand(7, 2, dtype=torch.float64)
    operators = hessian_operators(2)
    coefficients = torch.rand(6, 7, dtype=torch.float64)
    factor, jet = Bubble(BOX)(points, operators), network.jet(points, operators)
    direct = torch.einsum("cn,cnw->nw", coefficients, product_jet(factor, jet, operators))
    behind = torch.einsum("cn,cnw->nw", behind_factor(coefficients, factor, operators), jet)
    assert (direct - behind).abs().max() < 1e-12


def test_the_bubble_vanishes_on_the_boundary() -> None:
    edge = torch.tensor([[0.0, 0.3], [1.0, 1.0], [0.4, -1.0], [0.2, 2.0]], dtype=torch.float64)
    assert Bubble(BOX)(edge, VALUE).abs().max() < 1e-15
    assert Bubble(BOX)(torch.tensor([[0.5, 0.5]], dtype=torch.float64), VALUE).item() == 1.0
