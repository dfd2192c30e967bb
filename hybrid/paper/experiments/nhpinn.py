"""Sections 5.2 to 5.4: e1 … e5 of the paper's networks, and of networks that are trained well."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure as Drawing

from hybrid.paper import plots
from hybrid.paper.cases import PaperCase, case, paper_cases, with_tables
from hybrid.paper.experiment import Figure, InRun, Recorded, Results, Runs
from hybrid.paper.settings import paper_settings
from hybrid.report.tabular import Table, listed, range_of, span, text_of
from hybrid.study.figures import colour_map, frame
from hybrid.study.recorder import Recorder
from hybrid.study.table import number

KEYS = ("e1", "e2", "e3", "e4", "e5")
WITHIN = 1.5
"""How many times the paper's number an error may be and count as reproduced."""
ADDS_NOTHING = 1.02
"""How many times e4 the e1 of networks that are solved well may be."""

_NOTATION = Table(
    "Table 1. Notation",
    ("solution", "cell problems", "homogenized equation"),
    (("p", "networks", "network"), ("v", "finite elements", "finite elements"), ("w", "networks", "finite elements")),
    "u_ε is the reference, by finite elements on a mesh that resolves ε. e1 = ‖p - u_ε‖/‖u_ε‖, e2 = ‖w - u_ε‖/‖u_ε‖, "
    "e3 = ‖p - w‖/‖w‖, e4 = ‖v - u_ε‖/‖u_ε‖; and, beyond the paper, e5 = ‖r - u_ε‖/‖u_ε‖ for the networks' best "
    "reconstruction r: u_0 + ε χ_j(x/ε) ∂_j u_0 or u_0 (1 + ε N(x/ε)), and with presets accurate and fast boundary layers and "
    "the second order in ε.",
)


def _errors(recorded: Recorded, shown: PaperCase) -> Table:
    """Tables 2 to 5."""
    paper, name = shown.case.published, shown.name
    rows: list[tuple[str, ...]] = []
    apart: tuple[int, ...] = ()
    if "e1" in paper:
        rows, apart = [("paper", *(text_of(paper.get(k)) for k in KEYS), _ratio(paper))], (0,)
    if (results := recorded.run("paper", name)) is not None:
        grid = dict(results["errors_grid"]) | {k: v for k, v in results["averaged"].items() if k in KEYS}
        rows.append(("preset paper, as the paper measures", *(text_of(grid.get(k)) for k in KEYS), _ratio(grid)))
    for preset in ("fast", "accurate"):
        if (results := recorded.run(preset, name)) is not None:
            errors, spread = results["errors"], results.get("seeds")
            marks = {k: "" if _is_resolved(results, k) else " (!)" for k in KEYS}
            rows.append((f"preset {preset}", *(text_of(errors[k]) + marks[k] for k in KEYS), _ratio(errors)))
            if spread:
                cells = [range_of(spread[k]) if k in spread else "" for k in KEYS]
                rows.append((f"– its {len(spread['seeds'])} seeds", *cells, ""))
    note = (
        "“As the paper measures”: e1 and e3 averaged over the last epochs of the training, on the paper's grid. The other "
        "rows: relative L2 norms by quadrature on the reference mesh; (!): not known to a twentieth of itself."
    )
    title = f"Table {shown.table}. {shown.heading}" if shown.table else shown.heading
    return Table(title, ("", *KEYS, "e1 / e4"), rows, note, apart)


def _ratio(errors: Mapping[str, float]) -> str:
    return f"{errors['e1'] / errors['e4']:.3g}" if "e1" in errors and "e4" in errors else ""


def _difference_2d(runs: Runs) -> Drawing:
    figure, axes = frame(1, 2, 3.3)
    for ax, preset in zip(axes, ("paper", "accurate"), strict=True):
        s = runs[preset, "elliptic-2d"]["samples"]
        values = np.array(s["u"]) - np.array(s["p"])
        colour_map(ax, case("elliptic-2d").problem.domain, values, "RdBu_r", rf"$u_\varepsilon - p$, preset {preset}")
    return figure


def _training(name: str, last: int) -> Callable[[Runs], Drawing]:
    def draw(runs: Runs) -> Drawing:
        curve = runs["paper", name]["training"]["homogenized"]["monitored"]
        figure, axes = frame(1, 2)
        names = {"e1": "$e_1$", "e3": "$e_3$"}
        plots.history(axes[0], curve, names, "errors of $p$ while training")
        plots.history(axes[1], curve, names, "", last)
        return figure

    return draw


def _coefficient_and_p(name: str) -> Callable[[Runs], Drawing]:
    def draw(runs: Runs) -> Drawing:
        figure, axes = frame(1, 3)
        plots.coefficient(axes[0], runs["accurate", name])
        plots.solution(axes[1], runs["paper", name], "p", "$p$, preset paper")
        plots.solution(axes[2], runs["accurate", name], "p", "$p$, preset accurate")
        return figure

    return draw


def _curves(number: int, name: str, title: str, last: int) -> Figure:
    return Figure(number, f"{title}, NH-PINN: e₁ and e₃ while training", (("paper", name),), _training(name, last))


def _both(name: str) -> tuple[tuple[str, str], ...]:
    return (("paper", name), ("accurate", name))


