"""Matrices of SymPy expressions, as UFL for forms and as functions of coordinates for lattices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sympy import Expr, Matrix, Symbol

import ufl
from dolfinx import fem, mesh

from hybrid.symbols import evaluate


def on_mesh(expression: Expr, values: Mapping[Symbol, Any], domain: mesh.Mesh) -> ufl.core.expr.Expr:
    """A SymPy expression in UFL, its numbers as constants of the mesh: forms that differ in numbers alone are compiled once."""
    found = evaluate(expression, values, "ufl", lambda number: fem.Constant(domain, number))
    return fem.Constant(domain, found) if isinstance(found, float) else found


def as_ufl(entries: Matrix, values: Mapping[Symbol, Any], domain: mesh.Mesh) -> ufl.core.expr.Expr:
    """A square SymPy matrix in UFL, with what its symbols stand for; zeros stay zeros."""
    dim = entries.shape[0]
    return ufl.as_matrix(
        [
            [on_mesh(entries[i, j], values, domain) if entries[i, j] != 0 else 0.0 for j in range(dim)]
            for i in range(dim)
        ]
    )


def as_arrays(entries: Matrix, values: Mapping[Symbol, Any]) -> Sequence[Sequence[Any]]:
    """The same in NumPy; entries that are equal are one array (`hybrid.fem.algebra.stencil.Entries`)."""
    known: dict[Any, Any] = {}
    dim = entries.shape[0]
    for entry in entries:
        if entry not in known:
            known[entry] = evaluate(entry, values)
    return [[known[entries[i, j]] for j in range(dim)] for i in range(dim)]
