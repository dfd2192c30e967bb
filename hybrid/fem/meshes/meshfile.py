"""Meshes from Gmsh files, read on rank 0 and distributed."""

from __future__ import annotations

from pathlib import Path

from mpi4py import MPI

import numpy as np
import numpy.typing as npt

import basix
import basix.ufl
import ufl
from dolfinx import graph, io, mesh
from dolfinx.io.utils import cell_perm_vtk

from hybrid.failures import InputError
from hybrid.fem.meshes.tagged import TaggedMesh
from hybrid.meshfile import CELLS, Entities, MeshFile, read_file
from hybrid.parallel import on_root


def read_mesh(path: Path, comm: MPI.Comm) -> TaggedMesh:
    """Read a mesh of straight or curved (second-order) simplices from a .msh file; collective.

    Args:
        path: A Gmsh file. The physical groups of its cells are the regions of the mesh, those of its facets (points in 1D,
            curves in 2D, surfaces in 3D) the parts of the boundary; a group without a name is called by its number.
        comm: The ranks that share the mesh.

    Raises:
        InputError: No such file, not a mesh, no simplices in it, an entity in two groups, or a cell that overlaps itself; on
            every rank.
    """
    mine: list[MeshFile] = []

    def contents() -> MeshFile:
        mine.append(_for_dolfinx(Path(path)))
        return _emptied(mine[0])  # the others get what says how the mesh is made, without its nodes

    shared = on_root(comm, contents)
    degree, points, cells, facets = mine[0] if mine else shared
    dim = points.shape[1]
    domain = distributed(comm, degree, points, cells.nodes)
    domain.topology.create_connectivity(dim - 1, dim)
    regions, boundaries = (_tags(domain, d, part) for d, part in ((dim, cells), (dim - 1, facets)))
    return TaggedMesh(domain, regions, boundaries, cells.names, facets.names)


def distributed(
    comm: MPI.Comm, degree: int, points: npt.NDArray[np.float64], cells: npt.NDArray[np.int64]
) -> mesh.Mesh:
    """A mesh of simplices, from what each rank gives of their nodes (in DOLFINx's order) and of the points; collective."""
    dim = points.shape[1]
    element = basix.ufl.element("Lagrange", CELLS[dim][0], degree, shape=(dim,))
    # An interval with ghosts: without them DOLFINx takes the points between ranks for ends of it.
    ghosts = mesh.GhostMode.shared_facet if dim == 1 else mesh.GhostMode.none
    return mesh.create_mesh(comm, cells, ufl.Mesh(element), points, mesh.create_cell_partitioner(ghosts, 2))


def _emptied(contents: MeshFile) -> MeshFile:
    def none(part: Entities) -> Entities:
        return Entities(part.nodes[:0], part.numbers[:0], part.names)

    return MeshFile(contents.degree, contents.points[:0], none(contents.cells), none(contents.facets))


def _tags(domain: mesh.Mesh, dim: int, part: Entities) -> mesh.MeshTags:
    entities, values = io.distribute_entity_data(domain, dim, part.nodes, part.numbers)
    domain.topology.create_connectivity(dim, 0)
    return mesh.meshtags_from_entities(domain, dim, graph.adjacencylist(entities), values)


def in_order(dim: int, nodes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The nodes of simplices in DOLFINx's order, from those in VTK's."""
    return nodes[:, cell_perm_vtk(mesh.to_type(CELLS[dim][0]), nodes.shape[1])] if dim else nodes


def _for_dolfinx(path: Path) -> MeshFile:
    found = read_file(path)
    dim = found.dim
    cells, facets = (
        part._replace(nodes=np.ascontiguousarray(in_order(d, part.nodes)))
        for d, part in ((dim, found.cells), (dim - 1, found.facets))
    )
    tangled = _tangled(CELLS[dim][0], found.degree, found.points[cells.nodes])
    if tangled:
        raise InputError(
            str(path),
            f"{tangled} cells are flat or turned inside out by their curvature; Mesh.HighOrderOptimize may help",
        )
    return found._replace(cells=cells, facets=facets)


def _tangled(shape: str, degree: int, nodes: npt.NDArray[np.float64]) -> int:
    """How many cells, given by their nodes, (cells, nodes, dim), have a Jacobian determinant without a definite sign."""
    kind = basix.CellType[shape]
    points = basix.create_lattice(kind, 2 * degree, basix.LatticeType.equispaced, True)
    slopes = basix.ufl.element("Lagrange", shape, degree).tabulate(1, points)[1:]
    determinants = np.linalg.det(np.einsum("cni,jpn->cpij", nodes, slopes))
    size = np.abs(determinants).max(axis=1, initial=0.0)
    low, high = determinants.min(axis=1), determinants.max(axis=1)
    return int((np.maximum(low, -high) <= 1e-12 * size).sum())
