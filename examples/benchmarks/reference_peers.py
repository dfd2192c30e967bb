"""The reference problem by other finite element programs: seconds, iterations and memory of each.

    pip install -r examples/benchmarks/peers-requirements.txt
    python examples/benchmarks/reference_peers.py [--n 512] [--only hybrid ngsolve] [--json]

-div( a(x/ε) ∇u ) = f in [0,1]², u = 0 on the boundary, ε = 1/8, a = 2 + sin 2πy_0 cos 2πy_1, f = sin x_0 + cos x_1; quadratic
triangles on n × n squares cut in two (by NGSolve along the other diagonal, so that its u differs a little). For everybody the
same: one thread, integration of degree 4 (6 points), a relative residual |b - A x| / |b| of 1e-8 in the Euclidean norm,
computed afterwards from the matrix and not taken from the solver. The norm of u in L2 says whether all have solved the same
problem.

Every peer runs in a process of its own, first on a tiny mesh, so that nothing is compiled or imported on the clock; the
better of two runs counts, where the first took less than 5 s. The columns: `mesh` and `space` (numbering the dofs) are not in
the total; `assembly` is the pattern and the entries of the matrix, the right-hand side and the boundary conditions; `setup`
the factorization or the preconditioner; `solve` the iterations. Bytes are the peak of memory in the first run, everything
included, above what the process had after the tiny mesh.

glibc is told to keep freed memory for what comes next, as the `hybrid` command tells it: otherwise all are slower by a tenth
to a seventh on a virtual machine.

How the programs are set:
hybrid   As it comes, but for the tolerance: by default it is 1e-10.
mumps    DOLFINx's LinearProblem with MUMPS as in its documentation: preonly, lu.
gamg     DOLFINx's LinearProblem with conjugate gradients and GAMG as it comes. Only the norm is changed: with the
         preconditioned one, the default, 1e-8 would leave a residual of 2e-6.
ngsolve  H1 with "bddc" as it comes: that is a direct solver on the vertices. With "h1amg" below it, or alone, it is slower;
         "multigrid" (again direct on the vertices) is about as fast. P2 triangles have no inner dofs, so that static
         condensation changes nothing. CGSolver looks at the preconditioned norm: a run off the clock finds the number of
         iterations that the true residual needs, and just as many are timed.
skfem    scikit-fem and PyAMG's smoothed aggregation as it comes, in SciPy's conjugate gradients.
skfem-0.08   The same with a strength threshold of 0.08: faster on large meshes than PyAMG's default of 0 and than Ruge-Stüben
         (0.25 and 0.5).
"""

from __future__ import annotations

import argparse
import importlib
import json
import math
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

WAVE = 2 * math.pi * 8
TOLERANCE = 1e-8
_KEPT = {"mmap_threshold": 1 << 30, "trim_threshold": 1 << 40, "top_pad": 1 << 26}
KEEP = ":".join(f"glibc.malloc.{key}={value}" for key, value in _KEPT.items())
DEGREE = 4
"""Of the polynomials that are integrated exactly."""

STEPS = ("mesh", "space", "assembly", "setup", "solve")
COUNTED = STEPS[2:]
Run = tuple[dict[str, Any], Callable[[], tuple[float, float]]]
"""What a run measured, and how to get the relative residual and the norm of u from it, off the clock."""


