"""Optimizers behind one interface, `hybrid.pinn.optimizers.base.Optimizer`. When to use which:

- `LastLayer`: the hidden layers stay as they are (frozen random features) and the last one is solved for. By far the
  fastest; it is a linear method with random basis functions, not a trained network.
- `LevenbergMarquardt` (`hybrid.pinn.optimizers.gaussnewton`): all layers. The rows are linear in the network, so
  Gauss-Newton's model is good, and with up to a few thousand parameters a step costs little. With more parameters than
  residuals it solves in the space of the residuals.
- `VariableProjection` (`hybrid.pinn.optimizers.gaussnewton`): all layers, the last one by least squares in every step. Its
  steps cost more and are worth more: the choice where the last digits count.
- `LBFGS`: all layers, when there are too many parameters and residuals for a Jacobian.
- `Adam`: what the paper uses; for comparison.

These are settings; what they do is in modules that load torch, which they import when they begin: a problem file is checked
without it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from hybrid.pinn.optimizers.base import Iteration, Optimizer

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from hybrid.pinn.leastsquares.system import System


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

    def begin(self, system: System) -> Iteration:
        """Nothing is done yet."""
        from hybrid.pinn.optimizers import lastlayer  # loads torch

        return lastlayer.LinearSolve(self.ridge, system)

    def solve(self, system: System) -> None:
        """Put the least-squares solution into the last layer; collective."""
        from hybrid.pinn.optimizers import lastlayer  # loads torch

        lastlayer.solve(system, self.ridge)

    def damped(self, joint: Tensor, width: int) -> Tensor:
        """Least squares for the first `width` columns, of norm one, and the others as right-hand sides, with the ridge."""
        from hybrid.pinn.optimizers import lastlayer  # loads torch

        return lastlayer.damped(joint, width, self.ridge)


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

    def begin(self, system: System) -> Iteration:
        """Start without a memory."""
        from hybrid.pinn.optimizers.firstorder import FirstOrder  # loads torch

        return FirstOrder(system, self.steps, self._fresh)

    def _fresh(self, system: System, softer: int, step: int) -> torch.optim.Optimizer:
        import torch  # not before a training begins

        return torch.optim.LBFGS(
            system.network.parameters(), max_iter=self.stride, history_size=self.history,
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

    def begin(self, system: System) -> Iteration:
        """Start with moments of zero."""
        from hybrid.pinn.optimizers.firstorder import FirstOrder  # loads torch

        return FirstOrder(system, self.steps, self._fresh, self._rate)

    def _fresh(self, system: System, softer: int, step: int) -> torch.optim.Optimizer:
        import torch  # not before a training begins

        return torch.optim.Adam(system.network.parameters(), lr=self._rate(softer, step))

    def _rate(self, softer: int, step: int) -> float:
        final = self.learning_rate if self.final_rate is None else self.final_rate
        decay = (1 + math.cos(math.pi * min(step / self.steps, 1))) / 2
        return float(0.5**softer * (final + (self.learning_rate - final) * decay))
