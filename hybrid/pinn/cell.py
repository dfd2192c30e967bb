"""Periodic cell problems and the homogenized coefficient by a network."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Unpack

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hybrid.coefficient import SlowCoefficient
from hybrid.errors import InputError
from hybrid.pinn import sampling
from hybrid.pinn.cellforms import check_formulation, flux_distances, form_rows, outputs_for_each, shares
from hybrid.pinn.cellrows import cell_operator, cell_rows, matrix_at, tensor_at
from hybrid.pinn.embedding import AffineEmbedding, PeriodicEmbedding, SideBySide, Together
from hybrid.pinn.field import Field
from hybrid.pinn.jumps import KinkEmbedding, cell_points, has_curves
from hybrid.pinn.network import Embedding, Network, gradient_only
from hybrid.pinn.optimizer import History
from hybrid.pinn.slowcell import SlowShift, slow_cell_rows, slow_means
from hybrid.pinn.training import Training, joined, of_part
from hybrid.pinn.training import train as train_network
from hybrid.problems import EllipticProblem

_QUADRATURE = {1: 512, 2: 128, 3: 30}


@dataclass(frozen=True)
class CellSolution:
    """The correctors χ_1 … χ_d, by one network with d outputs or by d networks, and the homogenized coefficient.

    Attributes:
        coefficient: a*, (d, d), or a*(x).
        correctors: The χ_j, mean zero; functions of y, or of (x, y) where a depends on x.
        history: Of the training.
        seconds: Wall time.
        error_estimates: Upper bounds on the relative L2 errors of the χ_j (exact periodicity only), by Poincaré's inequality
            from ‖a^½ ∇δ‖ ≤ ‖residual‖_{H^-1} / √(min a), or where a jumps from the flux of the first-order form.
        bounds: Lower and upper bounds on the a*_jj, (d, 2), where there are error estimates: a*_jj is the energy less
            ‖a^½ ∇δ_j‖². As the estimates they are as good as the quadrature.
        slopes: ∂_k a*_ij at the nodes of a*(x) by automatic differentiation, (n, d, d, d) with k first.
    """

    coefficient: npt.NDArray[np.float64] | SlowCoefficient
    correctors: tuple[Field, ...]
    history: History
    seconds: float
    error_estimates: tuple[float, ...] | None = None
    slopes: npt.NDArray[np.float64] | None = None
    bounds: npt.NDArray[np.float64] | None = None

    @property
    def networks(self) -> tuple[Network, ...]:
        """The networks behind the correctors."""
        return tuple(dict.fromkeys(corrector.network for corrector in self.correctors))


def solve_cell(
    problem: EllipticProblem,
    *,
    seed: int = 0,
    hidden: Sequence[int] = (24, 24),
    formulation: str = "strong",
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

    Formulations, each a sum of squares of rows that are linear in the network:

    - "strong": the equation itself, with the derivatives of a.
    - "first-order": σ_k = a (e_k + ∇χ_k) with div σ_k = 0 by construction, the potential of σ_k being further outputs.
    - "energy": the mean of (e_k + ∇χ_k)·a(e_k + ∇χ_k), whose smallest value is a*_kk.

    The last two take no derivative of a, so a may jump. The network is then given the distances |φ| to the interfaces as
    further inputs, so that its gradient may jump there too. The energy wants more points than the others: between too
    few of them the network hides steep gradients. `CellSolution.bounds` shows it where it is known.

    Args:
        problem: Gives a and the period. Where a depends on x, one network of (x, y) solves the cell problems of all x.
        seed: Of the initial weights.
        hidden: Widths of the hidden layers.
        formulation: One of these; not strong only for exact periodicity and an a of y alone.
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
        InputError: An unknown kind of periodicity or formulation, or things that do not go together.
        SolverError: The training diverged.
    """
    if problem.depends_on_slow and periodicity == "oversampling":
        raise InputError("periodicity", f"{periodicity!r}, but a depends on x; allowed are embedding, penalty")
    check_formulation(problem, formulation, periodicity)
    start = time.perf_counter()
    if networks is None:
        networks = cell_networks(
            problem, seed=seed, hidden=hidden, formulation=formulation, periodicity=periodicity, separate=separate,
            scale=scale,
        )  # fmt: skip
    history = History("given networks")
    if train:
        if formulation != "strong":
            parts = [form_rows(problem, formulation, points, own) for own in shares(networks, problem.dim)]
        else:
            if problem.depends_on_slow:
                rows = slow_cell_rows(problem, points or {1: 48, 2: 10, 3: 5}[problem.dim], periodicity, weights)
            else:
                rows = cell_rows(problem, periodicity, points, oversampling, weights)
            parts = [rows] if len(networks) == 1 else [[part.output(j) for part in rows] for j in range(problem.dim)]
        history = joined(
            [
                train_network(network, rows, **of_part(training, j))
                for j, (network, rows) in enumerate(zip(networks, parts, strict=True))
            ]
        )
    if problem.depends_on_slow:
        solution = _finish_slow(problem, networks, history, exact=periodicity == "embedding")
    else:
        flux = formulation == "first-order"
        solution = finish(problem, networks, history, exact=periodicity == "embedding", flux=flux)
    return replace(solution, seconds=time.perf_counter() - start)


