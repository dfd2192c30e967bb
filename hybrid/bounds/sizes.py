"""What bounds of errors choose by the dimension."""

from __future__ import annotations

from dataclasses import dataclass

from hybrid.bounds.twoscale import Rule


@dataclass(frozen=True)
class Sizes:
    """On a line, in the plane or in space.

    Attributes:
        correctors: Points along each side of the cell where correctors are taken; on a line they are taken where they are
            needed.
        intervals: Of a spline through u_0, along each side.
        rules: Of quadrature: for the number, and for what it may be off by.
    """

    correctors: int
    intervals: int
    rules: tuple[Rule, Rule]


SIZES = {
    1: Sizes(0, 192, (Rule(24, 24, 0.0), Rule(18, 18, 0.0))),
    2: Sizes(96, 48, (Rule(10, 10, 0.8), Rule(8, 8, 0.65))),
    3: Sizes(20, 16, (Rule(7, 12, 0.8), Rule(6, 10, 0.65))),
}
"""By dimension."""
