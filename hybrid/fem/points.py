"""Values of finite element functions at points."""

from __future__ import annotations

from mpi4py import MPI

import numpy as np
import numpy.typing as npt

from dolfinx import fem, geometry, mesh


def at_points(function: fem.Function, points: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """A finite element function at points, (n, d) -> (n,), the same on every rank; collective.

    Every rank passes all the points and evaluates those in its own cells; a point on the border of two ranks gets the
    value of the lower one.

    Raises:
        ValueError: Points outside the mesh.
    """
    mesh = function.function_space.mesh
    array = np.asarray(points, dtype=np.float64)
    padded = np.zeros((len(array), 3))
    padded[:, : array.shape[1]] = array
    tdim = mesh.topology.dim
    owned = mesh.topology.index_map(tdim).size_local
    tree = geometry.bb_tree(mesh, tdim, entities=np.arange(owned, dtype=np.int32), padding=1e-10)
    colliding = geometry.compute_colliding_cells(mesh, geometry.compute_collisions_points(tree, padded), padded)
    found = np.flatnonzero(np.diff(colliding.offsets) > 0)
    cells = colliding.array[colliding.offsets[found]]
    values = np.zeros(len(array))
    if len(found):
        values[found] = function.eval(padded[found], cells).reshape(len(found))
    rank = np.full(len(array), mesh.comm.size, dtype=np.int32)
    rank[found] = mesh.comm.rank
    owner = np.empty_like(rank)
    mesh.comm.Allreduce(rank, owner, op=MPI.MIN)
    if (owner == mesh.comm.size).any():
        raise ValueError(f"{int((owner == mesh.comm.size).sum())} points lie outside the mesh")
    values[owner != mesh.comm.rank] = 0.0
    total = np.empty_like(values)
    mesh.comm.Allreduce(values, total, op=MPI.SUM)
    return total


def bounds(domain: mesh.Mesh) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The corners of the smallest box around a mesh, (d,) each; collective."""
    columns = domain.geometry.x.T[: domain.geometry.dim]
    reach = np.array([*(-x.min(initial=np.inf) for x in columns), *(x.max(initial=-np.inf) for x in columns)])
    total = np.empty_like(reach)
    domain.comm.Allreduce(reach, total, op=MPI.MAX)
    return -total[: len(columns)], total[len(columns) :]


def spread(domain: mesh.Mesh, count: int) -> npt.NDArray[np.float64]:
    """Points that fill the box around a mesh evenly, (count, d), the same on every rank; collective.

    The multiples of powers of 1/φ, with φ^(d+1) = φ + 1, modulo one: they keep step with no mesh and no period.
    """
    low, high = bounds(domain)
    phi = 2.0
    for _ in range(60):
        phi = (1 + phi) ** (1 / (len(low) + 1))
    steps = phi ** -np.arange(1.0, len(low) + 1)
    return low + (high - low) * ((0.5 + np.outer(np.arange(1, count + 1), steps)) % 1.0)
