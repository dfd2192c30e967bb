"""Cell problems with a slow dependency node by node: hidden layers for all x, and a last layer for each node of x."""

from __future__ import annotations

import torch

from hybrid.clock import clock
from hybrid.equation import Equation
from hybrid.parallel import on_root
from hybrid.pinn.cells.cellunits import cell_unit
from hybrid.pinn.cells.formulations import Collocation, Strong
from hybrid.pinn.cells.lastlayers import last_layers
from hybrid.pinn.functions.polynomial import PolynomialNetwork
from hybrid.pinn.leastsquares import sampling
from hybrid.pinn.optimizers.base import History
from hybrid.pinn.optimizers.kinds import LastLayer
from hybrid.pinn.optimizers.training import Training
from hybrid.pinn.sizes import CELLS
from hybrid.separation import frozen_at


def train_nodes(equation: Equation, network: PolynomialNetwork, where: Collocation, training: Training) -> History:
    """Least squares for the last layer at each node of x; what is not frozen is trained before, in the middle of the box.

    Args:
        equation: Gives a smooth a(x, y).
        network: Is trained in place.
        where: The collocation points, of y.
        training: See `hybrid.pinn.optimizers.training.train`.
    """
    optimizer, comm, progress = training.get("optimizer"), training.get("comm"), training.get("progress")
    own = network.of_fast()
    history: History | None = None
    if not isinstance(optimizer, LastLayer):
        middle = frozen_at(equation, [(low + high) / 2 for low, high in equation.domain])
        (rows,) = Strong().rows(middle, [own], where)
        history = cell_unit(middle).train(own, rows, training)
        with torch.no_grad():
            for mine, found in zip(
                (*network.weights[:-1], *network.biases), (*own.weights[:-1], *own.biases), strict=True
            ):
                mine.copy_(found)
        own = network.of_fast()
    start = clock()
    last = optimizer if isinstance(optimizer, LastLayer) else LastLayer()
    nodes = network.nodes
    points, weight = sampling.periodic_grid(equation.period, where.points or CELLS[equation.dim].points)

    def solved() -> list[tuple[torch.Tensor, list[float]]]:
        def said(count: int, loss: float) -> None:
            if progress is not None:
                progress(count, len(nodes), loss)

        return last_layers([frozen_at(equation, node) for node in nodes], own, points, weight, last, said)

    found = solved() if comm is None or comm.size == 1 else on_root(comm, solved)
    network.interpolate([layer for layer, _ in found])
    if history is None:
        history = History(last.name, [sum(loss[k] for _, loss in found) / len(found) for k in (0, -1)])
    history.seconds += clock() - start
    return history
