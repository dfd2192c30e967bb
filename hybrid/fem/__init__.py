"""Finite elements: the multiscale reference, the cell problems and the homogenized equation, by DOLFINx and PETSc."""

from hybrid.fem.cell import CellSolution, solve_cell, solve_cell_on_mesh
from hybrid.fem.dirichlet import Solution
from hybrid.fem.homogenized import solve_homogenized
from hybrid.fem.meshfile import read_mesh
from hybrid.fem.multiscale import solve_multiscale

__all__ = [
    "CellSolution",
    "Solution",
    "read_mesh",
    "solve_cell",
    "solve_cell_on_mesh",
    "solve_homogenized",
    "solve_multiscale",
]
