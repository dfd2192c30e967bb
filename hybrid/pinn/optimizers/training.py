"""One training: rows and a network in, a trained network and its history out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

from mpi4py import MPI

import torch

from hybrid.failures import InputError
from hybrid.parallel import on_root
from hybrid.pinn.functions.network import Network
from hybrid.pinn.leastsquares.rows import Rows
from hybrid.pinn.leastsquares.system import System, share_count
from hybrid.pinn.optimizers.base import History, Optimizer, Progress
from hybrid.pinn.optimizers.checkpoint import Checkpoint
from hybrid.pinn.optimizers.gaussnewton import LevenbergMarquardt
from hybrid.pinn.optimizers.kinds import LBFGS, Adam

PRECISIONS = {"double": torch.float64, "single": torch.float32}


class Training(TypedDict, total=False):
    """How to train: keyword arguments that all solvers pass on to `train`, which says what they mean."""

    optimizer: Optimizer | None
    precision: str
    device: str
    comm: MPI.Comm | None
    progress: Progress | None
    checkpoint: Checkpoint | None


def train(
    network: Network,
    rows: Sequence[Rows],
    *,
    optimizer: Optimizer | None = None,
    precision: str = "double",
    device: str = "cpu",
    comm: MPI.Comm | None = None,
    progress: Progress | None = None,
    checkpoint: Checkpoint | None = None,
) -> History:
    """Train a network on rows, in place; whatever the precision of the training, the network is left in float64.

    Args:
        network: It starts from the weights that it has.
        rows: The equations, the same on every rank.
        optimizer: How to train; Levenberg-Marquardt by default, `LastLayer` for frozen random features.
        precision: "double", or "single" for first-order optimizers, which do not see the difference and take half the time.
        device: The torch device.
        comm: The ranks that share the collocation points; None for this process alone. The result does not depend on how
            many they are. A training too small to be shared is rank 0's, while the others sleep.
        progress: Called after each step, on rank 0.
        checkpoint: Where the training's state is kept, and taken up from.

    Raises:
        InputError: An unknown precision, a network with other outputs than the rows, or a damaged checkpoint.
        SolverError: The training diverged.
    """
    if precision not in PRECISIONS:
        raise InputError("precision", f"{precision!r}; allowed are {', '.join(PRECISIONS)}")
    outputs = network.weights[-1].shape[0]
    if any(part.target.shape[1] != outputs for part in rows):
        raise InputError("networks", f"{outputs} outputs; the equations have {rows[0].target.shape[1]}")
    chosen = LevenbergMarquardt() if optimizer is None else optimizer
    if precision == "single" and not isinstance(chosen, Adam | LBFGS):
        raise InputError("precision", f"'single' does not go with {chosen.name}, only with adam and l-bfgs")
    shared = comm is not None and comm.size > 1
    network.to(device=device, dtype=PRECISIONS[precision])

    def task(ranks: MPI.Comm | None) -> History:
        return chosen.train(System(network, [part.to(device) for part in rows], ranks), progress, checkpoint)

    if shared and share_count(rows) == 1:
        history, weights = on_root(comm, lambda: (task(None), [p.detach().cpu() for p in network.parameters()]))
        with torch.no_grad():
            for parameter, weight in zip(network.parameters(), weights, strict=True):
                parameter.copy_(weight)
    else:
        history = task(comm)
    network.double()
    return history


def joined(histories: Sequence[History]) -> History:
    """The histories of several trainings as one."""
    first, *others = histories
    if not others:
        return first
    loss = [value for history in histories for value in history.loss]
    stopped = "; ".join(dict.fromkeys(history.stopped for history in histories))
    recovered = [note for history in histories for note in history.recovered]
    seconds, earlier = sum(history.seconds for history in histories), sum(history.earlier for history in histories)
    return History(first.optimizer, loss, stopped, seconds, recovered, earlier)


def of_part(training: Training, index: int, count: int | None = None) -> Training:
    """What one of several trainings is given: its own checkpoint, and if they are equally long its steps among all."""
    part = training.copy()
    progress, checkpoint = training.get("progress"), training.get("checkpoint")
    if progress is not None and count is not None:
        part["progress"] = lambda step, steps, loss: progress(index * steps + step, count * steps, loss)
    if checkpoint is not None:
        part["checkpoint"] = checkpoint.part(index)
    return part
