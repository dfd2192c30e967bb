"""Meshes from Gmsh files, read on rank 0 and distributed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mpi4py import MPI

import numpy as np

import basix.ufl
import ufl
from dolfinx import graph, io, mesh

from hybrid.errors import InputError

_CELLS = {3: ("tetra", "tetrahedron"), 2: ("triangle", "triangle"), 1: ("line", "interval")}
"""By dimension: meshio's name and UFL's of the simplex."""


def read_mesh(path: Path, comm: MPI.Comm) -> tuple[mesh.Mesh, mesh.MeshTags]:
    """Read a mesh of first-order simplices from a .msh file; collective.

    meshio reads the file: Gmsh's own library wants a graphics system that compute nodes seldom have.

    Args:
        path: A Gmsh file in which the cells of the highest dimension belong to physical groups.
        comm: The ranks that share the mesh.

    Returns:
        The mesh, and the numbers of the physical groups (regions) as tags of its cells.

    Raises:
        InputError: No such file, not a mesh, or no simplices in it.
    """
    outcome: Any = None
    if comm.rank == 0:
        try:
            outcome = _read(path)
        except InputError as error:
            outcome = error
    outcome = comm.bcast(outcome)
    if isinstance(outcome, InputError):
        raise outcome
    dim, cells, points, regions = outcome
    if comm.rank:
        cells, points, regions = cells[:0], points[:0], regions[:0]
    shape = _CELLS[dim][1]
    domain = mesh.create_mesh(comm, cells, ufl.Mesh(basix.ufl.element("Lagrange", shape, 1, shape=(dim,))), points)
    entities, values = io.distribute_entity_data(domain, dim, cells, regions)
    domain.topology.create_connectivity(dim, 0)
    return domain, mesh.meshtags_from_entities(domain, dim, graph.adjacencylist(entities), values)


def _read(path: Path) -> tuple[int, np.ndarray, np.ndarray, np.ndarray]:
    import meshio

    if not path.is_file():
        raise InputError(str(path), "no such file")
    try:
        data = meshio.read(path)
    except (meshio.ReadError, SystemExit, ValueError, KeyError, IndexError) as error:
        raise InputError(str(path), f"not a mesh that can be read ({error})") from None
    for dim, (name, _) in _CELLS.items():
        if name in data.cells_dict:
            regions = data.cell_data_dict.get("gmsh:physical", {}).get(name)
            cells = data.cells_dict[name].astype(np.int64)
            regions = np.zeros(len(cells), np.int32) if regions is None else regions.astype(np.int32)
            return dim, cells, np.ascontiguousarray(data.points[:, :dim], dtype=np.float64), regions
    raise InputError(str(path), f"no cells of a known kind; allowed are {', '.join(n for n, _ in _CELLS.values())}")
