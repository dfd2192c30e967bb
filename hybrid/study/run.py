"""One case from the equation to e1…e5."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mpi4py import MPI
from petsc4py import PETSc

import numpy as np
import sympy
import torch

import dolfinx

import hybrid
from hybrid import comparison, fem, pinn
from hybrid.errors import InputError
from hybrid.pinn.network import Network
from hybrid.study import store
from hybrid.study.cases import Case
from hybrid.study.fields import write_fields
from hybrid.study.figures import draw
from hybrid.study.parallel import on_root
from hybrid.study.progress import Reporter
from hybrid.study.settings import check_size, fem_arguments, kind_of, pinn_arguments
from hybrid.study.table import table_of

FORMAT = 1


def run(
    case: Case,
    comm: MPI.Comm,
    *,
    preset: str | None = None,
    seed: int | None = None,
    out: Path | None = None,
    resume: bool = False,
) -> dict[str, Any]:
    """Solve a case by finite elements and by networks, compare, and leave results, figures and fields in a folder.

    Args:
        case: What to solve.
        comm: The ranks that share the finite elements; the networks are trained on rank 0.
        preset: "accurate" or "fast"; the case's own if None.
        seed: Of the networks; the case's own if None.
        out: The folder; ``results/NAME`` if None.
        resume: Take what an earlier run of the same problem and settings has left there.

    Returns:
        The contents of ``results.json``.

    Raises:
        InputError: Settings that do not go together, or a folder that cannot be written.
        SolverError: A solver or a training failed; what was computed before is in ``results.json``.
    """
    name, networks = pinn_arguments(case, preset, seed)
    elements = fem_arguments(case)
    check_size(case, elements, networks, _nodes(comm))
    out = Path("results") / case.problem.name if out is None else out
    on_root(comm, lambda: _prepare(out))
    key = store.key_of(FORMAT, hybrid.__version__, case.problem.digest, elements, networks, _petsc_options())
    done = comm.bcast(store.read_json(out / "results.json") if comm.rank == 0 else None)
    reporter = Reporter(comm.rank, out / "log.txt")
    try:
        if resume and done and _is_complete(done, key):
            reporter.say(f"{case.problem.name}: already done, from {out / 'results.json'}")
            reporter.show(table_of(case, done))
            return done
        return _Run(case, comm, name, elements, networks, key, out, resume, reporter).all()
    finally:
        reporter.close()


def _nodes(comm: MPI.Comm) -> int:
    """How many machines the ranks are on; collective."""
    here = comm.Split_type(MPI.COMM_TYPE_SHARED)
    count = comm.allreduce(int(here.rank == 0))
    here.Free()
    return int(count)


def _petsc_options() -> dict[str, str]:
    """The user's options for our solvers."""
    ours = ("reference_", "cell_", "homogenized_")
    return {k: v for k, v in sorted(PETSc.Options().getAll().items()) if k.startswith(ours)}


def _is_complete(done: dict[str, Any], key: str) -> bool:
    """Whether an earlier run has finished what is asked for."""
    provenance, errors = done.get("provenance"), done.get("errors")
    fits = isinstance(provenance, dict) and provenance.get("key") == key and done.get("status") == "complete"
    return fits and isinstance(errors, dict) and {"e1", "e2", "e3", "e4"} <= errors.keys()


def _prepare(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / "log.txt").touch()
    except OSError as error:
        raise InputError("--out", f"{out} cannot be written ({error.strerror})") from None


