"""∂_t u - D Δu + c u = f by one network of space and time, as in the paper."""

from __future__ import annotations

import copy
import time
from collections.abc import Sequence
from typing import Unpack

import sympy
import torch

from hybrid.pinn import sampling
from hybrid.pinn.cellrows import mean_weight
from hybrid.pinn.embedding import AffineEmbedding, AtTime, PeriodicEmbedding, SideBySide, Together
from hybrid.pinn.field import Field
from hybrid.pinn.homogenized import Solution
from hybrid.pinn.network import VALUE, Embedding, Network
from hybrid.pinn.optimizer import History
from hybrid.pinn.rows import Rows
from hybrid.pinn.training import Training
from hybrid.pinn.training import train as train_network
from hybrid.problems import ReactionDiffusionProblem
from hybrid.symbols import coordinates, evaluate, numpy_function, t


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
        networks: The network to start from, in a tuple; a new one by default (`spacetime_networks`).
        train: Whether to train it at all.
        **training: See `hybrid.pinn.training.train`.

    Returns:
        The solution at t = T.

    Raises:
        SolverError: The training diverged.
    """
    start = time.perf_counter()
    if networks is None:
        networks = spacetime_networks(problem, seed=seed, hidden=hidden, scale=scale)
    (network,) = networks
    history = History("given network")
    if train:
        rows = _rows(problem, sympy.sympify(reaction), points, weights)
        history = train_network(network, rows, **training)
    return Solution(
        Field(at_time(network, problem.T), 0, problem.dim), history, time.perf_counter() - start, (network,)
    )


def at_time(network: Network, value: float) -> Network:
    """The network of space that a network of space and time is at t; it shares the weights."""
    shared = copy.copy(network)
    shared.embedding = AtTime(network.embedding, value)
    return shared


def _rows(problem: ReactionDiffusionProblem, reaction: sympy.Expr, count: int, weights: Sequence[float]) -> list[Rows]:
    dim = problem.dim
    box = [*problem.domain, (0.0, problem.T)]
    points = sampling.uniform_grid(box, count)
    values = coordinates((*problem.slow, t), points)

    def tensor(expression: sympy.Expr) -> torch.Tensor:
        return torch.as_tensor(evaluate(expression, values, "torch"), dtype=torch.float64).expand(len(points))

    operators = torch.zeros(1, dim + 1, dim + 1, dtype=torch.float64)
    operators[0, :dim, :dim] = torch.eye(dim)
    coefficients = torch.zeros(3 + dim, len(points), dtype=torch.float64)
    coefficients[0], coefficients[1 + dim], coefficients[-1] = tensor(reaction), 1.0, -problem.D
    rows = [Rows([(points, coefficients)], tensor(problem.f)[:, None], operators, mean_weight(weights[0], len(points)))]

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