class Clock:
    """The seconds of one step after the other."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.begin = time.perf_counter()

    def stop(self, step: str) -> None:
        """What was done since the last call was this step."""
        self.seconds[step] = time.perf_counter() - self.begin
        self.begin = time.perf_counter()


def dolfinx(options: dict[str, Any]) -> Callable[[int], Run]:
    """DOLFINx with these options for PETSc."""

    def run(n: int) -> Run:
        importlib.import_module("hybrid")  # where DOLFINx is a wheel, it has to be first
        from mpi4py import MPI

        import ufl
        from dolfinx import fem, mesh
        from dolfinx.fem import petsc

        clock = Clock()
        square = mesh.create_unit_square(MPI.COMM_SELF, n, n)
        clock.stop("mesh")
        space = fem.functionspace(square, ("Lagrange", 2))
        clock.stop("space")
        x, u, v = ufl.SpatialCoordinate(square), ufl.TrialFunction(space), ufl.TestFunction(space)
        a, f = 2 + ufl.sin(WAVE * x[0]) * ufl.cos(WAVE * x[1]), ufl.sin(x[0]) + ufl.cos(x[1])
        dx = ufl.dx(metadata={"quadrature_degree": DEGREE})
        square.topology.create_connectivity(1, 2)
        edge = fem.locate_dofs_topological(space, 1, mesh.exterior_facet_indices(square.topology))
        bcs = [fem.dirichletbc(0.0, edge, space)]
        left, right = a * ufl.inner(ufl.grad(u), ufl.grad(v)) * dx, f * v * dx
        problem = petsc.LinearProblem(left, right, bcs=bcs, petsc_options_prefix="peer_", petsc_options=options)
        # From here on the lines of problem.solve(), with a look at the clock in between.
        petsc.assemble_matrix(problem.A, problem.a, bcs=bcs)
        problem.A.assemble()
        petsc.assemble_vector(problem.b, problem.L)
        petsc.apply_lifting(problem.b, [problem.a], bcs=[bcs])
        petsc.set_bc(problem.b, bcs)
        clock.stop("assembly")
        problem.solver.setUp()
        clock.stop("setup")
        problem.solver.solve(problem.b, problem.x)
        clock.stop("solve")

        def check() -> tuple[float, float]:
            petsc.assign(problem.x, problem.u)
            residual = problem.b - problem.A * problem.x
            square_of_norm = fem.assemble_scalar(fem.form(problem.u**2 * dx))
            return residual.norm() / problem.b.norm(), math.sqrt(square_of_norm)

        dofs = space.dofmap.index_map.size_global
        return {"dofs": dofs, **clock.seconds, "iterations": problem.solver.getIterationNumber()}, check

    return run


def hybrid(n: int) -> Run:
    """This project's reference."""
    importlib.import_module("hybrid")
    from mpi4py import MPI
    from petsc4py import PETSc

    import ufl
    from dolfinx import fem

    from hybrid import EllipticProblem
    from hybrid.fem.algebra.assembly import assembled, load
    from hybrid.fem.dirichlet import solve_on
    from hybrid.fem.forms import flux_on, source_on
    from hybrid.fem.meshes.box import box, zero_on_boundary
    from hybrid.symbols import cos, pi, sin, x, y

    a = 2 + sin(2 * pi * y[0]) * cos(2 * pi * y[1])
    problem = EllipticProblem(domain=[(0, 1)] * 2, eps=1 / 8, a=a, f=sin(x[0]) + cos(x[1]))
    equation = problem.multiscale()
    clock = Clock()
    square = box(MPI.COMM_SELF, problem.domain, [n, n])
    clock.stop("mesh")
    space = fem.functionspace(square, ("Lagrange", 2))
    clock.stop("space")
    PETSc.Options()["reference_ksp_rtol"] = TOLERANCE
    solution = solve_on(equation, space, "reference_")

    def check() -> tuple[float, float]:
        u, v, dx = ufl.TrialFunction(space), ufl.TestFunction(space), ufl.dx(metadata={"quadrature_degree": DEGREE})
        bcs = zero_on_boundary(space)
        matrix = assembled(ufl.inner(flux_on(equation, space) * ufl.grad(u), ufl.grad(v)) * dx, bcs)
        b = load(source_on(equation, square) * v * dx, bcs)
        residual = b - matrix * solution.function.x.petsc_vec
        square_of_norm = fem.assemble_scalar(fem.form(solution.function**2 * dx))
        return residual.norm() / b.norm(), math.sqrt(square_of_norm)

    return {"dofs": solution.dofs, **clock.seconds, **solution.steps, "iterations": solution.iterations}, check


