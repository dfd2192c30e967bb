"""Variational forms, compiled for the processor at hand, and their matrices and vectors."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Sequence
from typing import Any

from mpi4py import MPI
from petsc4py import PETSc

import numpy as np
import numpy.typing as npt

import ufl
from dolfinx import fem, la
from dolfinx.fem import petsc as fem_petsc

from hybrid.machine import processor

Array = npt.NDArray[np.float64]
Indices = npt.NDArray[np.integer]

_TAG = hashlib.sha256(processor().encode()).hexdigest()[:8]
_FLAGS = ["-O3", "-march=native", "-ffast-math", "-fno-finite-math-only", f"-DPROCESSOR_{_TAG}"]
"""Sums over quadrature points and basis functions may be reordered, which vectorizes them: with -O2 hexahedra take four
times as long. The name defined means nothing to the code: it keeps the kernels of different processors apart in the cache."""


def compiled(form: ufl.Form) -> fem.Form:
    """The form, ready to be assembled; collective."""
    return fem.form(form, jit_options={"cffi_extra_compile_args": _FLAGS})


def assembled(form: ufl.Form, bcs: Sequence[fem.DirichletBC] = ()) -> PETSc.Mat:
    """The matrix of a bilinear form, with rows and columns of the identity for the dofs of `bcs`; collective.

    It is filled as DOLFINx's own matrix, which takes two thirds of the time and less memory; PETSc then uses the same arrays.
    """
    kernel = compiled(form)
    pattern = fem.create_sparsity_pattern(kernel)
    pattern.finalize()
    matrix = la.matrix_csr(pattern)
    del pattern
    fem.assemble_matrix(matrix, kernel, list(bcs))
    matrix.scatter_reverse()
    rows = matrix.index_map(0).size_local
    starts = matrix.indptr[: rows + 1].astype(PETSc.IntType)
    columns, values = matrix.indices[: starts[-1]], matrix.data[: starts[-1]]
    comm = matrix.index_map(0).comm
    if comm.size > 1:
        columns = columns.copy()
        far = np.flatnonzero(columns >= rows)
        columns[far] = ~matrix.index_map(1).local_to_global(columns[far])
    return aij(comm, rows, starts, columns, values)


def aij(comm: MPI.Comm, owned: int, starts: Indices, columns: Indices, values: Array) -> PETSc.Mat:
    """A sparse matrix of rows that are given; it uses the arrays, and changes them; collective.

    Args:
        comm: The ranks that share the rows and columns.
        owned: How many columns are this rank's.
        starts: Where in the arrays this rank's rows begin, and where the last one ends.
        columns: The number of a column among this rank's, or ~n for the one of another rank with number n among all.
        values: The entries.
    """
    rows = len(starts) - 1
    if comm.size == 1:
        return PETSc.Mat().createAIJWithArrays((rows, owned), (starts, columns, values), comm=comm)
    far = np.flatnonzero(columns < 0).astype(starts.dtype)
    row = np.searchsorted(starts, far, side="right") - 1
    numbers = ~columns[far]
    order = np.lexsort((numbers, row))  # the products of PETSc's matrices take rows to be sorted
    outer = np.zeros_like(starts)
    meeting, counts = np.unique(row, return_counts=True)
    outer[meeting + 1] = counts
    np.cumsum(outer, out=outer)
    others = (outer, numbers[order], values[far[order]])
    columns, values = _without(columns, far), _without(values, far)
    matrix = PETSc.Mat().createAIJWithArrays(
        ((rows, None), (owned, None)), ((starts - outer, columns, values), others), comm=comm
    )
    matrix.setAttr("arrays", (columns, values, others))  # PETSc uses them, and does not hold them
    matrix.setAttr("meeting", meeting.astype(PETSc.IntType))
    return matrix


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


def _without(array: Any, places: Indices) -> Any:
    """The array without some of its places, moved up in its own memory."""
    if 20 * len(places) > len(array):
        return np.delete(array, places)
    ends = np.append(places, len(array)).tolist()
    for count, (begin, end) in enumerate(itertools.pairwise(ends)):
        array[begin - count : end - count - 1] = array[begin + 1 : end]
    return array[: len(array) - len(places)]


def load(form: ufl.Form, bcs: Sequence[fem.DirichletBC] = ()) -> PETSc.Vec:
    """The vector of a linear form, with the values of `bcs`; collective."""
    b = fem_petsc.assemble_vector(compiled(form))
    b.ghostUpdate(PETSc.InsertMode.ADD, PETSc.ScatterMode.REVERSE)
    fem_petsc.set_bc(b, list(bcs))
    return b
