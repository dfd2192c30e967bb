"""Linear systems by PETSc: options by prefix, multigrid, failures with a name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from petsc4py import PETSc

import numpy as np

from dolfinx import fem

from hybrid.errors import InputError, SolverError

DIRECT: Mapping[str, object] = {
    "ksp_type": "preonly",
    "pc_type": "cholesky",
    "pc_factor_mat_solver_type": "mumps",
    "mat_mumps_icntl_14": 60,  # extra work space in per cent; the default is tight for high degrees
}
ITERATIVE: Mapping[str, object] = {
    "ksp_type": "cg",
    "ksp_rtol": 1e-10,
    "ksp_norm_type": "unpreconditioned",
    "ksp_max_it": 2000,
}
_ERR_MEMORY, _ERR_LIBRARY = 55, 76
"""PETSc's numbers of errors that are not the options' fault."""
_EXACT = {"lu", "cholesky", "redundant", "svd"}
MULTIGRID: Mapping[str, object] = {
    **ITERATIVE,
    "ksp_max_it": 500,
    "pc_type": "mg",
    # One symmetric Gauss-Seidel sweep before and after. On the paper's problem, 1.05 million unknowns, 0.64 s in 6 iterations;
    # a forward sweep before and a backward one after 0.68 s in 9, two of Chebyshev's steps on the diagonal 0.97 s in 9.
    "mg_levels_ksp_type": "richardson",
    "mg_levels_ksp_max_it": 1,
    "mg_levels_ksp_norm_type": "none",
    "mg_levels_pc_type": "sor",
    "mg_coarse_ksp_type": "preonly",
    "mg_coarse_pc_type": "cholesky",
    "mg_coarse_pc_factor_mat_solver_type": "mumps",
}
_ACROSS = 0.7
"""The relaxation of Gauss-Seidel on several ranks, which stays within each of them. Two ranks then take one or two
iterations more than one rank does; with 1 they take three more."""
_FAR = 1.7
"""The largest eigenvalue of M⁻¹A with which a smoother keeps its full step; the limit is two, and estimates are low."""


class LinearSolver:
    """A x = b for symmetric positive (semi-)definite A, for as many right-hand sides as wanted.

    Args:
        matrix: The assembled matrix A.
        prefix: The prefix of the solver's PETSc options; what a user has set under it wins over `defaults`.
        defaults: PETSc options without the prefix.
        prolongations: Of the multigrid levels, coarsest first, for ``pc_type mg`` (`hybrid.fem.multigrid`); called only
            where that is chosen.
        singular: Whether A has the constants as its null space; b then has to sum up to zero, and x is one of the solutions.
        zero: A residual of this norm is as good as none, whatever b is.
    """

    def __init__(
        self,
        matrix: PETSc.Mat,
        prefix: str,
        defaults: Mapping[str, object],
        prolongations: Callable[[], Sequence[PETSc.Mat]] = tuple,
        *,
        singular: bool = False,
        zero: float = 0.0,
    ) -> None:
        self.prefix = prefix
        self.matrix = matrix
        self._levels: list[PETSc.Mat] = []
        self._held = False
        self._zero = zero
        database = PETSc.Options()
        chosen = dict(defaults) | {"ksp_atol": zero}
        kind = database.getString(prefix + "pc_type", str(chosen["pc_type"]))
        if matrix.comm.size > 1:
            chosen["mg_levels_pc_sor_omega"] = _ACROSS
        if kind not in _EXACT and chosen.get("ksp_type") == "preonly":
            chosen |= ITERATIVE  # the user's preconditioner alone does not solve
        if kind in _EXACT and singular:  # hold one value at zero
            self._held = _hold_first(matrix)
        elif singular:
            matrix.setNullSpace(PETSc.NullSpace().create(constant=True, comm=matrix.comm))
        matrix.setOption(PETSc.Mat.Option.SPD, kind in _EXACT or not singular)
        operators = self._galerkin(prolongations(), singular) if kind == "mg" else []
        used = [prefix + key for key in chosen if not database.hasName(prefix + key)]
        try:
            for key in used:
                database[key] = chosen[key.removeprefix(prefix)]
            self.ksp = PETSc.KSP().create(matrix.comm)
            self.ksp.setOptionsPrefix(prefix)
            self.ksp.setOperators(matrix)
            if operators:
                self._set_levels(operators)
            self.ksp.setFromOptions()
            self.ksp.setUp()  # the factorization and the levels read their options here, not before
            if operators and matrix.comm.size > 2:
                self._damp(len(operators))
        except PETSc.Error as error:
            raise self._failed(error) from None
        finally:  # the database is global: leave nothing in it that the user did not put there
            for key in used:
                database.delValue(key)

    def _galerkin(self, prolongations: Sequence[PETSc.Mat], singular: bool) -> list[PETSc.Mat]:
        """PᵀAP for every level below the finest, coarsest first."""
        self._levels = list(prolongations)
        operators: list[PETSc.Mat] = []
        fine = self.matrix
        for level, prolongation in reversed(list(enumerate(self._levels))):
            fine = _product(fine, prolongation)
            if singular and level == 0:
                _hold_first(fine)
            fine.setOption(PETSc.Mat.Option.SPD, not singular or level == 0)
            operators.insert(0, fine)
        return operators

    def _set_levels(self, operators: Sequence[PETSc.Mat]) -> None:
        pc = self.ksp.getPC()
        pc.setType("mg")
        pc.setMGLevels(len(operators) + 1)
        for level, (operator, prolongation) in enumerate(zip(operators, self._levels, strict=True)):
            (pc.getMGSmoother(level) if level else pc.getMGCoarseSolve()).setOperators(operator)
            pc.setMGInterpolation(level + 1, prolongation)
        self._levels += operators

    def _damp(self, levels: int) -> None:
        """Shorten the steps of smoothers that would go too far.

        Gauss-Seidel stays within each rank, and where ranks meet M⁻¹A has eigenvalues up to their number: from two on a step
        with M⁻¹ smooths no more. Two ranks alone do not get there.
        """
        database = PETSc.Options()
        for level in range(1, levels + 1):
            smoother = self.ksp.getPC().getMGSmoother(level)
            if smoother.getType() != "richardson" or smoother.getPC().getType() != "sor":
                continue  # the user's
            largest = _largest_where_ranks_meet(smoother.getOperators()[0], smoother.getPC())
            if largest > _FAR:
                key = f"{self.prefix}mg_levels_{level}_ksp_richardson_scale"
                database[key] = _FAR / largest
                smoother.setFromOptions()
                database.delValue(key)

    def _failed(self, error: PETSc.Error) -> InputError | SolverError:
        """What PETSc could not set up: an option that it does not know, or a matrix that it cannot factorize."""
        text = last_line(error)
        if error.ierr in {_ERR_MEMORY, _ERR_LIBRARY} or "memory" in text.lower():
            return SolverError(f"the linear solver '{self.prefix.rstrip('_')}' could not be set up: {text}")
        return InputError(f"PETSc options -{self.prefix}…", text)

    def close(self) -> None:
        """Free the matrix and the levels; collective."""
        self.ksp.destroy()
        for matrix in (*self._levels, self.matrix):
            matrix.destroy()

    def solve(self, b: PETSc.Vec, x: PETSc.Vec) -> int:
        """Solve and return the number of iterations.

        Raises:
            SolverError: The solver did not converge, or says it did and the residual says it did not; on every rank alike.
        """
        if self._held:
            b.array[0] = 0.0
        try:
            self.ksp.solve(b, x)
        except PETSc.Error as error:
            raise SolverError(f"{self._name()} failed: {last_line(error)}") from None
        reason = self.ksp.getConvergedReason()
        if reason <= 0:
            names = {v: k for k, v in vars(PETSc.KSP.ConvergedReason).items() if isinstance(v, int)}
            raise SolverError(
                f"{self._name()} failed after {self.ksp.getIterationNumber()} iterations: {names.get(reason, reason)}; "
                f"try -- -{self.prefix}pc_type lu, or watch it with -- -{self.prefix}ksp_monitor"
            )
        residual = b.duplicate()
        self.matrix.mult(x, residual)
        residual.aypx(-1.0, b)
        absolute = residual.norm()
        relative = absolute / max(b.norm(), 1e-300)
        allowed = 1e-6 if self.ksp.getType() == "preonly" else max(1e-6, 10 * self.ksp.getTolerances()[0])
        residual.destroy()
        if not (
            relative <= allowed
            or absolute <= self._zero
            # in a long row of small elements the best residual is rounding, that of the terms which cancel in A x
            or absolute <= 1e-12 * self.matrix.norm(PETSc.NormType.INFINITY) * x.norm()
        ):
            raise SolverError(
                f"{self._name()} left a relative residual of {relative:.1e}; a solution needs {allowed:.0e}: "
                f"leave out the options of prefix {self.prefix}, or give it -{self.prefix}ksp_type cg"
            )
        return int(self.ksp.getIterationNumber())

    def _name(self) -> str:
        kind = f"{self.ksp.getType()} with {self.ksp.getPC().getType()}"
        return f"the linear solver '{self.prefix.rstrip('_')}' ({kind})"


def clean_up(space: fem.FunctionSpace) -> None:
    """Free what PETSc still holds for this mesh; collective.

    petsc4py cannot free the objects of several ranks when Python lets go of them on one: it keeps them until told.
    """
    PETSc.garbage_cleanup(space.mesh.comm)


def last_line(error: PETSc.Error) -> str:
    """What PETSc says last of an error: what was wrong."""
    lines = [re.sub(r"^\[\d+\]\s*", "", line).strip() for line in str(error).splitlines()]
    return next((line for line in reversed(lines) if line), "unknown error")


def _largest_where_ranks_meet(matrix: PETSc.Mat, pc: PETSc.PC) -> float:
    """About the largest eigenvalue of M⁻¹A, by a few steps of Lanczos that begin in rows with entries of two ranks."""
    block = matrix.getDiagonalBlock()
    x, b = matrix.createVecs()
    inner, own = block.createVecs()
    x.set(1.0)
    inner.set(1.0)
    matrix.mult(x, b)
    block.mult(inner, own)
    meeting = np.abs(b.array_r - own.array_r) > 1e-12 * block.getDiagonal().array_r
    b.array[:] = np.where(meeting, np.random.default_rng(matrix.comm.rank).choice([-1.0, 1.0], len(meeting)), 0.0)
    lanczos = PETSc.KSP().create(matrix.comm)
    lanczos.setType("cg")
    lanczos.setOperators(matrix)
    lanczos.setPC(pc)
    lanczos.setNormType(PETSc.KSP.NormType.NONE)
    lanczos.setTolerances(max_it=8)
    lanczos.setComputeEigenvalues(True)
    lanczos.solve(b, x)
    found = float(np.max(lanczos.computeEigenvalues().real, initial=0.0))
    lanczos.destroy()
    return found


def _product(matrix: PETSc.Mat, prolongation: PETSc.Mat) -> PETSc.Mat:
    """PᵀAP, with a one on the diagonal of the rows that no prolongation reaches (Dirichlet values, holes)."""
    coarse = matrix.PtAP(prolongation)
    diagonal = coarse.getDiagonal()
    empty = np.flatnonzero(diagonal.array_r == 0.0)
    if coarse.comm.tompi4py().allreduce(len(empty)):
        diagonal.array[empty] = 1.0
        coarse.setOption(PETSc.Mat.Option.NEW_NONZERO_ALLOCATION_ERR, False)  # these rows have no entries at all
        coarse.setDiagonal(diagonal)
    return coarse


def _hold_first(matrix: PETSc.Mat) -> bool:
    """Put the first row and column to those of the identity; whether they are this rank's. Collective."""
    first, last = matrix.getOwnershipRange()
    mine = first == 0 < last
    matrix.zeroRowsColumns([0] if mine else [], diag=1.0)
    return bool(mine)
