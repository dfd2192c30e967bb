"""What is asked of every coefficient."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property

import sympy
from sympy import Expr, ImmutableMatrix, Symbol

from hybrid.interfaces import level_sets
from hybrid.symbols import x


class Coefficient(ABC):
    """The values of a function that multiplies an unknown or its slopes. Finite elements and networks ask nothing else."""

    @property
    @abstractmethod
    def expressions(self) -> tuple[Expr, ...]:
        """What it is written with, each once; nothing where it is made of numbers."""

    @property
    @abstractmethod
    def interfaces(self) -> tuple[Expr, ...]:
        """The functions whose zeros are the places where it jumps; none where it does not jump."""

    @property
    @abstractmethod
    def depends_on(self) -> frozenset[Symbol]:
        """The slow variables that it depends on; none where every cell is like every other one."""


@dataclass(frozen=True)
class Medium(Coefficient):
    """What oscillates with y = x/ε: a matrix of expressions, (d, d), or (1, 1) for a scalar; written down, or made of data.

    Attributes:
        matrix: Of the slow variables x0 … and the fast ones y0 ….
    """

    matrix: ImmutableMatrix

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
