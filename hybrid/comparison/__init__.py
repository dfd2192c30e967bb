"""Where finite elements and networks meet: transfer between them, the errors e1…e5, and correctors."""

from hybrid.comparison.correctors import first_order
from hybrid.comparison.errors import Norms, cell_errors, corrector_errors, errors, grid_errors, relative_errors
from hybrid.comparison.ladder import RUNGS, AnyLayer, Terms, reconstructions, second_difference
from hybrid.comparison.lines import lines_of
from hybrid.comparison.transfer import all_to_space, grid, on_points, sampled_difference, to_space
from hybrid.fem.cells.nodal import NodalCorrectors
from hybrid.fem.meshes.points import at_points

__all__ = [
    "RUNGS",
    "AnyLayer",
    "NodalCorrectors",
    "Norms",
    "Terms",
    "all_to_space",
    "at_points",
    "cell_errors",
    "corrector_errors",
    "errors",
    "first_order",
    "grid",
    "grid_errors",
    "lines_of",
    "on_points",
    "reconstructions",
    "relative_errors",
    "sampled_difference",
    "second_difference",
    "to_space",
]
