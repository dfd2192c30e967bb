"""What a field of a problem may be, said once: for Python's callers, for problem files, and for editors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sympy
from sympy import Expr, ImmutableMatrix, MatrixBase, Symbol

from hybrid.checks import check_expression, check_matrix, positive
from hybrid.failures import Faults, InputError
from hybrid.media.regions import ByRegion, Regions
from hybrid.symbols import parse, parse_number, t, x, y
from hybrid.text import written

if TYPE_CHECKING:
    from hybrid.geometry import Geometry


class Field(ABC):
    """One field: its place is its name in the mapping `Problem.fields`.

    Attributes:
        fast, time: Whether y and t may occur in it.
        until: Whether it is where time ends.
    """

    fast: bool = False
    time: bool = False
    until: bool = False

    @abstractmethod
    def checked(self, value: Any, name: str, geometry: Geometry) -> Any:
        """The value as a problem holds it.

        Raises:
            InputError: It is something else.
        """

    @abstractmethod
    def read(self, value: Any, name: str, dim: int | None) -> Any:
        """From what a problem file says; the number of dimensions is None where the file's domain is faulty.

        Raises:
            InputError: It is something else.
        """

    @abstractmethod
    def plain(self, value: Any) -> Any:
        """A value that a problem holds as a problem file says it; `read` makes the same of it."""

    @property
    @abstractmethod
    def harmless(self) -> Any:
        """A value that is never wrong: it stands in for one that is while the rest of a file is looked at."""

    @abstractmethod
    def schema(self) -> dict[str, Any]:
        """As JSON Schema."""


@dataclass(frozen=True)
class Positive(Field):
    """A positive number."""

    about: str = ""
    until: bool = False

    def checked(self, value: Any, name: str, geometry: Geometry) -> float:
        """As a problem holds it."""
        return positive(value, name)

    def read(self, value: Any, name: str, dim: int | None) -> float:
        """As a problem file says it."""
        return positive(parse_number(value, name), name)

    def plain(self, value: float) -> float:
        """For a problem file."""
        return value

    @property
    def harmless(self) -> float:
        """A stand-in that is never wrong."""
        return 1.0

    def schema(self) -> dict[str, Any]:
        """As JSON Schema."""
        return {"description": self.about, "anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "string"}]}


@dataclass(frozen=True)
class Formula(Field):
    """An expression.

    Args:
        about: What it is, in a few words.
        slow, fast, time: Whether x, y and t may occur in it.
        usual: The stand-in for a faulty one.
    """

    about: str = ""
    slow: bool = False
    fast: bool = False
    time: bool = False
    usual: int = 1

    def symbols(self, dim: int | None) -> tuple[Symbol, ...]:
        """What may occur."""
        return (*(x[:dim] if self.slow else ()), *(y[:dim] if self.fast else ()), *((t,) if self.time else ()))

    def checked(self, value: Any, name: str, geometry: Geometry) -> Expr:
        """As a problem holds it."""
        return check_expression(value, self.symbols(geometry.dim), name)

    def read(self, value: Any, name: str, dim: int | None) -> Expr:
        """As a problem file says it."""
        allowed = self.symbols(dim)
        return check_expression(_parsed(value, allowed, name), allowed, name)

    def plain(self, value: Any) -> Any:
        """For a problem file."""
        return written(value)

    @property
    def harmless(self) -> Any:
        """A stand-in that is never wrong."""
        return self.usual

    def schema(self) -> dict[str, Any]:
        """As JSON Schema."""
        return {"description": self.about, "type": ["number", "string"]}


@dataclass(frozen=True)
class Tensor(Formula):
    """An expression, for a scalar times the identity, or a symmetric d×d matrix of them.

    Args:
        regions: Whether it may also have a value for each region of a mesh of the cell (`hybrid.media.regions`).
    """

    regions: bool = False

    def checked(self, value: Any, name: str, geometry: Geometry) -> ImmutableMatrix | Regions:
        """As a problem holds it."""
        if isinstance(value, Regions) and self.regions:
            return value
        return check_matrix(value, geometry.dim, self.symbols(geometry.dim), name)

    def read(self, value: Any, name: str, dim: int | None) -> Any:
        """As a problem file says it."""
        if isinstance(value, ByRegion) and self.regions:
            return Regions.read(value.path, value.given, name)
        if isinstance(value, dict) and self.regions:
            raise InputError(
                "mesh", f'missing; {name} has values by region, and mesh = "cell.msh" says where these are'
            )
        if not isinstance(value, list):
            return super().read(value, name, dim)
        allowed = self.symbols(dim)
        if not all(isinstance(row, list) for row in value):
            raise InputError(name, "a matrix is a list of rows, each a list of expressions")
        faults, rows = Faults(), []
        for i, row in enumerate(value):
            rows.append([sympy.S.Zero] * len(row))
            for j, entry in enumerate(row):
                with faults.noted():
                    rows[i][j] = _parsed(entry, allowed, f"{name}[{i}][{j}]")
        faults.report()
        return rows if dim is None else check_matrix(rows, dim, allowed, name)

    def plain(self, value: Any) -> Any:
        """For a problem file."""
        if isinstance(value, Regions):
            return value.plain
        if not isinstance(value, MatrixBase):
            return super().plain(value)
        return [[written(entry) for entry in row] for row in value.tolist()]

    def schema(self) -> dict[str, Any]:
        """As JSON Schema."""
        entry = {"type": ["number", "string"]}
        rows = {"type": "array", "items": {"type": "array", "items": entry}}
        regions = {"type": "object", "additionalProperties": {"anyOf": [entry, rows]}, "minProperties": 1}
        return {"description": self.about, "anyOf": [entry, rows, *([regions] if self.regions else [])]}


def _parsed(value: Any, symbols: Sequence[Symbol], name: str) -> Any:
    if isinstance(value, dict | ByRegion):
        raise InputError(name, "it has no regions; allowed is an expression, or a number")
    return parse(value, symbols, name) if isinstance(value, str) else parse_number(value, name)
