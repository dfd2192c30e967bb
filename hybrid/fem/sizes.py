"""What finite elements choose by the dimension, beside the settings of `hybrid.fem.settings`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """In one dimension, in the plane or in space.

    Attributes:
        factorized: Unknowns that a factorization is tried for, where multigrid has not converged.
        truncation: What may be cut off the expansion of a*(x), where no tolerance is given.
        cell: Points in each direction of the cell that an a(x, y) is sampled at.
        line: Points of a line through the cell along which an a(x, y) is differentiated.
        lines: How many of them.
        between: Points in each direction of x at which an interpolant a*(x) is compared with what it interpolates.
        between_fine: The same for a few y.
    """

    factorized: int
    truncation: float
    cell: int
    line: int
    lines: int
    between: int
    between_fine: int


SIZES = {
    1: Sizes(10_000_000, 1e-8, cell=256, line=1024, lines=1, between=2001, between_fine=2001),
    2: Sizes(1_000_000, 1e-6, cell=24, line=512, lines=3, between=61, between_fine=201),
    3: Sizes(60_000, 1e-4, cell=8, line=512, lines=3, between=13, between_fine=41),
}
"""By dimension."""