def cell_networks(
    problem: EllipticProblem, *, seed: int = 0, hidden: Sequence[int] = (24, 24), formulation: str = "strong",
    periodicity: str = "embedding", separate: bool = False, scale: float = 1.0,
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
    if problem.jumps:
        embedding = Together(embedding, KinkEmbedding(problem))
    if problem.depends_on_slow:
        embedding = SideBySide(AffineEmbedding(problem.domain), embedding, problem.dim)
    each = outputs_for_each(formulation, problem.dim)
    if not separate:
        return (Network(embedding, hidden, each * problem.dim, seed, scale=scale),)
    return tuple(Network(embedding, hidden, each, seed + 1000 * j, scale=scale) for j in range(problem.dim))


def _correctors(networks: Sequence[Network], dim: int) -> list[tuple[Network, int]]:
    """The network and its output for each corrector."""
    if len(networks) == 1:
        each = networks[0].weights[-1].shape[0] // dim
        return [(networks[0], j * each) for j in range(dim)]
    return [(network, 0) for network in networks]


Evaluation = Callable[[Sequence[Network], Tensor, Tensor], Tensor]
"""Networks, points and operators to the jets of the correctors, (C, n, d)."""


def finish(
    problem: EllipticProblem, networks: Sequence[Network], history: History, *, exact: bool, flux: bool,
    jet_of: Evaluation | None = None,
) -> CellSolution:  # fmt: skip
    """Means over the cell: the shift to mean zero, a*, and the bounds on the errors."""
    dim, residual = problem.dim, None
    if problem.jumps:
        points, weight = cell_points(problem, _QUADRATURE[dim] * (4 if has_curves(problem) else 1))
        jet = (jet_of or _jet)(networks, points, gradient_only(dim))
    else:
        points, weight = sampling.periodic_grid(problem.period, _QUADRATURE[dim], 0.0)
        coefficients, target, operators = cell_operator(problem, points)
        jet = (jet_of or _jet)(networks, points, operators)
        residual = (torch.einsum("cn,cnk->nk", coefficients, jet) - target).numpy()
    value, gradient = jet[0].numpy(), jet[1 : 1 + dim].numpy()

    a = matrix_at(problem, lambda e: tensor_at(problem, e, points)).numpy()
    share = weight.numpy()
    strain = gradient.transpose(0, 2, 1) + np.eye(dim)[:, :, None]
    if exact:
        coefficient = np.einsum("kin,nkl,ljn,n->ij", strain, a, strain, share, optimize=True)
    else:
        coefficient = np.einsum("nik,kjn,n->ij", a, strain, share, optimize=True)

    mean = share @ value
    correctors = tuple(
        Field(network, output, dim, shift=-float(mean[j]))
        for j, (network, output) in enumerate(_correctors(networks, dim))
    )
    solution = CellSolution(coefficient, correctors, history, 0.0)
    if not exact or (residual is None and not flux):
        return solution
    lowest = float(np.linalg.eigvalsh(a)[:, 0].min())
    if residual is not None:
        squares = np.array([_negative_norm(problem.period, column) ** 2 / lowest for column in residual.T])
    else:
        squares = flux_distances(problem, networks, points, weight)
    own = np.sqrt(share @ (value - mean) ** 2)
    scale = max(own) if max(own) > 1e-8 * max(problem.period) else max(problem.period)
    sizes = np.where(own > 1e-6 * scale, own, scale)  # as for finite elements, a χ_j may vanish
    errors = max(problem.period) / (2 * math.pi) * np.sqrt(squares / lowest) / sizes
    upper = np.diag(coefficient)
    bounds = np.stack([upper - squares, upper], axis=1)
    return replace(solution, error_estimates=tuple(map(float, errors)), bounds=bounds)


def _jet(networks: Sequence[Network], points: Tensor, operators: Tensor) -> Tensor:
    """Jets of the correctors, (C, n, d)."""
    jets = {network: network.evaluate(points, operators) for network in networks}
    dim = points.shape[1]
    return torch.stack([jets[network][..., output] for network, output in _correctors(networks, dim)], dim=2)


def _finish_slow(
    problem: EllipticProblem, networks: Sequence[Network], history: History, *, exact: bool
) -> CellSolution:
    coefficient, slopes, means = slow_means(problem, networks, exact=exact)
    correctors = []
    for j, (network, output) in enumerate(_correctors(networks, problem.dim)):
        mean = SlowCoefficient(coefficient.domain, coefficient.nodes, means[:, j, None, None])
        correctors.append(Field(network, output, 2 * problem.dim, known=SlowShift(mean)))
    return CellSolution(coefficient, tuple(correctors), history, 0.0, None, slopes)


def _negative_norm(period: Sequence[float], residual: npt.NDArray[np.float64]) -> float:
    """‖residual‖_{H^-1}, from its values on a uniform grid: ‖a^½ ∇δ‖ √(min a) is at most this for the error δ."""
    dim = len(period)
    count = round(len(residual) ** (1 / dim))
    frequencies = [2 * math.pi * np.fft.fftfreq(count, p / count) for p in period]
    square = np.asarray(sum(k**2 for k in np.meshgrid(*frequencies, indexing="ij")))
    square.flat[0] = np.inf
    transform = np.fft.fftn(residual.reshape((count,) * dim)) / count**dim
    return math.sqrt(float((np.abs(transform) ** 2 / square).sum()))
