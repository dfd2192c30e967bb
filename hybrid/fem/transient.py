"""∂_t u - D Δu + c u = f with u = 0 on the boundary, integrated by PETSc TS with error control."""

from __future__ import annotations

import math
from typing import Any

from mpi4py import MPI
from petsc4py import PETSc

import numpy as np
import numpy.typing as npt
from sympy import Symbol

import ufl
from dolfinx import fem
from dolfinx.fem import petsc as fem_petsc

from hybrid.clock import clock
from hybrid.equation import Equation
from hybrid.failures import InputError, SolverError
from hybrid.fem.algebra.coefficients import on_mesh
from hybrid.fem.algebra.matrices import clean_up, last_line
from hybrid.fem.dirichlet import Solution
from hybrid.fem.forms import reaction_on
from hybrid.fem.meshes.box import zero_on_boundary
from hybrid.fem.sizes import SIZES
from hybrid.grids import COUNTS
from hybrid.media.constant import Constant
from hybrid.media.expression import Expression
from hybrid.symbols import evaluate, numpy_function, t, x

_FIRST_STEP = 1e-5
"""Of the final time."""
_SHORTEST = 1e-15
_TINY = 1e-300
_OVERFLOW = 700.0
_LARGEST = 1e300
_NOTICED = 1e-10
"""Less of a solution is said by the estimates of mesh and time anyway."""
_ROUNDING = 1e-15
"""What a step leaves of rounding, relative: a few times the unit, by its sums and its factorization."""


def _largest(comm: MPI.Comm, values: npt.NDArray[np.float64]) -> float:
    return float(comm.allreduce(float(np.abs(values).max(initial=0.0)), op=MPI.MAX))


def _power(value: float) -> float:
    """The power of two next to a positive number: dividing by it leaves the digits as they are."""
    return 2.0 ** round(math.log2(value)) if value > 0 else 1.0


