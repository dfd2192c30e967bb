"""The error of a network while it trains, against a reference known beforehand: curves, and averages over the last epochs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hybrid.pinn.functions.network import Network
from hybrid.pinn.optimizers.base import Progress

Array = npt.NDArray[np.float64]
Measure = Callable[[], dict[str, float]]


class Monitor:
    """A `Progress` that measures every few steps and passes the call on.

    Args:
        measure: The errors of the network as it is, by name.
        every: Steps between two measurements.
        then: Called at each step.
        last: Over how many last epochs the errors are averaged.
        separate: The errors belong to networks that are trained one after the other, each with its own steps: of a training
            only its own error is kept, in the order in which `measure` names them.

    Attributes:
        networks: Those that `measure` looks at.
    """

    def __init__(self, measure: Measure, every: int, then: Progress, last: int, *, separate: bool = False) -> None:
        self.measure, self.every, self.then, self.last, self.separate = measure, every, then, last, separate
        self._training = -1
        self._watched: list[tuple[Network, Network]] = []
        self.networks: Sequence[Network] = ()
        self.epochs: list[int] = []
        self.loss: list[float] = []
        self.errors: dict[str, list[float]] = {}

    def follow(self, copies: Sequence[Network]) -> None:
        """Be told what is trained in place of `networks`, those that `measure` looks at: they are given its weights first."""
        self._watched = list(zip(self.networks, copies, strict=False))

    def _look(self) -> None:
        for own, trained in self._watched:
            weight = trained.weights[-1]
            own.to(device=weight.device, dtype=weight.dtype).load_state_dict(trained.state_dict())

    def __call__(self, step: int, steps: int, loss: float) -> None:
        """Measure, and tell the person who waits."""
        self._training += step == 0
        if step % self.every == 0 or step == steps:
            if self._training == 0:
                self.epochs.append(step)
                self.loss.append(loss)
            self._look()
            for k, (name, error) in enumerate(self.measure().items()):
                if not self.separate or k == self._training:
                    self.errors.setdefault(name, []).append(error)
        self.then(step, steps, loss)

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        errors = {name: list(values) for name, values in self.errors.items()}
        return {"training": self._training, "epochs": list(self.epochs), "loss": list(self.loss), "errors": errors}

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a state."""
        self._training, self.epochs, self.loss = state["training"], list(state["epochs"]), list(state["loss"])
        self.errors = {name: list(values) for name, values in state["errors"].items()}

    def curve(self) -> dict[str, Any]:
        """The measurements for `results.json`, and the averages over the last epochs."""
        first = (self.epochs[-1] if self.epochs else 0) - self.last
        averages = {
            name: float(np.mean([v for epoch, v in zip(self.epochs, values, strict=True) if epoch > first]))
            for name, values in self.errors.items()
        }
        return {
            "epochs": self.epochs, "loss": significant(self.loss),
            "errors": {name: significant(values) for name, values in self.errors.items()},
            "average_over": self.last, "averages": averages,
        }  # fmt: skip


def significant(values: npt.ArrayLike, digits: int = 6) -> list[float]:
    """The numbers with so many significant digits, for files that people read."""
    return [float(f"{v:.{digits}g}") for v in np.asarray(values, dtype=float).ravel()]


def relative(found: Array, exact: Array) -> float:
    """‖found - exact‖ / ‖exact‖ on the points of a grid."""
    return float(np.linalg.norm(found - exact) / np.linalg.norm(exact))


def thinned(loss: list[float], most: int = 400) -> dict[str, Any]:
    """A long list of losses, every k-th of them, the last one among them."""
    every = max(1, -(-len(loss) // most))
    kept = loss[::-1][::every][::-1]
    return {"steps": len(loss) - 1, "loss": significant(kept) if every > 1 else list(loss), "loss_every": every}
