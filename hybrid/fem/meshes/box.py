"""Uniform box meshes, of simplices or of quadrilaterals and hexahedra."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from mpi4py import MPI

import numpy as np

from dolfinx import fem, graph, mesh

from hybrid.fem.meshes.counts import SHAPES as SHAPES
from hybrid.fem.meshes.counts import cell_counts as cell_counts


def box(comm: MPI.Comm, domain: Sequence[Sequence[float]], counts: Sequence[int], shape: str = "simplex") -> mesh.Mesh:
    """A uniform mesh of the box Π [low_i, high_i] with counts_i cells (cut into simplices, or not) in direction i."""
    low, high = np.array(domain, dtype=float).T
    # No form here has integrals over inner facets: a cell is needed by its own rank alone.
    share = _in_blocks(comm.size, counts, shape) if comm.size > 1 else None
    match len(domain):
        case 1:
            # With ghosts: without them DOLFINx takes the points between ranks for ends of the interval.
            return mesh.create_interval(comm, counts[0], [low[0], high[0]])
        case 2:
            # Crossed by alternating diagonals, the mesh has the symmetries of the square; one diagonal would not.
            kind = mesh.CellType.triangle if shape == "simplex" else mesh.CellType.quadrilateral
            crossed = mesh.DiagonalType.left_right
            return mesh.create_rectangle(comm, [low, high], list(counts), kind, partitioner=share, diagonal=crossed)
        case _:
            kind = mesh.CellType.tetrahedron if shape == "simplex" else mesh.CellType.hexahedron
            return mesh.create_box(comm, [low, high], list(counts), kind, partitioner=share)


def blocks(size: int, counts: Sequence[int]) -> list[int]:
    """How many blocks a box is cut into in each direction to share it out over ranks: most of them along the longest side.

    The first direction counts fastest in the number of a block, which is that of its rank. The lattices of
    `hybrid.fem.algebra.multigrid` are shared out in the same way, so that what lies in one place is on one rank.
    """
    parts = [1] * len(counts)
    shares = sorted(MPI.Compute_dims(size, len(counts)), reverse=True)
    for i, share in zip(np.argsort(counts, kind="stable")[::-1], shares, strict=True):
        parts[i] = share
    return parts


def _in_blocks(size: int, counts: Sequence[int], shape: str) -> Callable[..., Any]:
    """Which rank each cell of a box belongs to, as DOLFINx asks for it: from the numbers of the cells' vertices."""
    parts, dim = blocks(size, counts), len(counts)
    # DOLFINx numbers the vertices of a box with the first direction fastest; on quadrilaterals with the second.
    directions = (1, 0) if dim == 2 and shape == "box" else range(dim)

    def destinations(_comm: Any, _size: int, _types: Any, cells: Sequence[Any]) -> Any:
        corners = cells[0].reshape(-1, 2**dim if shape == "box" else dim + 1).T
        rank, number = np.zeros(corners.shape[1], np.int64), np.cumprod([1, *parts])
        stride = 1
        for i in directions:
            if parts[i] > 1:
                last = np.maximum.reduce([corner // stride % (counts[i] + 1) for corner in corners])
                rank += number[i] * (((last - 1) * parts[i]) // counts[i])
            stride *= counts[i] + 1
        return graph.adjacencylist(rank.astype(np.int32)[:, None])._cpp_object

    return destinations


def zero_on_boundary(space: fem.FunctionSpace) -> list[fem.DirichletBC]:
    """u = 0 on the whole of ∂Ω."""
    domain = space.mesh
    tdim = domain.topology.dim
    domain.topology.create_connectivity(tdim - 1, tdim)
    facets = mesh.exterior_facet_indices(domain.topology)
    dofs = fem.locate_dofs_topological(space, tdim - 1, facets)
    return [fem.dirichletbc(0.0, dofs, space)]
