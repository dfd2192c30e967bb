"""Section 4.1: the cell problems with oversampled points, and without."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypedDict

import numpy as np
from matplotlib.figure import Figure as Drawing

from hybrid import comparison
from hybrid.paper import plots
from hybrid.paper.cases import case
from hybrid.paper.experiment import Figure, InRun, Recorded, Results, Runs
from hybrid.paper.monitors import cell_monitor
from hybrid.paper.settings import paper_settings
from hybrid.pinn import History, LevenbergMarquardt
from hybrid.pinn.cells.cellrows import cell_rows
from hybrid.pinn.cells.periodicities import periodicity_of
from hybrid.pinn.optimizers.training import train as train_network
from hybrid.pinn.settings import NetworkSettings
from hybrid.report.tabular import Table, listed, span, text_of
from hybrid.study.figures import frame
from hybrid.study.recorder import Recorder

_STEPS, _HIDDEN = 60, (16, 16)
"""Of the trainings by Levenberg-Marquardt."""
_LAST = 4000
"""Epochs that the figures show once more."""
_OF_THREE = 3.0
"""By what factor the errors have to differ to say that the trick works."""
_TWO, _ONE = "elliptic-2d", "reaction-diffusion-10"
_LABELS = {"chi_1": "χ₁", "chi_2": "χ₂", "N": "N (1D)"}
_OPTIMIZERS = {"adam": "Adam", "levenberg-marquardt": "Levenberg–Marquardt"}


class Row(TypedDict):
    """The error of one corrector from one seed; `kind` is "with" or "without"."""

    optimizer: str
    corrector: str
    seed: int
    kind: str
    error: float


class Record(TypedDict):
    """All errors, and the curves of the first seed by kind."""

    rows: list[Row]
    curves: dict[str, Any]


def study(run: Recorder, without: tuple[float, float]) -> Record:
    """The cell problems with oversampled points and without: errors averaged over the last epochs, by corrector and seed.

    The first seed trains all correctors, the other ones the first corrector only. The same loss is also minimized by
    Levenberg-Marquardt, which shows what it is worth when the training is not what limits it.
    """
    given = run.networks["cell"]
    own = given.seed or 0
    found: Record = {"rows": [], "curves": {}}
    for kind, base in (("with", given), ("without", replace(given, periodicity="penalty", weights=without))):
        for seed in _seeds(run):
            settings = replace(base, seed=seed)
            if kind == "with" and seed == own:
                curve = run.record.training["cell"].monitored or {}
            else:
                title = f"cell, {kind}, seed {seed}"
                curve = _training(run, f"cell-{kind}-{seed}", title, settings, seed == own)["monitored"]
            if seed == own:
                found["curves"][kind] = curve
            for name, error in curve["averages"].items():
                found["rows"].append(
                    {"optimizer": "adam", "corrector": name, "seed": seed, "kind": kind, "error": error}
                )
        found["rows"] += _second_order(run, kind, base)
    return found


def _seeds(run: Recorder) -> range:
    own = run.networks["cell"].seed or 0
    return range(own, own + len(paper_settings(run.problem).seeds))


def _second_order(run: Recorder, kind: str, given: NetworkSettings) -> list[Row]:
    """The same points and weights, a smaller network, Levenberg-Marquardt."""
    settings = NetworkSettings(
        hidden=_HIDDEN, optimizer=LevenbergMarquardt(steps=_STEPS), points=given.points, oversampling=given.oversampling,
        weights=given.weights, periodicity=given.periodicity,
    )  # fmt: skip
    rows: list[Row] = []
    for seed in _seeds(run):
        chosen = replace(settings, seed=seed)
        networks = run.pinn.cell_networks(run.problem, **chosen.shape.arguments())
        solve = partial(run.pinn.solve_cell, run.problem, **chosen.arguments())
        task = partial(run.trained, f"cell-lm-{kind}-{seed}", networks, solve, chosen, ())
        chi, _ = run.timed(f"cell, {kind}, Levenberg-Marquardt, seed {seed}", "oversampling", task)
        errors = comparison.cell_errors(run.problem, chi, run.cell, run.comm)
        for name, error in zip(run.problem.correctors, errors, strict=True):
            rows.append(
                {"optimizer": "levenberg-marquardt", "corrector": name, "seed": seed, "kind": kind, "error": error}
            )
    return rows


@dataclass(frozen=True)
class _First:
    """The first corrector, trained alone."""

    history: History


def _training(run: Recorder, name: str, title: str, settings: NetworkSettings, every: bool) -> dict[str, Any]:
    """Train all correctors, or the first one only."""
    problem: Any = run.problem
    networks = run.pinn.cell_networks(problem, **settings.shape.arguments())
    networks = networks if every else networks[:1]
    watched = cell_monitor(run, networks)

    def first_only(networks: Any, train: bool = True, **training: Any) -> Any:
        if not train:
            return _First(History("given network"))
        rows = cell_rows(
            problem.cell_problems(), periodicity_of(settings.periodicity), settings.points, settings.oversampling or 2,
            settings.weights or (),
        )  # fmt: skip
        history = train_network(
            networks[0], [part.output(0) for part in rows], optimizer=settings.optimizer,
            precision=settings.precision or "double", **training,
        )  # fmt: skip
        return _First(history)

    solve: Callable[..., Any] = first_only
    if every or not problem.cell_problems().driven_by_fluxes or problem.dim == 1:
        solve = partial(run.pinn.solve_cell, problem, **settings.arguments())
    _, meta = run.timed(title, "oversampling", lambda: run.trained(name, networks, solve, settings, every, watched))
    return meta


def pairs(record: Results, optimizer: str) -> list[tuple[str, int, float, float]]:
    """(corrector, seed, error with oversampling, error without)."""
    rows = {(r["corrector"], r["seed"], r["kind"]): r["error"] for r in record["rows"] if r["optimizer"] == optimizer}
    return [(name, seed, e, rows[name, seed, "without"]) for (name, seed, kind), e in rows.items() if kind == "with"]


def _seeds_of(results: Results) -> set[int]:
    return {row["seed"] for row in results["oversampling"]["rows"]}


def factors(record: Results, optimizer: str) -> np.ndarray:
    """By which the errors without are larger."""
    return np.array([without / one for _, _, one, without in pairs(record, optimizer)])


def _corrector(j: int) -> Callable[[Runs], Drawing]:
    def draw(runs: Runs) -> Drawing:
        record = runs["paper", _TWO]["oversampling"]
        figure, axes = frame(1, 2)
        for k, (kind, label) in enumerate((("with", "oversampling"), ("without", "without"))):
            curve, name = record["curves"][kind], f"chi_{j}"
            for ax, first in ((axes[0], 0), (axes[1], curve["epochs"][-1] - _LAST)):
                keep = np.array(curve["epochs"]) >= first
                ax.plot(
                    np.array(curve["epochs"])[keep], np.array(curve["errors"][name])[keep], color=f"C{k}", linewidth=0.9,
                    label=f"{label}: {curve['averages'][name]:.3g}",
                )  # fmt: skip
        plots.finish_history(axes[0], rf"corrector $\chi_{j}$", curve["average_over"])
        plots.finish_history(axes[1], f"the last {_LAST} epochs", curve["average_over"])
        return figure

    return draw


class Oversampling(InRun):
    """Points outside the cell, whose values are compared with those a period away."""

    figures = (
        Figure(4, "2D, corrector χ₁ with oversampling and without", (("paper", _TWO),), _corrector(1)),
        Figure(5, "2D, corrector χ₂ with oversampling and without", (("paper", _TWO),), _corrector(2)),
    )

    def run(self, run: Recorder) -> None:
        """The study, where the paper has one; collective."""
        without = paper_settings(run.problem).without
        if without is not None:
            run.record.add("oversampling", study(run, without))

    def tables(self, recorded: Recorded) -> Sequence[Table]:
        """Errors with and without, by optimizer, corrector and seed."""
        rows: list[tuple[str, ...]] = []
        apart: list[int] = []
        for name in (_TWO, _ONE):
            results, paper = recorded.run("paper", name), case(name).published
            if results is None:
                continue
            for key, label in _LABELS.items():
                if key in paper:
                    apart.append(len(rows))
                    rows.append((f"paper, {label}", text_of(paper[key]), text_of(paper.get(f"{key}_without")), ""))
            for optimizer, called in _OPTIMIZERS.items():
                for key, seed, one, other in pairs(results["oversampling"], optimizer):
                    text = f"{called}, {_LABELS[key]}, seed {seed}"
                    rows.append((text, text_of(one), text_of(other), f"{other / one:.2g}"))
        return [
            Table(
                "Oversampling against none: relative L2 errors of the correctors",
                ("", "with", "without", "without / with"),
                rows,
                "Adam: the paper's network and points, averaged over its last epochs. Levenberg–Marquardt: the same loss and "
                f"points, {_STEPS} steps with a smaller network, {'-'.join(map(str, _HIDDEN))} (every layer trained).",
                tuple(apart),
            )
        ]

    def summary(self, recorded: Recorded) -> Sequence[str]:
        """By how much it helps where the training is not what limits it."""
        results, paper = recorded.run("paper", _TWO), case(_TWO).published
        if results is None:
            return []
        found = factors(results["oversampling"], "levenberg-marquardt").tolist()
        papers = [paper[f"{key}_without"] / paper[key] for key in ("chi_1", "chi_2")]
        return [
            f"Without oversampling the errors of the 2D correctors are {span(found)} times as large (Levenberg–Marquardt, "
            f"{len(_seeds_of(results))} seeds; the paper's {span(papers)})."
        ]

    def findings(self, recorded: Recorded) -> Sequence[str]:
        """By how much it helps."""
        results, paper = recorded.run("paper", _TWO), case(_TWO).published
        if results is None:
            return []
        found = {optimizer: factors(results["oversampling"], optimizer) for optimizer in _OPTIMIZERS}

        def said(optimizer: str) -> str:
            r = found[optimizer]
            return f"{np.median(r):.2g} (median over seeds and correctors, from {r.min():.2g} to {r.max():.2g})"

        papers = listed([f"{paper[f'{key}_without'] / paper[key]:.2g}" for key in ("chi_1", "chi_2")])
        text = (
            "Oversampling in 2D: without it the correctors' errors are larger by a factor "
            f"{said('adam')} with Adam and the paper's network, and {said('levenberg-marquardt')} when the same loss is "
            f"minimized by {_STEPS} steps of Levenberg–Marquardt; the paper's factors are {papers}."
        )
        if np.median(found["adam"]) < _OF_THREE < np.median(found["levenberg-marquardt"]):
            text += (
                " The trick does what the paper says. With our settings Adam stops before that shows: the text does not give "
                "its learning rate, weights and epochs for the cell problems."
            )
        one = recorded.run("paper", _ONE)
        if one is not None:
            ratio = factors(one["oversampling"], "adam")
            text += (
                " In 1D it makes little difference, as the paper says (N: a factor "
                f"{ratio.min():.2g} to {ratio.max():.2g})."
            )
        return [text]
