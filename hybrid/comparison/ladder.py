"""Reconstructions of u_ε beside one another, each with one more term of its expansion.

    u0        u_0
    first     u_0 (1 + ε …): the oscillation put back, r = u_0 + ε χ_j(x/ε) ∂_j u_0 or u_0 (1 + ε N(x/ε))
    layers    the same of U, u_0 with what the boundary does to it from afar, and the boundary layers of the faces
    second    and ε² u_2

What the terms are, the physics says (`hybrid.physics.base.Problem.next_order`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from dolfinx import fem

from hybrid.comparison.correctors import in_cell
from hybrid.comparison.transfer import Comparable, function_of, nodes, with_values
from hybrid.fem.jets import jets_on, values_on
from hybrid.lines import Line
from hybrid.physics import Problem
from hybrid.pinn.functions.field import Field, evaluated
from hybrid.pinn.functions.network import VALUE, gradient_only, hessian_operators
from hybrid.product import Product

Array = npt.NDArray[np.float64]
type CellFunction = Line | Field | fem.Function

RUNGS = ("u0", "first", "layers", "second")


@dataclass(frozen=True)
class Terms:
    """What one path has found.

    Attributes:
        u0: The homogenized solution.
        correctors: Of the first order.
        moved: U; None where the expansion ends with the first order.
        second: The cell functions of the second order.
    """

    u0: Comparable
    correctors: Sequence[CellFunction]
    moved: Comparable | None = None
    second: Sequence[CellFunction] = ()


def reconstructions(problem: Problem, space: fem.FunctionSpace, terms: Terms) -> dict[str, fem.Function]:
    """Every reconstruction that there are terms for, interpolated in a space; collective.

    Args:
        problem: Gives ε, the period and the formulas.
        space: Lagrange elements on a mesh that resolves ε.
        terms: Of one path.
    """
    points = _Points(problem, nodes(space))
    dim, order = problem.dim, problem.derivatives
    correctors = points.of_cells(terms.correctors)
    jet = points.jet(terms.u0, order)
    found = {"u0": jet[0], "first": problem.reconstruct(jet[: 1 + dim * order], correctors)}
    if terms.moved is not None:
        jet = points.jet(terms.moved, 2)
        found["layers"] = problem.reconstruct(jet[: 1 + dim * order], correctors)
        if terms.second:
            found["second"] = found["layers"] + problem.second_order(jet, points.of_cells(terms.second))
    return {name: with_values(values, space) for name, values in found.items()}


@dataclass(frozen=True)
class _Points:
    """Where functions of either path are evaluated."""

    problem: Problem
    points: Product

    @cached_property
    def fast(self) -> Product:
        """x/ε in the cell."""
        return in_cell(self.problem, self.points)

    def jet(self, function: Comparable, order: int) -> Array:
        """Of a function of x, up to derivatives of an order, (C, n); collective."""
        own, dim = function_of(function), self.problem.dim
        if isinstance(own, Field):
            operators = (VALUE, gradient_only(dim), hessian_operators(dim))[order]
            return evaluated([own], self.points, operators)[0]
        return jets_on(own, self.points, order) if order else np.stack(values_on([own], self.points))

    def of_cells(self, functions: Sequence[CellFunction]) -> list[Array]:
        """Cell functions at x/ε, (n,) each; collective."""
        fields = [one for one in functions if isinstance(one, Field)]
        joint = self.fast
        if self.problem.flux.depends_on:
            joint = Product(self.points.axes + joint.axes, self.points.index + joint.index)
        by_fields = iter(evaluated(fields, joint, VALUE))
        on_meshes = [one for one in functions if isinstance(one, fem.Function)]
        by_meshes = iter(values_on(on_meshes, self.fast) if on_meshes else [])
        found = []
        for one in functions:
            if isinstance(one, Line):
                found.append(one.at(self.points.points()[:, 0], self.fast.points()[:, 0]))
            else:
                found.append(next(by_fields)[0] if isinstance(one, Field) else next(by_meshes))
        return found
