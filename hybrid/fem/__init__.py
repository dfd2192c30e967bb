"""Finite elements: the multiscale reference, the cell problems and the homogenized equation, by DOLFINx and PETSc."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hybrid.lazy import lazily

if TYPE_CHECKING:
    from hybrid.fem.cells.cellsolution import CellSolution
    from hybrid.fem.cells.onmesh import solve_cell_on_mesh
    from hybrid.fem.dirichlet import Solution
    from hybrid.fem.doors import (
        drift,
        solve,
        solve_cell,
        solve_homogenized,
        solve_layers,
        solve_multiscale,
        solve_second,
    )
    from hybrid.fem.meshes.meshfile import read_mesh
    from hybrid.fem.meshes.regions import piecewise
    from hybrid.fem.meshes.tagged import TaggedMesh, tagged_box
    from hybrid.fem.mixed import solve_on_mesh

__all__ = [
    "CellSolution",
    "Solution",
    "TaggedMesh",
    "drift",
    "piecewise",
    "read_mesh",
    "solve",
    "solve_cell",
    "solve_cell_on_mesh",
    "solve_homogenized",
    "solve_layers",
    "solve_multiscale",
    "solve_on_mesh",
    "solve_second",
    "tagged_box",
]

_HOMES = {
    "CellSolution": "cells.cellsolution",
    "solve_cell_on_mesh": "cells.onmesh",
    "Solution": "dirichlet",
    "drift": "doors",
    "solve": "doors",
    "solve_cell": "doors",
    "solve_homogenized": "doors",
    "solve_layers": "doors",
    "solve_second": "doors",
    "solve_multiscale": "doors",
    "read_mesh": "meshes.meshfile",
    "solve_on_mesh": "mixed",
    "piecewise": "meshes.regions",
    "TaggedMesh": "meshes.tagged",
    "tagged_box": "meshes.tagged",
}
if not TYPE_CHECKING:  # type checkers are to refuse what is not there
    __getattr__, __dir__ = lazily(__name__, _HOMES)
