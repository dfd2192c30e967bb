"""One training: rows and a network in, a trained network and its history out."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from hybrid.errors import InputError
from hybrid.pinn.equations import Equations, Rows
from hybrid.pinn.network import Network
from hybrid.pinn.optimizers import History, LevenbergMarquardt, Optimizer, Progress

PRECISIONS = {"double": torch.float64, "single": torch.float32}


def train(
    network: Network,
    rows: Sequence[Rows],
    optimizer: Optimizer | None,
    *,
    device: str = "cpu",
    precision: str = "double",
    progress: Progress | None = None,
) -> History:
    """Train a network on rows, in place; whatever the precision of the training, the network is left in float64.

    Args:
        network: It starts from the weights that it has.
        rows: The equations.
        optimizer: Levenberg-Marquardt if None.
        device: The torch device.
        precision: "double", or "single" for first-order optimizers, which do not see the difference and take half the time.
        progress: Called after each step.

    Raises:
        InputError: An unknown precision.
        SolverError: The training diverged.
    """
    if precision not in PRECISIONS:
        raise InputError("precision", f"{precision!r}; allowed are {', '.join(PRECISIONS)}")
    network.to(device=device, dtype=PRECISIONS[precision])
    chosen = LevenbergMarquardt() if optimizer is None else optimizer
    history = chosen.train(Equations(network, [part.to(device) for part in rows]), progress)
    network.double()
    return history


def joined(histories: Sequence[History]) -> History:
    """The histories of several trainings as one."""
    first, *others = histories
    if not others:
        return first
    loss = [value for history in histories for value in history.loss]
    stopped = "; ".join(dict.fromkeys(history.stopped for history in histories))
    return History(first.optimizer, loss, stopped, sum(history.seconds for history in histories))


def part_of(progress: Progress | None, index: int, count: int) -> Progress | None:
    """What one of several equally long trainings reports: its step among those of all."""
    if progress is None:
        return None
    return lambda step, steps, loss: progress(index * steps + step, count * steps, loss)
