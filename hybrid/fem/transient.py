"""∂_t u - D Δu + c u = f with u = 0 on the boundary, integrated by PETSc TS with error control."""

from __future__ import annotations

import time

from mpi4py import MPI
from petsc4py import PETSc

import numpy as np
from sympy import Expr

import ufl
from dolfinx import fem
from dolfinx.fem import petsc as fem_petsc

from hybrid.errors import InputError, SolverError
from hybrid.fem.dirichlet import Solution
from hybrid.fem.linear import clean_up, last_line
from hybrid.fem.mesh import zero_on_boundary
from hybrid.problems import ReactionDiffusionProblem
from hybrid.symbols import evaluate, numpy_function, t, x


class _Equations:
    """What TS asks for: F(t, u, u') = M u' + K u - b(t) and its Jacobian shift·M + K; zero rows of M hold u = 0 on ∂Ω."""

    def __init__(self, space: fem.FunctionSpace, diffusion: float, reaction: ufl.core.expr.Expr, f: Expr) -> None:
        degree = space.element.basix_element.degree
        dx = ufl.dx(metadata={"quadrature_degree": 2 * degree + 4})
        u, v = ufl.TrialFunction(space), ufl.TestFunction(space)
        bcs = zero_on_boundary(space)
        self.bcs = bcs
        self.clock = fem.Constant(space.mesh, 0.0)
        at = ufl.SpatialCoordinate(space.mesh)
        symbols = {s: at[i] for i, s in enumerate(x[: space.mesh.geometry.dim])} | {t: self.clock}
        self.load = fem.form(ufl.as_ufl(evaluate(f, symbols, "ufl")) * v * dx)
        self.mass = fem_petsc.assemble_matrix(fem.form(u * v * dx), bcs, diag=0.0)
        self.mass.assemble()
        stiffness = (diffusion * ufl.inner(ufl.grad(u), ufl.grad(v)) + reaction * u * v) * dx
        self.stiffness = fem_petsc.assemble_matrix(fem.form(stiffness), bcs)
        self.stiffness.assemble()
        self.jacobian = self.stiffness.duplicate(copy=True)
        self.b = fem_petsc.create_vector(space)
        self.steady = t not in f.free_symbols
        self.loaded = np.nan

    def source(self, time_: float) -> PETSc.Vec:
        """b(t); assembled anew only when the time is another and f depends on it."""
        if np.isnan(self.loaded) or (time_ != self.loaded and not self.steady):
            self.clock.value = time_
            with self.b.localForm() as local:
                local.set(0.0)
            fem_petsc.assemble_vector(self.b, self.load)
            self.b.ghostUpdate(PETSc.InsertMode.ADD, PETSc.ScatterMode.REVERSE)
            fem_petsc.set_bc(self.b, self.bcs)
            self.loaded = time_
        return self.b

    def function(self, _: PETSc.TS, time_: float, u: PETSc.Vec, rate: PETSc.Vec, residual: PETSc.Vec) -> None:
        """F(t, u, u')."""
        self.mass.mult(rate, residual)
        self.stiffness.multAdd(u, residual, residual)
        residual.axpy(-1.0, self.source(time_))

    def derivative(
        self,
        _: PETSc.TS,
        __: float,
        ___: PETSc.Vec,
        ____: PETSc.Vec,
        shift: float,
        matrix: PETSc.Mat,
        ______: PETSc.Mat,
    ) -> None:
        """shift·M + K."""
        self.stiffness.copy(matrix, PETSc.Mat.Structure.SAME_NONZERO_PATTERN)
        matrix.axpy(shift, self.mass, PETSc.Mat.Structure.SAME_NONZERO_PATTERN)


def integrate(
    problem: ReactionDiffusionProblem,
    space: fem.FunctionSpace,
    reaction: ufl.core.expr.Expr,
    prefix: str,
    *,
    tolerance: float = 1e-9,
) -> Solution:
    """Integrate ∂_t u - D Δu + `reaction` u = f from u0 to t = T.

    A diagonally implicit, stiffly accurate Runge-Kutta method of order 4 (PETSc's ARKIMEX "4", all of it implicit), whose
    steps keep the estimated error of each below `tolerance` relative to u.

    Args:
        problem: Gives D, f, u0 and T.
        space: Lagrange elements.
        reaction: The factor of u, in UFL.
        prefix: Of the PETSc options.
        tolerance: Relative error allowed in a step.

    Raises:
        InputError: PETSc options that it does not know.
        SolverError: The time stepping failed.
    """
    start = time.perf_counter()
    comm = space.mesh.comm
    equations = _Equations(space, problem.D, reaction, problem.f)
    u = fem.Function(space)
    initial = numpy_function(problem.u0)
    u.x.array[:] = initial(space.tabulate_dof_coordinates()[:, : problem.dim])
    fem_petsc.set_bc(u.x.petsc_vec, equations.bcs)

    ts = PETSc.TS().create(comm)
    ts.setOptionsPrefix(prefix)
    ts.setProblemType(PETSc.TS.ProblemType.LINEAR)
    ts.setType(PETSc.TS.Type.ARKIMEX)
    ts.setARKIMEXType("4")
    ts.setARKIMEXFullyImplicit(True)
    ts.setIFunction(equations.function, equations.b.duplicate())
    ts.setIJacobian(equations.derivative, equations.jacobian, equations.jacobian)
    ts.setTime(0.0)
    ts.setMaxTime(problem.T)
    ts.setMaxSteps(100_000)
    ts.setTimeStep(problem.T * 1e-5)
    ts.setExactFinalTime(PETSc.TS.ExactFinalTime.MATCHSTEP)
    scale = max(comm.allreduce(float(np.abs(u.x.array).max(initial=0.0)), op=MPI.MAX), 1e-3)
    ts.setTolerances(rtol=tolerance, atol=tolerance * scale)
    snes = ts.getSNES()
    snes.setType("ksponly")
    ksp = snes.getKSP()
    if problem.dim < 3:
        ksp.setType("preonly")
        ksp.getPC().setType("lu")
        if comm.size > 1:
            ksp.getPC().setFactorSolverType("mumps")
    else:  # factors fill up in space, and the mass, divided by the step, keeps the condition number small
        ksp.setType("cg")
        ksp.setNormType(PETSc.KSP.NormType.UNPRECONDITIONED)
        ksp.setTolerances(rtol=1e-10, max_it=2000)
        ksp.getPC().setType("sor")
    try:
        ts.setFromOptions()
    except PETSc.Error as error:
        raise InputError(f"PETSc options -{prefix}…", last_line(error)) from None
    try:
        ts.solve(u.x.petsc_vec)
    except PETSc.Error as error:
        raise SolverError(
            f"the time stepping '{prefix.rstrip('_')}' failed at t = {ts.getTime():.4g} of {problem.T:g}: "
            f"{last_line(error)}; leave out the options of prefix {prefix}"
        ) from None
    if ts.getConvergedReason() <= 0:
        raise SolverError(
            f"the time stepping '{prefix.rstrip('_')}' stopped at t = {ts.getTime():.4g} of {problem.T:g} (reason "
            f"{ts.getConvergedReason()}); watch it with -- -{prefix}ts_monitor"
        )
    u.x.scatter_forward()
    steps = int(ts.getStepNumber())
    ts.destroy()
    del ts, snes, ksp, equations
    clean_up(space)
    return Solution(u, time.perf_counter() - start, steps)
