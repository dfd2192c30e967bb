"""Periodic cell problems and the homogenized coefficient by a network."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Unpack

import numpy as np
import numpy.typing as npt
import torch

from hybrid.coefficient import SlowCoefficient
from hybrid.errors import InputError
from hybrid.pinn import sampling
from hybrid.pinn.cellrows import cell_operator, cell_rows
from hybrid.pinn.embedding import AffineEmbedding, PeriodicEmbedding, SideBySide
from hybrid.pinn.field import Field
from hybrid.pinn.network import Embedding, Network
from hybrid.pinn.optimizer import History
from hybrid.pinn.slowcell import SlowShift, slow_cell_rows, slow_means
from hybrid.pinn.training import Training, joined, of_part
from hybrid.pinn.training import train as train_network
from hybrid.problems import EllipticProblem
from hybrid.symbols import coordinates, evaluate

_QUADRATURE = {1: 512, 2: 128, 3: 30}
"""Points along each side for means over the cell."""


@dataclass(frozen=True)
class CellSolution:
    """The correctors χ_1 … χ_d, by one network with d outputs or by d networks, and the homogenized coefficient.

    Attributes:
        coefficient: a*, (d, d), or a*(x).
        correctors: The χ_j, mean zero; functions of y, or of (x, y) where a depends on x.
        history: Of the training.
        seconds: Wall time.
        error_estimates: Upper bounds on the relative L2 errors of the χ_j from the residual (exact periodicity only):
            ‖∇δ‖ ≤ ‖residual‖_{H^-1} / min a and Poincaré's inequality.
        slopes: ∂_k a*_ij at the nodes of a*(x) by automatic differentiation, (n, d, d, d) with k first.
    """

    coefficient: npt.NDArray[np.float64] | SlowCoefficient
    correctors: tuple[Field, ...]
    history: History
    seconds: float
    error_estimates: tuple[float, ...] | None = None
    slopes: npt.NDArray[np.float64] | None = None

    @property
    def networks(self) -> tuple[Network, ...]:
        """The networks behind the correctors."""
        return tuple(dict.fromkeys(corrector.network for corrector in self.correctors))


def solve_cell(
    problem: EllipticProblem,
    *,
    seed: int = 0,
    hidden: Sequence[int] = (24, 24),
    periodicity: str = "embedding",
    points: int | None = None,
    oversampling: int = 2,
    weights: Sequence[float] = (1 / 3, 1 / 3, 1 / 3),
    separate: bool = False,
    scale: float = 1.0,
    networks: Sequence[Network] | None = None,
    train: bool = True,
    **training: Unpack[Training],
) -> CellSolution:
    """Train χ_1 … χ_d on -∂_i( a_ij (∂_j χ_k + δ_jk) ) = 0 in Y, χ_k periodic (paper, equations (9), (10) and (12)).

    Args:
        problem: Gives a and the period. Where a depends on x, one network of (x, y) solves the cell problems of all x.
        seed: Of the initial weights.
        hidden: Widths of the hidden layers.
        periodicity: "embedding" (exact, by the first layer), "oversampling" (the paper's section 4.1) or "penalty" (its
            loss (12), without oversampling).
        points: Collocation points along each side of the cell.
        oversampling: Layers of points outside the cell, N_o in the paper.
        weights: w_1, w_2, w_3 of the equation, the periodic condition and the oversampled points.
        separate: One network for each corrector, as in the paper; trained one after the other.
        scale: Factor on the initial hidden weights.
        networks: Networks to start from; new ones by default (`cell_networks`).
        train: Whether to train them at all.
        **training: See `hybrid.pinn.training.train`.

    Returns:
        The correctors and a*, with the derivatives by automatic differentiation. For networks that are exactly periodic
        a*_ij is the mean over Y of (e_i + ∇χ_i)·a(e_j + ∇χ_j). For exact correctors this is the paper's a_ij + a_ik ∂_k χ_j
        (formula after (11); the text leaves a derivative out), as it is for finite elements; for a network it has the
        square of the correctors' error where the paper's formula has the error itself. The energy identity needs
        periodicity, so networks without it get the paper's formula.

    Raises:
        InputError: An unknown kind of periodicity, or one that does not go with slow variables.
        SolverError: The training diverged.
    """
    if problem.depends_on_slow and periodicity == "oversampling":
        raise InputError("periodicity", f"{periodicity!r}, but a depends on x; allowed are embedding, penalty")
    start = time.perf_counter()
    if networks is None:
        networks = cell_networks(
            problem, seed=seed, hidden=hidden, periodicity=periodicity, separate=separate, scale=scale
        )
    history = History("given networks")
    if train:
        if problem.depends_on_slow:
            rows = slow_cell_rows(problem, points or {1: 48, 2: 10, 3: 5}[problem.dim], periodicity, weights)
        else:
            rows = cell_rows(problem, periodicity, points, oversampling, weights)
        shares = [rows] if len(networks) == 1 else [[part.output(j) for part in rows] for j in range(problem.dim)]
        history = joined(
            [
                train_network(network, share, **of_part(training, j))
                for j, (network, share) in enumerate(zip(networks, shares, strict=True))
            ]
        )
    if problem.depends_on_slow:
        solution = _finish_slow(problem, networks, history, exact=periodicity == "embedding")
    else:
        solution = _finish(problem, networks, history, exact=periodicity == "embedding")
    return replace(solution, seconds=time.perf_counter() - start)


def cell_networks(
    problem: EllipticProblem, *, seed: int = 0, hidden: Sequence[int] = (24, 24), periodicity: str = "embedding",
    separate: bool = False, scale: float = 1.0,
) -> tuple[Network, ...]:  # fmt: skip
    """The untrained networks of `solve_cell`: of y, or of x and y where a depends on x.

    Raises:
        InputError: An unknown kind of periodicity.
    """
    if periodicity not in {"embedding", "oversampling", "penalty"}:
        raise InputError("periodicity", f"{periodicity!r}; allowed are embedding, oversampling, penalty")
    embedding: Embedding = AffineEmbedding([(0.0, p) for p in problem.period])
    if periodicity == "embedding":
        embedding = PeriodicEmbedding(problem.period)
    if problem.depends_on_slow:
        embedding = SideBySide(AffineEmbedding(problem.domain), embedding, problem.dim)
    if not separate:
        return (Network(embedding, hidden, problem.dim, seed, scale=scale),)
    return tuple(Network(embedding, hidden, 1, seed + 1000 * j, scale=scale) for j in range(problem.dim))


def _correctors(networks: Sequence[Network], dim: int) -> list[tuple[Network, int]]:
    """The network and its output for each corrector."""
    if len(networks) == 1:
        return [(networks[0], j) for j in range(dim)]
    return [(network, 0) for network in networks]


def _finish(problem: EllipticProblem, networks: Sequence[Network], history: History, *, exact: bool) -> CellSolution:
    """Means over the cell by the trapezoidal rule: the shift to mean zero, a*, and the bounds on the errors."""
    dim = problem.dim
    points, _ = sampling.periodic_grid(problem.period, _QUADRATURE[dim], 0.0)
    coefficients, target, operators = cell_operator(problem, points)
    jet = torch.cat([network.evaluate(points, operators) for network in networks], dim=2)
    residual = (torch.einsum("cn,cnk->nk", coefficients, jet) - target).numpy()
    value, gradient = jet[0].numpy(), jet[1 : 1 + dim].numpy()

    a = np.empty((dim, dim, len(points)))
    values = coordinates(problem.fast, points.numpy())
    for i in range(dim):
        for j in range(dim):
            a[i, j] = evaluate(problem.matrix[i, j], values)
    strain = gradient.transpose(0, 2, 1) + np.eye(dim)[:, :, None]
    if exact:
        coefficient = np.einsum("kin,kln,ljn->ij", strain, a, strain) / len(points)
    else:
        coefficient = np.einsum("ikn,kjn->ij", a, strain) / len(points)

    mean = value.mean(axis=0)
    correctors = tuple(
        Field(network, output, dim, shift=-float(mean[j]))
        for j, (network, output) in enumerate(_correctors(networks, dim))
    )
    bounds = None
    if exact:
        lowest = float(np.linalg.eigvalsh(a.transpose(2, 0, 1))[:, 0].min())
        own = [float(np.std(value[:, j])) for j in range(dim)]
        scale = max(own) if max(own) > 1e-8 * max(problem.period) else max(problem.period)
        sizes = [size if size > 1e-6 * scale else scale for size in own]  # as for finite elements, a χ_j may vanish
        bounds = tuple(_error_bound(problem.period, residual[:, j], lowest, sizes[j]) for j in range(dim))
    return CellSolution(coefficient, correctors, history, 0.0, bounds)


def _finish_slow(
    problem: EllipticProblem, networks: Sequence[Network], history: History, *, exact: bool
) -> CellSolution:
    coefficient, slopes, means = slow_means(problem, networks, exact=exact)
    correctors = []
    for j, (network, output) in enumerate(_correctors(networks, problem.dim)):
        mean = SlowCoefficient(coefficient.domain, coefficient.nodes, means[:, j, None, None])
        correctors.append(Field(network, output, 2 * problem.dim, known=SlowShift(mean)))
    return CellSolution(coefficient, tuple(correctors), history, 0.0, None, slopes)


def _error_bound(period: Sequence[float], residual: npt.NDArray[np.float64], lowest: float, size: float) -> float:
    """A bound on ‖δ‖ / ‖χ‖ from the residual of the error δ: lowest ‖∇δ‖ ≤ ‖residual‖_{H^-1}, ‖δ‖ ≤ (p/2π) ‖∇δ‖."""
    dim = len(period)
    count = round(len(residual) ** (1 / dim))
    frequencies = [2 * math.pi * np.fft.fftfreq(count, p / count) for p in period]
    square = np.asarray(sum(k**2 for k in np.meshgrid(*frequencies, indexing="ij")))
    square.flat[0] = np.inf
    transform = np.fft.fftn(residual.reshape((count,) * dim)) / count**dim
    negative_norm = math.sqrt(float((np.abs(transform) ** 2 / square).sum()))
    return max(period) / (2 * math.pi) * negative_norm / lowest / size
