"""Variational forms, compiled for the processor at hand, and their matrices and vectors."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from petsc4py import PETSc

import ufl
from dolfinx import fem, la
from dolfinx.fem import petsc as fem_petsc

from hybrid.machine import processor

_TAG = hashlib.sha256(processor().encode()).hexdigest()[:8]
_FLAGS = ["-O3", "-march=native", "-ffast-math", "-fno-finite-math-only", f"-DPROCESSOR_{_TAG}"]
"""Sums over quadrature points and basis functions may be reordered, which vectorizes them: with -O2 hexahedra take four
times as long. The name defined means nothing to the code: it keeps the kernels of different processors apart in the cache."""


def compiled(form: ufl.Form) -> fem.Form:
    """The form, ready to be assembled; collective."""
    return fem.form(form, jit_options={"cffi_extra_compile_args": _FLAGS})


def assembled(form: ufl.Form, bcs: Sequence[fem.DirichletBC] = ()) -> PETSc.Mat:
    """The matrix of a bilinear form, with rows and columns of the identity for the dofs of `bcs`; collective.

    It is filled as DOLFINx's own matrix, which takes two thirds of the time and less memory; on one rank PETSc then uses
    the same arrays.
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
    if comm.size == 1:
        return PETSc.Mat().createAIJWithArrays((rows, rows), (starts, columns, values), comm=comm)
    numbers = matrix.index_map(1).local_to_global(columns).astype(PETSc.IntType)
    return PETSc.Mat().createAIJ(((rows, None), (rows, None)), csr=(starts, numbers, values), comm=comm)


def load(form: ufl.Form, bcs: Sequence[fem.DirichletBC] = ()) -> PETSc.Vec:
    """The vector of a linear form, with the values of `bcs`; collective."""
    b = fem_petsc.assemble_vector(compiled(form))
    b.ghostUpdate(PETSc.InsertMode.ADD, PETSc.ScatterMode.REVERSE)
    fem_petsc.set_bc(b, list(bcs))
    return b
