"""The homogenized reaction-diffusion equation by discrete-time networks: implicit Runge-Kutta stages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Unpack

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hybrid.clock import clock
from hybrid.equation import Equation
from hybrid.failures import InputError
from hybrid.parallel import on_root
from hybrid.pinn.functions.bubble import Bubble
from hybrid.pinn.functions.embedding import AffineEmbedding
from hybrid.pinn.functions.field import Field
from hybrid.pinn.functions.network import Network, laplacian
from hybrid.pinn.intime.radau import radau
from hybrid.pinn.intime.transientestimates import modes_of, stages_estimate
from hybrid.pinn.leastsquares import sampling
from hybrid.pinn.leastsquares.rows import Rows, behind_factor
from hybrid.pinn.leastsquares.units import unit_of
from hybrid.pinn.optimizers.base import History
from hybrid.pinn.optimizers.given import constant_reaction, positive_counts, started
from hybrid.pinn.optimizers.training import Training, joined, of_part
from hybrid.pinn.optimizers.training import train as train_network
from hybrid.pinn.steady.homogenized import Solution
from hybrid.symbols import evaluate, numpy_function, t
from hybrid.trust import Estimate


def stage_networks(
    equation: Equation, *, seed: int = 0, hidden: Sequence[int] = (24, 24), scale: float = 1.0,
    stages: int = 6, steps: int = 4, waves: int = 16,
) -> tuple[Network, ...]:  # fmt: skip
    """The untrained networks of `solve_stages`: one for each step, with one output for each stage."""
    embedding = AffineEmbedding(equation.domain, waves)
    return tuple(Network(embedding, hidden, stages, seed + step, scale=scale) for step in range(steps))


def solve_stages(
    equation: Equation,
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
        equation: With r*.
        seed: Of the initial weights of the first step; the next ones count up.
        hidden: Widths of the hidden layers.
        points: Collocation points along each side of Ω.
        stages: q.
        steps: Steps in time, equally long.
        waves: Harmonics of the box among the inputs of the network, for sources that oscillate.
        scale: Factor on the initial hidden weights.
        networks: Networks to start from, one for each step; new ones by default (`stage_networks`). Copies are trained.
        train: Whether to train them at all.
        **training: See `hybrid.pinn.optimizers.training.train`.

    Raises:
        InputError: c is no number, a number that is not positive, or networks that do not fit.
        SolverError: The training diverged.
    """
    start = clock()
    positive_counts(points=points, hidden=hidden, stages=stages, steps=steps)
    r_star = constant_reaction(equation)
    matrix, nodes = (torch.as_tensor(v) for v in radau(stages))
    h = equation.evolution.until / steps
    factor = Bubble(tuple(equation.domain))  # type: ignore[arg-type]
    value: Callable[[npt.ArrayLike], npt.NDArray[np.float64]] = numpy_function(equation.evolution.initial)
    if networks is None:
        networks = stage_networks(
            equation, seed=seed, hidden=hidden, scale=scale, stages=stages, steps=steps, waves=waves
        )
    else:
        networks = started(networks, steps, training.get("progress"))
    histories, fields = [], []
    for step, network in enumerate(networks):
        rows, unit = _stage_rows(equation, r_star, value, factor, points, matrix, nodes, step * h, h)
        if train:
            histories.append(train_network(network, [rows], **of_part(training, step, len(networks))))
        fields.append((network, unit))
        field = Field(network, stages - 1, equation.dim, factor, unit=unit)
        value = field.values
    history = joined(histories) if histories else History("given networks")

    def estimated() -> Estimate:
        modes = modes_of(equation, r_star, stages, points)
        return stages_estimate(modes, fields, factor, numpy_function(equation.evolution.initial))

    trust = {"solution": on_root(training.get("comm"), estimated)}
    return Solution(field, history, clock() - start, tuple(networks), trust)


def _stage_rows(
    equation: Equation, r_star: float, before: Callable[[npt.ArrayLike], npt.NDArray[np.float64]],
    factor: Bubble, points: int, matrix: Tensor, nodes: Tensor, begin: float, h: float,
) -> tuple[Rows, float]:  # fmt: skip
    """The rows of a step, and the unit in which its network measures p."""
    dim, stages = equation.dim, len(nodes)
    at, weight = sampling.clustered_grid(equation.domain, points)
    operators = laplacian(dim)
    jet = factor(at, operators)
    value = torch.zeros(2 + dim, len(at), dtype=torch.float64)
    value[0] = 1.0
    spatial = torch.zeros(2 + dim, len(at), dtype=torch.float64)
    spatial[0], spatial[-1] = r_star, -equation.diffusion
    sources = []
    for c in nodes:
        values = dict(zip(equation.slow, at.numpy().T, strict=True)) | {t: begin + float(c) * h}
        sources.append(torch.as_tensor(np.broadcast_to(evaluate(equation.source, values), len(at)).copy()))
    target = torch.tensor(before(at.numpy()))[:, None] + h * torch.stack(sources, dim=1) @ matrix.T
    if not bool(target.isfinite().all()):
        raise InputError("f", "not a finite number at the collocation points, or u0")
    unit = unit_of(float(target.abs().max()))
    terms = [(at, behind_factor(part, jet, operators)) for part in (value, spatial)]
    return Rows(terms, target / unit, operators, weight, [torch.eye(stages, dtype=torch.float64), h * matrix]), unit
