"""What is asked of every coefficient."""

from __future__ import annotations

from abc import ABC, abstractmethod

from sympy import Expr, Symbol


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
