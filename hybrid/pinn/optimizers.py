"""Optimizers behind one interface, `hybrid.pinn.optimizer.Optimizer`. When to use which:

- `LastLayer`: the hidden layers stay as they are (frozen random features) and the last one is solved for. By far the
  fastest; it is a linear method with random basis functions, not a trained network.
- `LevenbergMarquardt` (`hybrid.pinn.gaussnewton`): all layers. The rows are linear in the network, so Gauss-Newton's model is
  good, and with up to a few thousand parameters a step costs little. With more parameters than residuals it solves in the
  space of the residuals.
- `VariableProjection` (`hybrid.pinn.gaussnewton`): all layers, the last one by least squares in every step. Its steps cost
  more and are worth more: the choice where the last digits count.
- `LBFGS`: all layers, when there are too many parameters and residuals for a Jacobian.
- `Adam`: what the paper uses; for comparison.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor

from hybrid.pinn.equations import Equations
from hybrid.pinn.optimizer import Iteration, Optimizer


@dataclass(frozen=True)
class LastLayer(Optimizer):
    """Least squares for the last layer, by QR; the hidden layers are left as they are.

    Args:
        ridge: Tikhonov's √λ relative to columns of norm one. Random features are nearly dependent: without it the
            weights grow until rounding shows.
    """

    name: ClassVar[str] = "last-layer least squares"
    ridge: float = 1e-14
    steps: int = field(default=1, init=False)
    tolerance: float = field(default=0.0, init=False)

    def begin(self, equations: Equations) -> Iteration:
        """Nothing is done yet."""
        return _LinearSolve(self, equations)

    @torch.no_grad()
    def solve(self, equations: Equations) -> None:
        """Put the least-squares solution into the last layer; collective."""
        shares, blocks = equations.shares, equations.features()
        square = shares.total([matrix.square().sum(0) for matrix, _ in blocks])
        scale = square.sqrt().clamp_min(torch.finfo(square.dtype).tiny)
        width = len(scale)
        rows = []
        for matrix, target in blocks:
            joint = torch.cat([matrix / scale, target], dim=1)
            # Of a tall share the R factor says all there is to say; it is what has to travel.
            several = shares.count > 1 and len(joint) > 2 * width
            rows.append(torch.linalg.qr(joint, mode="r")[1] if several else joint)
        solution = self.damped(torch.cat(shares.gathered(rows)), width) / scale[:, None]
        last = equations.network.weights[-1]
        last.copy_(shares.agreed(solution.T.reshape(last.shape)))

    def damped(self, joint: Tensor, width: int) -> Tensor:
        """Least squares for the first `width` columns, of norm one, and the others as right-hand sides, with the ridge."""
        ridge = torch.zeros(width, joint.shape[1], dtype=joint.dtype, device=joint.device)
        ridge[:, :width].fill_diagonal_(self.ridge)
        joint = torch.cat([joint, ridge])
        return torch.linalg.lstsq(joint[:, :width], joint[:, width:], driver="gels").solution


class _LinearSolve(Iteration):
    """One step is all there is."""

    def __init__(self, settings: LastLayer, equations: Equations) -> None:
        self.settings, self.equations = settings, equations
        self.loss = equations.loss()

    def step(self) -> str:
        self.settings.solve(self.equations)
        self.loss = self.equations.loss()
        return ""

    def state(self) -> dict[str, Any]:
        return {"parameters": _copies(self.equations), "loss": self.loss}

    def restore(self, state: dict[str, Any]) -> None:
        put(self.equations, state["parameters"])
        self.loss = state["loss"]


@dataclass(frozen=True)
class LBFGS(Optimizer):
    """Limited-memory BFGS with a strong Wolfe line search (torch), restarted without its memory when it diverges.

    Args:
        steps: Iterations at the most.
        history: Number of stored pairs.
        tolerance: Stop when 100 iterations together have reduced the loss by less than this fraction.
    """

    name: ClassVar[str] = "l-bfgs"
    window: ClassVar[int] = 100
    steps: int = 2000
    history: int = 50
    tolerance: float = 0.01

    @property
    def stride(self) -> int:  # type: ignore[override]
        """Iterations in one call of torch's optimizer."""
        return min(20, self.steps)

    def begin(self, equations: Equations) -> Iteration:
        """Start without a memory."""
        return _FirstOrder(equations, self.steps, self._fresh)

    def _fresh(self, equations: Equations, softer: int, step: int) -> torch.optim.Optimizer:
        return torch.optim.LBFGS(
            equations.network.parameters(), max_iter=self.stride, history_size=self.history,
            tolerance_grad=0, tolerance_change=0, line_search_fn="strong_wolfe",
        )  # fmt: skip


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adam on all points at once, as in the paper. After a divergence it goes on from its best point, at half the rate of then.

    Args:
        steps: Epochs.
        learning_rate: Step size.
        final_rate: Step size at the end of a cosine decay; the same as `learning_rate` for none.
        tolerance: Stop when 1000 epochs together have reduced the loss by less than this fraction; 0 for never.
    """

    name: ClassVar[str] = "adam"
    window: ClassVar[int] = 1000
    steps: int = 4000
    learning_rate: float = 1e-3
    final_rate: float | None = None
    tolerance: float = 0.0

    def begin(self, equations: Equations) -> Iteration:
        """Start with moments of zero."""
        return _FirstOrder(equations, self.steps, self._fresh, self._rate)

    def _fresh(self, equations: Equations, softer: int, step: int) -> torch.optim.Optimizer:
        return torch.optim.Adam(equations.network.parameters(), lr=self._rate(softer, step))

    def _rate(self, softer: int, step: int) -> float:
        final = self.learning_rate if self.final_rate is None else self.final_rate
        decay = (1 + math.cos(math.pi * min(step / self.steps, 1))) / 2
        return float(0.5**softer * (final + (self.learning_rate - final) * decay))


class _FirstOrder(Iteration):
    """Steps of one of torch's optimizers, with our gradient."""

    def __init__(self, equations: Equations, steps: int, fresh: Any, rate: Any = None) -> None:
        self.equations, self.steps, self.fresh, self.rate = equations, steps, fresh, rate
        self.parameters = list(equations.network.parameters())
        self.count, self.softer = 0, 0
        self.optimizer = fresh(equations, 0, 0)
        self.loss = self._gradient()

    def _gradient(self) -> float:
        """Put the gradient where torch's optimizers look for it; the loss."""
        loss, gradients = self.equations.gradient()
        for parameter, gradient in zip(self.parameters, gradients, strict=True):
            parameter.grad = gradient
        return loss

    def step(self) -> str:
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
        optimizer = _cloned(self.optimizer.state_dict())
        return {
            "parameters": _copies(self.equations),
            "optimizer": optimizer,
            "count": self.count,
            "softer": self.softer,
        }

    def restore(self, state: dict[str, Any]) -> None:
        put(self.equations, state["parameters"])
        self.count, self.softer = state["count"], state["softer"]
        self.optimizer = self.fresh(self.equations, self.softer, self.count)
        self.optimizer.load_state_dict(_cloned(state["optimizer"]))
        self.loss = self._gradient()

    def soften(self) -> str:
        self.softer += 1
        self.optimizer = self.fresh(self.equations, self.softer, self.count)
        return "without the memory of earlier steps" + ("" if self.rate is None else ", at half the learning rate")


def put(equations: Equations, parameters: list[Tensor]) -> None:
    """Set the network's parameters."""
    with torch.no_grad():
        for parameter, value in zip(equations.network.parameters(), parameters, strict=True):
            parameter.copy_(value)


def _copies(equations: Equations) -> list[Tensor]:
    return [parameter.detach().clone() for parameter in equations.network.parameters()]


def _cloned(tree: Any) -> Any:
    """A tree of dictionaries, lists and tensors that shares nothing with the given one."""
    if isinstance(tree, Tensor):
        return tree.detach().clone()
    if isinstance(tree, dict):
        return {key: _cloned(value) for key, value in tree.items()}
    return [_cloned(value) for value in tree] if isinstance(tree, list | tuple) else tree
