"""Reaction-diffusion by networks: the cell problem, and the homogenized equation by implicit Runge-Kutta stages."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hybrid.pinn import sampling
from hybrid.pinn.cellrows import gauge
from hybrid.pinn.embedding import AffineEmbedding, PeriodicEmbedding
from hybrid.pinn.equations import Equations, Rows, behind_factor
from hybrid.pinn.field import Field
from hybrid.pinn.homogenized import Bubble, Solution
from hybrid.pinn.network import VALUE, Network, laplacian
from hybrid.pinn.optimizers import History, LevenbergMarquardt, Optimizer, Progress
from hybrid.pinn.radau import radau
from hybrid.problems import ReactionDiffusionProblem
from hybrid.symbols import coordinates, evaluate, numpy_function, t

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
    def network(self) -> Network:
        """The network behind N."""
        return self.correctors[0].network


def cell_network(
    problem: ReactionDiffusionProblem, *, seed: int = 0, hidden: Sequence[int] = (12, 12), scale: float = 1.0
) -> Network:
    """The untrained network of `solve_cell`."""
    return Network(PeriodicEmbedding(problem.period), hidden, 1, seed, scale=scale)


def solve_cell(
    problem: ReactionDiffusionProblem,
    *,
    seed: int = 0,
    hidden: Sequence[int] = (12, 12),
    optimizer: Optimizer | None = None,
    points: int = 128,
    scale: float = 1.0,
    device: str = "cpu",
    network: Network | None = None,
    progress: Progress | None = None,
) -> ReactionCellSolution:
    """Train N on -D ΔN = -r in Y, N periodic with mean 0 (paper, equation (23)); r* is the mean of r N over Y.

    Args:
        problem: Gives D, r and the period.
        seed: Of the initial weights.
        hidden: Widths of the hidden layers.
        optimizer: How to train; Levenberg-Marquardt by default, `LastLayer` for frozen random features.
        points: Collocation points along each side of the cell.
        scale: Factor on the initial hidden weights.
        device: The torch device.
        network: A network trained before; it is used as it is, without training.
        progress: Called after each step.

    Raises:
        SolverError: The training diverged.
    """
    start = time.perf_counter()
    dim = problem.dim
    history = History("given network")
    if network is None:
        network = cell_network(problem, seed=seed, hidden=hidden, scale=scale).to(device)
        at, weight = sampling.periodic_grid(problem.period, points)
        coefficients = torch.zeros(2 + dim, len(at), dtype=torch.float64)
        coefficients[-1] = problem.D
        rows = [Rows([(at, coefficients)], _at(problem, at)[:, None], laplacian(dim), weight)]
        rows.append(gauge(torch.zeros(1, dim, dtype=torch.float64), 1))
        optimizer = LevenbergMarquardt() if optimizer is None else optimizer
        history = optimizer.train(Equations(network, [part.to(device) for part in rows]), progress)
    grid, _ = sampling.periodic_grid(problem.period, _QUADRATURE[dim], 0.0)
    value = network.evaluate(grid, VALUE)[0, :, 0]
    r_star = float((_at(problem, grid) * (value - value.mean())).mean())
    field = Field(network, 0, dim, shift=-float(value.mean()))
    return ReactionCellSolution(r_star, (field,), history, time.perf_counter() - start)


def _at(problem: ReactionDiffusionProblem, points: Tensor) -> Tensor:
    value = evaluate(problem.r, coordinates(problem.fast, points), "torch")
    return torch.as_tensor(value, dtype=torch.float64).expand(len(points))


def homogenized_network(
    problem: ReactionDiffusionProblem, *, seed: int = 0, hidden: Sequence[int] = (24, 24), scale: float = 1.0,
    stages: int = 6, waves: int = 16,
) -> Network:  # fmt: skip
    """The untrained network of one step of `solve_homogenized`: one output for each stage."""
    return Network(AffineEmbedding(problem.domain, waves), hidden, stages, seed, scale=scale)


def solve_homogenized(
    problem: ReactionDiffusionProblem,
    coefficient: float,
    *,
    seed: int = 0,
    hidden: Sequence[int] = (24, 24),
    optimizer: Optimizer | None = None,
    points: int = 192,
    stages: int = 6,
    steps: int = 4,
    waves: int = 16,
    scale: float = 1.0,
    device: str = "cpu",
    networks: Sequence[Network] | None = None,
    progress: Progress | None = None,
) -> Solution:
    """Train p(·, T) on ∂_t p - D Δp + r* p = f, p = 0 on ∂Ω, p(·, 0) = u0 (paper, equation (24)), step by step in time.

    A step from t_n to t_n + h is one network of x with an output for each stage of Radau IIA, a discrete-time
    physics-informed network (Raissi, Perdikaris, Karniadakis 2019, section 3.2):

        U_i + h Σ_j A_ij ( -D ΔU_j + r* U_j ) = p(t_n) + h Σ_j A_ij f(·, t_n + c_j h),    p(t_n + h) = U_q.

    The corners of space-time, where f ≠ 0 meets the boundary value, need no resolution: each stage is smooth in x, and the
    method damps what it does not resolve in t.

    Args:
        problem: Gives Ω, D, f, u0 and T.
        coefficient: r*.
        seed: Of the initial weights of the first step; the next ones count up.
        hidden: Widths of the hidden layers.
        optimizer: How to train; Levenberg-Marquardt by default, `LastLayer` for frozen random features.
        points: Collocation points along each side of Ω.
        stages: q.
        steps: Steps in time, equally long.
        waves: Harmonics of the box among the inputs of the network, for sources that oscillate.
        scale: Factor on the initial hidden weights.
        device: The torch device.
        networks: Networks trained before, one for each step; they are used as they are, without training.
        progress: Called after each step of a training.

    Raises:
        SolverError: The training diverged.
    """
    start = time.perf_counter()
    matrix, nodes = (torch.as_tensor(v) for v in radau(stages))
    h = problem.T / steps
    factor = Bubble(tuple(problem.domain))  # type: ignore[arg-type]
    value: Callable[[npt.ArrayLike], npt.NDArray[np.float64]] = numpy_function(problem.u0)
    field: Field | None = None
    history = History("given networks")
    for step in range(steps):
        if networks is not None:
            network = networks[step]
        else:
            network = homogenized_network(
                problem, seed=seed + step, hidden=hidden, scale=scale, stages=stages, waves=waves
            ).to(device)
            rows = _stage_rows(problem, coefficient, value, factor, points, matrix, nodes, step * h, h)
            chosen = LevenbergMarquardt() if optimizer is None else optimizer
            part = chosen.train(Equations(network, [rows.to(device)]), progress)
            history = (
                part
                if step == 0
                else replace(part, loss=history.loss + part.loss, seconds=history.seconds + part.seconds)
            )
        field = Field(network, stages - 1, problem.dim, factor)
        value = field.values
    assert field is not None
    return Solution(field, history, time.perf_counter() - start)


def _stage_rows(
    problem: ReactionDiffusionProblem, r_star: float, before: Callable[[npt.ArrayLike], npt.NDArray[np.float64]],
    factor: Bubble, points: int, matrix: Tensor, nodes: Tensor, begin: float, h: float,
) -> Rows:  # fmt: skip
    dim, stages = problem.dim, len(nodes)
    at, weight = sampling.clustered_grid(problem.domain, points)
    operators = laplacian(dim)
    jet = factor(at, operators)
    value = torch.zeros(2 + dim, len(at), dtype=torch.float64)
    value[0] = 1.0
    spatial = torch.zeros(2 + dim, len(at), dtype=torch.float64)
    spatial[0], spatial[-1] = r_star, -problem.D
    sources = []
    for c in nodes:
        values = dict(zip(problem.slow, at.numpy().T, strict=True)) | {t: begin + float(c) * h}
        sources.append(torch.as_tensor(np.broadcast_to(evaluate(problem.f, values), len(at)).copy()))
    target = torch.tensor(before(at.numpy()))[:, None] + h * torch.stack(sources, dim=1) @ matrix.T
    terms = [(at, behind_factor(part, jet, operators)) for part in (value, spatial)]
    return Rows(terms, target, operators, weight, [torch.eye(stages, dtype=torch.float64), h * matrix])
