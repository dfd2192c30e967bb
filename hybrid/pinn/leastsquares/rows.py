"""Weighted rows of a linear least-squares problem for a network's jets at collocation points.

Everything solved here is linear in the unknown function, so that one residual is

    r(x) = c_0(x) u + Σ_i c_i(x) ∂_i u + Σ_k c_{d+k}(x) A_k:∇²u - g(x),

a contraction of the network's jet with coefficients known beforehand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True)
class Rows:
    """Rows r_i = Σ over terms of Σ_j mix[i, j] Σ_c coefficients[c] · jet_j[c] - target_i, for each point and output i.

    Attributes:
        terms: Pairs of points, (n, d), or (1, d) where all rows see the same one, and coefficients, (C, n). More than one
            pair ties values at different points together, as a periodic condition does, or different operators, as the
            stages of a Runge-Kutta method do.
        target: g, (n, outputs).
        operators: The second-order operators A_k of the jets, (K, d, d).
        weight: Weights of the squares, (n,): of a quadrature rule, or one over the number of points.
        mixes: For each term the matrix, (outputs, outputs), that couples the outputs; none where each has its own rows.
        copies: How many equal blocks the mixes have on their diagonals, and nothing beside them.
    """

    terms: Sequence[tuple[Tensor, Tensor]]
    target: Tensor
    operators: Tensor
    weight: Tensor
    mixes: Sequence[Tensor] = ()
    copies: int = 1

    def to(self, device: str) -> Rows:
        """The same rows on a device."""
        moved = {id(points): points.to(device) for points, _ in self.terms}  # points that terms share stay shared
        terms = [(moved[id(points)], coefficients.to(device)) for points, coefficients in self.terms]
        mixes = [mix.to(device) for mix in self.mixes]
        return Rows(
            terms, self.target.to(device), self.operators.to(device), self.weight.to(device), mixes, self.copies
        )

    def share(self, k: int, count: int) -> Rows:
        """The k-th of so many shares of the points."""
        n = len(self.target)
        own = slice(n * k // count, n * (k + 1) // count)
        # Points that terms share stay shared, and a point that all rows see is in every share.
        cut = {id(points): points if len(points) == 1 else points[own] for points, _ in self.terms}
        terms = [(cut[id(points)], coefficients[:, own]) for points, coefficients in self.terms]
        return replace(self, terms=terms, target=self.target[own], weight=self.weight[own])

    def output(self, j: int) -> Rows:
        """The rows of one output only, for a network of its own."""
        return replace(self, target=self.target[:, j : j + 1])


def coupled(points: Tensor, blocks: Tensor, copies: int = 1) -> tuple[list[tuple[Tensor, Tensor]], list[Tensor]]:
    """Terms and mixes of a system of equations: row i is the sum over outputs j of blocks[i, j] contracted with jet_j.

    Args:
        points: (n, d), or (1, d) where all rows see the same point.
        blocks: Coefficients, (outputs, outputs, C, n); those that vanish are left out.
        copies: How many systems of the same form the network's outputs hold, one after the other.
    """
    terms, mixes = [], []
    for row, column in (blocks != 0).flatten(2).any(2).nonzero().tolist():
        unit = torch.zeros(blocks.shape[:2], dtype=torch.float64)
        unit[row, column] = 1.0
        terms.append((points, blocks[row, column]))
        mixes.append(torch.kron(torch.eye(copies, dtype=torch.float64), unit))
    return terms, mixes


def behind_factor(coefficients: Tensor, factor: Tensor, operators: Tensor) -> Tensor:
    """The coefficients that act on N as the given ones act on u = φ N (Leibniz' rule).

    Args:
        coefficients: For u, (1 + d + K, n).
        factor: The jet of φ, (1 + d + K, n, 1).
        operators: A_k, (K, d, d).
    """
    dim = operators.shape[-1]
    phi = factor[..., 0]
    cross = 2 * torch.einsum("kn,kij,jn->in", coefficients[1 + dim :], operators, phi[1 : 1 + dim])
    value = (coefficients * phi).sum(0, keepdim=True)
    return torch.cat([value, coefficients[1 : 1 + dim] * phi[0] + cross, coefficients[1 + dim :] * phi[0]])
