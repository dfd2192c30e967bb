"""What the paper lacks: the direct approach, solved well. Networks for the multiscale equation itself, by three formulations,
with and without the fast frequency among their inputs, every layer trained by a second-order optimizer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from mpi4py import MPI

import hybrid
from hybrid import fem, pinn, store
from hybrid.comparison import grid, on_points
from hybrid.paper.cases import case
from hybrid.paper.experiment import Apart, Recorded, Results
from hybrid.parallel import on_root
from hybrid.physics import EllipticProblem
from hybrid.pinn import LevenbergMarquardt
from hybrid.report.tabular import Table, listed, text_of
from hybrid.study.monitor import relative, thinned
from hybrid.study.progress import Reporter
from hybrid.study.table import number

NAMES = {
    "strong": "strong form (classical PINN)",
    "first-order": "first-order system",
    "ritz": "energy (Ritz) form",
}


@dataclass(frozen=True)
class _Size:
    """By dimension.

    Attributes:
        hidden: Hidden widths.
        points: Collocation points along each side.
        ritz: The same for the energy, a sum of squares plus a constant that points too far apart let the network undercut: 18
            for each period.
        steps: Of the optimizer.
        compared: Points along each side where solutions are compared.
    """

    hidden: tuple[int, ...]
    points: int
    ritz: int
    steps: int
    compared: int


_SIZES = {1: _Size((16, 16), 1200, 1200, 150, compared=2001), 2: _Size((16, 16), 96, 144, 60, compared=101)}


def baselines(
    problem: EllipticProblem, comm: MPI.Comm, path: Path, reporter: Reporter, *, seed: int = 0, **sizes: Any
) -> dict[str, Any]:
    """Solve the multiscale problem directly by each formulation; the results are kept in a file and not computed twice.

    Args:
        problem: An elliptic problem.
        comm: The ranks; the networks are trained on rank 0.
        path: The file.
        reporter: Tells the person who waits.
        seed: Of the initial weights.
        **sizes: ``hidden``, ``points`` and ``steps``, where they are to differ from the defaults.

    Returns:
        The rows under "rows": relative L2 errors against the reference on a grid, seconds, parameters, and what was trained.
    """
    size = replace(_SIZES[problem.dim], **sizes)
    key = store.key_of("baselines", hybrid.__version__, problem.digest, size, seed)
    done = comm.bcast(store.read_json(path) if comm.rank == 0 else None)
    if done is not None and done.get("key") == key:
        reporter.say(f"  direct baselines of {problem.name}: already done")
        return done
    u = fem.solve_multiscale(problem, comm, degree=3, cells_per_period=16, estimate=False)
    where = grid(problem.domain, size.compared)
    exact = on_points(u, where)
    rows = []
    for fast in (False, True):
        for formulation, name in NAMES.items():
            title = f"direct: {name}" + ", fast frequency" * fast

            def task(formulation: str = formulation, fast: bool = fast) -> dict[str, Any]:
                ritz = formulation == "ritz"
                points = size.ritz if ritz and not sizes else size.points
                # The energy's constant hides its progress from a relative tolerance.
                optimizer = LevenbergMarquardt(steps=size.steps, tolerance=1e-4 if ritz else 0.02)
                solution = pinn.solve_multiscale(
                    problem, formulation=formulation, fast_features=fast, seed=seed, hidden=size.hidden,
                    points=points, optimizer=optimizer, progress=reporter.step,
                )  # fmt: skip
                return {
                    "formulation": formulation, "fast_frequency": fast, "points": points,
                    "error": relative(solution.field.values(where), exact), "seconds": solution.seconds,
                    "parameters": sum(p.numel() for p in solution.networks[0].parameters()),
                    "stopped": solution.history.stopped, **thinned(solution.history.loss, 100),
                }  # fmt: skip

            with reporter.stage(title):
                rows.append(on_root(comm, task))
    found = {
        "key": key, "case": problem.name, "eps": problem.eps, "seed": seed, "optimizer": "levenberg-marquardt",
        "kind": "all layers trained, hard boundary conditions", "points": size.points, "steps": size.steps,
        "hidden": list(size.hidden), "rows": rows,
    }  # fmt: skip
    if comm.rank == 0:
        store.write_json(path, found)
    return found


_LABELS = {"strong": "strong form", "first-order": "first-order system", "ritz": "energy (Ritz) form"}


class Baselines(Apart):
    """Networks for the multiscale equation itself."""

    long = True
    files = ("elliptic-1d", "elliptic-2d")

    def run(self, comm: MPI.Comm, cases: Sequence[str], folder: Path, reporter: Reporter) -> None:
        """In one dimension and in two; collective."""
        for name in self.files:
            problem = case(name).problem
            if name in cases:
                assert isinstance(problem, EllipticProblem)
                reporter.say(f"direct baselines, {name}", style="bold")
                baselines(problem, comm, folder / f"{name}.json", reporter)

    def tables(self, recorded: Recorded) -> Sequence[Table]:
        """One for each dimension, beside NH-PINN and finite elements."""
        return [_table(recorded, name, recorded.apart[name]) for name in self.files if name in recorded.apart]

    def summary(self, recorded: Recorded) -> Sequence[str]:
        """The best of them, and the strong form, in one sentence."""
        found = [(case(name).problem.dim, recorded.apart[name]) for name in self.files if name in recorded.apart]
        if not found:
            return []
        parts = []
        for dim, results in found:
            best = min(results["rows"], key=lambda row: float(row["error"]))
            fast = ", given the frequency" if best["fast_frequency"] else ""
            parts.append(f"{number(best['error'])} in {dim}D ({_LABELS[best['formulation']]}{fast})")
        strong = listed([f"{_best(results, False, True)['error']:.2g}" for _, results in found])
        return [f"Direct networks reach {listed(parts)}, the strong form {strong}."]

    def findings(self, recorded: Recorded) -> Sequence[str]:
        """Whether the direct approach is hopeless."""
        return [_finding(name, recorded.apart[name]) for name in self.files if name in recorded.apart]


def _table(recorded: Recorded, name: str, found: Results) -> Table:
    rows = [
        (
            _LABELS[row["formulation"]] + (", with the fast frequency" if row["fast_frequency"] else ""),
            text_of(row["error"]),
            f"{row['seconds']:.1f}",
            str(row["parameters"]),
            str(row["points"]),
            str(row["steps"]),
            "steps" if row["stopped"] == "all steps done" else "stagnated",
        )
        for row in found["rows"]
    ]
    if (results := recorded.run("accurate", name)) is not None:
        seconds, errors = results["seconds"], results["errors"]
        networks = f"{seconds['pinn_cell'] + seconds['pinn_homogenized']:.1f}"
        rows += [
            (title, text_of(error), time, "", "", "", "")
            for title, error, time in (
                ("NH-PINN, preset accurate (e1)", errors["e1"], networks),
                ("– the best reconstruction (e5)", errors["e5"], networks),
                (
                    "finite elements that resolve ε (estimate)",
                    results["reference"]["error_estimate"],
                    f"{seconds['reference']:.1f}",
                ),
            )
        ]
    return Table(
        f"Direct networks, solved well: {name}, ε = {_fraction(found)}",
        (
            "every layer trained, Levenberg–Marquardt",
            "error",
            "seconds",
            "parameters",
            "points a side",
            "steps",
            "stopped by",
        ),
        rows,
        f"Relative L2 error of u against the reference; hidden layers {found['hidden']}, "
        "u = 0 on the boundary exactly. “With the fast frequency”: sin and cos of 2πx_i/ε are inputs beside x.",
    )


def _fraction(found: Results) -> Fraction:
    """ε as it is written."""
    return Fraction(found["eps"]).limit_denominator(1000)


def _best(found: Results, fast: bool, strong: bool) -> Results:
    kept = [r for r in found["rows"] if r["fast_frequency"] is fast and (r["formulation"] == "strong") is strong]
    return min(kept, key=lambda r: float(r["error"]))


def _finding(name: str, found: Results) -> str:
    plain, plain_best = _best(found, False, True), _best(found, False, False)
    fast, fast_best = _best(found, True, True), _best(found, True, False)
    return (
        f"Is the direct approach hopeless ({case(name).problem.dim}D, ε = {_fraction(found)})? The strong form is, without "
        f"knowing the frequency, even with a second-order optimizer: {number(plain['error'])}. The "
        f"{_LABELS[plain_best['formulation']]} reaches {_in_time(plain_best)}; with the fast frequency as input the strong "
        f"form reaches {number(fast['error'])} and the {_LABELS[fast_best['formulation']]} {_in_time(fast_best)}. So it is the "
        "residual and the inputs that fail, not networks as such; and a direct network that knows the period can be more "
        "accurate than homogenization, whose error is of order ε. Its cost grows as ε falls, that of homogenization does not."
    )


def _in_time(row: Results) -> str:
    return f"{number(row['error'])} in {row['seconds']:.0f} s"
