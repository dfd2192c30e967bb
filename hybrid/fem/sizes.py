"""What finite elements choose by the dimension, beside the settings of `hybrid.fem.settings`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Strip:
    """Of a half-strip behind a face.

    Attributes:
        degree: Of the elements.
        cells: In a period.
        shape: Of the cells.
    """

    degree: int
    cells: int
    shape: str


@dataclass(frozen=True)
class Sizes:
    """In one dimension, in the plane or in space.

    Attributes:
        multigrid: Whether it is worth it: on a line a factorization costs nothing.
        factors: Whether a factorization is taken where it is quicker: in space factors fill up.
        factorized: Unknowns that a factorization is tried for, where multigrid has not converged.
        raised: Degree that elements of the homogenized equation may be raised to before meshes are refined.
        truncation: What may be cut off the expansion of a*(x), where no tolerance is given.
        cell: Points in each direction of the cell that an a(x, y) is sampled at.
        line: Points of a line through the cell along which an a(x, y) is differentiated.
        lines: How many of them.
        between: Points in each direction of x at which an interpolant a*(x) is compared with what it interpolates.
        between_fine: The same for a few y.
        bounds: Points along each side of the cell, at the most, where correctors are taken for bounds of a*.
        bounds_each: So many for each cell of the mesh.
        strip: On a line it has no width.
    """

    multigrid: bool
    factors: bool
    factorized: int
    raised: int
    truncation: float
    cell: int
    line: int
    lines: int
    between: int
    between_fine: int
    bounds: int
    bounds_each: int
    strip: Strip


SIZES = {
    1: Sizes(
        multigrid=False, factors=True, factorized=10_000_000, raised=8,
        truncation=1e-8, cell=256, line=1024, lines=1, between=2001, between_fine=2001,
        bounds=1024, bounds_each=16, strip=Strip(4, 12, "simplex"),
    ),
    2: Sizes(
        multigrid=True, factors=True, factorized=1_000_000, raised=8,
        truncation=1e-6, cell=24, line=512, lines=3, between=61, between_fine=201,
        bounds=160, bounds_each=2, strip=Strip(4, 12, "simplex"),
    ),
    3: Sizes(
        multigrid=True, factors=False, factorized=60_000, raised=0,
        truncation=1e-4, cell=8, line=512, lines=3, between=13, between_fine=41,
        bounds=20, bounds_each=2, strip=Strip(4, 4, "box"),
    ),
}  # fmt: skip
"""By dimension."""
DIRECTLY = 250_000
"""Unknowns up to which a cell problem whose coefficient jumps is factorized, whatever the contrast, where that is quicker."""
