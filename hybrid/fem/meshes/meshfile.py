"""Meshes from Gmsh files, read on rank 0 and distributed."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any, NamedTuple

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

_CELLS = {
    3: ("tetrahedron", {"tetra": 1, "tetra10": 2}),
    2: ("triangle", {"triangle": 1, "triangle6": 2}),
    1: ("interval", {"line": 1, "line3": 2}),
    0: ("point", {"vertex": 1}),
}
"""By dimension: UFL's name of the simplex, and meshio's names by the degree of the geometry."""


class _Entities(NamedTuple):
    """The cells or the facets of a file: their nodes in DOLFINx's order, their groups' numbers, the groups' names."""

    nodes: npt.NDArray[np.int64]
    numbers: npt.NDArray[np.int32]
    names: dict[str, int]


class _Contents(NamedTuple):
    """A file: the degree of its geometry, the points, (n, dim), the cells and the facets that belong to a group."""

    degree: int
    points: npt.NDArray[np.float64]
    cells: _Entities
    facets: _Entities


def read_mesh(path: Path, comm: MPI.Comm) -> TaggedMesh:
    """Read a mesh of straight or curved (second-order) simplices from a .msh file; collective.

    meshio reads the file: Gmsh's own library wants a graphics system that compute nodes seldom have.

    Args:
        path: A Gmsh file. The physical groups of its cells are the regions of the mesh, those of its facets (points in 1D,
            curves in 2D, surfaces in 3D) the parts of the boundary; a group without a name is called by its number.
        comm: The ranks that share the mesh.

    Raises:
        InputError: No such file, not a mesh, no simplices in it, an entity in two groups, or a cell that overlaps itself; on
            every rank.
    """
    outcome: Any = None
    if comm.rank == 0:
        try:
            outcome = _read(Path(path))
        except InputError as error:
            outcome = error
        except Exception as error:  # whatever a parser makes of a damaged file: the other ranks are waiting
            outcome = InputError(str(path), f"not a mesh that can be read ({error})")
    # The others get what says how the mesh is made, without its nodes.
    shared = comm.bcast(outcome if isinstance(outcome, InputError) else outcome and _emptied(outcome))
    if isinstance(shared, InputError):
        raise shared
    degree, points, cells, facets = shared if comm.rank else outcome
    dim = points.shape[1]
    element = basix.ufl.element("Lagrange", _CELLS[dim][0], degree, shape=(dim,))
    # An interval with ghosts: without them DOLFINx takes the points between ranks for ends of it.
    ghosts = mesh.GhostMode.shared_facet if dim == 1 else mesh.GhostMode.none
    share = mesh.create_cell_partitioner(ghosts, 2)
    domain = mesh.create_mesh(comm, cells.nodes, ufl.Mesh(element), points, share)
    domain.topology.create_connectivity(dim - 1, dim)
    regions, boundaries = (_tags(domain, d, part) for d, part in ((dim, cells), (dim - 1, facets)))
    return TaggedMesh(domain, regions, boundaries, cells.names, facets.names)


def _emptied(contents: _Contents) -> _Contents:
    def none(part: _Entities) -> _Entities:
        return _Entities(part.nodes[:0], part.numbers[:0], part.names)

    return _Contents(contents.degree, contents.points[:0], none(contents.cells), none(contents.facets))


def _tags(domain: mesh.Mesh, dim: int, part: _Entities) -> mesh.MeshTags:
    entities, values = io.distribute_entity_data(domain, dim, part.nodes, part.numbers)
    domain.topology.create_connectivity(dim, 0)
    return mesh.meshtags_from_entities(domain, dim, graph.adjacencylist(entities), values)


