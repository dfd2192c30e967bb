"""Coefficients that are written down: SymPy expressions of the slow x and the fast y = x/ε."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Expr, ImmutableMatrix

from hybrid.media.base import Medium


@dataclass(frozen=True)
class Expression(Medium):
    """A matrix of expressions, (d, d), or (1, 1) for a scalar."""

    @classmethod
    def scalar(cls, expression: Expr) -> Expression:
        """A coefficient of one entry."""
        return cls(ImmutableMatrix([[expression]]))
