"""Where finite elements and networks meet: transfer between them, the errors e1…e5, and correctors."""

from hybrid.comparison.correctors import first_order, on_reference
from hybrid.comparison.errors import cell_errors, corrector_errors, errors, grid_errors
from hybrid.comparison.transfer import grid, on_points, sampled_difference, to_space
from hybrid.fem.meshes.points import at_points

__all__ = [
    "at_points",
    "cell_errors",
    "corrector_errors",
    "errors",
    "first_order",
    "grid",
    "grid_errors",
    "on_points",
    "on_reference",
    "sampled_difference",
    "to_space",
]
