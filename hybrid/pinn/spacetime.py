"""∂_t u - D Δu + c u = f by one network of space and time, as in the paper."""

from __future__ import annotations

import copy
import time
from collections.abc import Sequence
from typing import Unpack

import numpy as np
import numpy.typing as npt
import sympy
import torch
from torch import Tensor

from hybrid.errors import InputError
from hybrid.parallel import on_root
from hybrid.physics import ReactionDiffusionProblem
from hybrid.pinn import sampling
from hybrid.pinn.cellrows import mean_weight
from hybrid.pinn.embedding import AffineEmbedding, AtTime, PeriodicEmbedding, SideBySide, Together
from hybrid.pinn.equations import contract
from hybrid.pinn.field import Field
from hybrid.pinn.given import positive_counts, started
from hybrid.pinn.homogenized import Solution
from hybrid.pinn.network import VALUE, Embedding, Network
from hybrid.pinn.optimizer import History
from hybrid.pinn.rows import Rows
from hybrid.pinn.training import Training
from hybrid.pinn.training import train as train_network
from hybrid.pinn.transientestimates import spacetime_estimate
from hybrid.symbols import coordinates, evaluate, numpy_function, t
from hybrid.trust import Estimate


def spacetime_networks(
    problem: ReactionDiffusionProblem, *, seed: int = 0, hidden: Sequence[int] = (64, 64, 64), scale: float = 1.0,
    fast_features: bool = False,
) -> tuple[Network, ...]:  # fmt: skip
    """The untrained network of `solve_spacetime`, in a tuple: of (x, t), and of the fast frequency if asked for."""
    embedding: Embedding = AffineEmbedding([*problem.domain, (0.0, problem.T)])
    if fast_features:
        fast = PeriodicEmbedding([problem.eps * p for p in problem.period])
        none = AffineEmbedding([(0.0, problem.T)])
        embedding = Together(embedding, SideBySide(fast, none, problem.dim))
    return (Network(embedding, hidden, 1, seed, scale=scale),)


def solve_spacetime(
    problem: ReactionDiffusionProblem,
    reaction: sympy.Expr | float,
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
        problem: Gives Ω, D, f, u0 and T.
        reaction: c, an expression of x, or a number.
        seed: Of the initial weights.
        hidden: Widths of the hidden layers.
        points: Points of the uniform mesh along each side of Ω and in time.
        weights: w_1, w_2, w_3 of the equation, the boundary and the initial value.
        scale: Factor on the initial hidden weights.
        networks: The network to start from, in a tuple; a new one by default (`spacetime_networks`). A copy is trained.
        train: Whether to train it at all.
        **training: See `hybrid.pinn.training.train`.

    Returns:
        The solution at t = T.

    Raises:
        InputError: Another kind of problem, or a number that is not positive.
        SolverError: The training diverged.
    """
    start = time.perf_counter()
    if not isinstance(problem, ReactionDiffusionProblem):
        raise InputError("problem", f"{type(problem).__name__}; allowed is a ReactionDiffusionProblem")
    positive_counts(points=points, hidden=hidden)
    if networks is None:
        networks = spacetime_networks(problem, seed=seed, hidden=hidden, scale=scale)
    else:
        networks = started(networks, 1, training.get("progress"))
    (network,) = networks
    history = History("given network")
    expression = sympy.sympify(reaction)
    if train:
        history = train_network(network, _rows(problem, expression, points, weights), **training)
    estimate = on_root(training.get("comm"), lambda: _estimate(problem, expression, network, points))
    field = Field(at_time(network, problem.T), 0, problem.dim)
    return Solution(field, history, time.perf_counter() - start, (network,), {"solution": estimate})


def _estimate(problem: ReactionDiffusionProblem, reaction: sympy.Expr, network: Network, count: int) -> Estimate:
    if reaction.free_symbols:
        return Estimate(None, "the classical network is compared with the reference only")

    def residual(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        at = torch.tensor(points)
        coefficients, source, operators = _equation(problem, reaction, at)
        return (source - contract(coefficients, network.evaluate(at, operators)))[:, 0].numpy()

    def field(value: float) -> Field:
        return Field(at_time(network, value), 0, problem.dim)

    return spacetime_estimate(problem, float(reaction), field, residual, count)


def _equation(problem: ReactionDiffusionProblem, reaction: sympy.Expr, points: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Coefficients, right-hand side and operators at points (x, t)."""
    dim = problem.dim
    values = coordinates((*problem.slow, t), points)

    def tensor(expression: sympy.Expr) -> Tensor:
        return torch.as_tensor(evaluate(expression, values, "torch"), dtype=torch.float64).expand(len(points))

    operators = torch.zeros(1, dim + 1, dim + 1, dtype=torch.float64)
    operators[0, :dim, :dim] = torch.eye(dim)
    coefficients = torch.zeros(3 + dim, len(points), dtype=torch.float64)
    coefficients[0], coefficients[1 + dim], coefficients[-1] = tensor(reaction), 1.0, -problem.D
    return coefficients, tensor(problem.f)[:, None], operators


def at_time(network: Network, value: float) -> Network:
    """The network of space that a network of space and time is at t; it shares the weights."""
    shared = copy.copy(network)
    shared.embedding = AtTime(network.embedding, value)
    return shared


def _rows(problem: ReactionDiffusionProblem, reaction: sympy.Expr, count: int, weights: Sequence[float]) -> list[Rows]:
    dim = problem.dim
    box = [*problem.domain, (0.0, problem.T)]
    points = sampling.uniform_grid(box, count)
    coefficients, source, operators = _equation(problem, reaction, points)
    rows = [Rows([(points, coefficients)], source, operators, mean_weight(weights[0], len(points)))]

    space = sampling.uniform_grid(problem.domain, count)
    first = torch.cat([space, torch.zeros(len(space), 1, dtype=torch.float64)], dim=1)
    low, high = torch.tensor(problem.domain, dtype=torch.float64).T
    side = ((points[:, :dim] <= low) | (points[:, :dim] >= high)).any(dim=1)
    edge = points[side]
    initial = torch.tensor(numpy_function(problem.u0)(space.numpy()))[:, None]
    for at, target, share in (
        (edge, torch.zeros(len(edge), 1, dtype=torch.float64), weights[1]),
        (first, initial, weights[2]),
    ):
        one = torch.ones(1, len(at), dtype=torch.float64)
        rows.append(Rows([(at, one)], target, VALUE, mean_weight(share, len(at))))
    return rows
