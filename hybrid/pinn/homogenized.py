"""The homogenized equation by a network."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Unpack

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hybrid.coefficient import SlowCoefficient
from hybrid.errors import InputError
from hybrid.pinn import sampling
from hybrid.pinn.cellrows import divergence_form, mean_weight
from hybrid.pinn.corners import corner_part
from hybrid.pinn.edges import edge_part
from hybrid.pinn.embedding import AffineEmbedding
from hybrid.pinn.field import Field, Jet
from hybrid.pinn.network import VALUE, Network, hessian_operators, product_jet
from hybrid.pinn.optimizer import History
from hybrid.pinn.rows import Rows, behind_factor
from hybrid.pinn.training import Training
from hybrid.pinn.training import train as train_network
from hybrid.problems import EllipticProblem
from hybrid.symbols import numpy_function


@dataclass(frozen=True)
class Solution:
    """p, the network's solution of the homogenized equation.

    Attributes:
        field: The function.
        history: Of the training.
        seconds: Wall time.
        networks: What was trained: the field's network, or one for each step in time.
    """

    field: Field
    history: History
    seconds: float
    networks: tuple[Network, ...] = ()

    def __post_init__(self) -> None:
        if not self.networks:
            object.__setattr__(self, "networks", (self.field.network,))


def solve_homogenized(
    problem: EllipticProblem,
    coefficient: npt.ArrayLike | SlowCoefficient,
    *,
    seed: int = 0,
    hidden: Sequence[int] = (24, 24),
    boundary: str = "hard",
    corners: bool = True,
    points: int | None = None,
    weights: Sequence[float] = (0.5, 0.5),
    scale: float = 1.0,
    networks: Sequence[Network] | None = None,
    train: bool = True,
    **training: Unpack[Training],
) -> Solution:
    """Train p on -a*_ij ∂_ij p = f in Ω, p = 0 on ∂Ω (paper, equations (11) and (15)).

    Args:
        problem: Gives Ω and f.
        coefficient: a*, (d, d), or a*(x): then it is -∂_i( a*_ij ∂_j p ) = f.
        seed: Of the initial weights.
        hidden: Widths of the hidden layers.
        boundary: "hard" (p = φ N with φ = 0 on ∂Ω) or "penalty" (the paper's loss (3)).
        corners: Take the known singular part at corners and edges off first (2D, 3D; diagonal a*, hard boundary).
        points: Collocation points along each side of Ω.
        weights: w_1, w_2 of the equation and, with a penalty, the boundary.
        scale: Factor on the initial hidden weights.
        networks: The network to start from, in a tuple; a new one by default (`homogenized_networks`).
        train: Whether to train it at all.
        **training: See `hybrid.pinn.training.train`.

    Raises:
        InputError: An unknown kind of boundary condition.
        SolverError: The training diverged.
    """
    start = time.perf_counter()
    if boundary not in {"hard", "penalty"}:
        raise InputError("boundary", f"{boundary!r}; allowed are hard, penalty")
    dim, box = problem.dim, problem.domain
    a = coefficient if isinstance(coefficient, SlowCoefficient) else _symmetric(coefficient)
    hard = boundary == "hard"
    factor = Bubble(tuple((low, high) for low, high in box)) if hard else None
    known: Jet | None = None
    if hard and corners and not isinstance(a, SlowCoefficient):
        known = (edge_part if dim == 3 else corner_part)(box, a, numpy_function(problem.f))
    if networks is None:
        networks = homogenized_networks(problem, seed=seed, hidden=hidden, scale=scale)
    (network,) = networks
    history = History("given network")
    if train:
        rows = _rows(problem, a, factor, known, points or {1: 256, 2: 40, 3: 12}[dim], weights)
        history = train_network(network, rows, **training)
    return Solution(Field(network, 0, dim, factor, known), history, time.perf_counter() - start)


def _symmetric(coefficient: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """A constant antisymmetric part does not change -a*:∇²p, and the jets want symmetric operators."""
    a = np.asarray(coefficient, dtype=float)
    return (a + a.T) / 2


def homogenized_networks(
    problem: EllipticProblem, *, seed: int = 0, hidden: Sequence[int] = (24, 24), scale: float = 1.0
) -> tuple[Network, ...]:
    """The untrained network, in a tuple, of `solve_homogenized`."""
    return (Network(AffineEmbedding(problem.domain), hidden, 1, seed, scale=scale),)


def _rows(
    problem: EllipticProblem, a: npt.NDArray[np.float64] | SlowCoefficient, factor: Jet | None, known: Jet | None, count: int,
    weights: Sequence[float],
) -> list[Rows]:  # fmt: skip
    """-a*:∇²(φN) = f + a*:∇²s at the points, and N = 0 on the boundary where there is no φ."""
    box = problem.domain
    if factor is None:
        points = sampling.uniform_grid(box, count)
        weight = mean_weight(weights[0], len(points))
    else:
        points, weight = sampling.clustered_grid(box, count)
    target = source_at(problem, points)
    coefficients, operators = _operator(a, points)
    if known is not None:
        target = target + known(points, operators)[-1]
    if factor is not None:
        coefficients = behind_factor(coefficients, factor(points, operators), operators)
    rows = [Rows([(points, coefficients)], target, operators, weight)]
    if factor is None:
        rows.append(boundary_rows(box, count, weights[1]))
    return rows


def boundary_rows(box: Sequence[Sequence[float]], count: int, share: float) -> Rows:
    """u = 0 at the points of a uniform mesh on the boundary: the second term of the loss (3)."""
    edge = sampling.boundary_points(box, count)
    one, zero = torch.ones(1, len(edge), dtype=torch.float64), torch.zeros(len(edge), 1, dtype=torch.float64)
    return Rows([(edge, one)], zero, VALUE, mean_weight(share, len(edge)))


def _operator(a: npt.NDArray[np.float64] | SlowCoefficient, points: Tensor) -> tuple[Tensor, Tensor]:
    """-a*:∇² as coefficients and operators, and -(∂_i a*_ij) ∂_j with it where a* depends on x."""
    dim = points.shape[1]
    if not isinstance(a, SlowCoefficient):
        coefficients = torch.zeros(2 + dim, len(points), dtype=torch.float64)
        coefficients[-1] = -1.0
        return coefficients, torch.as_tensor(a)[None]  # one second-order channel: a*:∇² itself
    operators = hessian_operators(dim)
    entries = [(i, j) for i in range(dim) for j in range(i, dim)]
    values, slopes = torch.as_tensor(a(points.numpy())), torch.as_tensor(a.gradient(points.numpy()))
    second = torch.stack([values[:, i, j] if i == j else values[:, i, j] + values[:, j, i] for i, j in entries])
    return divergence_form(-torch.einsum("niij->jn", slopes), -second, operators)


def source_at(problem: EllipticProblem, points: Tensor) -> Tensor:
    """f at the points, (n, d) -> (n, 1).

    Raises:
        InputError: It is not finite everywhere.
    """
    target = torch.tensor(numpy_function(problem.f)(points.numpy()))[:, None]
    if not bool(target.isfinite().all()):
        worst = points[int((~target[:, 0].isfinite()).nonzero()[0, 0])].tolist()
        raise InputError("f", f"not a finite number at the collocation point {worst}")
    return target


@dataclass(frozen=True)
class Bubble:
    """φ = Π 4 (x_i - low_i)(high_i - x_i) / (high_i - low_i)², which is 1 in the middle of the box and 0 on ∂Ω, as a `Jet`."""

    box: tuple[tuple[float, float], ...]

    def __call__(self, points: Tensor, operators: Tensor) -> Tensor:
        """The jet (C, n, 1)."""
        count, dim = operators.shape[0], operators.shape[-1]
        product = None
        for i, (low, high) in enumerate(self.box):
            part = torch.zeros(1 + dim + count, len(points), 1, dtype=points.dtype, device=points.device)
            scale, x = 4 / (high - low) ** 2, points[:, i]
            part[0, :, 0] = scale * (x - low) * (high - x)
            if dim:
                part[1 + i, :, 0] = scale * (low + high - 2 * x)
                part[1 + dim :, :, 0] = -2 * scale * operators[:, i, i, None]
            product = part if product is None else product_jet(product, part, operators)
        assert product is not None
        return product
