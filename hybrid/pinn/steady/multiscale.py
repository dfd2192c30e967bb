"""The direct approach: a network for the multiscale equation itself, without homogenization."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Unpack

import numpy as np
import sympy
import torch
from torch import Tensor

from hybrid.clock import clock
from hybrid.equation import Equation
from hybrid.failures import InputError, named
from hybrid.pinn.cells.cellrows import At, matrix_at, mean_weight, operator_of
from hybrid.pinn.functions.bubble import Bubble
from hybrid.pinn.functions.embedding import AffineEmbedding, PeriodicEmbedding, Together
from hybrid.pinn.functions.field import Field
from hybrid.pinn.functions.network import Embedding, Network, gradient_only
from hybrid.pinn.leastsquares import sampling
from hybrid.pinn.leastsquares.rows import Rows, behind_factor, coupled
from hybrid.pinn.optimizers.base import History
from hybrid.pinn.optimizers.given import positive_counts, started
from hybrid.pinn.optimizers.training import Training
from hybrid.pinn.optimizers.training import train as train_network
from hybrid.pinn.steady.boundaries import BOUNDARIES, boundary_of
from hybrid.pinn.steady.homogenized import Solution, source_at
from hybrid.symbols import coordinates, evaluate, numpy_function

Maker = Callable[[Equation, Tensor, Tensor, Bubble | None], list[Rows]]
"""The equation, points, weights and the factor φ to rows."""


@dataclass(frozen=True)
class Form:
    """A formulation.

    Attributes:
        rows: Makes them.
        weak: Whether it takes no derivative of a; it then wants a factor φ, and no reaction.
        flux: Whether the flux is further outputs.
    """

    rows: Maker
    weak: bool = True
    flux: bool = False


def multiscale_networks(
    equation: Equation, *, formulation: str = "strong", seed: int = 0, hidden: Sequence[int] = (64, 64, 64),
    fast_features: bool = False, scale: float = 1.0,
) -> tuple[Network, ...]:  # fmt: skip
    """The untrained network, in a tuple, of `solve_multiscale`."""
    embedding: Embedding = AffineEmbedding(equation.domain)
    if fast_features:
        embedding = Together(embedding, PeriodicEmbedding([equation.eps * p for p in equation.period]))
    outputs = 1 + equation.dim if named("formulation", formulation, _FORMS).flux else 1
    return (Network(embedding, hidden, outputs, seed, scale=scale),)


def solve_multiscale(
    equation: Equation,
    *,
    formulation: str = "strong",
    fast_features: bool = False,
    seed: int = 0,
    hidden: Sequence[int] = (64, 64, 64),
    boundary: str = "hard",
    points: int = 101,
    weights: Sequence[float] = (0.5, 0.5),
    scale: float = 1.0,
    networks: Sequence[Network] | None = None,
    train: bool = True,
    **training: Unpack[Training],
) -> Solution:
    """Train u on -∂_i( a_ij(x, x/ε) ∂_j u ) = f in Ω, u = 0 on ∂Ω: the classical PINN (paper, section 2) and stronger ones.

    Formulations, each a sum of squares of rows that are linear in the network:

    - "strong": the equation itself, the derivative of a(x, x/ε) included. What the paper calls the classical PINN.
    - "first-order": a second output for the flux, σ = a ∇u and -∇·σ = f (least squares for first-order systems).
    - "ritz": the energy ½∫ ∇u·a∇u - ∫ f u. With any known Φ for which -∇·Φ = f it is, up to a constant, half of
      ∫ |Lᵀ∇u - L⁻¹Φ|², a = L Lᵀ, so that it too is a sum of squares (for u = 0 on ∂Ω, so hard boundary conditions only).

    Args:
        equation: The equation.
        formulation: One of these.
        fast_features: Give the network sin and cos of 2π x_i / (ε p_i) beside x: the fast frequency.
        seed: Of the initial weights.
        hidden: Widths of the hidden layers.
        boundary: "hard" (u = φ N with φ = 0 on ∂Ω) or "penalty" (the paper's loss (3)).
        points: Collocation points along each side of Ω; a dozen for each period at the least, and 18 for "ritz": with fewer
            the network finds functions whose residual is small there and large between.
        weights: w_1, w_2 of the equation and, with a penalty, the boundary.
        scale: Factor on the initial hidden weights.
        networks: The network to start from, in a tuple; a new one by default (`multiscale_networks`).
            A copy is trained.
        train: Whether to train it at all.
        **training: See `hybrid.pinn.optimizers.training.train`.

    Raises:
        InputError: A formulation or kind of boundary condition that is not known, or two that do not go together.
        SolverError: The training diverged.
    """
    start = clock()
    positive_counts(points=points, hidden=hidden)
    form = named("formulation", formulation, _FORMS)
    if boundary not in BOUNDARIES or (form.weak and not boundary_of(boundary).exact):
        raise InputError("boundary", f"{boundary!r}; allowed is hard, and penalty for the strong formulation")
    if equation.reaction is not None and form.weak:
        raise InputError("formulation", f"{formulation!r} has no reaction; allowed is strong")
    if equation.medium.interfaces and not form.weak:
        raise InputError(
            "formulation", "'strong' needs the derivatives of a, which jumps; allowed are first-order, ritz"
        )
    sides = boundary_of(boundary)
    factor = sides.factor(equation.domain)
    if networks is None:
        networks = multiscale_networks(
            equation, formulation=formulation, seed=seed, hidden=hidden, fast_features=fast_features, scale=scale
        )
    else:
        networks = started(networks, 1, training.get("progress"))
    (network,) = networks
    history = History("given network")
    if train:
        if factor is None:
            at = sampling.uniform_grid(equation.domain, points)
            weight = mean_weight(weights[0], len(at))
        else:
            at, weight = sampling.panel_grid(equation.domain, points)
        rows = form.rows(equation, at, weight, factor) + sides.rows(equation.domain, points, weights[1])
        history = train_network(network, rows, **training)
    return Solution(Field(network, 0, equation.dim, factor), history, clock() - start)


def _at(equation: Equation, points: Tensor) -> At:
    """Values of expressions of x and y at points x, with y = x/ε."""
    values = coordinates(equation.slow, points) | coordinates(equation.fast, points / equation.eps)
    return lambda e: torch.as_tensor(evaluate(e, values, "torch"), dtype=torch.float64).expand(len(points))


def _strong(equation: Equation, points: Tensor, weight: Tensor, factor: Bubble | None) -> list[Rows]:
    """-(∂_i a_ij + ∂_{y_i} a_ij / ε) ∂_j u - a_ij ∂_ij u = f."""
    dim, a = equation.dim, equation.medium.matrix
    total = [
        sum(
            sympy.diff(a[i, j], equation.slow[i]) + sympy.diff(a[i, j], equation.fast[i]) / equation.eps
            for i in range(dim)
        )
        for j in range(dim)
    ]
    coefficients, operators = operator_of(equation, total, _at(equation, points))
    coefficients = -coefficients
    if equation.reaction is not None:
        coefficients[0] += _at(equation, points)(equation.reaction_expression)
    if factor is not None:
        coefficients = behind_factor(coefficients, factor(points, operators), operators)
    return [Rows([(points, coefficients)], source_at(equation, points), operators, weight)]


def _first_order(equation: Equation, points: Tensor, weight: Tensor, factor: Bubble | None) -> list[Rows]:
    """a_ij ∂_j u - σ_i = 0 and -∂_i σ_i = f, the outputs being u, σ_1, …, σ_d."""
    assert factor is not None
    dim, n = equation.dim, len(points)
    a, operators = matrix_at(equation, _at(equation, points)), gradient_only(dim)
    jet = factor(points, operators)
    blocks = torch.zeros(1 + dim, 1 + dim, 1 + dim, n, dtype=torch.float64)
    for i in range(dim):
        gradient = torch.cat([torch.zeros(1, n, dtype=torch.float64), a[:, i].T])
        blocks[i, 0] = behind_factor(gradient, jet, operators)
        blocks[i, 1 + i, 0] = blocks[dim, 1 + i, 1 + i] = -1.0
    target = torch.zeros(n, 1 + dim, dtype=torch.float64)
    target[:, dim:] = source_at(equation, points)
    terms, mixes = coupled(points, blocks)
    return [Rows(terms, target, operators, weight, mixes)]


def _ritz(equation: Equation, points: Tensor, weight: Tensor, factor: Bubble | None) -> list[Rows]:
    """Lᵀ∇u = L⁻¹Φ, one set of rows for each component."""
    assert factor is not None
    dim, operators = equation.dim, gradient_only(equation.dim)
    jet = factor(points, operators)
    lower = torch.linalg.cholesky(matrix_at(equation, _at(equation, points)))
    target = torch.linalg.solve_triangular(lower, _flux(equation, points)[:, :, None], upper=False)[..., 0]
    rows = []
    for i in range(dim):
        gradient = torch.cat([torch.zeros(1, len(points), dtype=torch.float64), lower[:, :, i].T])
        rows.append(Rows([(points, behind_factor(gradient, jet, operators))], target[:, i : i + 1], operators, weight))
    return rows


def _flux(equation: Equation, points: Tensor, pieces: int = 16) -> Tensor:
    """Φ = ( -∫ f dx_0, 0, … ) from the middle of the domain on, by Gauss quadrature on pieces: -∇·Φ = f."""
    nodes, weights = np.polynomial.legendre.leggauss(16)
    unit = ((2 * np.arange(pieces)[:, None] + 1 + nodes) / pieces - 1).ravel()
    share = np.tile(weights / pieces, pieces)
    at = points.numpy()
    middle = sum(equation.domain[0]) / 2
    half = (at[:, 0] - middle) / 2
    f = numpy_function(equation.source)
    total = np.zeros(len(at))
    for s, w in zip(unit, share, strict=True):
        moved = at.copy()
        moved[:, 0] = middle + half * (1 + s)
        total += w * f(moved)
    flux = torch.zeros(len(at), equation.dim, dtype=torch.float64)
    flux[:, 0] = -torch.as_tensor(half * total)
    return flux


_FORMS: Mapping[str, Form] = {
    "strong": Form(_strong, weak=False),
    "first-order": Form(_first_order, flux=True),
    "ritz": Form(_ritz),
}
