"""Linear systems by PETSc: options by prefix, multigrid in the degree, failures with a name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from petsc4py import PETSc

import numpy as np

from dolfinx import fem
from dolfinx.fem import petsc as fem_petsc

from hybrid.errors import InputError, SolverError

DIRECT: Mapping[str, object] = {
    "ksp_type": "preonly",
    "pc_type": "cholesky",
    "pc_factor_mat_solver_type": "mumps",
    "mat_mumps_icntl_14": 60,  # extra work space in per cent; the default is tight for high degrees
}
ITERATIVE: Mapping[str, object] = {
    "ksp_type": "cg",
    "ksp_rtol": 1e-11,
    "ksp_norm_type": "unpreconditioned",
    "ksp_max_it": 2000,
}
_EXACT = {"lu", "cholesky", "redundant", "svd"}
MULTIGRID: Mapping[str, object] = {
    **ITERATIVE,
    "ksp_max_it": 500,
    "pc_type": "mg",
    "mg_coarse_pc_type": "gamg",
    "mg_coarse_ksp_type": "preonly",
}


class LinearSolver:
    """A x = b for symmetric positive definite A, for as many right-hand sides as wanted.

    Args:
        matrix: The assembled matrix A.
        prefix: The prefix of the solver's PETSc options; what a user has set under it wins over `defaults`.
        defaults: PETSc options without the prefix.
        coarsening: Prolongation matrices, coarsest first, for ``pc_type mg`` (see `p_coarsening`).
    """

    def __init__(
        self, matrix: PETSc.Mat, prefix: str, defaults: Mapping[str, object], coarsening: Sequence[PETSc.Mat] = ()
    ) -> None:
        self.prefix = prefix
        matrix.setOption(PETSc.Mat.Option.SPD, True)
        self.matrix = matrix
        database = PETSc.Options()
        chosen = dict(defaults)
        inexact = database.getString(prefix + "pc_type", "lu") not in _EXACT
        if inexact and chosen.get("ksp_type") == "preonly":
            chosen |= ITERATIVE  # the user's preconditioner alone does not solve
        used = [prefix + key for key in chosen if not database.hasName(prefix + key)]
        try:
            for key in used:
                database[key] = chosen[key.removeprefix(prefix)]
            self.ksp = PETSc.KSP().create(matrix.comm)
            self.ksp.setOptionsPrefix(prefix)
            self.ksp.setOperators(matrix)
            if database.getString(prefix + "pc_type", "") == "mg" and coarsening:
                self._set_levels(coarsening)
            self.ksp.setFromOptions()
            self.ksp.setUp()  # the factorization and the levels read their options here, not before
        except PETSc.Error as error:
            raise InputError(f"PETSc options -{prefix}…", _last_line(error)) from None
        finally:  # the database is global: leave nothing in it that the user did not put there
            for key in used:
                database.delValue(key)

    def _set_levels(self, coarsening: Sequence[PETSc.Mat]) -> None:
        pc = self.ksp.getPC()
        pc.setType("mg")
        pc.setMGLevels(len(coarsening) + 1)
        operators = self.matrix
        for level in range(len(coarsening), 0, -1):
            prolongation = coarsening[level - 1]
            pc.setMGInterpolation(level, prolongation)
            operators = _galerkin(operators, prolongation)
            below = pc.getMGCoarseSolve() if level == 1 else pc.getMGSmoother(level - 1)
            below.setOperators(operators)

    def solve(self, b: PETSc.Vec, x: PETSc.Vec) -> int:
        """Solve and return the number of iterations.

        Raises:
            SolverError: The solver did not converge, or says it did and the residual says it did not; on every rank alike.
        """
        try:
            self.ksp.solve(b, x)
        except PETSc.Error as error:
            raise SolverError(f"{self._name()} failed: {_last_line(error)}") from None
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
        relative = residual.norm() / max(b.norm(), 1e-300)
        allowed = 1e-6 if self.ksp.getType() == "preonly" else max(1e-6, 10 * self.ksp.getTolerances()[0])
        residual.destroy()
        if not relative <= allowed:
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


def _last_line(error: PETSc.Error) -> str:
    lines = [re.sub(r"^\[\d+\]\s*", "", line).strip() for line in str(error).splitlines()]
    return next((line for line in reversed(lines) if line), "unknown error")


def _galerkin(matrix: PETSc.Mat, prolongation: PETSc.Mat) -> PETSc.Mat:
    """PᵀAP, with a one on the diagonal of the rows that no prolongation reaches (Dirichlet dofs)."""
    coarse = matrix.PtAP(prolongation)
    diagonal = coarse.getDiagonal()
    empty = np.flatnonzero(diagonal.array_r == 0.0)
    diagonal.array[empty] = 1.0
    coarse.setDiagonal(diagonal)
    return coarse


def p_coarsening(space: fem.FunctionSpace, bcs: Sequence[fem.DirichletBC]) -> list[PETSc.Mat]:
    """Prolongations between the degrees k → k/2 → … → 1 on one mesh, coarsest first, with Dirichlet dofs cut out."""
    degree = space.element.basix_element.degree
    prolongations: list[PETSc.Mat] = []
    fixed = _fixed(space, bcs)
    while degree > 1:
        degree = degree // 2
        coarse = fem.functionspace(space.mesh, ("Lagrange", degree))
        coarse_fixed = _boundary_of(coarse, space, fixed)
        prolongation = fem_petsc.interpolation_matrix(coarse, space)
        prolongation.assemble()
        left, right = prolongation.createVecLeft(), prolongation.createVecRight()
        left.set(1.0)
        right.set(1.0)
        left.array[fixed] = 0.0
        right.array[coarse_fixed] = 0.0
        prolongation.diagonalScale(left, right)
        prolongations.insert(0, prolongation)
        space, fixed = coarse, coarse_fixed
    return prolongations


def _fixed(space: fem.FunctionSpace, bcs: Sequence[fem.DirichletBC]) -> np.ndarray:
    owned = space.dofmap.index_map.size_local
    dofs = np.concatenate([bc.dof_indices()[0] for bc in bcs]) if bcs else np.empty(0, np.int32)
    return np.unique(dofs[dofs < owned])


def _boundary_of(coarse: fem.FunctionSpace, fine: fem.FunctionSpace, fixed: np.ndarray) -> np.ndarray:
    """The owned dofs of `coarse` at the vertices where `fine` is fixed: those that interpolate a fixed indicator to 1."""
    indicator = fem.Function(fine)
    indicator.x.array[fixed] = 1.0
    indicator.x.scatter_forward()
    below = fem.Function(coarse)
    below.interpolate(indicator)
    return np.flatnonzero(below.x.array[: coarse.dofmap.index_map.size_local] > 0.5)
