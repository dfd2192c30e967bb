"""Linear systems by PETSc: options by prefix, multigrid, failures with a name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from petsc4py import PETSc

import numpy as np
import numpy.typing as npt

from hybrid.failures import InputError, SolverError
from hybrid.fem.algebra import options
from hybrid.fem.algebra.matrices import constants, hold, last_line, product
from hybrid.fem.algebra.multigrid import Level
from hybrid.fem.sizes import SIZES

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
_FACTORED = {key: value for key, value in DIRECT.items() if key not in {"ksp_type", "pc_type"}}
_MORE = 10
"""Times the iterations, where it is not."""
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
ACROSS_RANKS: Mapping[str, object] = {
    "mg_levels_ksp_type": "python",
    "mg_levels_ksp_python_type": "hybrid.fem.algebra.smoother.GaussSeidel",
    "mg_levels_ksp_norm_type": "preconditioned",  # what PETSc asks of this type; no norm is computed
    "mg_levels_pc_type": "none",
}
"""In place of those above on several ranks, where the user has no options for the levels."""


def usual(dim: int) -> Mapping[str, object]:
    """A factorization on a line, where it costs nothing, else multigrid."""
    return MULTIGRID if SIZES[dim].multigrid else DIRECT


class LinearSolver:
    """A x = b for symmetric positive (semi-)definite A, for as many right-hand sides as wanted.

    Args:
        matrix: The assembled matrix A.
        prefix: The prefix of the solver's PETSc options; what a user has set under it wins over `defaults`.
        defaults: PETSc options without the prefix.
        levels: The coarser spaces, coarsest first, for ``pc_type mg`` (`hybrid.fem.algebra.multigrid.levels`); called only
            where that is chosen.
        singular: Whether A has the constants as its null space; b then has to sum up to zero, and x is one of the solutions.
        pieces: The number of the piece that each of this rank's rows belongs to, and how many there are, if A is singular and
            falls apart into several (`hybrid.fem.algebra.pieces`): then there is one constant for each.
        dim: Of space, which says for what size a factorization is possible where multigrid does not converge.

    Attributes:
        notes: What was done differently from what was asked for, a line each.
    """

    def __init__(
        self,
        matrix: PETSc.Mat,
        prefix: str,
        defaults: Mapping[str, object],
        levels: Callable[[], Sequence[Level]] = tuple,
        *,
        singular: bool = False,
        pieces: tuple[npt.NDArray[np.int64], int] | None = None,
        dim: int = 3,
    ) -> None:
        self.prefix = prefix
        self.matrix = matrix
        self.notes: list[str] = []
        self._coarser: list[PETSc.Mat] = []
        self._held: npt.NDArray[np.int64] | None = None
        self._pieces = pieces
        self._singular = singular
        self._dim = dim
        self._direct: LinearSolver | None = None
        database = PETSc.Options()
        given = [key for key in database.getAll() if key.startswith(prefix)]
        chosen = dict(defaults) | {"ksp_atol": 0.0}
        kind = database.getString(prefix + "pc_type", str(chosen["pc_type"]))
        self._as_usual = kind not in _EXACT and not given
        if self._as_usual and pieces is not None and pieces[1] > 1 and matrix.getSize()[0] <= SIZES[dim].factorized:
            chosen, kind = dict(DIRECT) | {"ksp_atol": 0.0}, "cholesky"
            self.notes.append(
                f"the solid is in {pieces[1]} pieces, for which a factorization is used instead of multigrid"
            )
        if matrix.comm.size > 1 and not any(key.startswith(prefix + "mg_levels") for key in given):
            chosen |= ACROSS_RANKS
        if kind in {"lu", "cholesky"}:
            chosen |= _FACTORED
        if kind not in _EXACT and chosen.get("ksp_type") == "preonly":
            chosen |= ITERATIVE  # the user's preconditioner alone does not solve
        if kind in _EXACT and singular:  # hold one value at zero
            self._held = hold(matrix, pieces)
        elif singular:
            matrix.setNullSpace(constants(matrix, pieces))
        matrix.setOption(PETSc.Mat.Option.SPD, kind in _EXACT or not singular)
        operators = self._operators(levels(), singular) if kind == "mg" else []
        try:
            with options.defaults(chosen, prefix):
                self.ksp = PETSc.KSP().create(matrix.comm)
                self.ksp.setOptionsPrefix(prefix)
                self.ksp.setOperators(matrix)
                if operators:
                    self._set_levels(operators)
                self.ksp.setFromOptions()
                self.ksp.setUp()  # the factorization and the levels read their options here, not before
        except PETSc.Error as error:
            raise self._failed(error) from None

    def _operators(self, levels: Sequence[Level], singular: bool) -> list[PETSc.Mat]:
        """The matrices of all levels below the finest, coarsest first: their own, or PᵀAP."""
        operators: list[PETSc.Mat] = []
        fine = self.matrix
        for number, level in reversed(list(enumerate(levels))):
            fine = product(fine, level.prolongation) if level.operator is None else level.operator
            if singular and number == 0:
                hold(fine)
            fine.setOption(PETSc.Mat.Option.SPD, not singular or number == 0)
            operators.insert(0, fine)
        self._coarser = [*operators, *(level.prolongation for level in levels)]
        return operators

    def _set_levels(self, operators: Sequence[PETSc.Mat]) -> None:
        pc = self.ksp.getPC()
        pc.setType("mg")
        pc.setMGLevels(len(operators) + 1)
        for number, operator in enumerate(operators):
            (pc.getMGSmoother(number) if number else pc.getMGCoarseSolve()).setOperators(operator)
            pc.setMGInterpolation(number + 1, self._coarser[len(operators) + number])

    def _failed(self, error: PETSc.Error) -> InputError | SolverError:
        """What PETSc could not set up: an option that it does not know, or a matrix that it cannot factorize."""
        text = last_line(error)
        if error.ierr in {_ERR_MEMORY, _ERR_LIBRARY} or "memory" in text.lower():
            return SolverError(f"the linear solver '{self.prefix.rstrip('_')}' could not be set up: {text}")
        return InputError(f"PETSc options -{self.prefix}…", text)

    def close(self) -> None:
        """Free the matrix and the levels; collective."""
        if self._direct is not None:
            self._direct.close()
        self.ksp.destroy()
        for matrix in (*self._coarser, self.matrix):
            matrix.destroy()

    def solve(self, b: PETSc.Vec, x: PETSc.Vec, zero: float = 0.0) -> int:
        """Solve and return the number of iterations.

        Multigrid that does not converge, by no fault of the user's options, is followed by a factorization, or by more
        iterations where the system is too large for one; `notes` then say so.

        Args:
            b: The right-hand side.
            x: Where the solution goes.
            zero: A residual of this norm is as good as none, whatever b is.

        Raises:
            SolverError: The solver did not converge, or says it did and the residual says it did not; on every rank alike.
        """
        if self._direct is not None:
            return self._direct.solve(b, x, zero)
        try:
            return self._solve(b, x, zero)
        except SolverError as failed:
            if not (self._as_usual and np.isfinite(b.norm()) and np.isfinite(self.matrix.norm())):
                raise
            if self.matrix.getSize()[0] > SIZES[self._dim].factorized:
                return self._go_on(b, x, zero)
            self.notes.append(f"{failed.args[0].split('; try')[0]}; a factorization was used instead")
        copy = self.matrix.copy()
        copy.setNullSpace(PETSc.NullSpace().create(constant=False, comm=copy.comm))
        self._direct = LinearSolver(
            copy, self.prefix, DIRECT, singular=self._singular, pieces=self._pieces, dim=self._dim
        )
        return self._direct.solve(b, x, zero)

    def _go_on(self, b: PETSc.Vec, x: PETSc.Vec, zero: float) -> int:
        """More iterations, from where it has come."""
        limit = self.ksp.getTolerances()[3]
        self.ksp.setTolerances(max_it=_MORE * limit)
        self.ksp.setInitialGuessNonzero(bool(np.isfinite(x.norm())))
        try:
            iterations = self._solve(b, x, zero)
        finally:
            self.ksp.setInitialGuessNonzero(False)
        self.notes.append(f"{self._name()} took {limit + iterations} iterations")
        return limit + iterations

    def _solve(self, b: PETSc.Vec, x: PETSc.Vec, zero: float) -> int:
        if self._held is not None:
            b = b.copy()
            b.array[self._held] = 0.0
        self.ksp.setTolerances(atol=max(zero, float(self._database_atol())))
        try:
            self.ksp.solve(b, x)
        except PETSc.Error as error:
            raise SolverError(f"{self._name()} failed: {last_line(error)}") from None
        reason = self.ksp.getConvergedReason()
        if reason <= 0:
            names = {v: k for k, v in vars(PETSc.KSP.ConvergedReason).items() if isinstance(v, int)}
            raise SolverError(
                f"{self._name()} failed after {self.ksp.getIterationNumber()} iterations: {names.get(reason, reason)}; "
                f"{self._advice()}"
            )
        residual = b.duplicate()
        self.matrix.mult(x, residual)
        residual.aypx(-1.0, b)
        absolute, size = residual.norm(), b.norm()
        relative = absolute / size if size > 0 else absolute
        allowed = 1e-6 if self.ksp.getType() == "preonly" else max(1e-6, 10 * self.ksp.getTolerances()[0])
        residual.destroy()
        if not (
            absolute <= allowed * size
            or absolute <= zero
            # in a long row of small elements the best residual is rounding, that of the terms which cancel in A x
            or absolute <= 1e-12 * self.matrix.norm(PETSc.NormType.INFINITY) * x.norm()
        ):
            raise SolverError(
                f"{self._name()} left a relative residual of {relative:.1e}; a solution needs {allowed:.0e}: "
                f"leave out the options of prefix {self.prefix}, or give it -{self.prefix}ksp_type cg"
            )
        return int(self.ksp.getIterationNumber())

    def _database_atol(self) -> float:
        return float(PETSc.Options().getReal(self.prefix + "ksp_atol", 0.0))

    def _advice(self) -> str:
        """What cures it."""
        if self.ksp.getPC().getType() in _EXACT:
            return (
                f"the matrix cannot be factorized; leave out the options of prefix {self.prefix}, or take fewer cells"
            )
        return f"try -- -{self.prefix}pc_type lu, or watch it with -- -{self.prefix}ksp_monitor"

    def _name(self) -> str:
        kind = f"{self.ksp.getType()} with {self.ksp.getPC().getType()}"
        return f"the linear solver '{self.prefix.rstrip('_')}' ({kind})"
