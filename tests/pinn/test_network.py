"""Jets against nested automatic differentiation."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from hybrid.pinn.functions import kernel
from hybrid.pinn.functions.embedding import AffineEmbedding, AtTime, PeriodicEmbedding, SideBySide, Together
from hybrid.pinn.functions.network import (
    VALUE,
    Embedding,
    Network,
    gradient_only,
    hessian_operators,
    laplacian,
    product_jet,
)
from hybrid.pinn.leastsquares.sweep import Sweep


def _network(kind: str, dim: int) -> Network:
    affine, periodic = AffineEmbedding([(-1.0, 2.0)] * dim), PeriodicEmbedding([1.0, 2.0, 0.5][:dim], 2)
    at_time = AtTime(SideBySide(affine, AffineEmbedding([(0.0, 3.0)]), dim), 0.7)
    kinds = {"affine": affine, "periodic": periodic, "together": Together(affine, periodic), "at a time": at_time}
    embedding: Embedding = kinds[kind]  # type: ignore[assignment]
    return Network(embedding, (7, 6, 5), 2, seed=3)


def _nested(network: Network, points: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Values (n, m), gradients (n, m, d) and Hessians (n, m, d, d) by autograd."""

    def single(point: Tensor) -> Tensor:
        return network(point[None])[0]

    values = torch.stack([single(p) for p in points])
    gradients = torch.stack([torch.func.jacrev(single)(p) for p in points])
    hessians = torch.stack([torch.func.hessian(single)(p) for p in points])
    return values, gradients, hessians


@pytest.mark.parametrize("kind", ["affine", "periodic", "together", "at a time"])
@pytest.mark.parametrize("dim", [1, 2, 3])
def test_jets_agree_with_nested_autograd(kind: str, dim: int) -> None:
    network = _network(kind, dim)
    points = torch.rand(5, dim, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    operators = torch.cat([hessian_operators(dim), torch.rand(2, dim, dim, dtype=torch.float64)])
    operators = (operators + operators.transpose(1, 2)) / 2
    jet = network.jet(points, operators).detach()
    value, gradient, hessian = (t.detach() for t in _nested(network, points))
    scale = hessian.abs().max()
    assert (jet[0] - value).abs().max() < 1e-14
    assert (jet[1 : 1 + dim] - gradient.permute(2, 0, 1)).abs().max() < 1e-12 * scale
    assert (jet[1 + dim :] - torch.einsum("kij,nmij->knm", operators, hessian)).abs().max() < 1e-12 * scale
    assert torch.equal(network.jet(points, VALUE)[0], network.jet(points, gradient_only(dim))[0])
    assert (network.evaluate(points, operators) - jet).abs().max() < 1e-12 * scale


def test_products_of_jets_follow_leibniz() -> None:
    f, g = _network("affine", 2), _network("periodic", 2)
    points = torch.rand(4, 2, dtype=torch.float64)
    operators = hessian_operators(2)

    class Product(Network):
        def forward(self, points: Tensor) -> Tensor:
            return f(points) * g(points)

    product = Product(AffineEmbedding([(0.0, 1.0)] * 2), (2,), 2, 0)
    _, gradient, hessian = _nested(product, points)
    jet = product_jet(f.jet(points, operators), g.jet(points, operators), operators)
    assert (jet[1:3] - gradient.permute(2, 0, 1)).abs().max() < 1e-12
    assert (jet[3:] - torch.einsum("kij,nmij->knm", operators, hessian)).abs().max() < 1e-11


def test_periodic_networks_are_periodic() -> None:
    network = _network("periodic", 2)
    points = torch.rand(6, 2, dtype=torch.float64)
    moved = points + torch.tensor([1.0, -4.0])
    assert (network.jet(points, hessian_operators(2)) - network.jet(moved, hessian_operators(2))).abs().max() < 1e-11


def test_the_seed_decides() -> None:
    def weights(seed: int) -> Tensor:
        return Network(AffineEmbedding([(0.0, 1.0)]), (4,), 1, seed).weights[0]

    assert torch.equal(weights(1), weights(1))
    assert not torch.equal(weights(1), weights(2))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("case", ["values", "gradient", "laplacian", "full", "4d"])
def test_the_sweeps_are_the_differentiable_network(
    monkeypatch: pytest.MonkeyPatch, case: str, compiled: bool, dtype: torch.dtype
) -> None:
    """Forward against `hidden_jet`, the adjoint against automatic differentiation; compiled and not."""
    generator = torch.Generator().manual_seed(5)
    random = torch.randn(3, 4, 4, generator=generator, dtype=torch.float64)
    operators = {
        "values": VALUE, "gradient": gradient_only(3), "laplacian": laplacian(2), "full": hessian_operators(3),
        "4d": random + random.mT,
    }[case]  # fmt: skip
    if not compiled:
        monkeypatch.setattr(kernel, "load", lambda: None)
    elif kernel.load() is None:
        pytest.skip("no C compiler")
    dim = max(operators.shape[-1], 1)
    network = Network(AffineEmbedding([(0.0, 1.0)] * dim), (7, 5), 1, seed=1).to(dtype)
    points = torch.rand(11, dim, generator=generator, dtype=torch.float64)
    jet = network.embedding.jet(points, operators).to(dtype).requires_grad_(True)
    expected = network.hidden_jet(jet, operators)
    bar = torch.randn(expected.shape, generator=generator, dtype=torch.float64).to(dtype)
    pulled = torch.autograd.grad((expected * bar).sum(), jet)[0]
    sweep = Sweep(network)
    with torch.no_grad():
        found, tapes = sweep.forward(jet, operators)
        assert (found - expected).abs().max() < 20 * torch.finfo(dtype).eps * expected.abs().max()
        for layer in (1, 0):
            pre = sweep.adjoint(tapes[layer], bar, operators)
            bar = pre @ network.weights[layer]
    assert (bar - pulled).abs().max() < 50 * torch.finfo(dtype).eps * pulled.abs().max()


def test_without_a_compiler_there_is_no_kernel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for name, value in (("CC", "no-such-compiler"), ("CC", "false"), ("HYBRID_KERNEL", "0")):
        with monkeypatch.context() as patch:
            patch.setenv(name, value)
            assert kernel.load.__wrapped__() is None
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []
