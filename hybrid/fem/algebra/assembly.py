"""Matrices and vectors of variational forms."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from mpi4py import MPI
from petsc4py import PETSc

import numpy as np
import numpy.typing as npt

import ufl
from dolfinx import fem, la
from dolfinx.fem import petsc as fem_petsc

from hybrid.fem.algebra import options
from hybrid.fem.algebra.jit import compiled

Array = npt.NDArray[np.float64]
Indices = npt.NDArray[np.integer]

_NO_INODES = {"mat_no_inode": True}
"""PETSc need not look for rows with the same columns: there are none."""


def assembled(
    form: ufl.Form, bcs: Sequence[fem.DirichletBC] = (), fill: Callable[[la.MatrixCSR], None] | None = None
) -> PETSc.Mat:
    """The matrix of a bilinear form; rows and columns of `bcs` have the diagonal alone, its largest entry; collective.

    It is filled as DOLFINx's own matrix, which takes two thirds of the time and less memory; PETSc then uses the same arrays.
    Where there is a quicker way to `fill` it, by the cells of this rank, there are to be no `bcs`.
    """
    kernel = compiled(form)
    pattern = fem.create_sparsity_pattern(kernel)
    pattern.finalize()
    matrix = la.matrix_csr(pattern)
    del pattern
    if fill is None:
        fem.assemble_matrix(matrix, kernel, list(bcs), 0.0)
    else:
        fill(matrix)
    matrix.scatter_reverse()
    rows = matrix.index_map(0).size_local
    starts = matrix.indptr[: rows + 1].astype(PETSc.IntType)
    columns, values = matrix.indices[: starts[-1]], matrix.data[: starts[-1]]
    comm = matrix.index_map(0).comm
    if bcs:
        fixed = np.unique(np.concatenate([bc.dof_indices()[0] for bc in bcs]))
        _set_diagonal(comm, starts, columns, values, fixed[fixed < rows])
    if comm.size == 1:
        return aij(comm, rows, starts, columns, values)
    far = np.flatnonzero(columns >= rows)
    row = np.searchsorted(starts, far.astype(starts.dtype), side="right") - 1
    others = (row, matrix.index_map(1).local_to_global(columns[far]), values[far])
    starts[1:] -= np.cumsum(np.bincount(row, minlength=rows), dtype=starts.dtype)
    return aij(comm, rows, starts, _without(columns.copy(), far), _without(values, far), others)


def _set_diagonal(comm: MPI.Comm, starts: Indices, columns: Indices, values: Array, rows: Indices) -> None:
    """Give some rows the largest entry of all on the diagonal; of a positive matrix it is on the diagonal itself."""
    largest = comm.allreduce(float(values.max(initial=0.0)), op=MPI.MAX)
    begin, sizes = starts[rows], starts[rows + 1] - starts[rows]
    places = np.repeat(begin - np.cumsum(sizes) + sizes, sizes) + np.arange(sizes.sum())
    values[places[columns[places] == np.repeat(rows, sizes)]] = largest if largest > 0 else 1.0


def aij(
    comm: MPI.Comm,
    owned: int,
    starts: Indices,
    columns: Indices,
    values: Array,
    others: tuple[Indices, Indices, Array] | None = None,
) -> PETSc.Mat:
    """A sparse matrix of rows that are given; it uses the arrays; collective.

    Args:
        comm: The ranks that share the rows and columns.
        owned: How many columns are this rank's.
        starts: Where in `columns` and `values` this rank's rows begin, and where the last one ends.
        columns: The numbers of columns among this rank's, ascending in each row.
        values: The entries there.
        others: The entries in other ranks' columns: their rows, the columns' numbers among all, the values; in any order.
            Left out on one rank only.
    """
    rows = len(starts) - 1
    if comm.size == 1:
        with options.defaults(_NO_INODES):
            return PETSc.Mat().createAIJWithArrays((rows, owned), (starts, columns, values), comm=comm)
    assert others is not None
    row, number, value = others
    order = np.lexsort((number, row))
    outer = np.zeros_like(starts)
    meeting, counts = np.unique(row, return_counts=True)
    outer[meeting + 1] = counts
    np.cumsum(outer, out=outer)
    sizes = ((rows, None), (owned, None))
    arrays = (starts, columns, values), (outer, number[order].astype(PETSc.IntType), value[order])
    with options.defaults(_NO_INODES):
        matrix = PETSc.Mat().createAIJWithArrays(sizes, arrays, comm=comm)
    matrix.setAttr("arrays", arrays)  # PETSc uses them, and does not hold them
    matrix.setAttr("meeting", meeting.astype(PETSc.IntType))
    return matrix


def _without(array: Any, places: Indices) -> Any:
    """The array without some of its places, moved up in its own memory."""
    ends = np.append(places, len(array)).tolist()
    for count, (begin, end) in enumerate(itertools.pairwise(ends)):
        array[begin - count : end - count - 1] = array[begin + 1 : end]
    return array[: len(array) - len(places)]


def rows_where_ranks_meet(matrix: PETSc.Mat) -> Indices:
    """Which of this rank's rows of a symmetric matrix have entries in the columns of other ranks; collective."""
    known: Indices | None = matrix.getAttr("meeting")
    if known is None:  # not from `aij`
        block = matrix.getDiagonalBlock()
        x, total = matrix.createVecs()
        inner, within = block.createVecs()
        x.array[:] = inner.array[:] = 1.0 + np.random.default_rng(matrix.comm.rank).random(x.local_size)
        matrix.mult(x, total)
        block.mult(inner, within)
        known = np.flatnonzero(total.array_r != within.array_r).astype(PETSc.IntType)
        for each in (x, total, inner, within):
            each.destroy()
    return known


def load(form: ufl.Form, bcs: Sequence[fem.DirichletBC] = ()) -> PETSc.Vec:
    """The vector of a linear form, with the values of `bcs`; collective."""
    b = fem_petsc.assemble_vector(compiled(form))
    b.ghostUpdate(PETSc.InsertMode.ADD, PETSc.ScatterMode.REVERSE)
    fem_petsc.set_bc(b, list(bcs))
    return b
