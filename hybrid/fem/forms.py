"""The coefficients and the source of an equation in UFL, and as functions of coordinates for multigrid."""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch
from typing import Any

import numpy as np
import numpy.typing as npt
from sympy import Symbol

import ufl
from dolfinx import fem, mesh

from hybrid.equation import Equation
from hybrid.fem.algebra.coefficients import as_arrays, as_ufl, on_mesh
from hybrid.fem.algebra.stencil import Entries
from hybrid.fem.meshes.tiled import by_region
from hybrid.media.base import Coefficient
from hybrid.media.constant import Constant
from hybrid.media.expression import Expression
from hybrid.media.interpolated import SlowCoefficient, SumCoefficient
from hybrid.media.regions import Regions
from hybrid.symbols import evaluate
from hybrid.symbols import x as slow


def flux_on(equation: Equation, space: fem.FunctionSpace) -> ufl.core.expr.Expr:
    """A as a UFL matrix, for solutions in a space on a mesh of Ω."""
    return _matrix(equation.flux, equation, space)


def reaction_on(equation: Equation, domain: mesh.Mesh) -> ufl.core.expr.Expr:
    """c in UFL on a mesh of Ω."""
    assert equation.reaction is not None
    return _scalar(equation.reaction, equation, domain)


def source_on(equation: Equation, domain: mesh.Mesh) -> ufl.core.expr.Expr:
    """f(x) in UFL on a mesh of Ω."""
    x = ufl.SpatialCoordinate(domain)
    return on_mesh(equation.source, {s: x[i] for i, s in enumerate(equation.slow)}, domain)


def entries_of(equation: Equation) -> Entries | None:
    """A as a function of coordinates, where multigrid is to know it.

    Not where it jumps: a few points in each lattice cell then say too little, and the products of matrices take half the
    iterations. Nor where there is a reaction, which those matrices have none of.
    """
    if equation.reaction is not None:
        return None
    return _entries(equation.flux, equation)


def values_at(equation: Equation, x: Any, eps: Any = None) -> dict[Symbol, Any]:
    """What x and y = x/ε stand for at coordinates x; `eps` is ε in the arithmetic of x."""
    scale = equation.eps if eps is None else eps
    return {s: x[i] for i, s in enumerate(equation.slow)} | {s: x[i] / scale for i, s in enumerate(equation.fast)}


def _on(domain: mesh.Mesh, equation: Equation) -> dict[Symbol, Any]:
    """The same in UFL."""
    return values_at(equation, ufl.SpatialCoordinate(domain), fem.Constant(domain, equation.eps))


@singledispatch
def _matrix(coefficient: Coefficient, equation: Equation, space: fem.FunctionSpace) -> ufl.core.expr.Expr:
    raise TypeError(f"finite elements know no {type(coefficient).__name__}")


@_matrix.register
def _(coefficient: Expression, equation: Equation, space: fem.FunctionSpace) -> ufl.core.expr.Expr:
    return as_ufl(coefficient.matrix, _on(space.mesh, equation), space.mesh)


@_matrix.register
def _(coefficient: Regions, equation: Equation, space: fem.FunctionSpace) -> ufl.core.expr.Expr:
    return by_region(coefficient, space.mesh)


@_matrix.register
def _(coefficient: Constant, equation: Equation, space: fem.FunctionSpace) -> ufl.core.expr.Expr:
    return fem.Constant(space.mesh, coefficient.values)  # and no numbers: the compiled form is the same for all


@_matrix.register
def _(coefficient: SumCoefficient, equation: Equation, space: fem.FunctionSpace) -> ufl.core.expr.Expr:
    x = ufl.SpatialCoordinate(space.mesh)
    at = {s: x[i] for i, s in enumerate(slow[: equation.dim])}
    parts = [
        ufl.as_ufl(evaluate(factor, at, "ufl")) * ufl.as_matrix(matrix.tolist()) for factor, matrix in coefficient.terms
    ]
    return sum(parts[1:], parts[0])


@_matrix.register
def _(coefficient: SlowCoefficient, equation: Equation, space: fem.FunctionSpace) -> ufl.core.expr.Expr:
    """The entries of a*(x) as finite element functions of one degree more than the solution."""
    dim = equation.dim
    finer = fem.functionspace(space.mesh, ("Lagrange", space.element.basix_element.degree + 1))
    values = coefficient(finer.tabulate_dof_coordinates()[:, :dim])
    entries = [[fem.Function(finer) for _ in range(dim)] for _ in range(dim)]
    for i in range(dim):
        for j in range(dim):
            entries[i][j].x.array[:] = values[:, i, j]
    return ufl.as_matrix(entries)


@singledispatch
def _scalar(coefficient: Coefficient, equation: Equation, domain: mesh.Mesh) -> ufl.core.expr.Expr:
    raise TypeError(f"finite elements know no reaction that is a {type(coefficient).__name__}")


@_scalar.register
def _(coefficient: Expression, equation: Equation, domain: mesh.Mesh) -> ufl.core.expr.Expr:
    return on_mesh(coefficient.matrix[0, 0], _on(domain, equation), domain)


@_scalar.register
def _(coefficient: Constant, equation: Equation, domain: mesh.Mesh) -> ufl.core.expr.Expr:
    return fem.Constant(domain, float(coefficient.values[0, 0]))


@singledispatch
def _entries(coefficient: Coefficient, equation: Equation) -> Entries | None:
    return None


@_entries.register
def _(coefficient: Expression, equation: Equation) -> Entries | None:
    if coefficient.interfaces:
        return None
    return lambda x: as_arrays(coefficient.matrix, values_at(equation, x))


@_entries.register
def _(coefficient: Constant, equation: Equation) -> Entries | None:
    constant = coefficient.values.tolist()
    return lambda _: constant


@_entries.register
def _(coefficient: SlowCoefficient, equation: Equation) -> Entries | None:
    def at(x: Sequence[npt.NDArray[np.float64]]) -> Sequence[Sequence[npt.NDArray[np.float64]]]:
        grid = np.broadcast_arrays(*x)
        values = coefficient(np.stack([part.ravel() for part in grid], axis=1))
        return [[values[:, i, j].reshape(grid[0].shape) for j in range(len(x))] for i in range(len(x))]

    return at