def _solutions(number: int, name: str, title: str) -> Figure:
    text = f"{title}: the coefficient, and NH-PINN against the reference"
    return Figure(number, text, _both(name), _coefficient_and_p(name))


class NHPinn(InRun):
    """The method of the paper."""

    figures = (
        _curves(6, "elliptic-2d", "2D", 1200),
        Figure(7, "2D, where the error is: reference minus NH-PINN", _both("elliptic-2d"), _difference_2d),
        _solutions(9, "elliptic-1d-slow", "Section 5.3, 1D slow"),
        _curves(12, "elliptic-1d-slow", "1D slow", 2000),
        _solutions(14, "reaction-diffusion-10", "Section 5.4, ε = 1/10"),
        _curves(17, "reaction-diffusion-10", "ε = 1/10", 2000),
        _solutions(19, "reaction-diffusion-50", "ε = 1/50"),
        _curves(22, "reaction-diffusion-50", "ε = 1/50", 2000),
    )

    def run(self, run: Recorder) -> None:
        """Collect what was measured during the trainings, averaged as the paper does."""
        monitored = [run.record.training[part].monitored for part in ("cell", "homogenized")]
        averaged = {name: value for curve in monitored if curve for name, value in curve["averages"].items()}
        run.record.add("averaged", averaged)
        run.record.add("stated", list(paper_settings(run.problem).stated))

    def tables(self, recorded: Recorded) -> Sequence[Table]:
        """Tables 1 to 5, and one for section 2.1."""
        others = [found for found in paper_cases(literal=False) if not found.table]
        return [_NOTATION, *(_errors(recorded, shown) for shown in (*with_tables(), *others))]

    def summary(self, recorded: Recorded) -> Sequence[str]:
        """The same in two sentences."""
        return [*_reached(recorded), *_nothing_added(recorded)]

    def findings(self, recorded: Recorded) -> Sequence[str]:
        """Whether the paper's e1 is reached, and what there is to reach."""
        return [*_with_the_papers_settings(recorded), *_solved_well(recorded)]


def _with_the_papers_settings(recorded: Recorded) -> list[str]:
    found = []
    for shown in with_tables():
        results, paper = recorded.run("paper", shown.name), shown.case.published
        if results is None:
            continue
        e1 = results["averaged"]["e1"]
        verdict = "reached" if e1 <= WITHIN * paper["e1"] else "not reached"
        found.append(
            f"Table {shown.table}, {shown.name}: with the paper's settings NH-PINN's e1 is {number(e1)}, the paper has "
            f"{number(paper['e1'])} ({verdict}: {e1 / paper['e1']:.2g} times the paper's)."
        )
    return found


def _reached(recorded: Recorded) -> list[str]:
    pairs = [(shown.case.published["e1"], recorded.run("paper", shown.name)) for shown in with_tables()]
    ratios = [results["averaged"]["e1"] / paper for paper, results in pairs if results is not None]
    if not ratios:
        return []
    count = sum(ratio <= WITHIN for ratio in ratios)
    return [
        f"With the paper's settings networks for everything come to an e1 of {span(ratios)} times what it prints; in {count} "
        f"of {len(ratios)} problems to at most {WITHIN:g} times that."
    ]


def _nothing_added(recorded: Recorded) -> list[str]:
    found = [results for _, results in _accurate(recorded)]
    if not found:
        return []
    worst = max(results["errors"]["e1"] / results["errors"]["e4"] for results in found)
    below = [results["errors"]["e5"] / results["errors"]["e4"] for results in found]
    verdict = "they add nothing to" if worst <= ADDS_NOTHING else "they add to"
    unsure = sum(not _is_resolved(results, key) for results in found for key in ("e1", "e4", "e5"))
    doubt = f" ({unsure} of these {3 * len(found)} errors are not resolved)" if unsure else ""
    return [
        f"Solved well, {verdict} the error of homogenization, e4: e1 is at most {worst:.4f} times e4, and with correctors e5 "
        f"is {span(below)} times e4{doubt}."
    ]


def _is_resolved(results: Results, key: str) -> bool:
    """Also where it was recorded before there was an estimate."""
    return bool(results.get("trust", {}).get(key, {"resolved": True})["resolved"])


def _accurate(recorded: Recorded) -> list[tuple[PaperCase, Results]]:
    pairs = [(shown, recorded.run("accurate", shown.name)) for shown in with_tables()]
    return [(shown, results) for shown, results in pairs if results is not None]


def _solved_well(recorded: Recorded) -> list[str]:
    errors = [(shown, results["errors"]) for shown, results in _accurate(recorded)]
    if not errors:
        return []
    worst = max(e["e1"] / e["e4"] for _, e in errors)
    with_correctors = [e["e5"] / e["e4"] for _, e in errors]
    if worst > ADDS_NOTHING or max(with_correctors) >= 1:
        return [f"Preset accurate: e1 is up to {worst:.3g} times e4, more than it should be."]
    papers = [shown.case.published["e1"] / shown.case.published["e4"] for shown, _ in errors]
    return [
        f"Solved well (preset accurate), the networks add nothing: e1 is at most {worst:.4f} times e4, the error of "
        f"homogenization itself; the paper's ratios are {listed([f'{ratio:.2g}' for ratio in papers])}. With their "
        "reconstructions the networks go below e4, which the text calls the theoretical bound: e5 is "
        f"{min(with_correctors):.2g} to {max(with_correctors):.2g} times e4."
    ]