class _Equations:
    """What TS asks for: F(t, u, u') = M u' + K u - b(t) and its Jacobian shift·M + K; zero rows of M hold u = 0 on ∂Ω.

    Time, u and volume are in units in which they are about one: in PETSc's beginning of ARKIMEX there are absolute numbers.

    Attributes:
        time_unit: Seconds, say, in the unit of time.
        unit: Of u.
        rounding: What the slowest mode has of it, in that unit.
    """

    def __init__(self, equation: Equation, space: fem.FunctionSpace, rate: float) -> None:
        diffusion, f = equation.diffusion, equation.source
        degree = space.element.basix_element.degree
        dx = ufl.dx(metadata={"quadrature_degree": 2 * degree + 4})
        u, v = ufl.TrialFunction(space), ufl.TestFunction(space)
        bcs = zero_on_boundary(space)
        self.bcs = bcs
        self.clock = fem.Constant(space.mesh, 0.0)
        at = ufl.SpatialCoordinate(space.mesh)
        symbols = {s: at[i] for i, s in enumerate(x[: space.mesh.geometry.dim])} | {t: self.clock}
        self.load = fem.form(on_mesh(f, symbols, space.mesh) * v * dx)
        self.mass = fem_petsc.assemble_matrix(fem.form(u * v * dx), bcs, diag=0.0)
        self.mass.assemble()
        density = diffusion * ufl.inner(ufl.grad(u), ufl.grad(v))
        if equation.reaction is not None:
            density += reaction_on(equation, space.mesh) * u * v
        stiffness = density * dx
        self.stiffness = fem_petsc.assemble_matrix(fem.form(stiffness), bcs)
        self.stiffness.assemble()
        self.b = fem_petsc.create_vector(space)
        self.steady = t not in f.free_symbols
        self.loaded = np.nan
        owned = space.dofmap.index_map.size_local
        self._f, self._points = f, space.tabulate_dof_coordinates()[:owned, : equation.dim].T
        self.comm = space.mesh.comm
        start = _largest(self.comm, np.asarray(evaluate(equation.evolution.initial, self._values()), dtype=float))
        self._sizes: dict[float, float] = {}
        until = equation.evolution.until
        self._floor = until * _FIRST_STEP * max(self.largest_f(until * k / 16) for k in range(17))
        self.unit, self.time_unit = _power(max(start, self._floor)), _power(until)
        volume = _power(math.prod(high - low for low, high in equation.domain))
        self.mass.scale(1 / volume)
        self.stiffness.scale(self.time_unit / volume)
        self.jacobian = self.stiffness.duplicate(copy=True)
        self._load_unit = self.time_unit / volume / self.unit
        self.rounding, self._since, self._rate = 0.0, 0.0, rate * self.time_unit

    def _values(self) -> dict[Symbol, Any]:
        return dict(zip(x, self._points, strict=False))

    def largest_f(self, time_: float) -> float:
        """The maximum of |f(·, t)|; collective."""
        time_ = 0.0 if self.steady else time_
        if time_ not in self._sizes:
            value = np.asarray(evaluate(self._f, self._values() | {t: time_}), dtype=float)
            self._sizes = {time_: _largest(self.comm, value)}
        return self._sizes[time_]

    def before_step(self, ts: PETSc.TS, tolerance: float) -> None:
        """Measure the errors of the next step against what u is now; collective."""
        scale = self.scale(ts.getTime(), ts.getTimeStep(), ts.getSolution())
        ts.setTolerances(rtol=tolerance, atol=max(tolerance * scale, _TINY))
        self.add_rounding(ts.getTime(), ts.getSolution())

    def add_rounding(self, time_: float, u: PETSc.Vec) -> None:
        """Follow what rounding has put into the slowest mode: it decays as that does, not as u; collective."""
        decayed = self.rounding * math.exp(min(-self._rate * (time_ - self._since), _OVERFLOW))
        self.rounding, self._since = decayed + _ROUNDING * _largest(self.comm, u.array_r), time_

    def scale(self, time_: float, step: float, u: PETSc.Vec) -> float:
        """What an error in a step is measured against: u as it is, or what f makes of it in the step; collective."""
        time_, step = time_ * self.time_unit, step * self.time_unit
        made = [step * self.largest_f(at) for at in (time_, time_ + step)]
        # Where there is nothing yet, an error is one against what will be there.
        return max(_largest(self.comm, u.array_r), max(made) / self.unit) or self._floor / self.unit or 1.0

    def close(self) -> None:
        """Free what is PETSc's; collective."""
        for each in (self.mass, self.stiffness, self.jacobian, self.b):
            each.destroy()

    def source(self, time_: float) -> PETSc.Vec:
        """b(t); assembled anew only when the time is another and f depends on it."""
        if np.isnan(self.loaded) or (time_ != self.loaded and not self.steady):
            self.clock.value = time_ * self.time_unit
            with self.b.localForm() as local:
                local.set(0.0)
            fem_petsc.assemble_vector(self.b, self.load)
            self.b.ghostUpdate(PETSc.InsertMode.ADD, PETSc.ScatterMode.REVERSE)
            fem_petsc.set_bc(self.b, self.bcs)
            self.b.scale(self._load_unit)
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
    equation: Equation,
    space: fem.FunctionSpace,
    prefix: str,
    rate: float,
    *,
    tolerance: float = 1e-9,
) -> Solution:
    """Integrate ∂_t u - D Δu + c u = f from u(·, 0) to t = T.

    A diagonally implicit, stiffly accurate Runge-Kutta method of order 4 (PETSc's ARKIMEX "4", all of it implicit), whose
    steps keep the estimated error of each below `tolerance` relative to the largest value of u at that time, however small u
    may have become.

    Args:
        equation: On Ω, with time.
        space: Lagrange elements.
        prefix: Of the PETSc options.
        rate: At which the slowest mode decays, see `rate_of`: what rounding leaves in that mode is followed.
        tolerance: Relative error allowed in a step.

    Raises:
        InputError: PETSc options that it does not know.
        SolverError: The time stepping failed.
    """
    start = clock()
    comm = space.mesh.comm
    equations = _Equations(equation, space, rate)
    u = fem.Function(space)
    initial = numpy_function(equation.evolution.initial)
    u.x.array[:] = initial(space.tabulate_dof_coordinates()[:, : equation.dim])
    fem_petsc.set_bc(u.x.petsc_vec, equations.bcs)
    u.x.petsc_vec.scale(1 / equations.unit)
    end = equation.evolution.until / equations.time_unit

    ts = _stepper(equations, prefix, end, tolerance)
    snes = ts.getSNES()
    snes.setType("ksponly")
    ksp = snes.getKSP()
    _set_up(ksp, equation.dim)
    try:
        ts.setFromOptions()
    except PETSc.Error as error:
        raise InputError(f"PETSc options -{prefix}…", last_line(error)) from None

    def reached() -> str:
        at = ts.getTime() / end * equation.evolution.until
        return f"the time stepping '{prefix.rstrip('_')}' stopped at t = {at:.4g} of {equation.evolution.until:g}"

    try:
        ts.solve(u.x.petsc_vec)
    except PETSc.Error as error:
        raise SolverError(f"{reached()}: {last_line(error)}; leave out the options of prefix {prefix}") from None
    if ts.getConvergedReason() <= 0:
        raise SolverError(f"{reached()} (reason {ts.getConvergedReason()}); watch it with -- -{prefix}ts_monitor")
    equations.add_rounding(ts.getTime(), u.x.petsc_vec)
    size = _largest(comm, u.x.petsc_vec.array_r)
    rounding = min(equations.rounding / size, _LARGEST) if size > 0 else 0.0
    u.x.petsc_vec.scale(equations.unit)
    u.x.scatter_forward()
    steps = int(ts.getStepNumber())
    ts.destroy()
    equations.close()
    del snes, ksp, equations
    clean_up(space)
    # What is as small as rounding anywhere is nothing to speak of.
    return Solution(u, clock() - start, steps, rounding=rounding if rounding > _NOTICED else 0.0)


