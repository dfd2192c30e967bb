"""One case from the equation to e1…e5."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mpi4py import MPI

import torch

import hybrid
from hybrid import comparison
from hybrid.errors import InputError
from hybrid.fem import reaction as fem_reaction
from hybrid.pinn import reaction as pinn_reaction
from hybrid.pinn.network import Network
from hybrid.problems import is_slow, kind_of
from hybrid.study import experiments, results, store
from hybrid.study.cases import Case
from hybrid.study.fields import write_fields
from hybrid.study.figures import draw
from hybrid.study.monitor import Monitor, thinned
from hybrid.study.paper import paper_settings
from hybrid.study.parallel import on_root
from hybrid.study.progress import Reporter
from hybrid.study.settings import check_size, fem_arguments, pinn_arguments, trained_how
from hybrid.study.table import table_of

FORMAT = 2


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
        comm: The ranks that share the finite elements; the networks are trained on rank 0.
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
    on_root(comm, lambda: _prepare(out))
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


def _prepare(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / "log.txt").touch()
    except OSError as error:
        raise InputError("--out", f"{out} cannot be written ({error.strerror})") from None


def _solvers(case: Case) -> tuple[Any, Any]:
    """The modules that solve a problem of this kind, by finite elements and by networks; they answer to the same names."""
    if kind_of(case.problem) == "elliptic":
        return hybrid.fem, hybrid.pinn
    return fem_reaction, pinn_reaction


class Run:
    """The stages in their order, and what each has found."""

    def __init__(
        self, case: Case, comm: MPI.Comm, preset: str, elements: dict[str, Any], networks: dict[str, Any], key: str,
        out: Path, resume: bool, reporter: Reporter,
    ) -> None:  # fmt: skip
        self.case, self.problem, self.comm, self.out, self.reporter = case, case.problem, comm, out, reporter
        self.elements, self.networks, self.resume, self.preset = elements, networks, resume, preset
        self.fem, self.pinn = _solvers(case)
        self.paper = paper_settings(case.problem)
        self.earlier = 0.0  # seconds of trainings that an earlier run did
        torch.set_num_threads(1)  # the same arithmetic on any number of ranks, and no fight over cores
        assumed = self.paper.assumed if preset == "paper" else ()
        self.results: dict[str, Any] = {
            "case": case.problem.name, "status": "incomplete", "preset": preset, "eps": case.problem.eps,
            "errors": {}, "errors_grid": {}, "paper": dict(case.paper), "reference": {}, "homogenized": {}, "cell": {},
            "training": {}, "seconds": {},
            "provenance": results.provenance(case, comm, networks, elements, key, assumed),
        }  # fmt: skip

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

    def timed[T](self, stage: str, name: str, task: Callable[[], T]) -> T:
        """Run a stage and add its seconds to the results, with those of trainings that an earlier run did for it."""
        start, before = time.perf_counter(), self.earlier
        with self.reporter.stage(stage):
            result = task()
        seconds = time.perf_counter() - start + self.earlier - before
        self.results["seconds"][name] = self.results["seconds"].get(name, 0.0) + seconds
        return result

    def write(self) -> None:
        """Write what there is, on rank 0."""
        if self.comm.rank == 0:
            results.write(self.out, self.results)

    def trained(
        self, name: str, networks: Sequence[Network], solve: Callable[..., Any], arguments: dict[str, Any], depends_on: object,
        monitor: Monitor | None = None, last: int = 0,
    ) -> tuple[Any, dict[str, Any]]:  # fmt: skip
        """Train on rank 0 and keep the weights; with --resume take those that are there.

        Args:
            name: Of the file.
            networks: To be trained.
            solve: Of `networks`, `train` and `progress`.
            arguments: What the training was asked for; part of its key.
            depends_on: What else it depends on. With a monitor the finite elements it is measured against count too.
            monitor: Measures the error meanwhile.
            last: Over how many last epochs it is averaged.

        Returns:
            What `solve` returns, and the history.
        """
        path = self.out / f"network-{name}.npz"
        measured = () if monitor is None else (self.elements, results.petsc_options(), last)
        key = store.key_of(FORMAT, self.problem.digest, name, arguments, depends_on, measured)
        device = arguments.get("device", "cpu")

        def task() -> tuple[Any, dict[str, Any]]:
            meta = store.load_networks(path, networks, key) if self.resume else None
            if meta is not None:
                for network in networks:
                    network.to(device)
                return solve(networks=networks, train=False), meta | {"resumed": True}
            solution = solve(networks=networks, progress=monitor or self.reporter.step)
            history = asdict(solution.history)
            meta = {"kind": trained_how(arguments), **history, **thinned(history["loss"])}
            if monitor is not None:
                meta |= {"monitored": monitor.curve(last)}
            store.save_networks(path, networks, key, meta)
            return solution, meta

        solution, meta = on_root(self.comm, task)
        self.earlier += meta["seconds"] if meta.get("resumed") else 0.0
        return solution, meta

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
            samples = experiments.samples(self)
            self.results["samples"] = samples
            if self.comm.rank == 0:
                draw(self.out, self.case, self.results)

        self.timed("figures and fields", "figures", task)
