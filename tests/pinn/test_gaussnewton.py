"""Variable projection: its Jacobian, and what it reaches."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from hybrid import EllipticProblem
from hybrid.pinn import LastLayer, VariableProjection, solve_cell
from hybrid.pinn.functions.embedding import AffineEmbedding
from hybrid.pinn.functions.network import VALUE, Network
from hybrid.pinn.leastsquares.rows import Rows
from hybrid.pinn.leastsquares.system import System

A_STAR = 1.935359234812  # DESIGN's table; spectral


@pytest.mark.parametrize("coupled", [False, True])
def test_the_gradient_is_that_of_the_eliminated_loss(coupled: bool) -> None:
    """Half the gradient of ‖A(θ) W(θ) - b‖² is (P J)ᵀ r, by differences; also where rows couple the outputs."""
    generator = torch.Generator().manual_seed(2)
    points = torch.rand(30, 1, generator=generator, dtype=torch.float64)
    ones, weight = torch.ones(1, 30, dtype=torch.float64), torch.rand(30, generator=generator, dtype=torch.float64)
    target = torch.cat([torch.sin(5 * points), torch.cos(4 * points)], dim=1)
    mixes = [torch.tensor([[1.0, 0.4], [-0.2, 2.0]], dtype=torch.float64)] if coupled else []
    network = Network(AffineEmbedding([(0.0, 1.0)]), (4, 3), 2, seed=0)
    equations = System(network, [Rows([(points, ones)], target, VALUE, weight, mixes)])
    hidden = [*network.weights[:-1], *network.biases]

    def eliminated(theta: torch.Tensor) -> float:
        with torch.no_grad():
            vector_to_parameters(theta, hidden)
            LastLayer(1e-14).train(equations)
            return equations.loss() * 2

    theta = parameters_to_vector(hidden).detach()
    eliminated(theta)
    with torch.no_grad():
        ((residual, jacobian),) = VariableProjection().begin(equations).projected()
    gradient = jacobian.T @ residual
    for k in range(0, len(theta), 3):
        step = torch.zeros_like(theta)
        step[k] = 1e-5
        numeric = (eliminated(theta + step) - eliminated(theta - step)) / 4e-5
        assert float(gradient[k]) == pytest.approx(numeric, abs=1e-4 * float(gradient.abs().max()))


def test_the_papers_cell_problem(paper: EllipticProblem) -> None:
    solution = solve_cell(paper, hidden=(14, 14), points=22, optimizer=VariableProjection(steps=30))
    assert np.abs(solution.coefficient - A_STAR * np.eye(2)).max() < 1e-6
    assert np.all(np.diff(solution.history.loss) <= 0)
