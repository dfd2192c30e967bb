"""One step of Adam for the paper's 2D cell problem: our gradient sweep against nested automatic differentiation.

    python examples/benchmarks/training_step.py [--repeats 9]

The paper's network 2-64-64-64-64-1 with tanh, 101 × 101 points, the equation's residual only; one thread, the same weights,
the two gradients compared before anything is timed. Nested: torch.autograd.grad for ∇u, again for Δu, and backward through
both.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor

import hybrid
from hybrid.pinn import cell_networks
from hybrid.pinn.cellrows import cell_operator
from hybrid.pinn.equations import Equations, Rows
from hybrid.pinn.network import Network
from hybrid.pinn.sampling import uniform_grid
from hybrid.symbols import cos, pi, sin, x, y

PROBLEM = hybrid.EllipticProblem(
    domain=[(0, 1), (0, 1)], eps=1 / 8, a=2 + sin(2 * pi * y[0]) * cos(2 * pi * y[1]), f=sin(x[0]) + cos(x[1])
)


def plain(network: Network, points: Tensor) -> Tensor:
    """The network's values by torch's own operations, for torch to differentiate."""
    value = 2 * points - 1
    for weight, bias in zip(network.weights, network.biases, strict=False):
        value = torch.tanh(value @ weight.T + bias)
    return value @ network.weights[-1].T


def nested(network: Network, rows: Rows) -> list[Tensor]:
    """The gradient of the loss by reverse mode three times over."""
    ((points, coefficients),) = rows.terms
    points = points.clone().requires_grad_(True)
    u = plain(network, points)
    gradient = torch.autograd.grad(u.sum(), points, create_graph=True)[0]
    laplacian = sum(torch.autograd.grad(gradient[:, i].sum(), points, create_graph=True)[0][:, i] for i in range(2))
    residual = coefficients[1] * gradient[:, 0] + coefficients[2] * gradient[:, 1] + coefficients[3] * laplacian
    loss = (rows.weight * (residual - rows.target[:, 0]) ** 2).sum()
    return list(torch.autograd.grad(loss, list(network.parameters())))


def seconds(task: Callable[[], object], repeats: int) -> float:
    """The median time of a call."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        task()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main() -> None:
    """Check that both give the same gradient, then time them in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=9)
    repeats = parser.parse_args().repeats
    torch.set_num_threads(1)
    points = uniform_grid(PROBLEM.domain, 101)
    coefficients, target, operators = cell_operator(PROBLEM, points)
    weight = torch.full((len(points),), 1 / len(points), dtype=torch.float64)
    print(f"{'precision':10} {'nested':>10} {'sweep':>10} {'ratio':>7}   largest difference of the gradients")
    for dtype, name in ((torch.float64, "double"), (torch.float32, "single")):
        network = cell_networks(PROBLEM, hidden=(64, 64, 64, 64), periodicity="penalty", separate=True)[0].to(dtype)
        full = Rows([(points, coefficients)], target[:, :1], operators, weight)
        cast = Rows([(points.to(dtype), coefficients.to(dtype))], full.target.to(dtype), operators, weight.to(dtype))
        equations = Equations(network, [full])
        ours, theirs = equations.gradient()[1], nested(network, cast)
        apart = max(float((a - b).abs().max() / b.abs().max()) for a, b in zip(ours, theirs, strict=True))
        slow, fast = seconds(lambda n=network, c=cast: nested(n, c), repeats), seconds(equations.gradient, repeats)
        print(f"{name:10} {1e3 * slow:8.1f}ms {1e3 * fast:8.1f}ms {slow / fast:7.2f}   {apart:.1e}")


if __name__ == "__main__":
    main()
