"""Last layers of one network for many cell problems: its hidden layers are swept through once for all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from hybrid.equation import Equation
from hybrid.pinn.cells.cellrows import cell_operator
from hybrid.pinn.cells.cellunits import cell_unit
from hybrid.pinn.functions.network import VALUE, Network
from hybrid.pinn.leastsquares.sweep import Sweep
from hybrid.pinn.leastsquares.system import contract
from hybrid.pinn.optimizers.kinds import LastLayer

Part = tuple[Equation, Tensor, Tensor, Tensor]
"""An equation, and its coefficients, target and operators at the points."""

_PIECE = 256
_MEMORY = 2**28
"""Bytes that the matrices of a batch may take."""


def last_layers(
    equations: Sequence[Equation], network: Network, at: Tensor, weight: Tensor, optimizer: LastLayer,
    solved: Callable[[int, float], None] = lambda *_: None, *, targets: Sequence[Tensor] | None = None,
) -> list[tuple[Tensor, list[float]]]:  # fmt: skip
    """For each equation the last layer, (d, width), by least squares, and the losses before and after.

    Args:
        equations: Of smooth coefficients of y alone, of one dimension and period.
        network: Of y.
        at: Collocation points, (n, d).
        weight: Of their squares, (n,).
        optimizer: How the least squares are solved.
        solved: Told how many there are by now, and the last one's loss.
        targets: Of ∇·(a ∇u), (n, outputs) each; those of correctors by default.

    Raises:
        SolverError: An equation has coefficients that are not finite.
    """
    parts = [(equation, *cell_operator(equation, at)) for equation in equations]
    if targets is not None:
        parts = [(one, rows, own, operators) for (one, rows, _, operators), own in zip(parts, targets, strict=True)]
    most = max(1, _MEMORY // (8 * len(at) * network.weights[-1].shape[1]))
    found: dict[int, tuple[Tensor, list[float]]] = {}
    kinds = dict.fromkeys(tuple(operators.flatten().tolist()) for _, _, _, operators in parts)
    for kind in kinds:  # problems whose jets have the same channels
        alike = [i for i, part in enumerate(parts) if tuple(part[3].flatten().tolist()) == kind]
        for begin in range(0, len(alike), most):
            chosen = alike[begin : begin + most]
            found |= zip(chosen, _alike([parts[i] for i in chosen], network, at, weight, optimizer), strict=True)
            solved(len(found), found[chosen[-1]][1][-1])
    return [found[i] for i in range(len(equations))]


@torch.no_grad()
def _alike(
    parts: Sequence[Part], network: Network, at: Tensor, weight: Tensor, optimizer: LastLayer
) -> list[tuple[Tensor, list[float]]]:
    operators, root = parts[0][3], weight.sqrt()
    sweep, width = Sweep(network), network.weights[-1].shape[1]
    matrices = torch.empty(len(parts), len(at) + 1, width, dtype=torch.float64)
    for begin in range(0, len(at), _PIECE):
        own = slice(begin, min(begin + _PIECE, len(at)))
        last, _ = sweep.forward(network.embedding.jet(at[own], operators), operators)
        for matrix, (_, coefficients, _, _) in zip(matrices, parts, strict=True):
            matrix[own] = contract(coefficients[:, own] * root[own], last)
    origin = torch.zeros(1, at.shape[1], dtype=torch.float64)
    matrices[:, -1] = network.hidden_jet(network.embedding.jet(origin, VALUE), VALUE)[0]  # χ(0) = 0
    found = []
    for matrix, (equation, _, target, _) in zip(matrices, parts, strict=True):
        unit = cell_unit(equation)
        matrix[:-1] *= unit.output / unit.equation
        right = torch.cat(
            [target * root[:, None] / unit.equation, torch.zeros(1, target.shape[1], dtype=torch.float64)]
        )
        norms = matrix.norm(dim=0).clamp_min(1e-300)
        solution = optimizer.damped(torch.cat([matrix / norms, right], dim=1), width) / norms[:, None]
        losses = [float(r.square().sum()) / right.shape[1] for r in (right, matrix @ solution - right)]
        found.append((unit.output * solution.T, losses))  # from the last layer that vanishes to the solution
    return found
