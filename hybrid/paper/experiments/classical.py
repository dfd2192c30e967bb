"""Sections 2.1, 2.2 and 5: the classical PINN on the multiscale equation, from scratch and from NH-PINN's network."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any, TypedDict

from matplotlib.figure import Figure as Drawing

from hybrid import pinn
from hybrid.comparison import on_points
from hybrid.paper import plots
from hybrid.paper.cases import paper_cases
from hybrid.paper.experiment import Figure, InRun, Recorded, Runs
from hybrid.paper.monitors import monitor, of_space, test_points, values_of
from hybrid.pinn.functions.network import Network
from hybrid.report.tabular import Table, span, text_of
from hybrid.study.figures import frame
from hybrid.study.monitor import relative
from hybrid.study.recorder import Recorder

LABELS = {"classical": "classical PINN", "transfer": "classical PINN, started from $p$"}
_FAILS = 0.5
"""An error above is none of a solution."""
_STAGES = {"classical": "classical PINN", "transfer": "classical PINN from p (transfer)"}


class Record(TypedDict):
    """The error averaged over the last epochs, that at the end, and both curves."""

    error: float
    final: float
    monitored: dict[str, Any]
    seconds: float
    kind: str


def train(run: Recorder, name: str, start: Sequence[Network] | None) -> Record:
    """The classical PINN on the multiscale equation, from scratch or from networks that are there; collective."""
    problem = run.problem
    settings = run.networks["classical"]
    points = test_points(run)
    u = on_points(run.u, points)
    if start is not None:
        networks = tuple(copy.deepcopy(network) for network in start)
    else:
        networks = pinn.multiscale_networks(problem, **settings.shape.arguments())
    network = of_space(run, networks[0])
    watched = monitor(run, "classical", lambda: {"error": relative(values_of(network, points)[:, 0], u)})
    depends = run.record.training["homogenized"].loss if start is not None else ()
    solution, meta = run.timed(
        _STAGES[name], name,
        lambda: run.trained(
            name, networks, lambda **more: run.pinn.solve_multiscale(problem, **settings.arguments(), **more), settings,
            depends, watched,
        ),
    )  # fmt: skip
    run.fields[name] = solution.field
    curve = meta["monitored"]
    return {
        "error": curve["averages"]["error"], "final": relative(solution.field.values(points), u),
        "monitored": curve, "seconds": meta["seconds"], "kind": meta["kind"],
    }  # fmt: skip


def _classical_1d(runs: Runs) -> Drawing:
    results = runs["paper", "elliptic-1d"]
    figure, axes = frame(1, 3)
    plots.coefficient(axes[0], results)
    plots.solution(axes[1], results, "classical", LABELS["classical"])
    curve = results["classical"]["monitored"]
    plots.history(axes[2], curve, {"error": LABELS["classical"]}, "error while training")
    return figure


def _training(name: str, key: str, last: int, solution: bool) -> Callable[[Runs], Drawing]:
    def draw(runs: Runs) -> Drawing:
        results = runs["paper", name]
        curve = results[key]["monitored"]
        figure, axes = frame(1, 3 if solution else 2)
        plots.history(axes[0], curve, {"error": LABELS[key]}, "error while training")
        plots.history(axes[1], curve, {"error": LABELS[key]}, "", last)
        if solution:
            plots.solution(axes[2], results, key, LABELS[key])
        return figure

    return draw


def _figure(number: int, name: str, title: str, key: str, last: int, *, solution: bool = False) -> Figure:
    return Figure(number, title, (("paper", name),), _training(name, key, last, solution))


class Classical(InRun):
    """The direct approach with the paper's settings."""

    figures = (
        Figure(
            1, "Section 2.1, 1D without slow dependency: coefficient, and the classical PINN against the reference",
            (("paper", "elliptic-1d"),), _classical_1d,
        ),
        _figure(3, "elliptic-2d", "2D, classical PINN: error while training", "classical", 1500),
        _figure(
            8, "elliptic-2d", "2D, transfer learning: the classical PINN started from NH-PINN", "transfer", 1500
        ),
        _figure(10, "elliptic-1d-slow", "1D slow, classical PINN", "classical", 500, solution=True),
        _figure(13, "elliptic-1d-slow", "1D slow, transfer learning", "transfer", 500),
        _figure(15, "reaction-diffusion-10", "ε = 1/10, classical PINN", "classical", 1000, solution=True),
        _figure(18, "reaction-diffusion-10", "ε = 1/10, transfer learning", "transfer", 1000),
        _figure(20, "reaction-diffusion-50", "ε = 1/50, classical PINN", "classical", 1000, solution=True),
        _figure(23, "reaction-diffusion-50", "ε = 1/50, transfer learning", "transfer", 1000),
    )  # fmt: skip

    def run(self, run: Recorder) -> None:
        """Both trainings; collective."""
        for name, start in (("classical", None), ("transfer", run.p.networks)):
            run.record.add(name, train(run, name, start))
            run.write()

    def tables(self, recorded: Recorded) -> Sequence[Table]:
        """Both beside NH-PINN."""
        rows = []
        for shown in paper_cases(literal=False):
            results, paper = recorded.run("paper", shown.name), shown.case.published
            if results is None:
                continue
            cells = [shown.name]
            for key in LABELS:
                cells += [text_of(paper.get(key)), text_of(results[key]["error"])]
            rows.append((*cells, text_of(results["averaged"]["e1"])))
        return [
            Table(
                "Classical PINN, and the classical PINN started from NH-PINN's network (transfer learning)",
                ("", "classical: paper", "classical: here", "transfer: paper", "transfer: here", "NH-PINN: here"),
                rows,
                "Relative L2 errors against the reference with the paper's settings, averaged over its last epochs.",
            )
        ]

    def summary(self, recorded: Recorded) -> Sequence[str]:
        """Whether it fails."""
        pairs = [(shown.case.published, recorded.run("paper", shown.name)) for shown in paper_cases(literal=False)]
        found = {
            key: [(paper[key], r[key]["error"]) for paper, r in pairs if r is not None and key in paper]
            for key in LABELS
        }
        if not found["classical"]:
            return []
        papers, errors = zip(*found["classical"], strict=True)
        verdict = "fails as the paper says" if min(errors) > _FAILS else "does not fail everywhere"
        later = [error for _, error in found["transfer"]]
        after = f", and {span(later)} when it is started from NH-PINN's network" if later else ""
        return [f"The classical PINN {verdict}: its errors are {span(errors)} (the paper's {span(papers)}){after}."]

    def findings(self, recorded: Recorded) -> Sequence[str]:
        """Both, in one sentence."""
        rows = []
        for shown in sorted(paper_cases(literal=False), key=lambda shown: shown.table):
            results, paper = recorded.run("paper", shown.name), shown.case.published
            if results is not None:
                parts = [f"{results[key]['error']:.3f} (paper {paper[key]:.3f})" for key in LABELS if key in paper]
                rows.append(f"{shown.name}: {' and, started from NH-PINN, '.join(parts)}")
        return ["The classical PINN with the paper's settings: " + "; ".join(rows) + "."] if rows else []
