"""A reconstruction and a flux in equilibrium with it, term by term, as products of functions of x and of x/ε.

    r = u_0 + ε η χ_j(x/ε) ∂_j u_0 + ε Σ_F w_F(x/ε) g_F
    τ = A ∇u_0 + ε curl( ψ_j(x/ε) ∂_j u_0 + Σ_F Θ_F(x/ε) g_F + ε Ψ_ij(x/ε) h_ij )

In the plane there is a layer for each face F, with w_F = -χ_n and g_F = ∂_n u_0 on it, g_F = 0 on the other faces, and η = 1;
Ψ_ij, with layers too, and smooth functions h_ij near ∂_ij u_0 make τ good to the next order. In space there are none of these,
and η falls to zero at the boundary. Either way r = 0 on ∂Ω, and -div τ = -div(A ∇u_0) whatever else is what.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hybrid.bounds.fields import Fast, crossed
from hybrid.bounds.slow import Jet

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Cutoff:
    """η = 1 - (1 - t)^n in the first period from each face, t the depth in periods; one further in, and a product over
    directions.

    Attributes:
        power: n, in each direction.
    """

    power: Sequence[int]

    def on(
        self, axes: Sequence[Array], domain: Sequence[Sequence[float]], steps: Sequence[float]
    ) -> tuple[Array, Array]:
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
class Carried:
    """A layer where it is: w - c and Θ at fast points, and g with its derivatives at slow ones.

    Attributes:
        value: w - c, (n,).
        strain: ∇_y w, (2, n).
        potential: Θ, (n,).
        curl: curl_y Θ, (2, n).
        second: Potentials of second order, (3, n).
        second_curls: Their curls, (3, 2, n).
        weight: g, (…).
        slope: ∂_i g, (2, …).
    """

    value: Array
    strain: Array
    potential: Array
    curl: Array
    second: Array
    second_curls: Array
    weight: Array
    slope: Array


@dataclass
class Products:
    """∇r = Σ_m s_m(x) E_m(x/ε), τ = Σ_m s_m(x) T_m(x/ε) and r = Σ_k c_k(x) v_k(x/ε), all of them lists.

    Attributes:
        slow: s_m.
        strains: E_m, (d, n).
        fluxes: T_m, (d, n).
        weights: c_k.
        values: v_k, (n,).
    """

    slow: list[Array]
    strains: list[Array]
    fluxes: list[Array]
    weights: list[Array]
    values: list[Array]

    def add(self, slow: Array, strain: Array, flux: Array) -> None:
        """s, E, T, where s is not zero."""
        if slow.any():
            self.slow.append(slow)
            self.strains.append(strain)
            self.fluxes.append(flux)


def products(
    jet: Jet, eta: Array, slopes: Array, fast: Fast, star: Array, eps: float, layers: Sequence[Carried] = (),
    tails: Array | None = None, tail_slopes: Array | None = None, smooth: Sequence[tuple[Array, Array]] = (),
) -> Products:  # fmt: skip
    """The terms, from u_0 and η at some points and the functions of the cell at others.

    Args:
        jet: Of u_0.
        eta: η.
        slopes: ∂_i η, (d, …).
        fast: Of the cell.
        star: A.
        eps: ε.
        layers: Those that are not zero here.
        tails: Σ_F c_F g_F.
        tail_slopes: Its derivatives, (d, …).
        smooth: What is near ∂_ij u_0, i ≤ j, and the derivatives of it, (d, …).
    """
    dim, count = fast.chi.shape
    none, units = np.zeros((dim, count)), np.eye(dim)[:, :, None] * np.ones(count)
    found = Products([], [], [], [jet.value], [np.ones(count)])
    for j in range(dim):
        # With χ_j and ψ_j, as η is one nearly everywhere: nothing cancels then.
        found.add(jet.slope[j], units[j] + fast.slopes[j], star[:, j, None] + fast.curls[j])
        found.add((eta - 1) * jet.slope[j], fast.slopes[j], none)
        for i in range(dim):
            strain = units[i] * fast.chi[j]
            found.add(eps * jet.hessian[i, j], strain, crossed(i, fast.psi[j]))
            found.add(eps * ((eta - 1) * jet.hessian[i, j] + slopes[i] * jet.slope[j]), strain, none)
        found.weights.append(eps * eta * jet.slope[j])
        found.values.append(fast.chi[j])
    for layer in layers:
        found.add(layer.weight, layer.strain, layer.curl)
        for i in range(dim):
            found.add(eps * layer.slope[i], units[i] * layer.value, crossed(i, layer.potential[None]))
        found.weights.append(eps * layer.weight)
        found.values.append(layer.value)
    for k, (weight, slope) in enumerate(smooth):
        potential = fast.second[k] + sum(layer.second[k] for layer in layers)
        found.add(eps * weight, none, fast.second_curls[k] + sum(layer.second_curls[k] for layer in layers))
        for i in range(dim):
            found.add(eps**2 * slope[i], none, crossed(i, potential[None]))
    if tails is not None and tail_slopes is not None:
        for i in range(dim):
            found.add(eps * tail_slopes[i], units[i], none)
        found.weights[0] = found.weights[0] + eps * tails
    return found
