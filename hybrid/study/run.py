"""One case from the equation to e1…e5."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from mpi4py import MPI

import hybrid
from hybrid import comparison, store
from hybrid.parallel import on_root
from hybrid.problems import is_slow
from hybrid.study import experiments, results
from hybrid.study.cases import Case
from hybrid.study.fields import write_fields
from hybrid.study.figures import draw
from hybrid.study.paper import paper_settings
from hybrid.study.progress import Reporter
from hybrid.study.recorder import FORMAT, Recorder
from hybrid.study.samples import samples
from hybrid.study.settings import check_size, fem_arguments, pinn_arguments
from hybrid.study.table import table_of


def run(
    case: Case,
    comm: MPI.Comm,
    *,
    preset: str | None = None,
    seed: int | None = None,
    out: Path | None = None,
    resume: bool = False,
    seeds: int = 1,
) -> dict[str, Any]:
    """Solve a case by finite elements and by networks, compare, and leave results, figures and fields in a folder.

    Args:
        case: What to solve.
        comm: The ranks that share the finite elements, and the collocation points of the larger trainings.
        preset: "accurate", "fast" or "paper"; the case's own if None.
        seed: Of the networks; the case's own if None.
        out: The folder; ``results/NAME`` if None.
        resume: Take what an earlier run of the same problem and settings has left there.
        seeds: With more than one the networks are trained from so many seeds, counting up, for the spread of the errors.

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
    on_root(comm, lambda: store.prepare(out))
    key = store.key_of(
        FORMAT, hybrid.__version__, case.problem.digest, elements, networks, results.petsc_options(),
        paper_settings(case.problem) if name == "paper" else (), seeds,
    )  # fmt: skip
    done = comm.bcast(store.read_json(out / "results.json") if comm.rank == 0 else None)
    reporter = Reporter(comm.rank, out / "log.txt")
    try:
        if resume and done is not None and results.is_complete(done, key):
            reporter.say(f"{case.problem.name}: already done, from {out / 'results.json'}")
            reporter.show(table_of(case, done))
            return done
        return Run(case, comm, name, elements, networks, key, out, resume, reporter).all(seeds)
    finally:
        reporter.close()


def _nodes(comm: MPI.Comm) -> int:
    """How many machines the ranks are on; collective."""
    here = comm.Split_type(MPI.COMM_TYPE_SHARED)
    count = comm.allreduce(int(here.rank == 0))
    here.Free()
    return int(count)


