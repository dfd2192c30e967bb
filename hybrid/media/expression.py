"""Coefficients that are written down: SymPy expressions of the slow x and the fast y = x/ε."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import sympy
from sympy import Expr, ImmutableMatrix, Symbol

from hybrid.interfaces import level_sets
from hybrid.media.base import Coefficient
from hybrid.symbols import x


@dataclass(frozen=True)
class Expression(Coefficient):
    """A matrix of expressions, (d, d), or (1, 1) for a scalar.

    Attributes:
        matrix: Of the slow variables x0 … and the fast ones y0 ….
    """

    matrix: ImmutableMatrix

    @classmethod
    def scalar(cls, expression: Expr) -> Expression:
        """A coefficient of one entry."""
        return cls(ImmutableMatrix([[expression]]))

    @cached_property
    def interfaces(self) -> tuple[Expr, ...]:
        """The arguments of its steps, taken apart into factors."""
        return tuple(level_sets(self.matrix))

    @cached_property
    def depends_on(self) -> frozenset[Symbol]:
        """Those of x0, x1, x2 that occur."""
        return frozenset(self.matrix.free_symbols & set(x))

    @cached_property
    def isotropic(self) -> bool:
        """Whether it is a scalar times the identity."""
        return bool(self.matrix == self.matrix[0, 0] * sympy.eye(self.matrix.shape[0]))

    @cached_property
    def expressions(self) -> tuple[Expr, ...]:
        """Its entries that are not zero, each once."""
        return tuple(dict.fromkeys(entry for entry in self.matrix if entry != 0))
