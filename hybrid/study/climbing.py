"""The networks of a run: larger and larger ones, until the estimate of their error is small enough."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from hybrid import comparison
from hybrid.parallel import on_root
from hybrid.pinn.functions.network import Network
from hybrid.pinn.optimizers.ladder import Attempt, climb
from hybrid.pinn.settings import NetworkSettings
from hybrid.study import results
from hybrid.study.estimates import confronted
from hybrid.study.monitor import Monitor
from hybrid.study.record import TrainingRecord
from hybrid.study.recorder import Recorder
from hybrid.study.shared import cell_key, equation_key
from hybrid.study.tolerances import is_proved, tolerances_of
from hybrid.trust import Estimate, estimate_of, largest

Trained = tuple[Any, dict[str, Any]]
"""A solution, and what is recorded of its training."""
Watch = Callable[[str, Sequence[Network]], Monitor | None]
"""What measures the networks of a part while they train, if anything does."""


def rungs(run: Recorder, part: str, seconds: float) -> Iterator[Mapping[str, Any]]:
    """The settings to try for the networks of a part, "cell" or "homogenized", in the order of their cost.

    Args:
        run: With the preset's settings, and the network's coefficient for the second part.
        part: Which.
        seconds: The nominal cost of the last of them, at the most.
    """
    arguments = run.networks[part].arguments()
    if not run.adapted.networks:
        return iter([arguments])
    if part == "cell":
        return run.pinn.cell_rungs(run.problem, arguments, budget=seconds)
    if run.w.rounding > run.adapted.pinn:  # networks round off no less than finite elements
        return iter([arguments])
    return run.pinn.homogenized_rungs(run.problem, run.chi.coefficient, arguments, budget=seconds)


_ERRORS = "corrector_errors"


def cell_networks(run: Recorder, watch: Watch) -> tuple[Any, list[float]]:
    """The cell problems by networks, and the errors of the correctors against finite elements; collective."""
    problem = run.problem

    def solve(number: int, rung: Mapping[str, Any]) -> Trained:
        settings = NetworkSettings(**rung)
        networks = run.pinn.cell_networks(problem, **settings.shape.arguments())
        return run.trained(
            _name("cell", number), networks, lambda **more: run.pinn.solve_cell(problem, **rung, **more), settings, (),
            watch("cell", networks),
        )  # fmt: skip

    allowed = tolerances_of(run)

    def estimate(trained: Trained) -> Estimate:
        """Of the worst corrector, or of the coefficient, each as a part of what is allowed for it."""
        found, meta = trained
        meta[_ERRORS] = comparison.cell_errors(problem, found, run.cell, run.comm)
        differences = dict(zip(problem.correctors, meta[_ERRORS], strict=True))
        differences["coefficient"] = results.effective_difference(found.coefficient, run.cell.coefficient)
        worst = []
        for name, difference in differences.items():
            fem, own = estimate_of(run.cell.trust, name), estimate_of(found.trust, name)
            believed = confronted(fem, own, difference, proved=name == "coefficient" and is_proved(run.cell))[1]
            part = run.adapted.pinn / (
                max(allowed.pinn, allowed.coefficient) if name == "coefficient" else allowed.corrector
            )
            worst.append(Estimate(None if believed.error is None else believed.error * part, believed.how))
        return largest(worst)

    solution, meta = _climbed(run, "cell", "cell problems (network)", solve, estimate, cell_key(problem))
    return solution, meta[_ERRORS]


def homogenized_networks(run: Recorder, coefficient: Any, watch: Watch) -> Any:
    """The homogenized equation by a network, for the coefficient of the cell networks; collective."""
    problem = run.problem

    def solve(number: int, rung: Mapping[str, Any]) -> Trained:
        settings = NetworkSettings(**rung)
        networks = run.pinn.homogenized_networks(problem, **settings.shape.arguments())
        return run.trained(
            _name("homogenized", number), networks,
            lambda **more: run.pinn.solve_homogenized(problem, coefficient, **rung, **more), settings,
            results.plain(coefficient), watch("homogenized", networks),
        )  # fmt: skip

    def estimate(trained: Trained) -> Estimate:
        p, w = trained[0], run.w
        own, fem = estimate_of(p.trust, "solution"), estimate_of(w.trust, "solution")
        return confronted(fem, own, comparison.sampled_difference(p, w))[1]

    key = equation_key(problem.homogenized(coefficient))
    return _climbed(run, "homogenized", "p: homogenized equation (network)", solve, estimate, key)[0]


def _climbed(
    run: Recorder, part: str, title: str, solve: Callable[[int, Mapping[str, Any]], Trained],
    estimate: Callable[[Trained], Estimate], key: object | None,
) -> Trained:  # fmt: skip
    """The best of the networks tried, once for all runs with this key of the equation; what was tried is recorded."""
    offered = rungs(run, part, run.adapted.seconds)
    tried: list[Mapping[str, Any]] = []

    def agreed() -> Iterator[Mapping[str, Any]]:
        """Rank 0's, as widths follow from spectra, which may differ in their last bits."""
        while (rung := on_root(run.comm, lambda: next(offered, None))) is not None:
            tried.append(rung)
            yield rung

    def climbed() -> tuple[Trained, int, Sequence[Attempt], Sequence[Mapping[str, Any]]]:
        return *climb(solve, agreed(), run.adapted.pinn, estimate, lambda text: run.reporter.say(f"    {text}")), tried

    settings = run.networks[part], run.adapted, run.elements, results.plain(run.cell.coefficient)
    (solution, meta), number, attempts, settings_tried = run.timed(
        title, f"pinn_{part}", lambda: run.once(key, settings, climbed)
    )
    if number:  # what trains again, from other seeds, does it with the settings that were good
        run.settled[part] = NetworkSettings(**settings_tried[number])
    trained = {name: value for name, value in meta.items() if name != _ERRORS}
    run.record.training[part] = TrainingRecord(
        **trained, attempts=[attempt.plain() for attempt in attempts],
        parameters=sum(p.numel() for network in solution.networks for p in network.parameters()),
    )  # fmt: skip
    return solution, meta


def _name(part: str, number: int) -> str:
    """Of the files of a training."""
    return f"{part}-{number + 1}" if number else part