def _stepper(equations: _Equations, prefix: str, end: float, tolerance: float) -> PETSc.TS:
    """The method of `integrate`, from 0 to the end."""
    ts = PETSc.TS().create(equations.comm)
    ts.setOptionsPrefix(prefix)
    ts.setProblemType(PETSc.TS.ProblemType.LINEAR)
    ts.setType(PETSc.TS.Type.ARKIMEX)
    ts.setARKIMEXType("4")
    ts.setARKIMEXFullyImplicit(True)
    ts.setIFunction(equations.function, equations.b.duplicate())
    ts.setIJacobian(equations.derivative, equations.jacobian, equations.jacobian)
    ts.setTime(0.0)
    ts.setMaxTime(end)
    ts.setMaxSteps(100_000)
    ts.setStepLimits(_SHORTEST * end, end)
    ts.setTimeStep(end * _FIRST_STEP)
    ts.setExactFinalTime(PETSc.TS.ExactFinalTime.MATCHSTEP)
    ts.setPreStep(equations.before_step, [tolerance])
    return ts


def _set_up(ksp: PETSc.KSP, dim: int) -> None:
    """The linear solver of a step."""
    if SIZES[dim].factors:
        ksp.setType("preonly")
        ksp.getPC().setType("lu")
        ksp.getPC().setFactorPivot(_TINY)  # by default PETSc calls small numbers zero, in whatever unit
        if ksp.comm.size > 1:
            ksp.getPC().setFactorSolverType("mumps")
    else:  # the mass, divided by the step, keeps the condition number small
        ksp.setType("cg")
        ksp.setNormType(PETSc.KSP.NormType.UNPRECONDITIONED)
        ksp.setTolerances(rtol=1e-10, atol=0.0, max_it=2000)
        ksp.getPC().setType("sor")


def rate_of(equation: Equation) -> float:
    """At which Π sin(π (x_i - low_i) / L_i) decays, D Σ (π / L_i)² + r*; r* is c, or what is left of it on the average."""
    lowest = equation.diffusion * sum((math.pi / (high - low)) ** 2 for low, high in equation.domain)
    reaction = equation.reaction
    if reaction is None:
        return lowest
    return lowest + (float(reaction.values[0, 0]) if isinstance(reaction, Constant) else _about(equation))


def _about(equation: Equation) -> float:
    """r* to a few digits, -ε² Σ |c_k|² / (D |k|²) by the coefficients of c in Fourier's series over the cell."""
    assert isinstance(equation.reaction, Expression)
    shape = (COUNTS[equation.dim].mean,) * equation.dim
    axes = [p * np.arange(n) / n for n, p in zip(shape, equation.period, strict=True)]
    places = dict(zip(equation.fast, np.meshgrid(*axes, indexing="ij"), strict=True))
    values = equation.eps * np.asarray(evaluate(equation.reaction.matrix[0, 0], places))
    part = np.abs(np.fft.fftn(np.broadcast_to(values.astype(float), shape)) / math.prod(shape)) ** 2
    waves = [2 * math.pi * np.fft.fftfreq(n, p / n) for n, p in zip(shape, equation.period, strict=True)]
    square = sum(np.asarray(k**2) for k in np.meshgrid(*waves, indexing="ij"))
    return -float((part.ravel()[1:] / np.asarray(square).ravel()[1:]).sum()) / equation.diffusion
