"""Fluxes without divergence as curls: of nothing on a line, of a stream function in the plane, of a vector in space."""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    """(curl ψ)_i has the term ± ∂_j ψ_k.

    Attributes:
        row: i.
        potential: k.
        along: j.
        sign: ±1.
    """

    row: int
    potential: int
    along: int
    sign: int


def potentials(dim: int) -> int:
    """How many components ψ has: none, a stream function, a vector."""
    return dim * (dim - 1) // 2


CURL: dict[int, tuple[Entry, ...]] = {
    1: (),
    2: (Entry(0, 0, 1, 1), Entry(1, 0, 0, -1)),
    3: (
        *(Entry(i, (i + 2) % 3, (i + 1) % 3, 1) for i in range(3)),
        *(Entry(i, (i + 1) % 3, (i + 2) % 3, -1) for i in range(3)),
    ),
}
"""(curl ψ)_i as the sum of ± ∂_j ψ_k, by dimension."""
