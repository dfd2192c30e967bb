"""Fluxes without divergence beside correctors, where a jumps: what is between the two bounds the errors of both.

With σ_k = s ( c_k + curl ψ_k ) the mean of |L⁻¹σ_k - Lᵀ(e_k + ∇χ_k)|², a = L Lᵀ, is ‖a^½ ∇δ_k‖² + ‖a^-½ (error of σ_k)‖²,
δ_k the error of χ_k (Prager, Synge 1947). Networks of the first-order form hold the ψ_k; for others they are found by least
squares with the same hidden layers.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hybrid.curls import CURL, potentials
from hybrid.pinn.cells.cellforms import fixed_point, shares
from hybrid.pinn.cells.cellquadrature import Quadrature
from hybrid.pinn.cells.cellunits import length_unit
from hybrid.pinn.functions.network import VALUE, Network, gradient_only
from hybrid.pinn.optimizers.kinds import LastLayer
from hybrid.pinn.sizes import CELLS

Array = npt.NDArray[np.float64]

_PIECE = 4096


@dataclass(frozen=True)
class Means:
    """Over the cell.

    Attributes:
        value: Of the χ_k, (d,).
        size: The root of the mean square of χ_k less its mean, (d,).
        energy: Of (e_i + ∇χ_i)·a(e_j + ∇χ_j), (d, d).
        gap: Of |L⁻¹σ_k - Lᵀ(e_k + ∇χ_k)|², (d,).
        lower: C D⁻¹ Cᵀ with D_ij the mean of σ_i·a⁻¹σ_j and C that of (σ_1 … σ_d), (d, d): at most a* (`hybrid.fluxes`).
        lowest: The smallest eigenvalue of a that was seen.
    """

    value: Array
    size: Array
    energy: Array
    gap: Array
    lower: Array
    lowest: float


@dataclass(frozen=True)
class Flux:
    """A network with the outputs χ_k, ψ_k for each of some correctors.

    Attributes:
        network: It.
        constants: s c_k, (d, correctors).
        scale: s.
    """

    network: Network
    constants: Tensor
    scale: float


def trained_fluxes(rule: Quadrature, networks: Sequence[Network]) -> list[Flux]:
    """Those of networks of the first-order form."""
    scale, dim, found = rule.scale, rule.dim, []
    for network, correctors in zip(networks, shares(networks, dim), strict=True):
        outputs = network.evaluate(fixed_point(rule.period), VALUE)[0, 0].reshape(len(correctors), -1)
        constants = scale / length_unit(rule.period) * outputs[:, outputs.shape[1] - dim :].T
        found.append(Flux(network, constants, scale))
    return found


def fitted_fluxes(rule: Quadrature, networks: Sequence[Network]) -> list[Flux]:
    """Potentials by least squares, on the points of the rule, for correctors that came without."""
    dim, found, most = rule.dim, [], CELLS[rule.dim].fit[1]
    for network, correctors in zip(networks, shares(networks, dim), strict=True):
        pieces = [slice(begin, begin + _PIECE) for begin in range(0, len(rule.points), _PIECE)]
        blocks, targets = zip(*(_rows(rule, piece, network, correctors, most) for piece in pieces), strict=True)
        matrix, target = torch.cat(blocks), torch.cat(targets)
        norms = matrix.norm(dim=0).clamp_min(torch.finfo(torch.float64).tiny)
        solution = LastLayer().damped(torch.cat([matrix / norms, target], dim=1), len(norms)) / norms[:, None]
        each, width = network.weights[-1].shape[0] // len(correctors), network.weights[-1].shape[1]
        last = torch.zeros(len(correctors), 1 + potentials(dim), width, dtype=torch.float64)
        last[:, 0] = network.weights[-1].detach()[::each]
        used = min(most, width)
        last[:, 1:, :used] = solution[dim:].T.reshape(len(correctors), potentials(dim), used)
        both = copy.deepcopy(network)
        both.weights[-1] = torch.nn.Parameter(last.flatten(0, 1))
        found.append(Flux(both, solution[:dim], 1.0))
    return found


def _rows(
    rule: Quadrature, piece: slice, network: Network, correctors: Sequence[int], most: int
) -> tuple[Tensor, Tensor]:
    """L⁻¹ ( c + curl ψ ) as a matrix for c and the last layers of ψ, and Lᵀ(e_k + ∇χ_k) for each corrector, with the roots of
    the weights multiplied in."""
    dim, points, root = rule.dim, rule.points[piece], rule.weight[piece].sqrt()
    lower, inverse = (root[piece] for root in rule.roots)
    each = network.weights[-1].shape[0] // len(correctors)
    with torch.no_grad():
        operators = gradient_only(dim)
        hidden = network.hidden_jet(network.embedding.jet(points, operators), operators)
        strain = (hidden @ network.weights[-1].T)[1:, :, ::each] + _units(dim, correctors)
        hidden = hidden[1:, :, :most]
    curl = torch.zeros(dim, len(points), potentials(dim), hidden.shape[2], dtype=torch.float64)
    for i, k, j, sign in CURL[dim]:
        curl[i, :, k] += sign * hidden[j]
    constant = torch.eye(dim, dtype=torch.float64)[:, None].expand(dim, len(points), dim)
    matrix = torch.einsum("nri,inc,n->rnc", inverse, torch.cat([constant, curl.flatten(2)], dim=2), root)
    return matrix.flatten(0, 1), torch.einsum("nir,ink,n->rnk", lower, strain, root).flatten(0, 1)


def _units(dim: int, correctors: Sequence[int]) -> Tensor:
    return torch.eye(dim, dtype=torch.float64)[:, None, list(correctors)]


def means(rule: Quadrature, fluxes: Sequence[Flux]) -> Means:
    """By one quadrature."""
    dim, weight, share, a, (lower, inverse) = rule.dim, rule.weight, rule.weight.numpy(), rule.a, rule.roots
    values, strains, gaps, duals, constants = [], [], [], [], []
    networks = [flux.network for flux in fluxes]
    for flux, correctors in zip(fluxes, shares(networks, dim), strict=True):
        jet = flux.network.evaluate(rule.points, gradient_only(dim)).unflatten(2, (len(correctors), -1))
        strain = jet[1:, :, :, 0] + _units(dim, correctors)  # (i, n, k)
        sigma = flux.constants[:, None].expand(strain.shape).clone()
        for i, k, j, sign in CURL[dim]:
            sigma[i] += sign * flux.scale * jet[1 + j, :, :, 1 + k]
        dual = torch.einsum("nri,ink->rnk", inverse, sigma)
        gap = dual - torch.einsum("nir,ink->rnk", lower, strain)
        duals.append(dual)
        constants.append(flux.constants)
        gaps.append(torch.einsum("rnk,n->k", gap.square(), weight))
        values.append(jet[0, :, :, 0])
        strains.append(strain)
    value, strain = torch.cat(values, dim=1).numpy(), torch.cat(strains, dim=2).numpy()
    energy = np.einsum(
        "kin,nkl,ljn,n->ij", *energy_operands(strain.transpose(2, 0, 1), a.numpy()), share, optimize=True
    )
    mean = share @ value
    size = np.sqrt(share @ (value - mean) ** 2)
    both, mean_flux = torch.cat(duals, dim=2), torch.cat(constants, dim=1).numpy()
    complementary = torch.einsum("rnk,rnl,n->kl", both, both, weight).numpy()
    below = mean_flux @ np.linalg.solve(complementary, mean_flux.T)
    return Means(mean, size, energy, torch.cat(gaps).numpy(), below, float(np.linalg.eigvalsh(a.numpy())[:, 0].min()))


def energy_operands(strains: Array, a: Array) -> tuple[Array, Array, Array]:
    """For strains e_i + ∇χ_i, (i, k, n), what einsum's "kin,nkl,ljn,n->ij" takes."""
    other = strains.transpose(1, 0, 2)
    return other, a, other
