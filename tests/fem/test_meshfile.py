from __future__ import annotations

from pathlib import Path

from mpi4py import MPI

import numpy as np
import pytest

from hybrid import InputError
from hybrid.fem import read_mesh

MESHES = Path(__file__).parents[2] / "meshes"


@pytest.mark.mpi
def test_cells_and_regions_are_distributed(comm: MPI.Comm) -> None:
    import meshio

    mesh, regions = read_mesh(MESHES / "inclusion-2d.msh", comm)
    data = meshio.read(MESHES / "inclusion-2d.msh")
    owned = mesh.topology.index_map(2).size_local
    assert mesh.topology.index_map(2).size_global == len(data.cells_dict["triangle"])
    for tag in (1, 2):
        here = int((regions.find(tag) < owned).sum())
        assert comm.allreduce(here) == (data.cell_data_dict["gmsh:physical"]["triangle"] == tag).sum()


@pytest.mark.mpi
def test_what_cannot_be_read_is_named_on_every_rank(comm: MPI.Comm) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_mesh(MESHES / "none.msh", comm)
    with pytest.raises(InputError, match=r"README\.md"):
        read_mesh(MESHES / "README.md", comm)


def test_the_mesh_is_what_its_geometry_makes(tmp_path: Path) -> None:
    try:
        import gmsh
    except (ImportError, OSError) as error:
        pytest.skip(f"Gmsh does not load here: {error}")
    gmsh.initialize(["-v", "1"])
    try:
        gmsh.open(str(MESHES / "inclusion-2d.geo"))
        gmsh.model.mesh.generate(2)
        gmsh.write(str(tmp_path / "new.msh"))
    finally:
        gmsh.finalize()
    (one, tags), (other, other_tags) = (
        read_mesh(p, MPI.COMM_SELF) for p in (MESHES / "inclusion-2d.msh", tmp_path / "new.msh")
    )
    assert abs(one.topology.index_map(2).size_local / other.topology.index_map(2).size_local - 1) < 0.02
    assert abs(len(tags.find(2)) / len(other_tags.find(2)) - 1) < 0.02
    assert np.allclose(one.geometry.x.max(axis=0), other.geometry.x.max(axis=0))
