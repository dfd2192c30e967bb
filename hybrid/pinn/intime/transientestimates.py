"""How far p(·, T) is from the solution of the homogenized reaction-diffusion equation, in space and in time.

In sines of the box -DΔ + r* is a number for each of them, so that errors can be followed from step to step exactly:

- space: what the equations of the stages leave over at uniform points between those of the training, carried to T by the same
  Runge-Kutta method. For one network of space and time it is what the equation itself leaves over at many times, and at t = 0.
- time: the same method with the same steps and with more than four times as many, both without a network.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from hybrid.equation import Equation
from hybrid.pinn.functions.field import Field
from hybrid.pinn.functions.network import Network, laplacian, product_jet
from hybrid.pinn.intime.radau import radau
from hybrid.pinn.sizes import BOXES
from hybrid.pinn.steady.estimates import estimate_grid, on_boundary
from hybrid.pinn.steady.sines import SineGrid
from hybrid.symbols import evaluate, numpy_function, t
from hybrid.trust import Estimate

Array = npt.NDArray[np.float64]
Before = Callable[[npt.ArrayLike], Array]


@dataclass(frozen=True)
class Modes:
    """The equation in sines.

    Attributes:
        equation: Gives D and f.
        r_star: r*.
        grid: The points.
        matrix: A of the Runge-Kutta method.
        nodes: c.
    """

    equation: Equation
    r_star: float
    grid: SineGrid
    matrix: Array
    nodes: Array

    def advance(self, values: Array, right: Array, h: float) -> Array:
        """The last stage of (1 + h A (-DΔ + r*)) E = right + 1 e, for right (q, *shape) in sines and e = `values`."""
        rate = self.equation.diffusion * self.grid.symbol(np.ones(len(self.grid.cells))) + self.r_star
        eigenvalues, vectors = np.linalg.eig(self.matrix)
        turned = np.tensordot(np.linalg.inv(vectors), right + values[None], axes=(1, 0))
        turned /= 1 + h * np.multiply.outer(eigenvalues, rate)
        return np.tensordot(vectors[-1], turned, axes=(0, 0)).real

    def sources(self, begin: float, h: float) -> Array:
        """f at the stages' times in sines, (q, *shape)."""
        points = self.grid.points()
        return np.stack([self.grid.transform(self.source(points, begin + c * h)) for c in self.nodes])

    def source(self, points: Array, time: float) -> Array:
        """f at a time, `grid.shape`."""
        values = dict(zip(self.equation.slow, points.T, strict=True)) | {t: time}
        return np.broadcast_to(evaluate(self.equation.source, values), len(points)).reshape(self.grid.shape)

    def initial(self) -> Array:
        """u0 in sines."""
        return self.grid.transform(
            numpy_function(self.equation.evolution.initial)(self.grid.points()).reshape(self.grid.shape)
        )

    def solved(self, steps: int) -> Array:
        """u(·, T) in sines by so many steps."""
        h, values = self.equation.evolution.until / steps, self.initial()
        for step in range(steps):
            right = h * np.tensordot(self.matrix, self.sources(step * h, h), axes=(1, 0))
            values = self.advance(values, right, h)
        return values


def modes_of(equation: Equation, r_star: float, stages: int, points: int) -> Modes:
    """On points for a training with so many points along each side."""
    return Modes(equation, r_star, estimate_grid(equation.domain, points), *radau(stages))


def time_error(modes: Modes, steps: int) -> tuple[float, float]:
    """Of ‖u(·, T)‖ by so many steps, and the norm itself by more."""
    fine = modes.solved(4 * steps + 1)
    return modes.grid.norm(modes.solved(steps) - fine), modes.grid.norm(fine)


def stages_estimate(modes: Modes, fields: Sequence[tuple[Network, float]], factor: object, before: Before) -> Estimate:
    """For discrete-time networks.

    Args:
        modes: With the method that the networks were trained with.
        fields: The network of each step and its unit.
        factor: The jet of φ.
        before: u0.
    """
    equation, grid, matrix = modes.equation, modes.grid, modes.matrix
    steps, h = len(fields), equation.evolution.until / len(fields)
    at, operators = torch.tensor(grid.points()), laplacian(equation.dim)
    phi = factor(at, operators)  # type: ignore[operator]
    value = before(at.numpy()).reshape(grid.shape)
    error = np.zeros(grid.shape)
    for step, (network, unit) in enumerate(fields):
        jet = unit * product_jet(phi, network.evaluate(at, operators), operators).numpy()
        stage, spatial = jet[0].T, (modes.r_star * jet[0] - equation.diffusion * jet[-1]).T
        f = np.stack([modes.source(at.numpy(), step * h + c * h).ravel() for c in modes.nodes])
        rest = value.ravel()[None] + h * matrix @ (f - spatial) - stage
        error = modes.advance(error, grid.transform(rest.reshape(-1, *grid.shape)), h)
        value = stage[-1].reshape(grid.shape)
    return _together(modes, grid.norm(error), *time_error(modes, steps))


def spacetime_estimate(
    equation: Equation, rate: float, at_time: Callable[[float], Field], residual: Callable[[Array], Array],
    points: int,
) -> Estimate:  # fmt: skip
    """For one network of space and time.

    Args:
        equation: The problem.
        rate: r*.
        at_time: The function at a time.
        residual: f - ∂_t u + DΔu - r* u at points (x, t), (n, d + 1) -> (n,).
        points: Of the training, along each side.
    """
    modes = modes_of(equation, rate, 3, points)
    grid, steps = modes.grid, BOXES[equation.dim].estimate_steps
    h, at = equation.evolution.until / steps, grid.points()
    error = grid.transform(
        (numpy_function(equation.evolution.initial)(at) - at_time(0.0).values(at)).reshape(grid.shape)
    )
    for step in range(steps):
        times = [step * h + node * h for node in modes.nodes]
        rest = np.stack([residual(np.hstack([at, np.full((len(at), 1), time)])).reshape(grid.shape) for time in times])
        error = modes.advance(error, h * np.tensordot(modes.matrix, grid.transform(rest), axes=(1, 0)), h)
    volume = float(np.prod([high - low for low, high in equation.domain]))
    several = np.linspace(0, equation.evolution.until, 9)
    edge = max(on_boundary(at_time(time), equation.domain, min(65, max(grid.cells))) for time in several)
    _, size = time_error(modes, 2 * steps)
    return _together(modes, grid.norm(error) + volume**0.5 * edge, 0.0, size)


def _together(modes: Modes, space: float, time: float, size: float) -> Estimate:
    if not size:
        return Estimate(None, "the solution is zero")
    how = (
        f"the equation's residual at {' × '.join(map(str, modes.grid.shape))} other points makes {space / size:.1e}, the steps "
        f"in time {time / size:.1e}"
    )
    return Estimate((space + time) / size, how)
