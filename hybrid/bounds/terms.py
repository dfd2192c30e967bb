"""A reconstruction and a flux in equilibrium with it, term by term, as products of functions of x and of x/ε.

    r = u_0 + ε η χ_j(x/ε) ∂_j u_0,        τ = A ∇u_0 + ε curl( ψ_j(x/ε) ∂_j u_0 ),

with η = 1 but near the boundary, where it is zero. Then r = 0 on ∂Ω, and -div τ = -div(A ∇u_0) whatever χ_j, ψ_j and A are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hybrid.bounds.fields import Fast
from hybrid.bounds.slow import Jet

Array = npt.NDArray[np.float64]

CURL: dict[int, list[tuple[int, int, int, int]]] = {
    1: [],
    2: [(0, 0, 1, 1), (1, 0, 0, -1)],
    3: [(i, (i + 2) % 3, (i + 1) % 3, 1) for i in range(3)] + [(i, (i + 1) % 3, (i + 2) % 3, -1) for i in range(3)],
}
"""(curl ψ)_i as the sum of ± ∂_j ψ_k: entries (i, k, j, ±1)."""


@dataclass(frozen=True)
class Cutoff:
    """η = 1 - (1 - t)^n in the first period from each face, t the depth in periods; one further in, and a product over directions.

    Attributes:
        power: n, in each direction.
    """

    power: Sequence[int]

    def on(self, axes: Sequence[Array], domain: Sequence[Sequence[float]], steps: Sequence[float]) -> tuple[Array, Array]:
        """η on a tensor grid, (n_1, …), and ∂_i η, (d, n_1, …)."""
        values, slopes = [], []
        for axis, (low, high), step, n in zip(axes, domain, steps, self.power, strict=True):
            depth = np.minimum(axis - low, high - axis) / step
            side = np.where(axis - low <= high - axis, 1.0, -1.0)
            left = np.clip(1 - depth, 0.0, 1.0)
            values.append(1 - left**n)
            slopes.append(side * n * left ** (n - 1) / step * (left > 0))
        parts = [
            [slopes[k] if k == i else values[k] for k in range(len(axes))] for i in (*range(len(axes)), None)
        ]  # fmt: skip
        tables = [_outer(each) for each in parts]
        return tables[-1], np.stack(tables[:-1])


def _outer(factors: Sequence[Array]) -> Array:
    found = np.ones(())
    for factor in factors:
        found = np.multiply.outer(found, factor)
    return found


@dataclass(frozen=True)
class Products:
    """∇r = Σ_m s_m(x) E_m(x/ε), τ = Σ_m s_m(x) T_m(x/ε) and r = Σ_k c_k(x) v_k(x/ε).

    Attributes:
        slow: s_m, (R, …).
        strains: E_m, (R, d, n).
        fluxes: T_m, (R, d, n).
        weights: c_k, (1 + d, …).
        values: v_k, (1 + d, n).
    """

    slow: Array
    strains: Array
    fluxes: Array
    weights: Array
    values: Array


def products(jet: Jet, eta: Array, slopes: Array, fast: Fast, star: Array, eps: float) -> Products:
    """The terms, from u_0 and η at some points and the functions of the cell at others.

    Args:
        jet: Of u_0.
        eta: η.
        slopes: ∂_i η, (d, …).
        fast: Of the cell.
        star: A.
        eps: ε.
    """
    dim, count = fast.chi.shape
    slow, strains, fluxes = [], [], []
    for j in range(dim):
        unit = np.zeros((dim, count))
        unit[j] = 1.0
        slow.append(jet.slope[j])  # with χ_j and ψ_j, as η is one nearly everywhere: nothing cancels then
        strains.append(unit + fast.slopes[j])
        fluxes.append(star[:, j, None] + fast.curls[j])
        slow.append((eta - 1) * jet.slope[j])
        strains.append(fast.slopes[j])
        fluxes.append(np.zeros((dim, count)))
        for i in range(dim):
            slow += [eps * jet.hessian[i, j], eps * ((eta - 1) * jet.hessian[i, j] + slopes[i] * jet.slope[j])]
            strain, flux = np.zeros((dim, count)), np.zeros((dim, count))
            strain[i] = fast.chi[j]
            for row, k, along, sign in CURL[dim]:
                if along == i:
                    flux[row] += sign * fast.psi[j, k]
            strains += [strain, strain]
            fluxes += [flux, 0 * flux]
    weights = np.stack([jet.value, *(eps * eta * slope for slope in jet.slope)])
    return Products(np.stack(slow), np.stack(strains), np.stack(fluxes), weights, np.stack([np.ones(count), *fast.chi]))
