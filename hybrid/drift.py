"""What the second order does to a*(x), where the cell problems depend on x."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import sympy

from hybrid.equation import Equation
from hybrid.media.interpolated import SlowCoefficient
from hybrid.symbols import numpy_function

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Samples:
    """Correctors at the nodes of a*(x).

    Attributes:
        coefficient: a*(x), which knows the nodes x_n.
        points: y, (m, d), of a rule with equal weights.
        values: χ_l(x_n, y), (N, d, m), of mean zero.
        slopes: ∂_i χ_l there, derivatives in y, (N, d, d, m) with l first.
    """

    coefficient: SlowCoefficient
    points: Array
    values: Array
    slopes: Array

    @classmethod
    def of(cls, coefficient: SlowCoefficient, points: Array, values: Array, slopes: Array) -> Self:
        """From correctors whose means may be anything."""
        return cls(coefficient, points, values - values.mean(axis=2, keepdims=True), slopes)

    def medium(self, equation: Equation) -> Array:
        """a_ij there, (d, d, N, m)."""
        return self._at(equation, tuple(equation.medium.matrix)).reshape(
            equation.dim, equation.dim, len(self.values), -1
        )

    def divergence(self, equation: Equation) -> Array:
        """∂_i a_ij in y, (d, N, m)."""
        dim, a, fast = equation.dim, equation.medium.matrix, equation.fast
        return self._at(equation, [sum(sympy.diff(a[i, j], fast[i]) for i in range(dim)) for j in range(dim)])

    def _at(self, equation: Equation, expressions: Sequence[sympy.Expr]) -> Array:
        nodes, symbols = self.coefficient.nodes, (*equation.slow, *equation.fast)
        joint = np.hstack([np.repeat(nodes, len(self.points), 0), np.tile(self.points, (len(nodes), 1))])
        return np.array([numpy_function(one, symbols)(joint).reshape(len(nodes), -1) for one in expressions])

    def fluxes(self, medium: Array) -> Array:
        """σ_l = a (e_l + ∇χ_l), (N, d, d, m) with l first."""
        strains = self.slopes + np.eye(self.slopes.shape[1])[None, :, :, None]
        return np.einsum("ijnm,nljm->nlim", medium, strains)

    def along(self, values: Array) -> Array:
        """∂_k in x of a function of x_n and whatever else, (N, d, …) from (N, …)."""
        flat = values.reshape(len(values), -1, 1)
        slopes = SlowCoefficient(self.coefficient.domain, self.coefficient.nodes, flat).gradient(self.coefficient.nodes)
        return slopes.reshape(len(values), -1, *values.shape[1:])


@dataclass(frozen=True)
class Drift:
    """S(x), symmetric: the mean of fluxes of the second order is ε S ∇U, up to what has no divergence.

    Attributes:
        tensor: S, (d, d).
        error: How far it may be off, from half the points in each direction.
    """

    tensor: SlowCoefficient
    error: float


def drift(equation: Equation, samples: Samples) -> Drift:
    """That of cell problems that depend on x.

        2 S_kl = ∂_m (R_mkl + R_mlk - R_lkm - R_klm - R_lmk - R_kml) + 2 T_kl + 2 T_lk,
        R_jki = ⟨(σ_j)_k χ_i⟩,  T_kl = ⟨σ_k·∇_x χ_l⟩,  σ_j = a (e_j + ∇χ_j)

    The mean of a_ij (∂_j u_2 + ∂_xj (χ_l ∂_l u_0)) is, by the equation of χ_i tested with u_2 and that of u_2 tested with χ_i,
    (R_ijl - R_lji) ∂_jl u_0 + (T_il + T_li - ∂_k R_lki) ∂_l u_0. The former, symmetrized in j and l, is zero when it is
    symmetrized in all three: of its divergence one derivative falls on R; what antisymmetric parts leave are first derivatives
    of u_0, which cancel.

    Args:
        equation: The cell problems.
        samples: Their solutions, on a tensor grid with an even number of points in each direction.
    """
    whole = _tensor(equation, samples)
    counts = [len(np.unique(column)) for column in samples.points.T]
    every = np.arange(len(samples.points)).reshape(counts)[tuple([slice(None, None, 2)] * equation.dim)].ravel()
    star = samples.coefficient
    half = Samples(star, samples.points[every], samples.values[..., every], samples.slopes[..., every])
    error = float(np.abs(_tensor(equation, half) - whole).max())
    return Drift(SlowCoefficient(star.domain, star.nodes, whole), error)


def _tensor(equation: Equation, samples: Samples) -> Array:
    """S at the nodes, (N, d, d)."""
    fluxes, count = samples.fluxes(samples.medium(equation)), len(samples.points)
    moments = np.einsum("njkm,nim->njki", fluxes, samples.values) / count
    transport = np.einsum("nkim,nilm->nkl", fluxes, samples.along(samples.values)) / count
    return np.asarray(
        np.einsum("nmmkl->nkl", of_moments(samples.along(moments))) + transport + transport.swapaxes(1, 2)
    )


def of_moments(moments: Array) -> Array:
    """(R_mkl + R_mlk - R_lkm - R_klm - R_lmk - R_kml) / 2 from R_jki, (…, d, d, d) with m, k, l in this order."""
    signs = {"mlk": 1, "mkl": 1, "klm": -1, "lkm": -1, "lmk": -1, "kml": -1}
    parts = [sign / 2 * np.einsum(f"...{indices}->...mkl", moments) for indices, sign in signs.items()]
    return np.asarray(sum(parts))
