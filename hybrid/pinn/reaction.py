"""Reaction-diffusion by networks: the cell problem, the homogenized equation and the direct approach."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Unpack

import torch
from torch import Tensor

from hybrid.errors import InputError
from hybrid.pinn import sampling
from hybrid.pinn.cellrows import gauge, mean_weight, periodic_rows
from hybrid.pinn.embedding import AffineEmbedding, PeriodicEmbedding
from hybrid.pinn.field import Field
from hybrid.pinn.homogenized import Solution
from hybrid.pinn.network import VALUE, Network, laplacian
from hybrid.pinn.optimizer import History
from hybrid.pinn.reactionrungs import homogenized_rungs
from hybrid.pinn.rows import Rows
from hybrid.pinn.spacetime import solve_spacetime, spacetime_networks
from hybrid.pinn.stages import solve_stages, stage_networks
from hybrid.pinn.training import Training
from hybrid.pinn.training import train as train_network
from hybrid.problems import ReactionDiffusionProblem
from hybrid.symbols import coordinates, evaluate

__all__ = [
    "ReactionCellSolution", "cell_networks", "homogenized_networks", "homogenized_rungs", "solve_cell", "solve_homogenized",
    "solve_multiscale",
]  # fmt: skip

_QUADRATURE = {1: 512, 2: 128, 3: 30}


@dataclass(frozen=True)
class ReactionCellSolution:
    """The corrector N and the homogenized reaction r*.

    Attributes:
        coefficient: r*.
        correctors: N, mean zero; one, in a tuple as elsewhere.
        history: Of the training.
        seconds: Wall time.
        error_estimates: None; the error of N is measured against finite elements.
    """

    coefficient: float
    correctors: tuple[Field, ...]
    history: History
    seconds: float
    error_estimates: tuple[float, ...] | None = None

    @property
    def networks(self) -> tuple[Network, ...]:
        """The network behind N."""
        return (self.correctors[0].network,)


def cell_networks(
    problem: ReactionDiffusionProblem, *, seed: int = 0, hidden: Sequence[int] = (12, 12),
    periodicity: str = "embedding", scale: float = 1.0,
) -> tuple[Network, ...]:  # fmt: skip
    """The untrained network of `solve_cell`."""
    exact = periodicity == "embedding"
    embedding = PeriodicEmbedding(problem.period) if exact else AffineEmbedding([(0.0, p) for p in problem.period])
    return (Network(embedding, hidden, 1, seed, scale=scale),)


def solve_cell(
    problem: ReactionDiffusionProblem,
    *,
    seed: int = 0,
    hidden: Sequence[int] = (12, 12),
    periodicity: str = "embedding",
    points: int = 128,
    oversampling: int = 2,
    weights: Sequence[float] = (1 / 3, 1 / 3, 1 / 3),
    scale: float = 1.0,
    networks: Sequence[Network] | None = None,
    train: bool = True,
    **training: Unpack[Training],
) -> ReactionCellSolution:
    """Train N on -D ΔN = -r in Y, N periodic with mean 0 (paper, equation (23)); r* is the mean of r N over Y.

    Args:
        problem: Gives D, r and the period.
        seed: Of the initial weights.
        hidden: Widths of the hidden layers.
        periodicity: "embedding", "oversampling" or "penalty", as for the elliptic `solve_cell`.
        points: Collocation points along each side of the cell.
        oversampling: Layers of points outside the cell.
        weights: w_1, w_2, w_3 of the equation, the periodic condition and the oversampled points.
        scale: Factor on the initial hidden weights.
        networks: A network to start from; a new one by default (`cell_networks`).
        train: Whether to train it at all.
        **training: See `hybrid.pinn.training.train`.

    Raises:
        SolverError: The training diverged.
    """
    start = time.perf_counter()
    dim = problem.dim
    if networks is None:
        networks = cell_networks(problem, seed=seed, hidden=hidden, periodicity=periodicity, scale=scale)
    (network,) = networks
    history = History("given network")
    if train:
        rows = [gauge(torch.zeros(1, dim, dtype=torch.float64), 1)]
        if periodicity == "embedding":
            at, weight = sampling.periodic_grid(problem.period, points)
        else:
            at = sampling.uniform_grid([(0.0, p) for p in problem.period], points)
            weight = mean_weight(weights[0], len(at))
            rows += periodic_rows(problem.period, periodicity, points, oversampling, weights, 1)
        coefficients = torch.zeros(2 + dim, len(at), dtype=torch.float64)
        coefficients[-1] = problem.D
        rows.append(Rows([(at, coefficients)], _at(problem, at)[:, None], laplacian(dim), weight))
        history = train_network(network, rows, **training)
    grid, _ = sampling.periodic_grid(problem.period, _QUADRATURE[dim], 0.0)
    value = network.evaluate(grid, VALUE)[0, :, 0]
    r_star = float((_at(problem, grid) * (value - value.mean())).mean())
    field = Field(network, 0, dim, shift=-float(value.mean()))
    return ReactionCellSolution(r_star, (field,), history, time.perf_counter() - start)


def _at(problem: ReactionDiffusionProblem, points: Tensor) -> Tensor:
    value = evaluate(problem.r, coordinates(problem.fast, points), "torch")
    return torch.as_tensor(value, dtype=torch.float64).expand(len(points))


_METHODS = {"stages": (stage_networks, solve_stages), "space-time": (spacetime_networks, solve_spacetime)}


def homogenized_networks(
    problem: ReactionDiffusionProblem, *, method: str = "stages", **arguments: Any
) -> tuple[Network, ...]:
    """The untrained networks of `solve_homogenized`."""
    return _method(method)[0](problem, **arguments)


def solve_homogenized(
    problem: ReactionDiffusionProblem, coefficient: float, *, method: str = "stages", **arguments: Any
) -> Solution:
    """Train p(·, T) on ∂_t p - D Δp + r* p = f, p = 0 on ∂Ω, p(·, 0) = u0 (paper, equation (24)).

    Args:
        problem: Gives Ω, D, f, u0 and T.
        coefficient: r*.
        method: "stages", discrete-time networks (`hybrid.pinn.stages.solve_stages`), or "space-time", the paper's one
            network of (x, t) (`hybrid.pinn.spacetime.solve_spacetime`).
        **arguments: Those of that function.

    Raises:
        InputError: An unknown method.
        SolverError: The training diverged.
    """
    return _method(method)[1](problem, coefficient, **arguments)


def solve_multiscale(problem: ReactionDiffusionProblem, **arguments: Any) -> Solution:
    """Train u(x, t) on ∂_t u - D Δu + (1/ε) r(x/ε) u = f itself, the classical PINN (paper, equation (20)); the arguments are
    those of `hybrid.pinn.spacetime.solve_spacetime`."""
    fast = {y: x / problem.eps for x, y in zip(problem.slow, problem.fast, strict=True)}
    return solve_spacetime(problem, problem.r.subs(fast) / problem.eps, **arguments)


def _method(name: str) -> tuple[Any, Any]:
    if name not in _METHODS:
        raise InputError("method", f"{name!r}; allowed are {', '.join(_METHODS)}")
    return _METHODS[name]
