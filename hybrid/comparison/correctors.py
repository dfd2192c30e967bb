"""The reconstruction that puts the oscillation back: u_0 + ε χ_j(x, x/ε) ∂_j u_0, or u_0 (1 + ε N(x/ε))."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from dolfinx import fem

from hybrid.comparison.transfer import nodes, with_values
from hybrid.physics import Problem
from hybrid.pinn.functions.field import Field, evaluated
from hybrid.pinn.functions.network import VALUE, gradient_only
from hybrid.product import Product

Array = npt.NDArray[np.float64]

_SAME = 1e-12
"""Of the period: points of the cell that are nearer to each other than this are one."""


def first_order(problem: Problem, u0: Field, correctors: Sequence[Field], space: fem.FunctionSpace) -> fem.Function:
    """r = u_0 + ε u_1, interpolated in the space; collective.

    What u_1 is, the physics says (`hybrid.physics.base.Problem.reconstruct`).

    Args:
        problem: Gives ε, the period and the formula.
        u0: The homogenized solution, by a network.
        correctors: The χ_j, or N, by a network.
        space: Lagrange elements on a mesh that resolves ε.
    """
    points = nodes(space)
    (jet,) = evaluated([u0], points, gradient_only(problem.dim) if problem.derivatives else VALUE)
    fast = in_cell(problem, points)
    joint = Product(points.axes + fast.axes, points.index + fast.index) if problem.flux.depends_on else fast
    return with_values(problem.reconstruct(jet, [chi[0] for chi in evaluated(correctors, joint, VALUE)]), space)


def in_cell(problem: Problem, points: Product) -> Product:
    """x/ε moved into the cell. The mesh repeats with the coefficient: few of its points are different ones there."""

    def moved(x: Array, period: float) -> Array:
        y = np.mod(x / problem.eps, period)
        return np.where(y > period * (1 - _SAME), y - period, y)

    return points.mapped([partial(moved, period=p) for p in problem.period], _SAME)