def ngsolve(n: int) -> Run:
    """NGSolve with BDDC."""
    import ngsolve as ng
    from ngsolve.meshes import MakeStructured2DMesh

    ng.SetNumThreads(1)
    ng.ngsglobals.msg_level = 0
    clock = Clock()
    mesh = MakeStructured2DMesh(quads=False, nx=n, ny=n)
    clock.stop("mesh")
    space = ng.H1(mesh, order=2, dirichlet=".*")
    clock.stop("space")
    u, v = space.TnT()
    dx = ng.dx(intrules={ng.TRIG: ng.IntegrationRule(ng.TRIG, DEGREE)})
    a, f = 2 + ng.sin(WAVE * ng.x) * ng.cos(WAVE * ng.y), ng.sin(ng.x) + ng.cos(ng.y)
    right = ng.LinearForm(f * v * dx).Assemble().vec
    left = ng.BilinearForm(a * ng.grad(u) * ng.grad(v) * dx, symmetric=True)
    preconditioner = ng.Preconditioner(left, "bddc")  # is built from the element matrices, while they are assembled
    before = _bddc_seconds(ng)
    left.Assemble()
    clock.stop("assembly")
    clock.seconds["setup"] = _bddc_seconds(ng) - before
    clock.seconds["assembly"] -= clock.seconds["setup"]

    solution, rest = ng.GridFunction(space), right.CreateVector()
    free = ng.Projector(space.FreeDofs(), True)
    size = (free * right).Evaluate().Norm()

    def residual(x: Any) -> float:
        rest.data = right - left.mat * x
        free.Project(rest)
        return rest.Norm() / size

    def watch(x: Any) -> None:
        if residual(x) <= TOLERANCE:
            solver.maxiter = solver.iterations

    solver = ng.CGSolver(mat=left.mat, pre=preconditioner.mat, tol=1e-15, maxiter=1000, callback_sol=watch)
    solver.Solve(right, solution.vec)
    solver.callback_sol = None
    clock.begin = time.perf_counter()
    solver.Solve(right, solution.vec)
    clock.stop("solve")

    def check() -> tuple[float, float]:
        return residual(solution.vec), math.sqrt(ng.Integrate(solution**2, mesh, order=DEGREE))

    # It counts the look at the residual before the first iteration too.
    return {"dofs": space.ndof, **clock.seconds, "iterations": solver.iterations - 1}, check


def _bddc_seconds(ng: Any) -> float:
    """What NGSolve has spent on BDDC so far, by its own clocks."""
    clocks = {"BDDC Constructor", "BDDC - Addmatrix", "BDDC Finalize"}
    return sum(timer["time"] for timer in ng.Timers() if timer["name"] in clocks)


def skfem(n: int, threshold: float | None = None) -> Run:
    """scikit-fem with PyAMG."""
    import pyamg
    import skfem as fe
    from scipy.sparse.linalg import cg
    from skfem.assembly import Dofs
    from skfem.helpers import dot, grad

    clock = Clock()
    mesh = fe.MeshTri.init_tensor(*[np.linspace(0, 1, n + 1)] * 2)
    clock.stop("mesh")
    dofs = Dofs(mesh, fe.ElementTriP2())
    clock.stop("space")
    basis = fe.Basis(mesh, fe.ElementTriP2(), intorder=DEGREE, dofs=dofs)
    x, y = basis.global_coordinates().value
    a = fe.DiscreteField(2 + np.sin(WAVE * x) * np.cos(WAVE * y))  # once, and not for each pair of basis functions
    f = fe.DiscreteField(np.sin(x) + np.cos(y))
    matrix = fe.BilinearForm(lambda u, v, w: w["a"] * dot(grad(u), grad(v))).assemble(basis, a=a)
    vector = fe.LinearForm(lambda v, w: w["f"] * v).assemble(basis, f=f)
    matrix, vector, full, free = fe.condense(matrix, vector, D=basis.get_dofs())
    clock.stop("assembly")
    chosen = {} if threshold is None else {"strength": ("symmetric", {"theta": threshold})}
    levels = pyamg.smoothed_aggregation_solver(matrix, **chosen)
    preconditioner = levels.aspreconditioner()
    clock.stop("setup")
    options = {"M": preconditioner, "rtol": TOLERANCE, "atol": 0, "maxiter": 1000}
    steps: list[int] = []
    u, _ = cg(matrix, vector, **options, callback=lambda _: steps.append(1))
    clock.stop("solve")

    def check() -> tuple[float, float]:
        full[free] = u
        square_of_norm = fe.Functional(lambda w: w["u"] ** 2).assemble(basis, u=full)
        return float(np.linalg.norm(vector - matrix @ u) / np.linalg.norm(vector)), math.sqrt(square_of_norm)

    return {"dofs": int(dofs.N), **clock.seconds, "iterations": len(steps)}, check


