from __future__ import annotations

from pathlib import Path

from mpi4py import MPI

import numpy as np
import pytest

import ufl
from dolfinx import fem, mesh

from hybrid import InputError
from hybrid.fem import TaggedMesh, piecewise, read_mesh, tagged_box
from hybrid.fem.meshes.tagged import tags
from hybrid.symbols import log, sqrt, x, y

pytestmark = pytest.mark.mpi

MESHES = Path(__file__).parents[2] / "meshes"


def halves(comm: MPI.Comm, dim: int) -> TaggedMesh:
    """The unit cube in `dim` dimensions with the regions "left", x0 < 1/2, and "right"."""
    box = tagged_box(comm, [(0, 1)] * dim, [4] * dim)
    cells = box.mesh.topology.index_map(dim)
    every = np.arange(cells.size_local + cells.num_ghosts, dtype=np.int32)
    right = mesh.compute_midpoints(box.mesh, dim, every)[:, 0] > 0.5
    regions = tags(box.mesh, dim, every, np.where(right, 7, 4).astype(np.int32))
    return TaggedMesh(box.mesh, regions, box.boundaries, {"left": 4, "right": 7}, box.boundary_names)


def means(domain: TaggedMesh, a: ufl.core.expr.Expr) -> np.ndarray:
    dim = domain.mesh.geometry.dim
    entry = fem.Constant(domain.mesh, np.zeros((dim, dim)))
    form = fem.form(ufl.inner(a, entry) * ufl.dx(domain=domain.mesh, metadata={"quadrature_degree": 6}))
    found = np.empty((dim, dim))
    for at in np.ndindex(dim, dim):
        entry.value[...] = 0.0
        entry.value[at] = 1.0
        found[at] = domain.mesh.comm.allreduce(fem.assemble_scalar(form))
    return found


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_each_region_has_its_own(comm: MPI.Comm, dim: int) -> None:
    domain = halves(comm, dim)
    full = np.eye(dim) + np.diag([0.5] * (dim - 1), 1) + np.diag([0.5] * (dim - 1), -1)
    assert np.abs(means(domain, piecewise(domain, {"left": 3, 7: 5.0})) - 4 * np.eye(dim)).max() < 1e-12
    found = means(domain, piecewise(domain, {"left": full, "right": 2}))
    assert np.abs(found - (full / 2 + np.eye(dim))).max() < 1e-12
    # ∫ x0 over the right half is 3/8; be it a domain's x or a cell's y.
    for symbol in (x[0], y[0]):
        found = means(domain, piecewise(domain, {"right": symbol, "left": full}))
        assert np.abs(found - (full / 2 + 3 / 8 * np.eye(dim))).max() < 1e-12


def test_an_expression_need_not_have_a_value_elsewhere(comm: MPI.Comm) -> None:
    domain = halves(comm, 2)
    found = means(domain, piecewise(domain, {"left": 1, "right": [[sqrt(x[0] - 0.5) ** 2, 0], [0, log(x[0] + 1)]]}))
    assert found[0, 0] == pytest.approx(0.5 + 0.125, abs=1e-10)
    assert np.isfinite(found).all()


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({"left": 1}, "region 'right' has none"),
        ({"left": 1, "right": 1, "middle": 1}, r"no region 'middle'.*'left' \(4\), 'right' \(7\)"),
        ({"left": 1, 5: 1}, "no region 5"),
        ({"left": 1, "right": 1, 7: 2}, "given twice"),
        ({"left": 0, "right": 1}, "region 'left': its smallest eigenvalue is 0;"),
        ({"left": 1, "right": [[1, 2], [2, 1]]}, "region 'right': its smallest eigenvalue is -1;"),
        ({"left": 1, "right": x[0] - 0.7}, "region 'right': its smallest eigenvalue is -0.1"),
        ({"left": 1, "right": 1 / (x[0] - 0.75) ** 0.5}, "not a finite number"),
        ({"left": 1, "right": [[1, 2], [0, 1]]}, "not symmetric"),
        ({"left": 1, "right": np.eye(3)}, "3×3"),
        ({"left": 1, "right": x[2]}, "x2 may not appear"),
        ({"left": "one", "right": 1}, "'one'"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(comm: MPI.Comm, values: dict[str | int, object], what: str) -> None:
    with pytest.raises(InputError, match=what) as caught:
        piecewise(halves(comm, 2), values)
    assert "\n" not in str(caught.value)


def test_cells_in_no_region_are_refused(comm: MPI.Comm) -> None:
    whole = halves(comm, 2)
    cells = whole.regions.find(4)
    part = TaggedMesh(
        whole.mesh, tags(whole.mesh, 2, cells, np.full(len(cells), 4, np.int32)), whole.boundaries, {"left": 4}, {}
    )
    with pytest.raises(InputError, match="16 cells of the mesh are in no region"):
        piecewise(part, {"left": 1})


def test_regions_of_a_gmsh_mesh(comm: MPI.Comm) -> None:
    domain = read_mesh(MESHES / "inclusion-2d.msh", comm)
    found = means(domain, piecewise(domain, {"matrix": 1, "inclusion": 10}))
    assert np.abs(found - (1 + 9 * np.pi / 16) * np.eye(2)).max() < 2e-5
