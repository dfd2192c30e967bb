"""Optimizers behind one interface: `train(equations, progress)` changes the network in place and returns its history.

When to use which:

- `LevenbergMarquardt`: the default for all layers. The rows are linear in the network, so Gauss-Newton's model is good,
  and with up to a few thousand parameters a step costs little.
- `LastLayer`: the hidden layers stay as they are (frozen random features) and the last one is solved for. By far the
  fastest; it is a linear method with random basis functions, not a trained network.
- `VariableProjection` (`hybrid.pinn.projection`): all layers, the last one by least squares in every step. On the 2D cell
  problem with 24-24 units 60 of its steps do what 150 of Levenberg-Marquardt's do.
- `LBFGS`: all layers, when there are too many parameters for a Jacobian.
- `Adam`: what the paper uses; for comparison.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from hybrid.errors import SolverError
from hybrid.pinn.equations import Equations

Progress = Callable[[int, int, float], None]
"""Called with the step, the largest number of steps, and the loss."""


@dataclass
class History:
    """How a training went: the loss after each step (the first is the initial one), why it stopped, and what it cost."""

    optimizer: str
    loss: list[float] = field(default_factory=list)
    stopped: str = "all steps done"
    seconds: float = 0.0

    def add(self, loss: float, step: int, steps: int, progress: Progress | None) -> None:
        """Record a loss, and refuse one that is not a number.

        Raises:
            SolverError: The training has diverged.
        """
        if not math.isfinite(loss):
            raise SolverError(
                f"training diverged: {self.optimizer} reached the loss {loss} at step {step}; "
                "try a smaller learning rate, other weights, or levenberg-marquardt"
            )
        self.loss.append(loss)
        if progress is not None:
            progress(step, steps, loss)


class Optimizer(Protocol):
    """What all optimizers are."""

    def train(self, equations: Equations, progress: Progress | None = None) -> History:
        """Minimize the equations' loss over the parameters of their network, in place."""


@dataclass(frozen=True)
class LastLayer:
    """Least squares for the last layer, by QR; the hidden layers are left as they are.

    Args:
        ridge: Tikhonov's √λ relative to columns of norm one. Random features are nearly dependent: without it the
            weights grow until rounding shows.
    """

    ridge: float = 1e-14

    def train(self, equations: Equations, progress: Progress | None = None) -> History:
        """Solve for the last layer."""
        start, history = time.perf_counter(), History("last-layer least squares")
        with torch.no_grad():
            history.add(float(equations.loss()), 0, 1, None)
            matrix, target = equations.features()
            scale = matrix.norm(dim=0).clamp_min(1e-300)
            width = matrix.shape[1]
            matrix = torch.cat(
                [matrix / scale, self.ridge * torch.eye(width, dtype=matrix.dtype, device=matrix.device)]
            )
            target = torch.cat([target, torch.zeros(width, target.shape[1], dtype=target.dtype, device=target.device)])
            solution = torch.linalg.lstsq(matrix, target, driver="gels").solution
            last = equations.network.weights[-1]
            last.copy_((solution / scale[:, None]).T.reshape(last.shape))
            history.add(float(equations.loss()), 1, 1, progress)
        history.seconds = time.perf_counter() - start
        return history


