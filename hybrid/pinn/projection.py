"""Variable projection: the last layer is eliminated by least squares, the hidden layers are trained by Gauss-Newton."""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from hybrid.pinn.equations import Equations
from hybrid.pinn.optimizers import History, LastLayer, Progress, damped_step


@dataclass(frozen=True)
class VariableProjection:
    """min over θ of ‖A(θ) W(θ) - b‖², where W(θ) solves the last layer for the hidden layers θ (Golub, Pereyra 1973).

    A step is one of Levenberg-Marquardt in θ with the Jacobian P J, where P = 1 - A A⁺ takes out what the last layer can
    do by itself (Kaufman's approximation, 1975). Worth its price where the last layer is badly scaled against the
    hidden ones: each step costs a least-squares solve more than Levenberg-Marquardt.

    Args:
        steps: At the most.
        tolerance: Stop when 20 steps together have reduced the loss by less than this fraction.
        damping: The first λ.
        floor: Of the scaling of the columns, relative to the largest.
        ridge: Of the least squares, see `LastLayer`.
    """

    steps: int = 100
    tolerance: float = 0.02
    damping: float = 1e-3
    floor: float = 1e-3
    ridge: float = 1e-12

    def train(self, equations: Equations, progress: Progress | None = None) -> History:
        """Train all layers."""
        start, history = time.perf_counter(), History("variable projection")
        network = equations.network
        outputs = network.weights[-1].shape[0]
        hidden = [*network.weights[:-1], *network.biases]
        solve = LastLayer(self.ridge)
        with torch.no_grad():
            history.add(float(equations.loss()), 0, self.steps, progress)
            solve.train(equations)
            theta, loss = parameters_to_vector(hidden), float(equations.loss()) * outputs
            damping, growth = self.damping, 2.0
            for step in range(1, self.steps + 1):
                residual, jacobian = self._projected(equations)
                scale = jacobian.norm(dim=0)
                scale = scale.clamp_min(float(scale.max()) * self.floor + 1e-300)
                jacobian /= scale
                normal, gradient = jacobian.T @ jacobian, jacobian.T @ residual
                last = network.weights[-1].clone()
                while True:
                    change = damped_step(normal, gradient, damping)
                    if change is not None:
                        vector_to_parameters(theta + change / scale, hidden)
                        solve.train(equations)
                        trial = float(equations.loss()) * outputs
                        predicted = -float(2 * gradient @ change + change @ (normal @ change))
                        if trial < loss:
                            break
                    damping, growth = damping * growth, 2 * growth
                    if damping > 1e12:
                        vector_to_parameters(theta, hidden)
                        network.weights[-1].copy_(last)
                        history.stopped = "no step reduces the loss"
                        history.seconds = time.perf_counter() - start
                        return history
                gain = (loss - trial) / max(predicted, 1e-300)
                damping, growth = max(damping * max(0.1, 1 - (2 * gain - 1) ** 3), 1e-15), 2.0
                theta, loss = parameters_to_vector(hidden), trial
                history.add(loss / outputs, step, self.steps, progress)
                if step >= 20 and history.loss[-1] > (1 - self.tolerance) * history.loss[-21]:
                    history.stopped = f"loss reduced by less than {100 * self.tolerance:g} % in 20 steps"
                    break
        history.seconds = time.perf_counter() - start
        return history

    def _projected(self, equations: Equations) -> tuple[Tensor, Tensor]:
        """Residuals and P J for the hidden parameters, (rows · outputs,) and (rows · outputs, hidden parameters)."""
        network = equations.network
        residual, jacobian = equations.jacobian()
        before = sum(w.numel() for w in network.weights[:-1])
        after = before + network.weights[-1].numel()
        jacobian = torch.cat([jacobian[:, :before], jacobian[:, after:]], dim=1)
        # Columns of the last layer: those of the features, for each output, or of all outputs where rows couple them.
        matrix, target = equations.features()
        basis = torch.linalg.qr(matrix / matrix.norm(dim=0).clamp_min(1e-300))[0]
        if equations.coupled:  # features has the rows of a point together, the Jacobian those of an output
            outputs = network.weights[-1].shape[0]
            order = torch.arange(len(target)).reshape(-1, outputs).T.reshape(-1)
            basis = basis[order]
            return residual, jacobian - basis @ (basis.T @ jacobian)
        parts = jacobian.reshape(-1, len(matrix), jacobian.shape[1])
        return residual, (parts - basis @ (basis.T @ parts)).reshape(jacobian.shape)
