from __future__ import annotations

import math
from pathlib import Path

from mpi4py import MPI

import numpy as np
import pytest

import ufl

from hybrid import InputError
from hybrid.fem import TaggedMesh, read_mesh
from hybrid.fem.norms import integral

MESHES = Path(__file__).parents[2] / "meshes"
REGIONS = {
    "inclusion-2d": {"matrix": 1 - math.pi / 16, "inclusion": math.pi / 16},
    "perforated-2d": {"matrix": 1 - math.pi / 16},
    "inclusion-3d": {"matrix": 1 - math.pi / 48, "inclusion": math.pi / 48},
    "l-shape": {"domain": 3.0},
}
"""The area or volume of every region."""
PARTS = {
    "perforated-2d": {"hole": math.pi / 2},
    "l-shape": {"corner": 2.0, "right": 1.0, "top": 2.0, "left": 2.0, "bottom": 1.0},
}
"""The length of every named part of the boundary."""


def _sizes(found: TaggedMesh) -> tuple[dict[str, float], dict[str, float]]:
    dx = ufl.dx(domain=found.mesh, subdomain_data=found.regions)
    ds = ufl.ds(domain=found.mesh, subdomain_data=found.boundaries)
    return tuple(
        {name: integral(1.0 * measure(number), found.mesh) for name, number in names.items()}
        for measure, names in ((dx, found.region_names), (ds, found.boundary_names))
    )  # type: ignore[return-value]


@pytest.mark.mpi
@pytest.mark.parametrize("name", REGIONS)
def test_regions_and_boundaries_have_their_names_and_sizes(comm: MPI.Comm, name: str) -> None:
    """Straight cells would make the disc 9e-3 too small, and curved ones in a wrong order of nodes anything."""
    regions, parts = _sizes(read_mesh(MESHES / f"{name}.msh", comm))
    assert regions == pytest.approx(REGIONS[name], rel=1e-4)
    assert parts == pytest.approx(PARTS.get(name, {}), rel=1e-5)


@pytest.mark.mpi
@pytest.mark.parametrize(
    ("name", "cell"), [("inclusion-2d", "triangle6"), ("inclusion-3d", "tetra10"), ("l-shape", "triangle")]
)
def test_every_cell_is_there_once(comm: MPI.Comm, name: str, cell: str) -> None:
    import meshio

    found = read_mesh(MESHES / f"{name}.msh", comm)
    data = meshio.read(MESHES / f"{name}.msh")
    cells = found.mesh.topology.index_map(found.mesh.topology.dim)
    assert cells.size_global == len(data.cells_dict[cell])
    for number in found.region_names.values():
        here = int((found.regions.find(number) < cells.size_local).sum())
        assert comm.allreduce(here) == (data.cell_data_dict["gmsh:physical"][cell] == number).sum()


def _write(path: Path, points: str, elements: str, names: str = "") -> Path:
    """A .msh file, format 2.2: points "x y z", elements "type tags… nodes…", a line each."""

    def section(name: str, text: str, numbered: bool = True) -> str:
        lines = text.strip().splitlines()
        rows = [f"{i} {line}" if numbered else line for i, line in enumerate(lines, 1)]
        return "\n".join([f"${name}", str(len(rows)), *rows, f"$End{name}", ""])

    head = "$MeshFormat\n2.2 0 8\n$EndMeshFormat\n" + (section("PhysicalNames", names, numbered=False) if names else "")
    path.write_text(head + section("Nodes", points) + section("Elements", elements))
    return path


@pytest.mark.mpi
def test_an_interval_and_groups_without_names(comm: MPI.Comm, tmp_path: Path) -> None:
    points = "\n".join(f"{i / 8} 0 0" for i in range(9))
    cells = "\n".join(f"1 2 {5 if i < 4 else 6} 1 {i + 1} {i + 2}" for i in range(8))
    path = _write(tmp_path / "line.msh", points, f"{cells}\n15 2 3 1 1\n15 2 4 2 9", '0 3 "left"')
    found = read_mesh(path, comm)
    assert found.region_names == {"5": 5, "6": 6}
    assert found.boundary_names == {"left": 3, "4": 4}
    assert _sizes(found) == ({"5": 0.5, "6": 0.5}, {"left": 1.0, "4": 1.0})


@pytest.mark.mpi
@pytest.mark.parametrize(
    ("elements", "what"),
    [
        ("2 2 1 1 1 2 3\n2 2 2 2 3 1 2", "twice"),  # a cell in two regions
        ("2 2 1 1 1 2 3\n3 2 1 1 1 2 3 4", "several kinds"),
        ("2 2 1 1 1 2 5", "flat"),
        ("2 2 1 1 1 2 6", "lie flat in the first 2"),
        ("2 2 1 1 1 2 3\n1 2 1 1 1 4", "no cell"),  # a boundary group elsewhere
        ("9 2 1 1 1 2 3 4 7 8", "inside out"),
    ],
)
def test_meshes_that_make_no_sense_are_refused(comm: MPI.Comm, tmp_path: Path, elements: str, what: str) -> None:
    points = "0 0 0\n1 0 0\n0 1 0\n1 1 0\n2 0 0\n0 1 1\n0.1 0.1 0\n0 0.5 0"
    path = _write(tmp_path / "bad.msh", points, elements)
    with pytest.raises(InputError, match=what):
        read_mesh(path, comm)


@pytest.mark.mpi
def test_what_cannot_be_read_is_named_on_every_rank(comm: MPI.Comm, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_mesh(MESHES / "none.msh", comm)
    with pytest.raises(InputError, match=r"README\.md"):
        read_mesh(MESHES / "README.md", comm)
    whole = (MESHES / "l-shape.msh").read_text()
    for cut in (20, 300, 3000, len(whole) - 40):
        (tmp_path / "cut.msh").write_text(whole[:cut])
        with pytest.raises(InputError, match=r"cut\.msh"):
            read_mesh(tmp_path / "cut.msh", comm)


@pytest.mark.parametrize("name", REGIONS)
def test_the_mesh_is_what_its_geometry_makes(tmp_path: Path, name: str) -> None:
    try:
        import gmsh
    except (ImportError, OSError) as error:
        pytest.skip(f"Gmsh does not load here: {error}")
    gmsh.initialize(["-v", "0"])
    try:
        gmsh.option.setNumber("General.Terminal", 0)
        gmsh.open(str(MESHES / f"{name}.geo"))
        gmsh.model.mesh.generate(3 if name.endswith("3d") else 2)
        gmsh.write(str(tmp_path / "new.msh"))
    finally:
        gmsh.finalize()
    one, other = (read_mesh(p, MPI.COMM_SELF) for p in (MESHES / f"{name}.msh", tmp_path / "new.msh"))
    dim = one.mesh.topology.dim
    assert one.mesh.geometry.cmaps[0].degree == other.mesh.geometry.cmaps[0].degree
    assert abs(one.mesh.topology.index_map(dim).size_local / other.mesh.topology.index_map(dim).size_local - 1) < 0.02
    assert (one.region_names, one.boundary_names) == (other.region_names, other.boundary_names)
    assert np.allclose(one.mesh.geometry.x.max(axis=0), other.mesh.geometry.x.max(axis=0))
    for mine, its in zip(_sizes(one), _sizes(other), strict=True):
        assert mine == pytest.approx(its, rel=1e-4)
