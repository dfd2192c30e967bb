"""Gmsh files, read by meshio: simplices, straight or curved (second order), and the physical groups that they belong to."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from hybrid.failures import InputError

CELLS = {
    3: ("tetrahedron", {"tetra": 1, "tetra10": 2}),
    2: ("triangle", {"triangle": 1, "triangle6": 2}),
    1: ("interval", {"line": 1, "line3": 2}),
    0: ("point", {"vertex": 1}),
}
"""By dimension: UFL's name of the simplex, and meshio's names by the degree of the geometry."""


class Entities(NamedTuple):
    """The cells or the facets of a file: their nodes in VTK's order, their groups' numbers, the groups' names."""

    nodes: npt.NDArray[np.int64]
    numbers: npt.NDArray[np.int32]
    names: dict[str, int]


class MeshFile(NamedTuple):
    """A file: the degree of its geometry, the points, (n, dim), the cells and the facets that belong to a group."""

    degree: int
    points: npt.NDArray[np.float64]
    cells: Entities
    facets: Entities

    @property
    def dim(self) -> int:
        """Of the cells, and of space."""
        return self.points.shape[1]


def read_file(path: Path) -> MeshFile:
    """What is in a .msh file.

    meshio reads it: Gmsh's own library wants a graphics system that compute nodes seldom have.

    Raises:
        InputError: No such file, not a mesh, no simplices in it, or an entity in two groups.
    """
    try:
        return _read(path)
    except InputError:
        raise
    except Exception as error:  # whatever a parser makes of a damaged file
        raise InputError(str(path), f"not a mesh that can be read ({error})") from None


def _read(path: Path) -> MeshFile:
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
        degrees = {name: degree for name, degree in CELLS[dim][1].items() if name in present}
        if degrees:
            break
    else:
        allowed = ", ".join(name for d in (3, 2, 1) for name in CELLS[d][1])
        raise InputError(str(path), f"no cells of a known kind; allowed are {allowed}")
    strange = sorted(present - {name for _, kinds in CELLS.values() for name in kinds})
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
    return MeshFile(degree, points, cells, facets._replace(nodes=np.searchsorted(used, facets.nodes)))


def _entities(data: Any, dim: int, degree: int, path: Path) -> Entities:
    """The entities of one dimension; of the facets only those that belong to a physical group."""
    kinds = CELLS[dim][1]
    name = next(name for name, d in kinds.items() if d == degree or not dim)
    count = 1 if not dim else dim + 1 if degree == 1 else (dim + 1) * (dim + 2) // 2
    nodes = data.cells_dict.get(name, np.empty((0, count))).astype(np.int64)
    numbers = data.cell_data_dict.get("gmsh:physical", {}).get(name, np.zeros(len(nodes))).astype(np.int32)
    if len(np.unique(np.sort(nodes, axis=1), axis=0)) < len(nodes):
        raise InputError(str(path), f"a cell of kind {name} is there twice; it may belong to one physical group only")
    names = {key: int(number) for key, (number, d) in data.field_data.items() if d == dim}
    for number in np.setdiff1d(numbers, list(names.values())):
        names[str(number)] = int(number)
    present = set(numbers.tolist())
    return Entities(np.ascontiguousarray(nodes), numbers, {k: n for k, n in names.items() if n in present})
