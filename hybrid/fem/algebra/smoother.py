"""Gauss-Seidel across ranks, for the levels of multigrid."""

from __future__ import annotations

from petsc4py import PETSc

import numpy as np

from hybrid.fem.algebra.assembly import rows_where_ranks_meet

_SYMMETRIC = PETSc.Mat.SORType.LOCAL_SYMMETRIC_SWEEP
_FROM_ZERO = _SYMMETRIC | PETSc.Mat.SORType.ZERO_INITIAL_GUESS
_STEP = 1.5
"""Of Jacobi's correction; below two, so that it converges whatever the matrix. With 1 to 1.7 the iterations are the same."""


class GaussSeidel:
    """A KSP of type ``python``: symmetric Gauss-Seidel within each rank, and a correction of the rows where ranks meet.

    PETSc's sweeps take the other ranks' values from before. Where ranks meet, both then correct the same error, which makes
    multigrid take up to three iterations more on two ranks, and diverge on more. Here the rows I with entries of other ranks
    are corrected once more, by a step of Jacobi with the ℓ1 norms of the rows of A_II in place of its diagonal, which is
    known to converge (Baker, Falgout, Kolev, Yang 2011, Multigrid smoothers for ultraparallel computing): after the sweep
    where the guess is zero, which is before multigrid's coarse correction, and before the sweep otherwise, so that the whole
    is symmetric. Iterations then are those of one rank.
    """

    def __init__(self) -> None:
        self._rows: PETSc.Mat | None = None

    def setUp(self, ksp: PETSc.KSP) -> None:
        """Find the rows where ranks meet; collective."""
        if self._rows is not None:
            return
        matrix, _ = ksp.getOperators()
        self._at = rows_where_ranks_meet(matrix)
        where = PETSc.IS().createGeneral(self._at + matrix.getOwnershipRange()[0], comm=matrix.comm)
        self._rows = matrix.createSubMatrix(where)
        self._residual = self._rows.createVecLeft()
        self._block, self._inner = matrix.getDiagonalBlock(), self._rows.getDiagonalBlock()
        self._right = matrix.createVecLeft()
        self._here, self._mine = self._inner.createVecs()
        self._right_here = self._here.duplicate()
        where.destroy()
        starts, columns, values = self._rows.getValuesCSR()
        begin, end = matrix.getOwnershipRangeColumn()
        chosen = np.zeros(end - begin + 1, bool)
        chosen[self._at] = chosen[-1] = True  # all other ranks' columns are among theirs
        within = np.where((columns >= begin) & (columns < end), columns - begin, -1)
        sizes = np.where(chosen[within], np.abs(values), 0.0)
        self._scale = _STEP / np.add.reduceat(sizes, starts[:-1]) if len(self._at) else np.empty(0)

    def solve(self, ksp: PETSc.KSP, b: PETSc.Vec, x: PETSc.Vec) -> None:
        """As many steps as the KSP's ``max_it`` says; collective."""
        matrix, _ = ksp.getOperators()
        known = ksp.getInitialGuessNonzero()
        for _ in range(ksp.getTolerances()[3]):
            if known:
                self._correct(b, x)
                self._sweep(b, x)
            else:
                matrix.SOR(b, x, sortype=_FROM_ZERO)
                self._correct(b, x)
        ksp.setConvergedReason(PETSc.KSP.ConvergedReason.CONVERGED_ITS)

    def _correct(self, b: PETSc.Vec, x: PETSc.Vec) -> None:
        assert self._rows is not None
        self._rows.mult(x, self._residual)
        x.array[self._at] += self._scale * (b.array_r[self._at] - self._residual.array_r)

    def _sweep(self, b: PETSc.Vec, x: PETSc.Vec) -> None:
        """PETSc's sweep within the rank, without the vector that it makes and clears each time."""
        assert self._rows is not None
        self._rows.mult(x, self._residual)
        b.copy(self._right)
        x.getLocalVector(self._here)
        self._inner.mult(self._here, self._mine)
        self._right.array[self._at] -= self._residual.array_r - self._mine.array_r  # what is of other ranks
        self._right.getLocalVector(self._right_here)
        self._block.SOR(self._right_here, self._here, sortype=_SYMMETRIC)
        self._right.restoreLocalVector(self._right_here)
        x.restoreLocalVector(self._here)

    def destroy(self, ksp: PETSc.KSP) -> None:
        """Free what `setUp` made; collective."""
        if self._rows is not None:
            for each in (self._rows, self._residual, self._right, self._here, self._mine, self._right_here):
                each.destroy()
            self._rows = None
