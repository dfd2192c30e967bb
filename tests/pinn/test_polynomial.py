"""Networks whose last layer is a polynomial of x: their jets, and the cell problems of a(x, y) node by node."""

from __future__ import annotations

from mpi4py import MPI

import numpy as np
import pytest
import torch

from hybrid import EllipticProblem, InputError, comparison, fem, pinn
from hybrid.pinn.functions.embedding import PeriodicEmbedding
from hybrid.pinn.functions.network import VALUE, gradient_only, hessian_operators
from hybrid.pinn.functions.polynomial import PolynomialNetwork
from hybrid.symbols import cos, pi, sin, x, y

BOX = ((0.0, 2.0), (-1.0, 0.5))


def network(counts: tuple[int, int] = (4, 3), width: int = 9) -> PolynomialNetwork:
    made = PolynomialNetwork(BOX, counts, PeriodicEmbedding((1.0, 0.5)), (width,), 2, seed=3)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        made.weights[-1].copy_(torch.randn(made.weights[-1].shape, generator=generator, dtype=torch.float64))
    return made


def problem(**more: object) -> EllipticProblem:
    """That of no product: the wave moves and grows with x."""
    a = 2 + x[0] / 2 + (1 + x[1]) / 2 * sin(2 * pi * y[0]) * cos(2 * pi * y[1]) + x[0] * cos(2 * pi * y[1]) / 2
    return EllipticProblem(domain=[(0, 1), (0, 1)], eps=1 / 8, a=a, f=1 + x[0], **more)


@pytest.mark.parametrize("points", ["scattered", "many x of few y", "many y of few x"])
def test_jets_agree_with_the_forward_sweep_and_with_automatic_ones(points: str) -> None:
    made, generator = network(), np.random.default_rng(0)
    slow, fast = np.array([0.0, -1.0]) + generator.random((30, 2)) * np.array([2.0, 1.5]), generator.random((30, 2))
    if points == "many x of few y":
        fast = fast[np.arange(30) % 4]
    elif points == "many y of few x":
        slow = slow[np.arange(30) % 4]
    at = torch.tensor(np.hstack([slow, fast]))
    some = hessian_operators(4, [(0, 2), (1, 3), (2, 3), (3, 3), (0, 0)])
    for operators in (VALUE, gradient_only(4), hessian_operators(4), some):
        assert torch.allclose(made.evaluate(at, operators), made.jet(at, operators).detach(), rtol=1e-11, atol=1e-11)
    at.requires_grad_()
    (slope,) = torch.autograd.grad(made(at)[:, 1].sum(), at)
    assert torch.allclose(made.evaluate(at.detach(), gradient_only(4))[1:, :, 1].T, slope, rtol=1e-10, atol=1e-10)


def test_at_the_nodes_it_is_what_was_given() -> None:
    made = network()
    layers = [torch.randn(2, 9, dtype=torch.float64) for _ in made.nodes]
    made.interpolate(layers)
    fast = torch.rand(5, 2, dtype=torch.float64)
    own = made.of_fast()
    for node, layer in zip(made.nodes, layers, strict=True):
        with torch.no_grad():
            own.weights[-1].copy_(layer)
        joint = torch.cat([torch.tensor(node).expand(5, 2), fast], dim=1)
        assert torch.allclose(made.evaluate(joint, VALUE), own.evaluate(fast, VALUE), rtol=1e-10, atol=1e-10)


@pytest.fixture(scope="module")
def exact() -> fem.CellSolution:
    return fem.solve_cell(problem(), MPI.COMM_SELF, degree=3, cells=16, nodes=6)


@pytest.mark.parametrize(
    ("optimizer", "width", "allowed"), [(pinn.LastLayer(), 300, 5e-5), (pinn.VariableProjection(steps=6), 60, 1e-2)]
)
def test_a_slow_dependency_node_by_node(
    exact: fem.CellSolution, optimizer: pinn.LastLayer | pinn.VariableProjection, width: int, allowed: float
) -> None:
    """As good as finite elements say, and as it says itself; between the nodes too."""
    found = pinn.solve_cell(problem(), hidden=(width,), points=26, slow_nodes=(7, 7), optimizer=optimizer)
    at = np.random.default_rng(1).random((20, 2))
    assert found.coefficient(at) == pytest.approx(exact.coefficient(at), abs=2e-5)
    estimates = {name: one.error for name, one in found.trust.items()}
    errors = comparison.cell_errors(problem(), found, exact, MPI.COMM_SELF)
    for j, error in enumerate(errors):
        assert error < allowed
        assert error < 1.5 * (estimates[f"chi_{j + 1}"] + (exact.trust[f"chi_{j + 1}"].error or 0.0))
    assert estimates["chi_1"] < 3 * allowed
    fast = np.random.default_rng(2).random((40, 2))
    frozen = EllipticProblem(domain=[(0, 1), (0, 1)], eps=1 / 8, a=problem().a.subs({x[0]: 0.37, x[1]: 0.81}), f=1)
    chi = fem.solve_cell(frozen, MPI.COMM_SELF, degree=4, cells=20, estimate=False).correctors[0]
    own = found.correctors[0].values(np.hstack([np.tile([0.37, 0.81], (40, 1)), fast]))
    assert own == pytest.approx(comparison.at_points(chi, fast), abs=0.2 * allowed)


def test_what_does_not_go_together() -> None:
    for settings, message in (
        ({"slow_nodes": (3,)}, "a whole number from 1 for each of 2 directions"),
        ({"slow_nodes": (3, 3), "periodicity": "penalty"}, "they go with periodicity"),
        ({"slow_nodes": (3, 3), "separate": True}, "they go with periodicity"),
    ):
        with pytest.raises(InputError, match=message):
            pinn.cell_networks(problem(), **settings)
    plain = EllipticProblem(domain=[(0, 1), (0, 1)], eps=1 / 8, a=2 + sin(2 * pi * y[0]), f=1)
    with pytest.raises(InputError, match="smooth a"):
        pinn.cell_networks(plain, slow_nodes=(3, 3))
