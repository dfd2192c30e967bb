"""Meshes whose regions and boundary parts have names: from Gmsh (`hybrid.fem.read_mesh`), or boxes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mpi4py import MPI

import numpy as np

from dolfinx import mesh

from hybrid.checks import check_comm, check_count, check_domain
from hybrid.failures import InputError
from hybrid.fem.meshes.box import SHAPES, box


@dataclass(frozen=True)
class TaggedMesh:
    """A mesh, and the names of its parts.

    Attributes:
        mesh: The distributed mesh; its cells may be curved.
        regions: The number of its region for each cell.
        boundaries: The number of its part for some or all of the facets on the boundary.
        region_names: Every region's name and number.
        boundary_names: Every boundary part's name and number.
    """

    mesh: mesh.Mesh
    regions: mesh.MeshTags
    boundaries: mesh.MeshTags
    region_names: Mapping[str, int]
    boundary_names: Mapping[str, int]

    def numbered(self, values: Mapping[str | int, object], kind: str, where: str) -> dict[int, object]:
        """Values by the numbers of their regions or boundary parts, whether they were given by name or by number.

        Args:
            values: What belongs to each.
            kind: "region" or "boundary".
            where: What an error message names.

        Raises:
            InputError: Nothing here has that name or number, or one is given twice.
        """
        if not isinstance(values, Mapping):
            raise InputError(where, f"a {type(values).__name__}; allowed is a mapping from each {kind} to what it has")
        names = self.region_names if kind == "region" else self.boundary_names
        found: dict[int, object] = {}
        for key, value in values.items():
            number = names.get(key, -1) if isinstance(key, str) else key
            if number not in names.values():
                known = ", ".join(f"{name!r} ({n})" for name, n in sorted(names.items(), key=lambda item: item[1]))
                raise InputError(where, f"no {kind} {key!r} in this mesh; there are {known or 'none'}")
            if number in found:
                raise InputError(where, f"{kind} {key!r} is given twice, by its name and by its number")
            found[number] = value
        return found


def tagged_box(
    comm: MPI.Comm, domain: Sequence[Sequence[float]], counts: Sequence[int], shape: str = "simplex"
) -> TaggedMesh:
    """A uniform mesh of a box (`hybrid.fem.meshes.box.box`): one region, "domain", and the sides "x0=low", "x0=high",
    "x1=low", …

    Raises:
        InputError: An argument that is not what it should be.
    """
    check_comm(comm)
    domain = check_domain(domain)
    if len(counts) != len(domain):
        raise InputError("counts", f"{len(counts)} of them for {len(domain)} dimensions; give one for each")
    counts = [check_count(count, "counts") for count in counts]
    if shape not in SHAPES:
        raise InputError("shape", f"{shape!r}; allowed are {', '.join(SHAPES)}")
    uniform = box(comm, domain, counts, shape)
    tdim = uniform.topology.dim
    names = {f"x{i}={side}": 2 * i + j + 1 for i in range(tdim) for j, side in enumerate(("low", "high"))}
    facets, numbers = [], []
    for number, (i, end) in enumerate(((i, end) for i, ends in enumerate(domain) for end in ends), start=1):
        near = 1e-8 * (domain[i][1] - domain[i][0])
        found = mesh.locate_entities_boundary(
            uniform, tdim - 1, lambda x, i=i, end=end, near=near: abs(x[i] - end) < near
        )
        facets.append(found)
        numbers.append(np.full(len(found), number, np.int32))
    boundaries = tags(uniform, tdim - 1, np.concatenate(facets), np.concatenate(numbers))
    cells = uniform.topology.index_map(tdim)
    every = np.arange(cells.size_local + cells.num_ghosts, dtype=np.int32)
    regions = tags(uniform, tdim, every, np.ones(len(every), np.int32))
    return TaggedMesh(uniform, regions, boundaries, {"domain": 1}, names)


def check_tagged(domain: object) -> None:
    """A mesh with names, or InputError."""
    if not isinstance(domain, TaggedMesh):
        raise InputError(
            "domain",
            f"a {type(domain).__name__}; allowed is what hybrid.fem.read_mesh and hybrid.fem.tagged_box return",
        )


def tags(domain: mesh.Mesh, dim: int, entities: np.ndarray, numbers: np.ndarray) -> mesh.MeshTags:
    """Tags of mesh entities in any order, none of them twice."""
    order = np.argsort(entities)
    return mesh.meshtags(domain, dim, entities[order], numbers[order])
