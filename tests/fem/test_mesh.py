from __future__ import annotations

from mpi4py import MPI

import numpy as np
import pytest

from dolfinx import fem

from hybrid.fem.meshes.box import box, zero_on_boundary

pytestmark = pytest.mark.mpi


@pytest.mark.parametrize(("dim", "shape"), [(1, "simplex"), (2, "simplex"), (2, "box"), (3, "simplex"), (3, "box")])
def test_only_the_boundary_is_held_at_zero(comm: MPI.Comm, dim: int, shape: str) -> None:
    """Where two ranks meet is no boundary."""
    n = {1: 400, 2: 9, 3: 5}[dim]
    space = fem.functionspace(box(comm, [(0, 2)] * dim, [n] * dim, shape), ("Lagrange", 1))
    (bc,) = zero_on_boundary(space)
    points = space.tabulate_dof_coordinates()[bc.dof_indices()[0], :dim]
    assert (np.isclose(points, 0) | np.isclose(points, 2)).any(axis=1).all()
    owned = (bc.dof_indices()[0] < space.dofmap.index_map.size_local).sum()
    assert comm.allreduce(int(owned)) == (n + 1) ** dim - (n - 1) ** dim
