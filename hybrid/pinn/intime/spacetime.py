"""∂_t u - D Δu + c u = f by one network of space and time, as in the paper."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Unpack

import numpy as np
import numpy.typing as npt
import sympy
import torch
from torch import Tensor

from hybrid.clock import clock
from hybrid.equation import Equation
from hybrid.parallel import on_root
from hybrid.pinn.cells.cellrows import mean_weight
from hybrid.pinn.functions.embedding import AffineEmbedding, AtTime, PeriodicEmbedding, SideBySide, Together
from hybrid.pinn.functions.field import Field
from hybrid.pinn.functions.network import VALUE, Embedding, Network
from hybrid.pinn.intime.transientestimates import spacetime_estimate
from hybrid.pinn.leastsquares import sampling
from hybrid.pinn.leastsquares.rows import Rows
from hybrid.pinn.leastsquares.system import contract
from hybrid.pinn.optimizers.base import History
from hybrid.pinn.optimizers.given import positive_counts, started
from hybrid.pinn.optimizers.training import Training
from hybrid.pinn.optimizers.training import train as train_network
from hybrid.pinn.steady.homogenized import Solution
from hybrid.symbols import coordinates, evaluate, numpy_function, t
from hybrid.trust import Estimate


def spacetime_networks(
    equation: Equation, *, seed: int = 0, hidden: Sequence[int] = (64, 64, 64), scale: float = 1.0,
    fast_features: bool = False,
) -> tuple[Network, ...]:  # fmt: skip
    """The untrained network of `solve_spacetime`, in a tuple: of (x, t), and of the fast frequency if asked for."""
    embedding: Embedding = AffineEmbedding([*equation.domain, (0.0, equation.evolution.until)])
    if fast_features:
        fast = PeriodicEmbedding([equation.eps * p for p in equation.period])
        none = AffineEmbedding([(0.0, equation.evolution.until)])
        embedding = Together(embedding, SideBySide(fast, none, equation.dim))
    return (Network(embedding, hidden, 1, seed, scale=scale),)


def solve_spacetime(
    equation: Equation,
    *,
    seed: int = 0,
    hidden: Sequence[int] = (64, 64, 64),
    points: int = 100,
    weights: Sequence[float] = (1 / 7, 5 / 7, 1 / 7),
    scale: float = 1.0,
    networks: Sequence[Network] | None = None,
    train: bool = True,
    **training: Unpack[Training],
) -> Solution:
    """Train u(x, t) on ∂_t u - D Δu + c u = f, with u = 0 on ∂Ω and u(·, 0) = u0 as penalties (paper, section 5.4).

    With c = r* this is NH-PINN's homogenized equation (24), with c = r(x/ε)/ε the classical PINN for equation (20).

    Args:
        equation: With c, an expression of x and x/ε, or a number.
        seed: Of the initial weights.
        hidden: Widths of the hidden layers.
        points: Points of the uniform mesh along each side of Ω and in time.
        weights: w_1, w_2, w_3 of the equation, the boundary and the initial value.
        scale: Factor on the initial hidden weights.
        networks: The network to start from, in a tuple; a new one by default (`spacetime_networks`). A copy is trained.
        train: Whether to train it at all.
        **training: See `hybrid.pinn.optimizers.training.train`.

    Returns:
        The solution at t = T.

    Raises:
        InputError: A number that is not positive.
        SolverError: The training diverged.
    """
    start = clock()
    positive_counts(points=points, hidden=hidden)
    if networks is None:
        networks = spacetime_networks(equation, seed=seed, hidden=hidden, scale=scale)
    else:
        networks = started(networks, 1, training.get("progress"))
    (network,) = networks
    history = History("given network")
    expression = _reaction(equation)
    if train:
        history = train_network(network, _rows(equation, expression, points, weights), **training)
    estimate = on_root(training.get("comm"), lambda: _estimate(equation, expression, network, points))
    field = Field(at_time(network, equation.evolution.until), 0, equation.dim)
    return Solution(field, history, clock() - start, (network,), {"solution": estimate})


def _reaction(equation: Equation) -> sympy.Expr:
    """c as an expression of x."""
    fast = {y: x / equation.eps for x, y in zip(equation.slow, equation.fast, strict=True)}
    return equation.reaction_expression.subs(fast)


def _estimate(equation: Equation, reaction: sympy.Expr, network: Network, count: int) -> Estimate:
    if reaction.free_symbols:
        return Estimate(None, "the classical network is compared with the reference only")

    def residual(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        at = torch.tensor(points)
        coefficients, source, operators = _equation(equation, reaction, at)
        return (source - contract(coefficients, network.evaluate(at, operators)))[:, 0].numpy()

    def field(value: float) -> Field:
        return Field(at_time(network, value), 0, equation.dim)

    return spacetime_estimate(equation, float(reaction), field, residual, count)


def _equation(equation: Equation, reaction: sympy.Expr, points: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Coefficients, right-hand side and operators at points (x, t)."""
    dim = equation.dim
    values = coordinates((*equation.slow, t), points)

    def tensor(expression: sympy.Expr) -> Tensor:
        return torch.as_tensor(evaluate(expression, values, "torch"), dtype=torch.float64).expand(len(points))

    operators = torch.zeros(1, dim + 1, dim + 1, dtype=torch.float64)
    operators[0, :dim, :dim] = torch.eye(dim)
    coefficients = torch.zeros(3 + dim, len(points), dtype=torch.float64)
    coefficients[0], coefficients[1 + dim], coefficients[-1] = tensor(reaction), 1.0, -equation.diffusion
    return coefficients, tensor(equation.source)[:, None], operators


def at_time(network: Network, value: float) -> Network:
    """The network of space that a network of space and time is at t; it shares the weights."""
    shared = copy.copy(network)
    shared.embedding = AtTime(network.embedding, value)
    return shared


def _rows(equation: Equation, reaction: sympy.Expr, count: int, weights: Sequence[float]) -> list[Rows]:
    dim = equation.dim
    box = [*equation.domain, (0.0, equation.evolution.until)]
    points = sampling.uniform_grid(box, count)
    coefficients, source, operators = _equation(equation, reaction, points)
    rows = [Rows([(points, coefficients)], source, operators, mean_weight(weights[0], len(points)))]

    space = sampling.uniform_grid(equation.domain, count)
    first = torch.cat([space, torch.zeros(len(space), 1, dtype=torch.float64)], dim=1)
    low, high = torch.tensor(equation.domain, dtype=torch.float64).T
    side = ((points[:, :dim] <= low) | (points[:, :dim] >= high)).any(dim=1)
    edge = points[side]
    initial = torch.tensor(numpy_function(equation.evolution.initial)(space.numpy()))[:, None]
    for at, target, share in (
        (edge, torch.zeros(len(edge), 1, dtype=torch.float64), weights[1]),
        (first, initial, weights[2]),
    ):
        one = torch.ones(1, len(at), dtype=torch.float64)
        rows.append(Rows([(at, one)], target, VALUE, mean_weight(share, len(at))))
    return rows
