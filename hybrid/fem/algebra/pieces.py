"""Which unknowns of a matrix hang together: a solid in several pieces has one constant for each."""

from __future__ import annotations

from collections.abc import Sequence

from petsc4py import PETSc

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.int64]


def pieces(matrix: PETSc.Mat) -> tuple[Indices, int]:
    """The number of its piece for each of this rank's rows, and how many pieces there are; collective.

    Rows are in one piece where entries that are not zero lead from one to the other. Pieces are numbered by their first rows,
    on all ranks alike.
    """
    comm = matrix.comm.tompi4py()
    begin, end = matrix.getOwnershipRange()
    starts, columns, values = matrix.getValuesCSR()
    rows = np.repeat(np.arange(end - begin), np.diff(starts))
    used = values != 0
    rows, columns = rows[used], columns[used].astype(np.int64)
    near = (columns >= begin) & (columns < end)
    own = begin + _labels(rows[near], columns[near] - begin, end - begin)
    wanted, back = np.unique(columns[~near], return_inverse=True)
    known = _of_others(matrix, own, wanted)[back]
    edges = np.unique(np.stack([own[rows[~near]], known], axis=1), axis=0)
    # Pieces of single ranks, joined where ranks meet: few, so that all ranks do the same for all of them.
    roots = np.concatenate(comm.allgather(np.unique(own)))
    first, second = np.searchsorted(roots, np.concatenate(comm.allgather(edges)).T.reshape(2, -1))
    joined = _labels(np.concatenate([first, second]), np.concatenate([second, first]), len(roots))
    names, number = np.unique(joined, return_inverse=True)
    return number[np.searchsorted(roots, own)], len(names)


def first_rows(piece: Indices, count: int, matrix: PETSc.Mat) -> Indices:
    """The first row of every piece, those of this rank, as numbers among its own; collective."""
    comm = matrix.comm.tompi4py()
    here, places = np.unique(piece, return_index=True)
    owner = np.full(count, comm.size)
    owner[here] = comm.rank
    lowest = np.min(comm.allgather(owner), axis=0) if count else owner
    return places[lowest[here] == comm.rank]


def _labels(rows: Indices, columns: Indices, count: int) -> Indices:
    """The smallest number that is connected with each; every edge is there in both directions."""
    label = np.arange(count)
    while True:
        low = label.copy()
        np.minimum.at(low, label[rows], label[columns])
        np.minimum.at(low, rows, label[columns])
        low = low[low]
        if np.array_equal(low, label):
            return label
        label = low


def _of_others(matrix: PETSc.Mat, own: Sequence[int] | Indices, wanted: Indices) -> Indices:
    """The labels of rows of other ranks; collective."""
    all_of_them, some = matrix.createVecLeft(), PETSc.Vec().createSeq(len(wanted), comm=PETSc.COMM_SELF)
    all_of_them.array[:] = own  # exact as floats below 2^53
    where = PETSc.IS().createGeneral(wanted.astype(PETSc.IntType), comm=PETSc.COMM_SELF)
    scatter = PETSc.Scatter().create(all_of_them, where, some, None)
    scatter.scatter(all_of_them, some)
    found = some.array_r.astype(np.int64)
    for each in (scatter, where, some, all_of_them):
        each.destroy()
    return found
