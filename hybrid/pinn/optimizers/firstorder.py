"""The steps of torch's optimizers: what `LBFGS` and `Adam` of `hybrid.pinn.optimizers.kinds` do."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from hybrid.pinn.leastsquares.system import System
from hybrid.pinn.optimizers.base import Iteration


class FirstOrder(Iteration):
    """Steps of one of torch's optimizers, with our gradient."""

    def __init__(self, system: System, steps: int, fresh: Any, rate: Any = None) -> None:
        self.system, self.steps, self.fresh, self.rate = system, steps, fresh, rate
        self.parameters = list(system.network.parameters())
        self.count, self.softer = 0, 0
        self.optimizer = fresh(system, 0, 0)
        self.loss = self._gradient()

    def _gradient(self) -> float:
        """Put the gradient where torch's optimizers look for it; the loss."""
        loss, gradients = self.system.gradient()
        for parameter, gradient in zip(self.parameters, gradients, strict=True):
            parameter.grad = gradient
        return loss

    def step(self) -> str:
        """One step."""
        if self.rate is None:
            group = self.optimizer.param_groups[0]
            group["max_iter"] = min(group["max_iter"], self.steps - self.count * group["max_iter"])
            self.optimizer.step(self._gradient)
        else:  # the gradient at this point is there already
            self.optimizer.param_groups[0]["lr"] = self.rate(self.softer, self.count)
            self.optimizer.step()
        self.loss = self._gradient()
        self.count += 1
        return ""

    def state(self) -> dict[str, Any]:
        """All that the next step depends on, the optimizer's memory too."""
        optimizer = _cloned(self.optimizer.state_dict())
        return {
            "parameters": copies(self.system),
            "optimizer": optimizer,
            "count": self.count,
            "softer": self.softer,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a state."""
        put(self.system, state["parameters"])
        self.count, self.softer = state["count"], state["softer"]
        self.optimizer = self.fresh(self.system, self.softer, self.count)
        self.optimizer.load_state_dict(_cloned(state["optimizer"]))
        self.loss = self._gradient()

    def soften(self) -> str:
        """Go on without the memory of earlier steps."""
        self.softer += 1
        self.optimizer = self.fresh(self.system, self.softer, self.count)
        return "without the memory of earlier steps" + ("" if self.rate is None else ", at half the learning rate")


def put(system: System, parameters: list[Tensor]) -> None:
    """Set the network's parameters."""
    with torch.no_grad():
        for parameter, value in zip(system.network.parameters(), parameters, strict=True):
            parameter.copy_(value)


def copies(system: System) -> list[Tensor]:
    """The network's parameters, not shared."""
    return [parameter.detach().clone() for parameter in system.network.parameters()]


def _cloned(tree: Any) -> Any:
    """A tree of dictionaries, lists and tensors that shares nothing with the given one."""
    if isinstance(tree, Tensor):
        return tree.detach().clone()
    if isinstance(tree, dict):
        return {key: _cloned(value) for key, value in tree.items()}
    return [_cloned(value) for value in tree] if isinstance(tree, list | tuple) else tree
