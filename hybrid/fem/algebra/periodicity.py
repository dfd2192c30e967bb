"""Periodic functions on any mesh of a box whose opposite faces match.

DOLFINx has no periodic spaces. The constraint u(y) = u(y + p_i e_i) is a matrix K: the values at all dofs are K times the
values at the independent ones, those on no upper face. A system A u = b on the full space becomes Kᵀ A K w = Kᵀ b, u = K w.
"""

from __future__ import annotations

from collections.abc import Sequence

from mpi4py import MPI
from petsc4py import PETSc

import numpy as np
import numpy.typing as npt

from dolfinx import fem

from hybrid.failures import InputError
from hybrid.media.cellmesh import place_numbers

Array = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]
_NEAR = 1e-8
"""Of a side of the cell: what is nearer than this is the same."""


def periodic_constraint(
    space: fem.FunctionSpace, cell: Sequence[Sequence[float]], directions: Sequence[int] | None = None
) -> PETSc.Mat:
    """The matrix K, (full dofs × independent dofs), of the periodic functions in a Lagrange space; collective.

    The mesh may have holes and curved cells. Every pair of faces is matched point by point, both ways.

    Args:
        space: Scalar Lagrange elements on a mesh of the box, or of a part of it.
        cell: One (low, high) for each dimension.
        directions: Those in which functions are periodic; all by default.

    Raises:
        InputError: A dof on one face has no partner on the opposite one: the faces of the mesh do not match.
    """
    comm = space.mesh.comm
    owned = space.dofmap.index_map.size_local
    lower, upper, _, points = _faces(space, cell, directions)
    dependent = upper.any(axis=1)
    count = owned - int(dependent.sum())
    independent = np.full(owned, -1, dtype=np.int64)
    independent[~dependent] = comm.scan(count) - count + np.arange(count)

    # Every partner lies on a lower face, so it is enough that all ranks know the independent dofs there.
    there = lower.any(axis=1) & ~dependent
    gathered = comm.allgather((points[there], independent[there], lower[there].sum(axis=1)))
    known, columns, faces = (np.concatenate(part) for part in zip(*gathered, strict=True))
    match = _match(known, np.where(upper, 0.0, points)[dependent], _NEAR)
    # A point on k lower faces has 2^k - 1 images on upper ones; fewer of them would leave some face without a partner.
    images = np.bincount(match[match >= 0], minlength=len(known)).astype(np.int64)
    comm.Allreduce(MPI.IN_PLACE, images)
    missing = comm.allreduce(int((match < 0).sum())) + int(np.abs(images - (2**faces - 1)).sum())
    if missing:
        raise InputError("mesh", f"opposite faces do not match: {missing} points have no partner one period away")
    if len(known):
        independent[dependent] = columns[match]

    matrix = PETSc.Mat().createAIJ(((owned, None), (count, None)), nnz=(1, 1), comm=comm)
    rows = np.arange(owned + 1, dtype=PETSc.IntType)
    matrix.setValuesIJV(rows, independent.astype(PETSc.IntType), np.ones(owned))
    matrix.assemble()
    return matrix


def independent_points(
    space: fem.FunctionSpace, cell: Sequence[Sequence[float]], directions: Sequence[int] | None = None
) -> Array:
    """Where this rank's independent dofs are, (n, d), in the order of the columns of the constraint."""
    _, upper, points, _ = _faces(space, cell, directions)
    return points[~upper.any(axis=1)]


def _faces(
    space: fem.FunctionSpace, cell: Sequence[Sequence[float]], directions: Sequence[int] | None
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_], Array, Array]:
    """On which lower and upper faces the owned dofs are, (n, d); their points, and the same in the unit of the cell's sides."""
    low, high = np.array(cell, dtype=float).T
    points = space.tabulate_dof_coordinates()[: space.dofmap.index_map.size_local, : len(cell)]
    within = (points - low) / (high - low)
    periodic = np.isin(np.arange(len(cell)), range(len(cell)) if directions is None else directions)
    lower, upper = (periodic & (np.abs(within - face) < _NEAR) for face in (0.0, 1.0))
    return lower, upper, points, within


def _match(known: Array, wanted: Array, near: float) -> Indices:
    """For each wanted point the index of the known one within `near` in every coordinate, or -1."""
    if not len(known) or not len(wanted):
        return np.full(len(wanted), -1, dtype=np.int64)
    keys = place_numbers(np.concatenate([known, wanted]), near)
    known_keys, wanted_keys = keys[: len(known)], keys[len(known) :]
    order = np.argsort(known_keys)
    place = np.minimum(np.searchsorted(known_keys, wanted_keys, sorter=order), len(known) - 1)
    match = order[place]
    match[known_keys[match] != wanted_keys] = -1
    match[np.abs(known[match] - wanted).max(axis=1) > 2 * near] = -1
    return match
