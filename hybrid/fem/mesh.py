"""Uniform box meshes, of simplices or of quadrilaterals and hexahedra."""

from __future__ import annotations

from collections.abc import Sequence

from mpi4py import MPI

import numpy as np

from dolfinx import fem, mesh

SHAPES = ("simplex", "box")
"""What cells may be: triangles and tetrahedra, or quadrilaterals and hexahedra."""


def box(comm: MPI.Comm, domain: Sequence[Sequence[float]], counts: Sequence[int], shape: str = "simplex") -> mesh.Mesh:
    """A uniform mesh of the box Π [low_i, high_i] with counts_i cells (cut into simplices, or not) in direction i."""
    low, high = np.array(domain, dtype=float).T
    ghosts = mesh.GhostMode.none  # no form here has integrals over inner facets
    match len(domain):
        case 1:
            # With ghosts: without them DOLFINx takes the points between ranks for ends of the interval.
            return mesh.create_interval(comm, counts[0], [low[0], high[0]])
        case 2:
            # Crossed by alternating diagonals, the mesh has the symmetries of the square; one diagonal would not.
            kind = mesh.CellType.triangle if shape == "simplex" else mesh.CellType.quadrilateral
            crossed = mesh.DiagonalType.left_right
            return mesh.create_rectangle(comm, [low, high], list(counts), kind, ghost_mode=ghosts, diagonal=crossed)
        case _:
            kind = mesh.CellType.tetrahedron if shape == "simplex" else mesh.CellType.hexahedron
            return mesh.create_box(comm, [low, high], list(counts), kind, ghost_mode=ghosts)


def zero_on_boundary(space: fem.FunctionSpace) -> list[fem.DirichletBC]:
    """u = 0 on the whole of ∂Ω."""
    domain = space.mesh
    tdim = domain.topology.dim
    domain.topology.create_connectivity(tdim - 1, tdim)
    facets = mesh.exterior_facet_indices(domain.topology)
    dofs = fem.locate_dofs_topological(space, tdim - 1, facets)
    return [fem.dirichletbc(0.0, dofs, space)]
