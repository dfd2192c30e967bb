"""What linear solvers need of PETSc's matrices beside the solving: symmetry, products, null spaces."""

from __future__ import annotations

import re

from petsc4py import PETSc

import numpy as np
import numpy.typing as npt

from dolfinx import fem

from hybrid.failures import InputError
from hybrid.fem.algebra import options
from hybrid.fem.algebra.pieces import first_rows, pieces


def check_symmetric(matrix: PETSc.Mat) -> None:
    """x·Ay = y·Ax for two vectors that know nothing of A, that of a coefficient a; collective.

    Raises:
        InputError: It is not, or is no number.
    """
    x, y, image = matrix.createVecRight(), matrix.createVecRight(), matrix.createVecLeft()
    generator = np.random.default_rng(matrix.comm.rank)
    for vector in (x, y):
        vector.array[:] = generator.random(vector.local_size) - 0.5
    matrix.mult(y, image)
    one = x.dot(image)
    matrix.mult(x, image)
    other = y.dot(image)
    size = matrix.norm(PETSc.NormType.INFINITY) * x.norm() * y.norm()
    for vector in (x, y, image):  # left to Python, each would keep a communicator
        vector.destroy()
    if not np.isfinite(size + one + other):  # PETSc's norms overlook what is not a number
        raise InputError("a", "not a finite number everywhere")
    if abs(one - other) > 1e-11 * size:
        raise InputError("a", "not symmetric; allowed is a symmetric positive definite matrix")


def clean_up(space: fem.FunctionSpace) -> None:
    """Free what PETSc still holds for this mesh; collective.

    petsc4py cannot free the objects of several ranks when Python lets go of them on one: it keeps them until told.
    """
    PETSc.garbage_cleanup(space.mesh.comm)


def last_line(error: PETSc.Error) -> str:
    """What PETSc says last of an error: what was wrong."""
    lines = [re.sub(r"^\[\d+\]\s*", "", line).strip() for line in str(error).splitlines()]
    return next((line for line in reversed(lines) if line), "unknown error")


def product(matrix: PETSc.Mat, prolongation: PETSc.Mat) -> PETSc.Mat:
    """PᵀAP, and on the diagonal of the rows that no prolongation reaches (Dirichlet values, holes) the largest of all."""
    # PETSc's quicker way keeps a row of all columns; it takes it for too long where it has not allocated the matrix itself.
    entries = matrix.getInfo(PETSc.Mat.InfoType.GLOBAL_SUM)["nz_used"]
    quick = matrix.comm.size > 1 and prolongation.getSize()[1] < 2 * entries / matrix.comm.size
    with options.defaults({"matptap_via": "nonscalable"} if quick else {}):
        coarse = matrix.PtAP(prolongation)
    diagonal = coarse.getDiagonal()
    empty = np.flatnonzero(diagonal.array_r == 0.0)
    if coarse.comm.tompi4py().allreduce(len(empty)):
        diagonal.array[empty] = diagonal.max()[1] or 1.0
        coarse.setOption(PETSc.Mat.Option.NEW_NONZERO_ALLOCATION_ERR, False)  # these rows have no entries at all
        coarse.setDiagonal(diagonal)
    diagonal.destroy()
    return coarse


def hold(matrix: PETSc.Mat, known: tuple[npt.NDArray[np.int64], int] | None = None) -> npt.NDArray[np.int64]:
    """Put one row and column of each piece to a multiple of the identity's; which of this rank's these are. Collective."""
    rows = first_rows(*(known or pieces(matrix)), matrix)
    diagonal = matrix.getDiagonal()
    mean = diagonal.sum() / matrix.getSize()[0]  # as large as the others: their errors are to mean the same
    diagonal.destroy()
    first = matrix.getOwnershipRange()[0]
    matrix.zeroRowsColumns((rows + first).astype(PETSc.IntType), diag=mean)
    return rows


def constants(matrix: PETSc.Mat, known: tuple[npt.NDArray[np.int64], int] | None) -> PETSc.NullSpace:
    """The functions that are constant on each piece."""
    if known is None or known[1] == 1:
        return PETSc.NullSpace().create(constant=True, comm=matrix.comm)
    vectors = [matrix.createVecRight() for _ in range(known[1])]
    for number, vector in enumerate(vectors):
        vector.array[:] = known[0] == number
        vector.normalize()
    return PETSc.NullSpace().create(constant=False, vectors=vectors, comm=matrix.comm)
