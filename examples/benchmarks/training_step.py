"""One step of Adam for the paper's 2D cell problem: our gradient sweep against nested automatic differentiation.

    python examples/benchmarks/training_step.py [--repeats 15]

Network 2-64-64-64-64-1 with tanh, 101 × 101 points, the equation's residual only; one thread, the same weights, the gradients
compared before anything is timed. Nested: torch.autograd.grad for ∇u, again for Δu, and backward through both; for all points
at once, and summed over pieces of them, which spares the memory. Medians of processor time, the candidates taking turns.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

import hybrid
from hybrid.pinn import cell_networks
from hybrid.pinn.cells.cellrows import cell_operator
from hybrid.pinn.functions.network import Network
from hybrid.pinn.leastsquares.rows import Rows
from hybrid.pinn.leastsquares.sampling import uniform_grid
from hybrid.pinn.leastsquares.system import System
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


def nested_in_pieces(network: Network, rows: Rows, size: int = 2048) -> list[Tensor]:
    """The same, summed over pieces of the points; of the sizes tried this one is as fast as any."""
    ((points, coefficients),) = rows.terms
    total = [torch.zeros_like(p) for p in network.parameters()]
    for begin in range(0, len(points), size):
        at = slice(begin, begin + size)
        piece = Rows([(points[at], coefficients[:, at])], rows.target[at], rows.operators, rows.weight[at])
        for one, part in zip(total, nested(network, piece), strict=True):
            one += part
    return total


def medians(tasks: Sequence[Callable[[], object]], repeats: int) -> list[float]:
    """The median processor times, in milliseconds, of tasks that take turns."""
    times: list[list[float]] = [[] for _ in tasks]
    for _ in range(repeats):
        for task, own in zip(tasks, times, strict=True):
            start = time.process_time()
            task()
            own.append(1e3 * (time.process_time() - start))
    return [statistics.median(own) for own in times]


def main() -> None:
    """Check that all give the same gradient, then time them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=15)
    repeats = parser.parse_args().repeats
    torch.set_num_threads(1)
    points = uniform_grid(PROBLEM.domain, 101)
    coefficients, target, operators = cell_operator(PROBLEM.cell_problems(), points)
    weight = torch.full((len(points),), 1 / len(points), dtype=torch.float64)
    print(
        f"{'precision':10} {'sweep':>10} {'nested':>10} {'ratio':>6} {'in pieces':>10} {'ratio':>6}   gradients apart"
    )
    for dtype, name in ((torch.float64, "double"), (torch.float32, "single")):
        network = cell_networks(PROBLEM, hidden=(64, 64, 64, 64), periodicity="penalty", separate=True)[0].to(dtype)
        full = Rows([(points, coefficients)], target[:, :1], operators, weight)
        cast = Rows([(points.to(dtype), coefficients.to(dtype))], full.target.to(dtype), operators, weight.to(dtype))
        equations = System(network, [full])
        tasks: list[Callable[[], list[Tensor]]] = [
            lambda e=equations: e.gradient()[1],
            lambda n=network, c=cast: nested(n, c),
            lambda n=network, c=cast: nested_in_pieces(n, c),
        ]
        ours, *theirs = (task() for task in tasks)
        apart = max(
            float((a - b).abs().max() / b.abs().max()) for other in theirs for a, b in zip(ours, other, strict=True)
        )
        sweep, whole, pieces = medians(tasks, repeats)
        print(
            f"{name:10} {sweep:8.1f}ms {whole:8.1f}ms {whole / sweep:6.2f} {pieces:8.1f}ms {pieces / sweep:6.2f}   {apart:.1e}"
        )


if __name__ == "__main__":
    main()