def _read(path: Path) -> _Contents:
    import meshio

    if not path.is_file():
        raise InputError(str(path), "no such file")
    try:
        with contextlib.redirect_stdout(None):  # it prints what the formats say that it tries in vain
            data = meshio.read(path)
    except (meshio.ReadError, SystemExit) as error:
        raise InputError(str(path), f"not a mesh that can be read ({error})") from None
    present = {name for block, name in ((b, b.type) for b in data.cells) if len(block.data)}
    for dim in (3, 2, 1):
        degrees = {name: degree for name, degree in _CELLS[dim][1].items() if name in present}
        if degrees:
            break
    else:
        allowed = ", ".join(name for d in (3, 2, 1) for name in _CELLS[d][1])
        raise InputError(str(path), f"no cells of a known kind; allowed are {allowed}")
    strange = sorted(present - {name for _, kinds in _CELLS.values() for name in kinds})
    if strange or len(degrees) > 1:
        raise InputError(str(path), f"cells of several kinds: {', '.join([*degrees, *strange])}; one kind is possible")
    (degree,) = degrees.values()
    cells, facets = (_entities(data, d, degree, path) for d in (dim, dim - 1))
    # Points that no cell has, such as the centre of a circle, are no nodes of the mesh.
    used, nodes = np.unique(cells.nodes, return_inverse=True)
    points = np.ascontiguousarray(data.points[used, :dim], dtype=np.float64)
    if np.ptp(data.points[used, dim:], axis=0).max(initial=0.0) > 1e-12 * np.ptp(points):
        raise InputError(str(path), f"cells of dimension {dim} that do not lie flat in the first {dim} coordinates")
    if not np.isin(facets.nodes, used).all():
        raise InputError(str(path), "a boundary group has nodes that belong to no cell")
    cells = cells._replace(nodes=nodes.reshape(cells.nodes.shape))
    tangled = _tangled(_CELLS[dim][0], degree, points[cells.nodes])
    if tangled:
        raise InputError(
            str(path),
            f"{tangled} cells are flat or turned inside out by their curvature; Mesh.HighOrderOptimize may help",
        )
    return _Contents(degree, points, cells, facets._replace(nodes=np.searchsorted(used, facets.nodes)))


def _tangled(shape: str, degree: int, nodes: npt.NDArray[np.float64]) -> int:
    """How many cells, given by their nodes, (cells, nodes, dim), have a Jacobian determinant without a definite sign."""
    kind = basix.CellType[shape]
    points = basix.create_lattice(kind, 2 * degree, basix.LatticeType.equispaced, True)
    slopes = basix.ufl.element("Lagrange", shape, degree).tabulate(1, points)[1:]
    determinants = np.linalg.det(np.einsum("cni,jpn->cpij", nodes, slopes))
    size = np.abs(determinants).max(axis=1, initial=0.0)
    low, high = determinants.min(axis=1), determinants.max(axis=1)
    return int((np.maximum(low, -high) <= 1e-12 * size).sum())


def _entities(data: Any, dim: int, degree: int, path: Path) -> _Entities:
    """The entities of one dimension; of the facets only those that belong to a physical group."""
    shape, kinds = _CELLS[dim]
    name = next(name for name, d in kinds.items() if d == degree or not dim)
    count = 1 if not dim else dim + 1 if degree == 1 else (dim + 1) * (dim + 2) // 2
    nodes = data.cells_dict.get(name, np.empty((0, count))).astype(np.int64)
    numbers = data.cell_data_dict.get("gmsh:physical", {}).get(name, np.zeros(len(nodes))).astype(np.int32)
    if len(np.unique(np.sort(nodes, axis=1), axis=0)) < len(nodes):
        raise InputError(str(path), f"a cell of kind {name} is there twice; it may belong to one physical group only")
    if dim:
        nodes = nodes[:, cell_perm_vtk(mesh.to_type(shape), count)]
    names = {key: int(number) for key, (number, d) in data.field_data.items() if d == dim}
    for number in np.setdiff1d(numbers, list(names.values())):
        names[str(number)] = int(number)
    present = set(numbers.tolist())
    return _Entities(np.ascontiguousarray(nodes), numbers, {k: n for k, n in names.items() if n in present})