class Run(Recorder):
    """The stages in their order, and what each has found."""

    def all(self, seeds: int) -> dict[str, Any]:
        """Run every stage."""
        begin = time.perf_counter()
        problem, comm = self.problem, self.comm
        ranks = f"{comm.size} rank" + "s" * (comm.size > 1)
        self.reporter.say(f"{problem.name}: {self.case.title}, eps = {problem.eps:.6g}, preset {self.preset}, {ranks}")
        for warning in problem.warnings():
            self.reporter.warn(warning)
        try:
            self._finite_elements()
            self._networks()
            self._compare()
            if self.preset == "paper":
                experiments.of_the_paper(self)
            if seeds > 1:
                self.results["seeds"] = experiments.spread(self, seeds)
            self._leave()
            self.results["seconds"]["total"] = time.perf_counter() - begin + self.earlier
            self.results["status"] = "complete"
        except BaseException as error:
            self.results["status"] = f"incomplete: {str(error) or type(error).__name__}"
            raise
        finally:
            self.write()
        self.reporter.show(table_of(self.case, self.results))
        self.reporter.say(f"{problem.name}: {self.results['seconds']['total']:.1f} s; everything is in {self.out}")
        return self.results

    def _finite_elements(self) -> None:
        problem, comm, elements = self.problem, self.comm, self.elements
        self.u = self.timed(
            "reference u_eps (FEM)",
            "reference",
            lambda: self.fem.solve_multiscale(problem, comm, **elements["reference"]),
        )
        self.results["reference"] = {
            "dofs": self.u.dofs, "degree": self.u.degree, "seconds": self.u.seconds,
            "iterations": self.u.iterations, "error_estimate": self.u.error_estimate,
        }  # fmt: skip
        self.write()
        self.cell = self.timed(
            "cell problems (FEM)", "fem_cell", lambda: self.fem.solve_cell(problem, comm, **elements["cell"])
        )
        self.results["homogenized"]["fem"] = results.plain(self.cell.coefficient)
        self.results["cell"]["fem"] = {"error_estimates": list(self.cell.error_estimates or ())}
        self.v = self._homogenized("v: homogenized equation (FEM)", self.cell.coefficient)
        self.write()

    def _homogenized(self, stage: str, coefficient: Any) -> Any:
        return self.timed(
            stage, "fem_homogenized",
            lambda: self.fem.solve_homogenized(self.problem, coefficient, self.comm, **self.elements["homogenized"]),
        )  # fmt: skip

    def _networks(self) -> None:
        self.chi = self._cell_networks()
        exact, found = self.cell.coefficient, self.chi.coefficient
        difference = results.relative_difference(found, exact)
        self.results["homogenized"] |= {"pinn": results.plain(found), "relative_difference": difference}
        if is_slow(self.problem):
            self.results["homogenized"] |= {"e_a": difference, "slopes": self.chi.slopes.tolist()}
        self.results["cell"]["pinn"] = {
            "errors": comparison.cell_errors(self.problem, self.chi, self.cell, self.comm),
            "error_estimates": list(self.chi.error_estimates or ()),
        }
        worst = max(self.results["cell"]["pinn"]["errors"])
        if worst > 0.02 and self.preset != "paper":
            self.reporter.warn(
                f"the network's correctors are off by {100 * worst:.1f} %: the coefficient may be steep or have kinks, or the "
                "network be too small or trained too little; e1, e2 and e5 carry that error"
            )
        self.write()
        self.w = self._homogenized("w: coefficient of the network (FEM)", found)
        self.p = self._homogenized_networks(found)
        self.write()

    def _cell_networks(self) -> Any:
        problem, arguments = self.problem, self.networks["cell"]
        networks = self.pinn.cell_networks(problem, **experiments.shape_of(arguments))
        monitor = experiments.cell_monitor(self, networks) if self.preset == "paper" else None
        solution, self.results["training"]["cell"] = self.timed(
            "cell problems (network)", "pinn_cell",
            lambda: self.trained(
                "cell", networks, lambda **more: self.pinn.solve_cell(problem, **arguments, **more), arguments, (), monitor,
                self.paper.average["cell"],
            ),
        )  # fmt: skip
        return solution

    def _homogenized_networks(self, coefficient: Any) -> Any:
        problem, arguments = self.problem, self.networks["homogenized"]
        networks = self.pinn.homogenized_networks(problem, **experiments.shape_of(arguments))
        monitor = experiments.homogenized_monitor(self, networks) if self.preset == "paper" else None
        solution, self.results["training"]["homogenized"] = self.timed(
            "p: homogenized equation (network)", "pinn_homogenized",
            lambda: self.trained(
                "homogenized", networks,
                lambda **more: self.pinn.solve_homogenized(problem, coefficient, **arguments, **more), arguments,
                results.plain(coefficient), monitor, self.paper.average["homogenized"],
            ),
        )  # fmt: skip
        return solution

    def _compare(self) -> None:
        def task() -> None:
            space = self.u.function.function_space
            reconstruction = comparison.first_order(self.problem, self.p.field, self.chi.correctors, space)
            solutions = {"v": self.v, "w": self.w, "p": self.p, "r": reconstruction}
            self.on_reference = {name: comparison.to_space(s, space) for name, s in solutions.items()}
            self.results["errors"] = comparison.errors(self.u, **self.on_reference)
            self.results["grid"] = self.paper.grid
            self.results["errors_grid"] = comparison.grid_errors(
                self.problem.domain, self.u, count=self.paper.grid, **solutions
            )

        self.timed("errors e1 to e5", "comparison", task)
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
            self.results["samples"] = samples(self)
            if self.comm.rank == 0:
                draw(self.out, self.case, self.results)

        self.timed("figures and fields", "figures", task)
