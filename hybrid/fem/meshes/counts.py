"""What can be said about box meshes before there is one: problem files are checked, and plans made, without DOLFINx."""

from __future__ import annotations

import math

from hybrid.geometry import Geometry

SHAPES = ("simplex", "box")
"""What cells may be: triangles and tetrahedra, or quadrilaterals and hexahedra."""


def cell_counts(geometry: Geometry, cells_per_period: int) -> list[int]:
    """Mesh cells in each direction; whole ones per period where the domain holds whole periods: the mesh then repeats with
    the coefficient."""
    return [max(math.ceil(n * cells_per_period - 1e-6), 8) for n in geometry.periods]
