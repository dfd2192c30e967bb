"""Rows ready for sweeps: points embedded, weights multiplied in, cut into pieces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

_PIECE = 512
"""Rows in a piece of a sweep, at the most."""


@dataclass(frozen=True)
class Term:
    """Embedded points with all the operators that act there: coefficients and, where outputs are coupled, a matrix."""

    jet: Tensor
    operators: list[tuple[Tensor, Tensor | None]]

    def at(self, piece: slice) -> Tensor:
        """The jet of a piece of the rows, which may all see one point."""
        return self.jet if self.jet.shape[1] == 1 else self.jet[:, piece]


@dataclass(frozen=True)
class Part:
    """Rows with their points embedded and their weights multiplied in."""

    terms: Sequence[Term]
    target: Tensor
    operators: Tensor


def pieces(part: Part) -> list[slice]:
    """The rows in pieces of about equal size."""
    n = len(part.target)
    count = -(-n // _PIECE)
    return [slice(n * k // count, n * (k + 1) // count) for k in range(count)]