LU = {"ksp_type": "preonly", "pc_type": "lu", "pc_factor_mat_solver_type": "mumps"}
GAMG = {"ksp_type": "cg", "pc_type": "gamg", "ksp_rtol": TOLERANCE, "ksp_norm_type": "unpreconditioned"}
PEERS: dict[str, Callable[[int], Run]] = {
    "hybrid": hybrid,
    "mumps": dolfinx(LU),
    "gamg": dolfinx(GAMG),
    "ngsolve": ngsolve,
    "skfem": skfem,
    "skfem-0.08": lambda n: skfem(n, 0.08),
}


def measure(name: str, n: int) -> dict[str, Any]:
    """Run this peer here and now."""
    try:
        PEERS[name](8)
    except ImportError as error:
        return {"peer": name, "n": n, "error": f"not installed ({error})"}
    before, best = _peak(), {"seconds": math.inf}
    for repeat in range(2):
        result, check = PEERS[name](n)
        if repeat == 0:
            memory = (_peak() - before) / result["dofs"]
        result["seconds"] = sum(result[step] for step in COUNTED)
        result["residual"], result["norm"] = check()
        del check  # and with it the matrices, before the next ones
        best = min(best, result, key=lambda each: each["seconds"])
        if best["seconds"] > 5:
            break
    return {"peer": name, "n": n, **best, "bytes_per_dof": memory}


def _peak() -> float:
    """The most memory this process has had so far, in bytes."""
    status = Path("/proc/self/status")
    if status.exists():  # on Linux getrusage starts from the peak of the process that started this one
        return 1024 * next(float(line.split()[1]) for line in status.read_text().splitlines() if "VmHWM" in line)
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) * (1 if sys.platform == "darwin" else 1024)


def peer_times(python: str, names: Sequence[str], n: int) -> list[dict[str, Any]]:
    """Measure these peers on n × n squares, each in a new process of the interpreter `python`.

    A dictionary for each: `peer`, `n`, and either `error`, a line of text, or `dofs`, the seconds of STEPS, their total
    `seconds` (without mesh and space), `iterations`, `residual`, `norm` and `bytes_per_dof`.
    """
    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    threads["GLIBC_TUNABLES"] = KEEP
    results = []
    for name in names:
        command = [python, __file__, "--n", str(n), "--worker", name]
        done = subprocess.run(command, env=os.environ | threads | {"PYTHONPATH": path}, capture_output=True, text=True)
        if done.returncode == 0:
            results.append(json.loads(done.stdout.splitlines()[-1]))
        else:
            lines = done.stderr.strip().splitlines() or [f"ended with {done.returncode}"]
            results.append({"peer": name, "n": n, "error": lines[-1]})
    return results


def table(results: Sequence[dict[str, Any]]) -> str:
    """All that was measured, a line for each peer."""
    lines = [["peer", "dofs", *STEPS, "total", "iterations", "residual", "norm of u", "bytes/dof"]]
    for r in results:
        if "error" in r:
            lines.append([r["peer"], r["error"]])
            continue
        seconds = [f"{r[step]:.2f} s" for step in (*STEPS, "seconds")]
        rest = [str(r["iterations"]), f"{r['residual']:.1e}", f"{r['norm']:.7f}", f"{r['bytes_per_dof']:.0f}"]
        lines.append([r["peer"], str(r["dofs"]), *seconds, *rest])
    whole = [line for line in lines if len(line) == len(lines[0])]
    widths = [max(map(len, column)) for column in zip(*whole, strict=True)]
    padded = ([cell.ljust(width) for cell, width in zip(line, widths, strict=False)] for line in lines)
    return "\n".join(" | ".join(cells).rstrip() for cells in padded)


def main() -> None:
    """Measure the peers and print the table, and a line of JSON for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=512, help="squares of the mesh in each direction")
    parser.add_argument("--only", nargs="+", choices=PEERS, default=list(PEERS))
    parser.add_argument("--python", default=sys.executable, help="the interpreter that has the peers")
    parser.add_argument("--json", action="store_true", help="leave the table out")
    parser.add_argument("--worker", choices=PEERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        print(json.dumps(measure(options.worker, options.n)))
        return
    results = peer_times(options.python, options.only, options.n)
    if not options.json:
        print(table(results), end="\n\n")
    for result in results:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