class _Run:
    """The stages in their order, and what each has found."""

    def __init__(
        self, case: Case, comm: MPI.Comm, preset: str, elements: dict[str, Any], networks: dict[str, Any], key: str,
        out: Path, resume: bool, reporter: Reporter,
    ) -> None:  # fmt: skip
        self.case, self.problem, self.comm, self.out, self.reporter = case, case.problem, comm, out, reporter
        self.elements, self.networks, self.resume = elements, networks, resume
        torch.set_num_threads(1)  # the same arithmetic on any number of ranks, and no fight over cores
        self.results: dict[str, Any] = {
            "case": case.problem.name, "status": "incomplete", "preset": preset, "eps": case.problem.eps,
            "errors": {}, "errors_grid": {}, "paper": dict(case.paper), "reference": {}, "homogenized": {}, "cell": {},
            "training": {}, "seconds": {}, "provenance": _provenance(case, comm, networks, elements, key),
        }  # fmt: skip

    def all(self) -> dict[str, Any]:
        """Run every stage."""
        begin = time.perf_counter()
        problem, comm = self.problem, self.comm
        ranks = f"{comm.size} rank" + "s" * (comm.size > 1)
        self.reporter.say(
            f"{problem.name}: {self.case.title}, eps = {problem.eps:.6g}, preset {self.results['preset']}, {ranks}"
        )
        for warning in problem.warnings():
            self.reporter.warn(warning)
        try:
            self._finite_elements()
            self._networks()
            self._compare()
            self._leave()
            self.results["seconds"]["total"] = time.perf_counter() - begin
            self.results["status"] = "complete"
        except BaseException as error:
            self.results["status"] = f"incomplete: {str(error) or type(error).__name__}"
            raise
        finally:
            self._write()
        self.reporter.show(table_of(self.case, self.results))
        self.reporter.say(f"{problem.name}: {self.results['seconds']['total']:.1f} s; everything is in {self.out}")
        return self.results

    def _timed[T](self, stage: str, name: str, task: Callable[[], T]) -> T:
        start = time.perf_counter()
        with self.reporter.stage(stage):
            result = task()
        self.results["seconds"][name] = self.results["seconds"].get(name, 0.0) + time.perf_counter() - start
        return result

    def _finite_elements(self) -> None:
        problem, comm, elements = self.problem, self.comm, self.elements
        self.u = self._timed(
            "reference u_eps (FEM)", "reference", lambda: fem.solve_multiscale(problem, comm, **elements["reference"])
        )
        self.results["reference"] = {
            "dofs": self.u.dofs, "degree": self.u.degree, "seconds": self.u.seconds,
            "iterations": self.u.iterations, "error_estimate": self.u.error_estimate,
        }  # fmt: skip
        self._write()
        self.cell = self._timed(
            "cell problems (FEM)", "fem_cell", lambda: fem.solve_cell(problem, comm, **elements["cell"])
        )
        coefficient = np.asarray(self.cell.coefficient)
        self.results["homogenized"]["fem"] = coefficient.tolist()
        self.results["cell"]["fem"] = {"error_estimates": list(self.cell.error_estimates or ())}
        self.v = self._homogenized("v: homogenized equation (FEM)", coefficient)
        self._write()

    def _homogenized(self, stage: str, coefficient: np.ndarray) -> fem.Solution:
        return self._timed(
            stage, "fem_homogenized",
            lambda: fem.solve_homogenized(self.problem, coefficient, self.comm, **self.elements["homogenized"]),
        )  # fmt: skip

    def _networks(self) -> None:
        problem = self.problem
        cell = self.networks["cell"]
        shape = {k: v for k, v in cell.items() if k in {"seed", "hidden", "periodicity", "scale"}}
        untrained = pinn.cell_network(problem, **shape)
        self.chi: pinn.CellSolution = self._timed(
            "cell problems (network)",
            "pinn_cell",
            lambda: self._trained("cell", untrained, lambda **more: pinn.solve_cell(problem, **cell, **more), ()),
        )
        exact, found = np.asarray(self.cell.coefficient), np.asarray(self.chi.coefficient)
        self.results["homogenized"] |= {
            "pinn": found.tolist(),
            "relative_difference": float(np.linalg.norm(found - exact) / np.linalg.norm(exact)),
        }
        self.results["cell"]["pinn"] = {
            "errors": comparison.corrector_errors(
                [c.values for c in self.chi.correctors], self.cell.correctors, max(problem.period)
            ),
            "error_estimates": list(self.chi.error_estimates or ()),
        }
        worst = max(self.results["cell"]["pinn"]["errors"])
        if worst > 0.02:
            self.reporter.warn(
                f"the network's correctors are off by {100 * worst:.1f} %: a may be steep or have kinks, or the network be too "
                "small or trained too little; e1, e2 and e5 carry that error"
            )
        self._write()
        self.w = self._homogenized("w: a* of the network (FEM)", found)
        homogenized = self.networks["homogenized"]
        shape = {k: v for k, v in homogenized.items() if k in {"seed", "hidden", "scale"}}
        self.p: pinn.Solution = self._timed(
            "p: homogenized equation (network)", "pinn_homogenized",
            lambda: self._trained(
                "homogenized", pinn.homogenized_network(problem, **shape),
                lambda **more: pinn.solve_homogenized(problem, found, **homogenized, **more), found.tolist(),
            ),
        )  # fmt: skip
        self._write()

    def _trained(self, part: str, network: Network, solve: Callable[..., Any], depends_on: object) -> Any:
        """Train on rank 0 and keep the weights; with --resume take those that are there."""
        path = self.out / f"network-{part}.npz"
        key = store.key_of(FORMAT, self.problem.digest, part, self.networks[part], depends_on)

        def task() -> tuple[Any, dict[str, Any]]:
            history = store.load_network(path, network, key) if self.resume else None
            if history is not None:
                return solve(network=network.to(self.networks[part].get("device", "cpu"))), history | {"resumed": True}
            solution = solve(progress=self.reporter.step)
            history = asdict(solution.history)
            trained = solution.network if part == "cell" else solution.field.network
            store.save_network(path, trained, key, history)
            return solution, history

        solution, history = on_root(self.comm, task)
        self.results["training"][part] = {"kind": kind_of(self.networks[part]), **history}
        return solution

    def _compare(self) -> None:
        def task() -> None:
            space = self.u.function.function_space
            reconstruction = comparison.first_order(self.problem, self.p.field, self.chi.correctors, space)
            solutions = {"v": self.v, "w": self.w, "p": self.p, "r": reconstruction}
            self.on_reference = {name: comparison.to_space(s, space) for name, s in solutions.items()}
            self.results["errors"] = comparison.errors(self.u, **self.on_reference)
            self.results["errors_grid"] = comparison.grid_errors(self.problem.domain, self.u, **solutions)

        self._timed("errors e1 to e5", "comparison", task)
        smallest = min(self.results["errors"][name] for name in ("e1", "e2", "e4", "e5"))
        estimate = self.u.error_estimate or 0.0
        if estimate > smallest / 20:
            self.reporter.warn(
                f"the reference's own error is estimated at {estimate:.1e}, more than a twentieth of the smallest error "
                f"measured with it ({smallest:.1e}); raise fem.degree or fem.cells_per_period"
            )

    def _leave(self) -> None:
        def task() -> None:
            write_fields(self.out, {"u_eps": self.u.function} | self.on_reference, self.cell, self.chi)
            draw(self.out, self.case, self.results, self.u, self.v, self.w, self.p, self.cell, self.chi)

        self._timed("figures and fields", "figures", task)

    def _write(self) -> None:
        """Write what there is; a complete result of an earlier run stays until this one is complete."""
        if self.comm.rank:
            return
        path, beside = self.out / "results.json", self.out / "results-incomplete.json"
        if self.results["status"] == "complete":
            store.write_json(path, self.results)
            beside.unlink(missing_ok=True)
            return
        earlier = store.read_json(path)
        kept = earlier is not None and earlier.get("status") == "complete"
        store.write_json(beside if kept else path, self.results)


def _provenance(
    case: Case, comm: MPI.Comm, networks: dict[str, Any], elements: dict[str, Any], key: str
) -> dict[str, Any]:
    return {
        "versions": {
            "hybrid": hybrid.__version__, "python": platform.python_version(), "dolfinx": dolfinx.__version__,
            "petsc": ".".join(map(str, PETSc.Sys.getVersion())), "torch": torch.__version__, "numpy": np.__version__,
            "sympy": sympy.__version__, "mpi": MPI.Get_library_version().split("\n")[0].strip(),
        },
        "ranks": comm.size,
        "threads": torch.get_num_threads(),
        "device": networks["cell"].get("device", "cpu"),
        "seed": networks["cell"]["seed"],
        "problem_hash": case.problem.digest,
        "key": key,
        "petsc_options": _petsc_options(),
        "settings": {"fem": elements, "pinn": {part: {k: str(v) for k, v in a.items()} for part, a in networks.items()}},
        "assumptions": list(case.assumptions),
        "finished": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }  # fmt: skip
