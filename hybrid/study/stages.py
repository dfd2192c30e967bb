"""The stages of a run in their order: finite elements, networks, comparison, and what is left behind."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hybrid import comparison
from hybrid.clock import compilations
from hybrid.failures import InputError, SolverError
from hybrid.fem.cost import unknowns
from hybrid.fem.reference import Reference
from hybrid.machine import peak_memory
from hybrid.pinn.functions.network import Network
from hybrid.study import climbing, results
from hybrid.study.certifying import certificates, lines_of
from hybrid.study.direct import direct_networks
from hybrid.study.extras import Extras
from hybrid.study.fields import write_fields
from hybrid.study.figures import draw
from hybrid.study.judging import evidence_of, wanted_of
from hybrid.study.monitor import Monitor
from hybrid.study.parts import BoundsRecord, CertificateRecord
from hybrid.study.progress import Reporter
from hybrid.study.reconstructing import find_terms, measured
from hybrid.study.record import CellRecord, CellsRecord, HomogenizedRecord, Record, ReferenceRecord, TrustRecord
from hybrid.study.recorder import Recorder
from hybrid.study.samples import grid_count, samples
from hybrid.study.shared import cell_key, equation_key
from hybrid.study.spread import against_fem, spread
from hybrid.study.spread import lines_of as spread_lines
from hybrid.study.table import table_of
from hybrid.study.tolerances import tolerances_of
from hybrid.study.trust import judge, judge_rungs, reasons
from hybrid.trust import estimate_of


def say_what_is_not_resolved(reporter: Reporter, record: Record) -> None:
    """The last lines of a run: which of its numbers are not what they should be, why, and what to do."""
    if not record.unresolved:
        reporter.say("every number is resolved: its estimated error is small enough to rely on it")
        return
    reporter.say(f"NOT RESOLVED: {len(record.unresolved)} of {len(record.trust)} numbers are not known well enough")
    for line in record.unresolved:
        reporter.say(f"  {line}")


_REFINEMENTS = 4
"""Of the reference, at the most, until it can measure the errors that it shows itself."""


class Run(Recorder):
    """The stages in their order, and what each has found."""

    def all(self, seeds: int, extras: Sequence[Extras], *, figures: bool = True) -> Record:
        """Run every stage, with the extras of this preset."""
        begin, before = time.perf_counter(), compilations()
        problem, comm = self.problem, self.comm
        ranks = f"{comm.size} rank" + "s" * (comm.size > 1)
        self.reporter.say(
            f"{problem.name}: {self.case.title}, eps = {problem.eps:.6g}, preset {self.preset.name}, {ranks}"
        )
        for warning in problem.warnings():
            self.reporter.warn(warning)
        try:
            self._finite_elements()
            self._networks(extras)
            if self.case.has_reference:
                self._compare()
            else:
                self._compare_paths()
            self._judge()
            if self.case.is_bounded:
                self._certify()
            if self.case.direct:
                self.record.direct = self.timed(
                    "direct networks, without homogenization", "direct", lambda: direct_networks(self)
                )
            for extra in extras:
                extra.add(self)
            if seeds > 1:
                self.record.seeds = spread(self, seeds)
            if figures:
                self._leave()
            self.record.memory = comm.allreduce(peak_memory())
            if compilations() > before:
                self.record.seconds["compilation"] = compilations() - before
            self.record.seconds["total"] = time.perf_counter() - begin + self.earlier
            self.record.status = "complete"
        except BaseException as error:
            self.record.status = f"incomplete: {str(error) or type(error).__name__}"
            raise
        finally:
            self.write()
        self.reporter.show(table_of(self.case, self.record))
        for line in spread_lines(self.record.seeds) if self.record.seeds else ():
            self.reporter.say(line)
        self.reporter.say(f"{problem.name}: {self.record.seconds['total']:.1f} s; everything is in {self.out}")
        self.reporter.say(f"a page of it: hybrid report {self.out}")
        say_what_is_not_resolved(self.reporter, self.record)
        return self.record

    def _finite_elements(self) -> None:
        problem, comm, elements = self.problem, self.comm, self.elements
        if self.case.has_reference:
            self.u = self.timed("reference u_eps (FEM)", "reference", self._reference)
            self._describe_reference(elements.reference.reference_tol)
        else:
            self.record.reference = None
        self.cell = self.timed(
            "cell problems (FEM)",
            "fem_cell",
            lambda: self.once(
                cell_key(problem),
                elements.cell,
                lambda: self.fem.solve_cell(problem, comm, **elements.cell.arguments()),
            ),
        )
        self.record.homogenized = HomogenizedRecord(fem=results.plain(self.cell.coefficient))
        self.record.cell = CellsRecord(fem=CellRecord(error_estimates=self.cell.error_estimates or ()))
        self.v = self._homogenized("v: homogenized equation (FEM)", self.cell.coefficient)
        self.record.solves |= {"cell": results.cell_solve_of(self.cell), "v": results.solve_of(self.v)}
        self.write()

    def _describe_reference(self, wanted: float | None) -> None:
        self.record.reference = ReferenceRecord(
            dofs=self.u.dofs, degree=self.u.degree, cells_per_period=self.u.cells_per_period, seconds=self.u.seconds,
            iterations=self.u.iterations, error_estimate=self.u.error_estimate, tolerance=wanted, attempts=self.u.attempts,
            cached=self.u.cached,
        )  # fmt: skip
        self.record.solves["reference"] = results.solve_of(self.u)
        self.write()

    def _reference(self, **more: Any) -> Reference:
        arguments = self.elements.reference.arguments() | self.references | more
        found: Reference = self.fem.solve_multiscale(self.problem, self.comm, **arguments)
        if found.attempts:
            self.earlier += sum(attempt["seconds"] for attempt in found.attempts if attempt["cached"])
        elif found.cached:
            self.earlier += found.seconds
        if found.cached:
            self.reporter.say(f"    the reference was there already, in {self.references['cache'].folder}")
        return found

    def _homogenized(self, stage: str, coefficient: Any, before: Any = None) -> Any:
        """v or w; w on the mesh that was good enough for v."""
        arguments = self.elements.homogenized.arguments() | (results.settled(before) if before else {})

        def solve() -> Any:
            if before and results.are_close(coefficient, self.cell.coefficient):
                once = {"tol": None, "estimate": False}
                found = self.fem.solve_homogenized(self.problem, coefficient, self.comm, **arguments | once)
                known = estimate_of(before.trust, "solution")
                trust = {"solution": replace(known, how=f"{known.how}, for a coefficient next to this one")}
                return replace(found, error_estimate=before.error_estimate, trust=trust)
            return self.fem.solve_homogenized(self.problem, coefficient, self.comm, **arguments)

        key = equation_key(self.problem.homogenized(coefficient))
        settled = before and (before.trust, results.are_close(coefficient, self.cell.coefficient))
        return self.timed(stage, "fem_homogenized", lambda: self.once(key, (sorted(arguments.items()), settled), solve))

    def _networks(self, extras: Sequence[Extras]) -> None:
        def watch(part: str, networks: Sequence[Network]) -> Monitor | None:
            return next((extra.watch(self, part, networks) for extra in extras), None)

        self.chi, self.corrector_errors = climbing.cell_networks(self, watch)
        exact, found = self.cell.coefficient, self.chi.coefficient
        difference = results.relative_difference(found, exact)
        slow = {"e_a": difference, "slopes": self.chi.slopes.tolist()} if self.problem.flux.depends_on else {}
        self.record.homogenized = HomogenizedRecord(
            fem=self.record.homogenized.fem, pinn=results.plain(found), relative_difference=difference, **slow
        )
        self.record.bounds = BoundsRecord.of(
            fem=getattr(self.cell, "bounds", None), pinn=getattr(self.chi, "bounds", None)
        )
        self.record.cell = CellsRecord(
            fem=self.record.cell.fem,
            pinn=CellRecord(errors=self.corrector_errors, error_estimates=self.chi.error_estimates or ()),
        )
        self.write()
        self.w = self._homogenized("w: coefficient of the network (FEM)", found, self.v)
        self.record.solves["w"] = results.solve_of(self.w)
        self.p = climbing.homogenized_networks(self, found, watch)
        self.write()

    def _compare(self) -> None:
        self.terms, self.ended = self.timed("beyond u_0 (FEM, network)", "ladder", lambda: find_terms(self))
        self.timed("errors e1 to e5", "comparison", self._measure)
        for _ in range(_REFINEMENTS):  # errors that a poor reference has measured may be smaller than they seemed
            wanted = wanted_of([self.record.errors[name] for name in ("e1", "e2", "e4", "e5")])
            enough = estimate_of(self.u.trust, "solution").within(max(wanted, self.adapted.fem))
            if enough or not self.adapted.reference or self.refused or self.u.rounding > wanted:
                break
            self._refine_reference(max(wanted / 2, self.adapted.fem / 20))

    def _compare_paths(self) -> None:
        """Without a reference p is compared with w, on the mesh of w."""

        def task() -> None:
            space = self.w.function.function_space
            self.on_mesh = comparison.all_to_space({"v": self.v, "w": self.w, "p": self.p}, space)
            self.record.errors = against_fem(self.w, self.on_mesh["p"])

        self.timed("error e3", "comparison", task)

    def _judge(self) -> None:
        evidence = evidence_of(self)
        judgements = judge(evidence, tolerances_of(self))
        if (ladder := self.record.ladder) is not None:
            estimates = {}
            for path, terms in self.terms.items():
                rungs = {name: l2 for name, (l2, _) in ladder.rungs(path).items()}
                estimates[path] = judge_rungs(evidence, path, rungs, terms.trust, terms.layers, terms.second)
            self.record.ladder = ladder.model_copy(update={"estimates": estimates})
        self.record.trust = {
            name: TrustRecord(estimate=found.estimate, how=found.how, resolved=found.resolved)
            for name, found in judgements.items()
        }
        self.record.unresolved = reasons(judgements)
        self.record.resolved = not self.record.unresolved

    def _certify(self) -> None:
        """Bounds of the errors of both paths, beside what the reference says of them."""
        paths = {"fem": (self.v, self.cell), "pinn": (self.p, self.chi)}

        def task() -> dict[str, CertificateRecord]:
            reference = self.u if self.case.has_reference else None
            return certificates(self.problem, paths, self.comm, reference, self.reporter.warn)

        self.record.certificate = self.timed("bounds of errors", "certificate", task)
        for found in self.record.certificate.values():
            for line in lines_of(found):
                self.reporter.say(f"    {line}")

    def _measure(self) -> None:
        norms = comparison.Norms(self.u)
        ladder = measured(self, self.terms, self.ended, norms)
        self.record.ladder, self.best = ladder.record, ladder.best
        fem, pinn = ladder.functions["fem"], ladder.functions["pinn"]
        (w,) = comparison.all_to_space({"w": self.w}, norms.space).values()
        self.on_mesh = {"v": fem["u0"], "w": w, "p": pinn["u0"], "r": pinn[self.best]}
        solutions = {"v": self.v, "w": self.w, "p": self.p, "r": self.on_mesh["r"]}
        found = comparison.errors(self.u, w=w, p=pinn["u0"], norms=norms)
        for name, (path, rung) in {"e4": ("fem", "u0"), "e5": ("pinn", self.best)}.items():
            found[name], found[f"{name}_h1"] = ladder.record.rungs(path)[rung]
        self.record.errors = dict(sorted(found.items()))
        count = self.record.grid = grid_count(self.problem)
        self.record.errors_grid = comparison.grid_errors(self.problem.domain, self.u, count=count, **solutions)

    def _refine_reference(self, wanted: float) -> None:
        """Refine until the reference can measure the errors; where that is out of reach the first one stays."""
        self.reporter.say(f"    the reference is to measure these errors: refined until its own is {wanted:.1e}")
        try:
            self.u = self.timed(
                "reference u_eps, refined (FEM)", "reference",
                lambda: self._reference(reference_tol=wanted, check=self._within_budget),
            )  # fmt: skip
        except (InputError, SolverError) as failed:
            self.refused = f"refining it was tried: {failed}"
            return
        self._describe_reference(wanted)
        self.timed("errors e1 to e5", "comparison", self._measure)

    def _within_budget(self, cells: int) -> None:
        self.references["check"](cells)
        count = unknowns([n * cells for n in self.problem.periods], self.elements.reference.degree)
        if count > self.adapted.unknowns:
            raise InputError(
                "fem.budget", f"{count:.2g} unknowns, more than fem.budget ({self.adapted.unknowns}) allows"
            )

    def _fields(self) -> dict[str, Any]:
        """For ParaView: on the mesh of the reference, or of w where there is none."""
        return {"u_eps": self.u.function} | self.on_mesh if self.case.has_reference else self.on_mesh

    def _leave(self) -> None:
        def task() -> None:
            write_fields(self.out, self._fields(), self.cell, self.chi)
            self.record.samples = samples(self)
            if self.comm.rank == 0:
                draw(self.out, self.case, self.record)

        self.timed("figures and fields", "figures", task)
