"""The networks of a run from several seeds: how far their errors spread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hybrid import comparison
from hybrid.comparison.transfer import Comparable
from hybrid.fem.dirichlet import Solution
from hybrid.pinn.settings import NetworkSettings
from hybrid.study import statistics
from hybrid.study.recorder import Recorder
from hybrid.study.results import plain, relative_difference, settled
from hybrid.study.rows import FAILED_TO_TRAIN


def lines_of(found: Mapping[str, Any]) -> list[str]:
    """Median, quartiles and worst of each error over the seeds, and how many networks failed to train."""
    cell = [max(errors, default=0.0) for errors in found["cell"]]
    good = [e3 < FAILED_TO_TRAIN and worst < FAILED_TO_TRAIN for e3, worst in zip(found["e3"], cell, strict=True)]
    rows = {name: statistics.spread(found[name], good) for name in ("e1", "e2", "e3") if name in found} | {
        "correctors": statistics.spread(cell, good)
    }
    head = f"{len(good)} seeds, {good.count(False)} failed to train ({FAILED_TO_TRAIN:g} or more off finite elements)"
    return [head] + [
        f"  {name:10} median {one.median:.3e}, quartiles {one.low:.3e} and {one.high:.3e}, worst {one.worst:.3e}"
        for name, one in rows.items()
    ]


def spread(run: Recorder, count: int) -> dict[str, Any]:
    """The networks' errors from several seeds, the first being those of the run itself; collective."""
    problem: Any = run.problem
    first = run.networks["cell"].seed or 0
    found: dict[str, Any] = {"seeds": list(range(first, first + count))}

    def add(errors: dict[str, float], cell: list[float], difference: float) -> None:
        for name in ("e1", "e2", "e3") if run.case.has_reference else ("e3",):
            found.setdefault(name, []).append(errors[name])
        found.setdefault("cell", []).append(cell)
        found.setdefault("coefficient", []).append(difference)

    add(
        run.record.errors,
        run.corrector_errors,
        run.record.homogenized.relative_difference,
    )
    # The mesh that is good enough for the first seed is for the others, as its estimate has shown.
    mesh = settled(run.w) or settled(run.v)
    elements = run.elements.homogenized.arguments() | mesh | {"tol": None, "estimate": False}
    for seed in found["seeds"][1:]:
        cell, homogenized = (
            replace(run.settled.get(part, run.networks[part]), seed=seed) for part in ("cell", "homogenized")
        )

        def task(seed: int = seed, cell: NetworkSettings = cell, homogenized: NetworkSettings = homogenized) -> None:
            chi, _ = run.trained(
                f"cell-seed-{seed}", run.pinn.cell_networks(problem, **cell.shape.arguments()),
                lambda **more: run.pinn.solve_cell(problem, **cell.arguments(), **more), cell, (),
            )  # fmt: skip
            w = run.fem.solve_homogenized(problem, chi.coefficient, run.comm, **elements)
            p, _ = run.trained(
                f"homogenized-seed-{seed}", run.pinn.homogenized_networks(problem, **homogenized.shape.arguments()),
                lambda **more: run.pinn.solve_homogenized(problem, chi.coefficient, **homogenized.arguments(), **more),
                homogenized, plain(chi.coefficient),
            )  # fmt: skip
            difference = relative_difference(chi.coefficient, run.cell.coefficient)
            add(_measured(run, w, p), comparison.cell_errors(problem, chi, run.cell, run.comm), difference)

        run.timed(f"the networks again, seed {seed}", "seeds", task)
    return found


def _measured(run: Recorder, w: Solution, p: Comparable) -> dict[str, float]:
    if not run.case.has_reference:
        return against_fem(w, p)
    space = run.u.function.function_space
    return comparison.errors(run.u, w=comparison.to_space(w, space), p=comparison.to_space(p, space))


def against_fem(w: Solution, p: Comparable) -> dict[str, float]:
    """e3 and its H1 twin on the mesh of w: what there is to measure without a reference; collective."""
    found = comparison.relative_errors(w, {"p": comparison.to_space(p, w.function.function_space)})["p"]
    return dict(zip(("e3", "e3_h1"), found, strict=True))
