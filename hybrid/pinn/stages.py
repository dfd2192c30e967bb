"""The homogenized reaction-diffusion equation by discrete-time networks: implicit Runge-Kutta stages."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Unpack

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hybrid.errors import InputError
from hybrid.parallel import on_root
from hybrid.physics import ReactionDiffusionProblem
from hybrid.pinn import sampling
from hybrid.pinn.bubble import Bubble
from hybrid.pinn.embedding import AffineEmbedding
from hybrid.pinn.field import Field
from hybrid.pinn.given import checked_reaction, positive_counts, started
from hybrid.pinn.homogenized import Solution
from hybrid.pinn.network import Network, laplacian
from hybrid.pinn.optimizer import History
from hybrid.pinn.radau import radau
from hybrid.pinn.rows import Rows, behind_factor
from hybrid.pinn.training import Training, joined, of_part
from hybrid.pinn.training import train as train_network
from hybrid.pinn.transientestimates import modes_of, stages_estimate
from hybrid.pinn.units import unit_of
from hybrid.symbols import evaluate, numpy_function, t
from hybrid.trust import Estimate


def stage_networks(
    problem: ReactionDiffusionProblem, *, seed: int = 0, hidden: Sequence[int] = (24, 24), scale: float = 1.0,
    stages: int = 6, steps: int = 4, waves: int = 16,
) -> tuple[Network, ...]:  # fmt: skip
    """The untrained networks of `solve_stages`: one for each step, with one output for each stage."""
    embedding = AffineEmbedding(problem.domain, waves)
    return tuple(Network(embedding, hidden, stages, seed + step, scale=scale) for step in range(steps))


def solve_stages(
    problem: ReactionDiffusionProblem,
    coefficient: float,
    *,
    seed: int = 0,
    hidden: Sequence[int] = (24, 24),
    points: int = 192,
    stages: int = 6,
    steps: int = 4,
    waves: int = 16,
    scale: float = 1.0,
    networks: Sequence[Network] | None = None,
    train: bool = True,
    **training: Unpack[Training],
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
        points: Collocation points along each side of Ω.
        stages: q.
        steps: Steps in time, equally long.
        waves: Harmonics of the box among the inputs of the network, for sources that oscillate.
        scale: Factor on the initial hidden weights.
        networks: Networks to start from, one for each step; new ones by default (`stage_networks`). Copies are trained.
        train: Whether to train them at all.
        **training: See `hybrid.pinn.training.train`.

    Raises:
        InputError: Another kind of problem, a number that is not positive, or networks that do not fit.
        SolverError: The training diverged.
    """
    start = time.perf_counter()
    if not isinstance(problem, ReactionDiffusionProblem):
        raise InputError("problem", f"{type(problem).__name__}; allowed is a ReactionDiffusionProblem")
    positive_counts(points=points, hidden=hidden, stages=stages, steps=steps)
    r_star = checked_reaction(coefficient)
    matrix, nodes = (torch.as_tensor(v) for v in radau(stages))
    h = problem.T / steps
    factor = Bubble(tuple(problem.domain))  # type: ignore[arg-type]
    value: Callable[[npt.ArrayLike], npt.NDArray[np.float64]] = numpy_function(problem.u0)
    if networks is None:
        networks = stage_networks(
            problem, seed=seed, hidden=hidden, scale=scale, stages=stages, steps=steps, waves=waves
        )
    else:
        networks = started(networks, steps, training.get("progress"))
    histories, fields = [], []
    for step, network in enumerate(networks):
        rows, unit = _stage_rows(problem, r_star, value, factor, points, matrix, nodes, step * h, h)
        if train:
            histories.append(train_network(network, [rows], **of_part(training, step, len(networks))))
        fields.append((network, unit))
        field = Field(network, stages - 1, problem.dim, factor, unit=unit)
        value = field.values
    history = joined(histories) if histories else History("given networks")

    def estimated() -> Estimate:
        modes = modes_of(problem, r_star, stages, points)
        return stages_estimate(modes, fields, factor, numpy_function(problem.u0))

    trust = {"solution": on_root(training.get("comm"), estimated)}
    return Solution(field, history, time.perf_counter() - start, tuple(networks), trust)


def _stage_rows(
    problem: ReactionDiffusionProblem, r_star: float, before: Callable[[npt.ArrayLike], npt.NDArray[np.float64]],
    factor: Bubble, points: int, matrix: Tensor, nodes: Tensor, begin: float, h: float,
) -> tuple[Rows, float]:  # fmt: skip
    """The rows of a step, and the unit in which its network measures p."""
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
    if not bool(target.isfinite().all()):
        raise InputError("f", "not a finite number at the collocation points, or u0")
    unit = unit_of(float(target.abs().max()))
    terms = [(at, behind_factor(part, jet, operators)) for part in (value, spatial)]
    return Rows(terms, target / unit, operators, weight, [torch.eye(stages, dtype=torch.float64), h * matrix]), unit
