"""Forms of the cell problem without a derivative of a: the energy, and first-order least squares; a may jump."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hybrid.errors import InputError
from hybrid.pinn import sampling
from hybrid.pinn.cellrows import gauge, matrix_at, tensor_at
from hybrid.pinn.cellunits import length_unit, power
from hybrid.pinn.jumps import cell_points, has_curves
from hybrid.pinn.network import Network, gradient_only
from hybrid.pinn.optimizers import LastLayer
from hybrid.pinn.rows import Rows, coupled
from hybrid.pinn.separable import separated
from hybrid.problems import EllipticProblem

FORMULATIONS = ("strong", "first-order", "energy")

_CURL: dict[int, list[tuple[int, int, int, int]]] = {
    1: [],
    2: [(0, 0, 1, 1), (1, 0, 0, -1)],
    3: [(i, (i + 2) % 3, (i + 1) % 3, 1) for i in range(3)] + [(i, (i + 1) % 3, (i + 2) % 3, -1) for i in range(3)],
}
"""(curl ψ)_i as the sum of ± ∂_j ψ_k: entries (i, k, j, ±1)."""


def check_formulation(problem: EllipticProblem, formulation: str, periodicity: str) -> None:
    """Refuse what does not go together.

    Raises:
        InputError: With the reason.
    """
    product = separated(problem) if periodicity == "embedding" else None
    problem = problem if product is None else product[1]
    if formulation not in FORMULATIONS:
        raise InputError("formulation", f"{formulation!r}; allowed are {', '.join(FORMULATIONS)}")
    if formulation != "strong" and problem.depends_on_slow:
        raise InputError("formulation", f"{formulation!r}, but a depends on x; allowed is strong")
    if formulation != "strong" and periodicity != "embedding":
        raise InputError(
            "formulation", f"{formulation!r} does not go with periodicity = {periodicity!r}, only 'embedding'"
        )
    if formulation == "strong" and problem.jumps:
        other = "allowed are first-order, energy; the preset paper has neither"
        raise InputError("formulation", f"'strong' needs the derivatives of a, which jumps; {other}")


def outputs_for_each(formulation: str, dim: int) -> int:
    """How many outputs a corrector takes: χ_k alone, or with the potential of its flux."""
    return {1: 1, 2: 2, 3: 4}[dim] if formulation == "first-order" else 1


def shares(networks: Sequence[Network], dim: int) -> list[list[int]]:
    """The correctors of each network: all of them, or one."""
    return [list(range(dim))] if len(networks) == 1 else [[k] for k in range(dim)]


def form_rows(
    problem: EllipticProblem, formulation: str, points: int | Sequence[int] | None, correctors: Sequence[int]
) -> list[Rows]:
    """The rows of some of the correctors, for one network, by the first-order form or the energy."""
    at, weight = cell_points(problem, points or {1: 128, 2: 40, 3: 14}[problem.dim])
    make = _first_order if formulation == "first-order" else _energy
    return make(problem, at, weight, correctors)


def _root(problem: EllipticProblem, points: Tensor) -> tuple[Tensor, Tensor]:
    """L and L⁻¹, (n, d, d), of a = L Lᵀ.

    Raises:
        InputError: a is not positive definite at a collocation point.
    """
    lower, failed = torch.linalg.cholesky_ex(matrix_at(problem, lambda e: tensor_at(problem, e, points)))
    if failed.any():
        where = points[int(failed.nonzero()[0, 0])].tolist()
        raise InputError("a", f"not positive definite at y = {where}")
    return lower, torch.linalg.inv(lower)


def _energy(problem: EllipticProblem, points: Tensor, weight: Tensor, correctors: Sequence[int]) -> list[Rows]:
    """Lᵀ(e_k + ∇χ_k) = L⁻¹ c_k, one set of rows for each component.

    The sum of squares is the energy, mean (e_k + ∇χ_k)·a(e_k + ∇χ_k), up to a constant, for any constant vector c_k. With
    c_k = (mean a⁻¹)⁻¹ e_k the constant is the harmonic mean: what is left is small, zero in 1D and across a laminate.
    """
    dim, (lower, inverse) = problem.dim, _root(problem, points)
    harmonic = torch.linalg.inv(torch.einsum("nji,njk,n->ik", inverse, inverse, weight))
    target = inverse @ harmonic - lower.mT
    rows = [gauge(torch.zeros(1, dim, dtype=torch.float64), len(correctors))]
    for i in range(dim):
        gradient = torch.cat([torch.zeros(1, len(points), dtype=torch.float64), lower[:, :, i].T])
        rows.append(Rows([(points, gradient)], target[:, i, correctors], gradient_only(dim), weight))
    return rows


def _first_order(problem: EllipticProblem, points: Tensor, weight: Tensor, correctors: Sequence[int]) -> list[Rows]:
    """L⁻¹ σ_k = Lᵀ(e_k + ∇χ_k) with σ_k = s ( c_k + curl ψ_k ), whose divergence is zero whatever the network.

    Outputs are χ_k and ψ_k for each corrector: no potential in 1D, where σ_k is constant, a stream function in 2D, a
    vector in 3D, with the row div ψ_k = 0 to make it unique. The constants c_k are the last d outputs at one point of the
    cell, over the unit of length, as the constants in χ_k and ψ_k mean nothing. s is about the mean of a.
    """
    dim, outputs = problem.dim, outputs_for_each("first-order", problem.dim)
    lower, inverse = _root(problem, points)
    sample, _ = sampling.periodic_grid(problem.period, 16)  # the same s whatever the points
    scale = float(_root(problem, sample)[0].square().sum((1, 2)).mean()) / dim
    here = torch.zeros(outputs, outputs, 1 + dim, len(points), dtype=torch.float64)
    there = torch.zeros_like(here)
    for row in range(dim):
        here[row, 0, 1:] = -lower[:, :, row].T
        for i, k, j, sign in _CURL[dim]:
            here[row, 1 + k, 1 + j] += sign * scale * inverse[:, row, i]
        for i in range(dim):
            there[row, outputs - dim + i, 0] = scale / length_unit(problem.period) * inverse[:, row, i]
    if dim == 3:
        for k in range(dim):
            here[dim, 1 + k, 1 + k] = math.sqrt(power(scale, 4))
    target = torch.zeros(len(points), len(correctors), outputs, dtype=torch.float64)
    target[:, :, :dim] = lower[:, correctors]
    terms, mixes = coupled(points, here, len(correctors))
    fixed = torch.tensor([[0.2929 * p for p in problem.period]], dtype=torch.float64)
    constants, others = coupled(fixed, there, len(correctors))
    copies = len(correctors)
    return [Rows(terms + constants, target.flatten(1), gradient_only(dim), weight, mixes + others, copies)]


def flux_distances(
    problem: EllipticProblem, networks: Sequence[Network], points: Tensor, weight: Tensor
) -> npt.NDArray[np.float64]:
    """The mean of |L⁻¹σ_k - Lᵀ(e_k + ∇χ_k)|² for each corrector of the first-order form.

    As σ_k has no divergence this is ‖a^½ ∇δ_k‖² + ‖a^-½ (error of σ_k)‖², δ_k the error of χ_k (Prager, Synge 1947).
    """
    found = []
    for network, correctors in zip(networks, shares(networks, problem.dim), strict=True):
        (rows,) = _first_order(problem, points, weight, correctors)
        jets = {id(at): network.evaluate(at, rows.operators) for at, _ in rows.terms}
        residual = -rows.target
        for (at, coefficients), mix in zip(rows.terms, rows.mixes, strict=True):
            residual = residual + torch.einsum("cn,cnk->nk", coefficients, jets[id(at)]) @ mix.T
        squares = (residual.square() * weight[:, None]).sum(0).reshape(len(correctors), -1)
        found.append(squares[:, : problem.dim].sum(1))
    return torch.cat(found).numpy()


_PIECE = 4096
_FIT = {1: (400, 600), 2: (64, 600), 3: (16, 200)}
"""Points along each side and features for the fluxes that are fitted."""


def fitted_flux_distances(
    problem: EllipticProblem, networks: Sequence[Network], points: Tensor, weight: Tensor
) -> npt.NDArray[np.float64]:
    """The same for correctors that came without a flux: the hidden layers of their networks serve for its potential too.

    The potentials are fitted at points of their own, so that what is between those counts.
    """
    dim = problem.dim
    count, most = _FIT[dim]
    fit = cell_points(problem, count * (2 if has_curves(problem) and dim < 3 else 1))
    found = []
    for network, correctors in zip(networks, shares(networks, dim), strict=True):
        known: Tensor | None = None
        for at, share in (fit, (points, weight)):
            squares = torch.zeros(len(correctors), dtype=torch.float64)
            pieces = list(zip(at.split(_PIECE), share.split(_PIECE), strict=True))
            if known is None:
                blocks, targets = zip(
                    *(_flux_rows(problem, network, *piece, correctors, most) for piece in pieces), strict=True
                )
                matrix, target = torch.cat(blocks), torch.cat(targets)
                norms = matrix.norm(dim=0).clamp_min(torch.finfo(torch.float64).tiny)
                known = LastLayer().damped(torch.cat([matrix / norms, target], dim=1), len(norms)) / norms[:, None]
                continue
            for piece in pieces:
                matrix, target = _flux_rows(problem, network, *piece, correctors, most)
                squares += (matrix @ known - target).square().sum(0)
        found.append(squares)
    return torch.cat(found).numpy()


def _flux_rows(
    problem: EllipticProblem, network: Network, points: Tensor, weight: Tensor, correctors: Sequence[int], most: int
) -> tuple[Tensor, Tensor]:
    """L⁻¹ ( c + curl ψ ) as a matrix for c and the last layers of ψ, and Lᵀ(e_k + ∇χ_k) for each corrector, with the roots of
    the weights multiplied in."""
    dim = problem.dim
    lower, inverse = _root(problem, points)
    root = weight.sqrt()
    each = network.weights[-1].shape[0] // len(correctors)
    with torch.no_grad():
        operators = gradient_only(dim)
        hidden = network.hidden_jet(network.embedding.jet(points, operators), operators)
        gradient = (hidden @ network.weights[-1].T)[1:, :, ::each]
        hidden = hidden[1:, :, :most]
    potentials = {1: 0, 2: 1, 3: 3}[dim]
    curl = torch.zeros(dim, len(points), potentials, hidden.shape[2], dtype=torch.float64)
    for i, k, j, sign in _CURL[dim]:
        curl[i, :, k] += sign * hidden[j]
    flux = torch.cat(
        [torch.eye(dim, dtype=torch.float64)[:, None].expand(dim, len(points), dim), curl.flatten(2)], dim=2
    )
    matrix = torch.einsum("nri,inc,n->rnc", inverse, flux, root).flatten(0, 1)
    strain = gradient + torch.eye(dim, dtype=torch.float64)[:, None, list(correctors)]
    return matrix, torch.einsum("nir,ink,n->rnk", lower, strain, root).flatten(0, 1)
