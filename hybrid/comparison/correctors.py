"""Reconstructions that put the oscillation back: u_0 + ε χ_j(x, x/ε) ∂_j u_0, or u_0 (1 + ε N(x/ε))."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from dolfinx import fem

from hybrid.comparison.transfer import from_values
from hybrid.pinn.field import Field
from hybrid.problems import Problem, is_slow, kind_of

Array = npt.NDArray[np.float64]


def first_order(problem: Problem, u0: Field, correctors: Sequence[Field], space: fem.FunctionSpace) -> fem.Function:
    """r = u_0 + ε u_1, interpolated in the space.

    u_1 = χ_j(x/ε) ∂_j u_0 for elliptic problems, with χ_j(x, x/ε) where a depends on x (paper, section 3), and N(x/ε) u_0 for
    reaction-diffusion (appendix A).

    Args:
        problem: Gives ε and the period.
        u0: The homogenized solution, by a network.
        correctors: The χ_j, or N, by a network.
        space: Lagrange elements on a mesh that resolves ε.
    """

    def values(points: Array) -> Array:
        period = np.array(problem.period)
        inside = np.mod(points / problem.eps, period)
        if is_slow(problem):
            at = [chi.values(np.concatenate([points, inside], axis=1)) for chi in correctors]
        else:
            at = _repeated(correctors, inside, period)
        if kind_of(problem) == "reaction-diffusion":
            total = u0.values(points)
            return total + problem.eps * at[0] * total
        total, slopes = u0.values_and_gradients(points)
        for j, chi in enumerate(at):
            total = total + problem.eps * chi * slopes[:, j]
        return total

    return from_values(values, space, problem.dim)


def _repeated(correctors: Sequence[Field], inside: Array, period: Array) -> list[Array]:
    """Values in the cell. The mesh repeats with the coefficient: few of its points are different ones of the cell."""
    _, index, inverse = np.unique(np.round(inside / period, 9) % 1.0, axis=0, return_index=True, return_inverse=True)
    return [chi.values(inside[index])[inverse.ravel()] for chi in correctors]
