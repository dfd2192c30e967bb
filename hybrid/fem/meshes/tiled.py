"""Meshes of boxes made of copies of a mesh of the cell, and coefficients that are constant on its regions."""

from __future__ import annotations

from collections.abc import Sequence

from mpi4py import MPI

import numpy as np

import ufl
from dolfinx import fem, mesh

from hybrid.fem.meshes.meshfile import distributed, in_order
from hybrid.media.cellmesh import CellMesh
from hybrid.media.regions import Regions


def tiled(
    comm: MPI.Comm,
    cell: CellMesh,
    counts: Sequence[int],
    period: Sequence[float],
    origin: Sequence[float] | None = None,
    scale: float = 1.0,
) -> mesh.Mesh:
    """A mesh of copies of the mesh of the cell; those of each of its cells come one after another; collective.

    Args:
        comm: The ranks that share it; one of them makes it.
        cell: The mesh of the cell.
        counts: How many copies in each direction.
        period: The sides of the cell.
        origin: The lower corner of the box; that of the cell by default.
        scale: Of the copies.
    """
    points, cells = np.empty((0, cell.dim)), np.empty((0, cell.cells.shape[1]), np.int64)
    if comm.rank == 0:
        points, cells = cell.tiled(counts, period)
        points = scale * points + (0.0 if origin is None else np.asarray(origin))
    return distributed(comm, cell.degree, points, np.ascontiguousarray(in_order(cell.dim, cells)))


def by_region(medium: Regions, domain: mesh.Mesh) -> ufl.core.expr.Expr:
    """a as a d×d UFL matrix on a mesh made of copies or parts of the medium's mesh, the cells in its order; collective."""
    index = domain.topology.index_map(domain.topology.dim)
    here = index.size_local + index.num_ghosts
    original = domain.topology.original_cell_index[:here] // (index.size_global // len(medium.mesh.cells))
    numbers, tensors, dim = medium.mesh.regions[original], medium.tensors, domain.geometry.dim
    if medium.isotropic:
        scalar = fem.Function(fem.functionspace(domain, ("DG", 0)), name="a")
        place = scalar.function_space.dofmap.list[:here, 0]
        for number, a in tensors.items():
            scalar.x.array[place[numbers == number]] = a[0, 0]
        return scalar * ufl.Identity(dim)
    tensor = fem.Function(fem.functionspace(domain, ("DG", 0, (dim, dim))), name="a")
    values = tensor.x.array.reshape(-1, dim * dim)
    place = tensor.function_space.dofmap.list[:here, 0]
    for number, a in tensors.items():
        values[place[numbers == number]] = a.ravel()
    return tensor
