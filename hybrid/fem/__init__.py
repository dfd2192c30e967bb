"""Finite elements: the multiscale reference, the cell problems and the homogenized equation, by DOLFINx and PETSc."""

from hybrid.fem.cell import CellSolution, solve_cell, solve_cell_on_mesh
from hybrid.fem.dirichlet import Solution
from hybrid.fem.homogenized import solve_homogenized
from hybrid.fem.meshfile import read_mesh
from hybrid.fem.mixed import solve_on_mesh
from hybrid.fem.multiscale import solve_multiscale
from hybrid.fem.piecewise import piecewise
from hybrid.fem.tagged import TaggedMesh, tagged_box

__all__ = [
    "CellSolution",
    "Solution",
    "TaggedMesh",
    "piecewise",
    "read_mesh",
    "solve_cell",
    "solve_cell_on_mesh",
    "solve_homogenized",
    "solve_multiscale",
    "solve_on_mesh",
    "tagged_box",
]
