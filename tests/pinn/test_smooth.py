"""Networks at many points: exact sums, interpolation where that is as good, and plain evaluation where it is not."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sympy import Heaviside

from hybrid.physics import EllipticProblem
from hybrid.pinn.cells.jumps import KinkEmbedding
from hybrid.pinn.functions import smooth
from hybrid.pinn.functions.embedding import AffineEmbedding, PeriodicEmbedding, Together
from hybrid.pinn.functions.field import Field, evaluated
from hybrid.pinn.functions.inputs import MediumEmbedding
from hybrid.pinn.functions.network import VALUE, Network, gradient_only, hessian_operators, laplacian
from hybrid.pinn.functions.sharp import sharp
from hybrid.product import Product
from hybrid.symbols import pi, sin, y

BOX = [(0.0, 1.0), (-1.0, 3.0)]


def _grid(count: int) -> Product:
    axes = [np.linspace(low, high, count) for low, high in BOX]
    return Product.of(np.stack([g.ravel() for g in np.meshgrid(*axes, indexing="ij")], axis=1))


def _cancelling(count: int) -> Network:
    """sin over the box by pairs of features that nearly cancel: weights of a million."""
    network = Network(AffineEmbedding(BOX), (2 * count,), 1, 0)
    with torch.no_grad():
        for each in (network.weights[0], network.biases[0]):
            each[count:] = each[:count] + 1e-6
        network.weights[1][0, count:] = -network.weights[1][0, :count]
        network.weights[1] *= 1e6
    return network


@pytest.mark.parametrize("operators", [VALUE, gradient_only(2)])
def test_interpolation_is_as_good_as_evaluation(operators: torch.Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smooth, "MUCH", 1e5)
    points, asked = _grid(301), []
    monkeypatch.setattr(smooth, "sharp", lambda n, p, o: asked.append(len(p)) or sharp(n, p, o))
    for network in (Network(AffineEmbedding(BOX), (20, 20), 2, 1), Network(PeriodicEmbedding((2.0, 4.0)), (30,), 1, 2)):
        asked.clear()
        found = smooth.jets_on(network, points, operators)
        exact = network.evaluate(torch.tensor(points.points()), operators).numpy()
        scale = np.abs(exact).max(axis=1, keepdims=True)
        assert (np.abs(found - exact) / scale).max() < 1e-11
        assert 0 < sum(asked) < len(points) // 2


def test_a_kink_is_not_interpolated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smooth, "MUCH", 1e5)
    problem = EllipticProblem(domain=[(0, 1)] * 2, eps=0.5, a=1 + Heaviside(sin(2 * pi * y[0])), f=1)
    network = Network(KinkEmbedding(problem.cell_problems()), (8,), 1, 0)
    points = _grid(121)
    exact = network.evaluate(torch.tensor(points.points()), VALUE).numpy()
    assert np.abs(smooth.jets_on(network, points, VALUE) - exact).max() < 1e-13 * np.abs(exact).max()


def test_few_points_are_evaluated_to_the_last_bit() -> None:
    network, points = Network(AffineEmbedding(BOX), (50,), 1, 0), _grid(30)
    field = Field(network, 0, 2)
    exact = network.evaluate(torch.tensor(points.points()), VALUE)[0, :, 0].numpy()
    assert np.array_equal(field.values(points.points()), exact)


def test_what_repeats_is_evaluated_once(monkeypatch: pytest.MonkeyPatch) -> None:
    network, asked = Network(PeriodicEmbedding((1.0, 1.0)), (20,), 2, 0), []
    points = _grid(65).mapped([lambda x: np.mod(8 * x, 1.0)] * 2, 1e-12)
    plain = Network.evaluate
    monkeypatch.setattr(Network, "evaluate", lambda n, p, o: asked.append(len(p)) or plain(n, p, o))
    found = evaluated([Field(network, 0, 2), Field(network, 1, 2, shift=3.0)], points, VALUE)
    assert asked == [8 * 2]
    exact = plain(network, torch.tensor(points.points()), VALUE)[0].numpy()
    assert np.abs(found[0][0] - exact[:, 0]).max() < 1e-15
    assert np.abs(found[1][0] - exact[:, 1] - 3.0).max() < 1e-15


@pytest.mark.parametrize("operators", [VALUE, gradient_only(2)])
def test_sums_that_cancel_keep_their_digits(operators: torch.Tensor) -> None:
    network = _cancelling(500)
    points = torch.rand(300, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    hidden = network.hidden_jet(network.embedding.jet(points, operators), operators).detach().numpy()
    weights = network.weights[1].detach().numpy().astype(np.longdouble)
    exact = np.einsum("cnw,ow->cno", hidden.astype(np.longdouble), weights)
    rounding = float(np.abs(weights).sum()) * 2e-16
    errors = [
        np.abs(f.numpy() - exact).max()
        for f in (sharp(network, points, operators), network.evaluate(points, operators))
    ]
    assert errors[0] < rounding / 3  # that of tanh
    assert errors[0] <= errors[1]


def test_fields_of_one_output_do_not_share_their_values() -> None:
    network = Network(AffineEmbedding([(0, 1)]), (4,), 1, 0)
    points = Product.of(np.random.default_rng(0).random((5, 1)))
    one, other = evaluated([Field(network, 0, 1, shift=1.0), Field(network, 0, 1, shift=1.0)], points, VALUE)
    assert np.array_equal(one, other)


def test_a_network_of_the_users_may_have_more_functions_than_its_last_layer() -> None:
    class Both(Network):
        def jet(self, points: torch.Tensor, operators: torch.Tensor) -> torch.Tensor:
            jet = super().jet(points, operators)
            return torch.cat([jet, 2 * jet], dim=2)

    network = Both(AffineEmbedding([(0, 1)]), (4,), 1, 0)
    points = np.repeat(np.linspace(0, 1, 5), 4)[:, None]
    first, second = Field(network, 0, 1), Field(network, 1, 1)
    assert np.abs(second.values(points) - 2 * first.values(points)).max() < 1e-15
    assert second.gradients(points).shape == (20, 1)


def test_inputs_that_may_be_local_are_not_interpolated() -> None:
    """log a may have inclusions between all nodes and all test points."""
    problem = EllipticProblem(domain=[(0, 1)] * 2, eps=0.5, a=2 + sin(2 * pi * y[0]), f=1)
    smoothly = PeriodicEmbedding((1.0, 1.0))
    found = [
        smooth.interpolant(Network(embedding, (8,), 1, 0), VALUE, 10**5)
        for embedding in (smoothly, Together(smoothly, MediumEmbedding(problem.cell_problems())))
    ]
    assert found[0] is not None
    assert found[1] is None


def test_an_interpolant_is_kept_as_long_as_the_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smooth, "MUCH", 1e5)
    points, asked = _grid(301), []
    monkeypatch.setattr(smooth, "sharp", lambda n, p, o: asked.append(len(p)) or sharp(n, p, o))
    for network in (Network(AffineEmbedding(BOX), (20,), 1, 1), Network(PeriodicEmbedding((2.0, 4.0)), (20,), 1, 2)):
        jet = smooth.jets_on(network, points, laplacian(2))
        exact = network.evaluate(torch.tensor(points.points()), laplacian(2)).numpy()
        assert (np.abs(jet - exact).max(axis=1) < 1e-9 * np.abs(exact).max(axis=1)).all()
        asked.clear()
        for operators in (laplacian(2), gradient_only(2), VALUE):
            again = smooth.jets_on(network, points, operators)
            assert np.abs(again - jet[: len(again)]).max() < 1e-14
        assert not asked
        with torch.no_grad():
            network.weights[-1] *= 2
        assert np.abs(smooth.jets_on(network, points, VALUE) - 2 * jet[:1]).max() < 1e-11
        assert asked


@pytest.mark.parametrize("operators", [VALUE, gradient_only(2), laplacian(2), hessian_operators(2)])
def test_one_layer_of_plain_coordinates_takes_fewer_products(operators: torch.Tensor) -> None:
    network = Network(AffineEmbedding(BOX), (70,), 2, 0)
    points = torch.rand(300, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    difference = sharp(network, points, operators) - network.evaluate(points, operators)
    assert float(difference.abs().max()) < 1e-13


def test_what_is_done_to_an_output_is_done_once_for_points_that_repeat() -> None:
    network = Network(PeriodicEmbedding((1.0, 1.0)), (8,), 1, 0)
    field = Field(network, 0, 2, shift=0.5, unit=3.0)
    everywhere = _grid(41).mapped([lambda x: np.mod(x, 0.5)] * 2)
    assert 2 * np.prod(everywhere.shape) < len(everywhere)
    (found,) = evaluated([field], everywhere, gradient_only(2))
    exact = field.jet(torch.tensor(everywhere.points()), gradient_only(2)).numpy()
    np.testing.assert_allclose(found, exact, rtol=1e-13, atol=1e-13)
    nowhere = Product.of(np.empty((0, 2))).mapped([np.array] * 2)  # of a rank without any
    (none,) = evaluated([field], nowhere, VALUE)
    assert none.shape == (1, 0)