@dataclass(frozen=True)
class LevenbergMarquardt:
    """Gauss-Newton steps δ with (JᵀJ + λ D) δ = -Jᵀr, D = diag(JᵀJ), λ by the gain ratio (Marquardt 1963, Nielsen 1999).

    Args:
        steps: At the most.
        tolerance: Stop when 20 steps together have reduced the loss by less than this fraction.
        damping: The first λ.
        floor: Of the entries of √D, relative to the largest.
        last_layer_first: Begin with least squares for the last layer: the start for functions that oscillate, whose
            initial features have to be steep.
    """

    steps: int = 200
    tolerance: float = 0.02
    damping: float = 1e-3
    floor: float = 1e-3
    last_layer_first: bool = False

    def train(self, equations: Equations, progress: Progress | None = None) -> History:
        """Train all layers."""
        start, history = time.perf_counter(), History("levenberg-marquardt")
        if self.last_layer_first:
            LastLayer().train(equations)
        parameters = list(equations.network.parameters())
        outputs = equations.network.weights[-1].shape[0]
        with torch.no_grad():
            theta = parameters_to_vector(parameters)
            residual, jacobian = equations.jacobian()
            loss = float(residual @ residual)
            history.add(loss / outputs, 0, self.steps, progress)
            damping, growth = self.damping, 2.0
            for step in range(1, self.steps + 1):
                scale = jacobian.norm(dim=0)
                scale = scale.clamp_min(float(scale.max()) * self.floor + 1e-300)
                jacobian /= scale
                normal, gradient = jacobian.T @ jacobian, jacobian.T @ residual
                while True:
                    change = damped_step(normal, gradient, damping)
                    if change is not None:
                        vector_to_parameters(theta + change / scale, parameters)
                        trial = float(equations.loss()) * outputs
                        predicted = -float(2 * gradient @ change + change @ (normal @ change))
                        if trial < loss:
                            break
                    damping, growth = damping * growth, 2 * growth
                    if damping > 1e12:
                        vector_to_parameters(theta, parameters)
                        history.stopped = "no step reduces the loss"
                        history.seconds = time.perf_counter() - start
                        return history
                gain = (loss - trial) / max(predicted, 1e-300)
                damping, growth = max(damping * max(0.1, 1 - (2 * gain - 1) ** 3), 1e-15), 2.0
                theta = parameters_to_vector(parameters)
                residual, jacobian = equations.jacobian()
                loss = float(residual @ residual)
                history.add(loss / outputs, step, self.steps, progress)
                if step >= 20 and history.loss[-1] > (1 - self.tolerance) * history.loss[-21]:
                    history.stopped = f"loss reduced by less than {100 * self.tolerance:g} % in 20 steps"
                    break
        history.seconds = time.perf_counter() - start
        return history


def damped_step(normal: Tensor, gradient: Tensor, damping: float) -> Tensor | None:
    """-(normal + damping)⁻¹ gradient; None if that is not positive definite to rounding."""
    matrix = normal.clone()
    matrix.diagonal().add_(damping)
    factor, failed = torch.linalg.cholesky_ex(matrix)
    return None if failed else -torch.cholesky_solve(gradient[:, None], factor)[:, 0]


@dataclass(frozen=True)
class LBFGS:
    """Limited-memory BFGS with a strong Wolfe line search (torch), restarted until it stagnates.

    Args:
        steps: Iterations at the most.
        history: Number of stored pairs.
        tolerance: Stop when 100 iterations together have reduced the loss by less than this fraction.
    """

    steps: int = 2000
    history: int = 50
    tolerance: float = 0.01

    def train(self, equations: Equations, progress: Progress | None = None) -> History:
        """Train all layers."""
        start, history = time.perf_counter(), History("l-bfgs")
        inner = min(20, self.steps)
        optimizer = torch.optim.LBFGS(
            equations.network.parameters(), max_iter=inner, history_size=self.history,
            tolerance_grad=0, tolerance_change=0, line_search_fn="strong_wolfe",
        )  # fmt: skip

        def closure() -> float:
            return _set_gradient(equations)

        history.add(float(equations.loss().detach()), 0, self.steps, progress)
        for step in range(inner, self.steps + 1, inner):
            optimizer.step(closure)  # type: ignore[no-untyped-call]
            history.add(float(equations.loss().detach()), step, self.steps, progress)
            if len(history.loss) > 5 and history.loss[-1] > (1 - self.tolerance) * history.loss[-6]:
                history.stopped = f"loss reduced by less than {100 * self.tolerance:g} % in {5 * inner} iterations"
                break
        history.seconds = time.perf_counter() - start
        return history


@dataclass(frozen=True)
class Adam:
    """Adam on all points at once, as in the paper.

    Args:
        steps: Epochs.
        learning_rate: Step size.
        final_rate: Step size at the end of a cosine decay; the same as `learning_rate` for none.
    """

    steps: int = 4000
    learning_rate: float = 1e-3
    final_rate: float | None = None

    def train(self, equations: Equations, progress: Progress | None = None) -> History:
        """Train all layers."""
        start, history = time.perf_counter(), History("adam")
        optimizer = torch.optim.Adam(equations.network.parameters(), lr=self.learning_rate)
        final = self.learning_rate if self.final_rate is None else self.final_rate
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, self.steps, eta_min=final)
        for step in range(self.steps):
            history.add(_set_gradient(equations), step, self.steps, progress)
            optimizer.step()
            schedule.step()
        history.add(float(equations.loss().detach()), self.steps, self.steps, progress)
        history.seconds = time.perf_counter() - start
        return history


def _set_gradient(equations: Equations) -> float:
    """Put the gradient where torch's optimizers look for it; the loss."""
    loss, gradients = equations.gradient()
    for parameter, gradient in zip(equations.network.parameters(), gradients, strict=True):
        parameter.grad = gradient
    return loss
