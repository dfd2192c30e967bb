"""Periodic functions on any mesh of a box whose opposite faces match.

DOLFINx has no periodic spaces. The constraint u(y) = u(y + p_i e_i) is a matrix K: the values at all dofs are K times the
values at the independent ones, those on no upper face. A system A u = b on the full space becomes Kᵀ A K w = Kᵀ b, u = K w.
"""

from __future__ import annotations

from collections.abc import Sequence

from petsc4py import PETSc

import numpy as np

from dolfinx import fem

from hybrid.errors import InputError


def periodic_constraint(space: fem.FunctionSpace, cell: Sequence[Sequence[float]]) -> PETSc.Mat:
    """The matrix K, (full dofs × independent dofs), of the periodic functions in a Lagrange space; collective.

    Args:
        space: Scalar Lagrange elements on a mesh of the box.
        cell: One (low, high) for each dimension.

    Raises:
        InputError: A dof on an upper face has no partner on the lower one: the faces of the mesh do not match.
    """
    comm = space.mesh.comm
    dim = len(cell)
    low, high = np.array(cell, dtype=float).T
    owned = space.dofmap.index_map.size_local
    points = space.tabulate_dof_coordinates()[:owned, :dim]
    near = 1e-8 * (high - low).min()
    upper = np.abs(points - high) < near
    dependent = upper.any(axis=1)
    first, count = _numbering(comm, int((~dependent).sum()))
    independent = np.full(owned, -1, dtype=np.int64)
    independent[~dependent] = first + np.arange(count)

    # Every partner lies on a lower face, so it is enough that all ranks know the independent dofs there.
    on_lower = ~dependent & (np.abs(points - low) < near).any(axis=1)
    gathered = comm.allgather((points[on_lower], independent[on_lower]))
    known, columns = (np.concatenate(part) for part in zip(*gathered, strict=True))
    match = _match(known, np.where(upper, low, points)[dependent], near)
    found = np.where(match >= 0, columns[match] if len(columns) else -1, -1)
    hit = set().union(*comm.allgather(set(found.tolist())))
    missing = comm.allreduce(int((found < 0).sum())) + int((~np.isin(columns, list(hit))).sum())
    if missing:
        raise InputError("mesh", f"opposite faces do not match: {missing} points have no partner one period away")
    independent[dependent] = found

    matrix = PETSc.Mat().createAIJ(((owned, None), (count, None)), nnz=(1, 1), comm=comm)
    rows = np.arange(owned + 1, dtype=PETSc.IntType)
    matrix.setValuesIJV(rows, independent.astype(PETSc.IntType), np.ones(owned))
    matrix.assemble()
    return matrix


def independent_points(space: fem.FunctionSpace, cell: Sequence[Sequence[float]]) -> np.ndarray:
    """Where this rank's independent dofs are, (n, d), in the order of the columns of the constraint."""
    low, high = np.array(cell, dtype=float).T
    points = space.tabulate_dof_coordinates()[: space.dofmap.index_map.size_local, : len(cell)]
    return np.asarray(points[(np.abs(points - high) >= 1e-8 * (high - low).min()).all(axis=1)])


def _numbering(comm: object, count: int) -> tuple[int, int]:
    return comm.scan(count) - count, count  # type: ignore[attr-defined]


def _match(known: np.ndarray, wanted: np.ndarray, near: float) -> np.ndarray:
    """For each wanted point the index of the known one within `near` in every coordinate, or -1.

    Rounding to a grid would part equal points that lie on either side of a grid line; so the values that occur are
    themselves the grid.
    """
    known_keys, wanted_keys = np.empty(known.shape, np.int64), np.empty(wanted.shape, np.int64)
    for i in range(known.shape[1]):
        order = np.sort(known[:, i])
        values = order[np.concatenate([[True], np.diff(order) > near])] if len(order) else order
        known_keys[:, i] = np.searchsorted(values, known[:, i] - near)
        wanted_keys[:, i] = np.searchsorted(values, wanted[:, i] - near)
    index = {tuple(key): j for j, key in enumerate(known_keys.tolist())}
    match = np.array([index.get(tuple(key), -1) for key in wanted_keys.tolist()], dtype=np.int64)
    if len(known) and len(match):
        match[np.abs(known[match] - wanted).max(axis=1) > 2 * near] = -1
    return match
