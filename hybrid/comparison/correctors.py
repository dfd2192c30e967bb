"""Reconstructions that put the oscillation back: u_0 + ε χ_j(x/ε) ∂_j u_0."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from dolfinx import fem

from hybrid.comparison.transfer import from_values
from hybrid.pinn.field import Field
from hybrid.problems import EllipticProblem


def first_order(
    problem: EllipticProblem, u0: Field, correctors: Sequence[Field], space: fem.FunctionSpace
) -> fem.Function:
    """r = u_0 + ε Σ_j χ_j(x/ε) ∂_j u_0 (paper, section 3: u_1 = χ_j ∂_j u_0), interpolated in the space.

    Args:
        problem: Gives ε and the period.
        u0: The homogenized solution, by a network.
        correctors: The χ_j, by a network.
        space: Lagrange elements on a mesh that resolves ε.
    """

    def values(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        # The mesh repeats with the coefficient: few of the points are different ones of the cell.
        period = np.array(problem.period)
        inside = np.mod(points / problem.eps, period)
        _, index, inverse = np.unique(
            np.round(inside / period, 9) % 1.0, axis=0, return_index=True, return_inverse=True
        )
        total, slopes = u0.values_and_gradients(points)
        for j, chi in enumerate(correctors):
            total = total + problem.eps * chi.values(inside[index])[inverse.ravel()] * slopes[:, j]
        return total

    return from_values(values, space, problem.dim)
