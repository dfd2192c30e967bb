"""What a sweep has found, in at most five sentences: all of their numbers and verdicts are those of its rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hybrid.report.sentences import said, scale
from hybrid.report.sweeprows import SEED, Sweep, along, is_resolved, number_in, values
from hybrid.report.tabular import listed, span
from hybrid.study.rows import Row
from hybrid.study.statistics import Order, order


def sentences(sweep: Sweep) -> list[str]:
    """What was run; what homogenization costs, and how that falls; what networks and correctors make of it; what to believe."""
    return [text for text in (_runs(sweep), _fem(sweep), _networks(sweep), _correctors(sweep), _trust(sweep)) if text]


def order_of(sweep: Sweep, rows: Sequence[Row], name: str) -> Order | None:
    """The order in ε that the medians show; none from fewer than two, or where there is something else on the axis.

    A median that is less than three times what its error may be off by is left out: it shows where the measurement ends.
    """
    if sweep.main != "eps" or sweep.is_pooled:
        return None
    doubts = {eps: float(np.median(part)) for eps, part in along(rows, "eps", f"{name}_estimate").items()}
    medians = {eps: float(np.median(part)) for eps, part in along(rows, "eps", name).items() if eps and min(part) > 0}
    found = {float(eps): size for eps, size in medians.items() if size > 3 * doubts.get(eps, 0.0)}  # type: ignore[arg-type]
    return order(list(found), list(found.values())) if len(found) > 1 else None


def ordered(found: Order) -> str:
    """An order with its interval, where there is one."""
    between = f" ({two_digits(found.low)} to {two_digits(found.high)})" if np.isfinite(found.low) else ""
    return f"{two_digits(found.order)}{between}"


def two_digits(value: float) -> str:
    """Rounded, and 0.00 without a sign."""
    return f"{round(value, 2) + 0.0:.2f}"


def estimate(rows: Sequence[Row], name: str) -> str:
    """What a number may be off by at the most, and how many of them are not resolved."""
    known = [row for row in rows if number_in(row, name) is not None]
    unsure = sum(not is_resolved(row, name) for row in known)
    off = values(known, f"{name}_estimate")
    if not known:
        return "not measured"
    if unsure:
        return f"not resolved in {unsure} of {len(known)} runs"
    return f"off by about {said(max(off), 1)} at most"


def _runs(sweep: Sweep) -> str:
    axes = [f"{len(values)} of {name}" for name, values in sweep.axes.items() if len(values) > 1]
    kinds = {f"{row.get('dim')}D {row.get('kind')} problem" for row in sweep.rows}
    what = f" of a {kinds.pop()}" if len(kinds) == 1 else ""
    text = (
        f"{len(sweep.complete)} of {sweep.planned} runs{what} are complete (values: {', '.join(axes) or 'one setting'})"
    )
    if sweep.failed:
        text += f", {len(sweep.failed)} failed"
    return f"{text}, {sweep.missing} missing." if sweep.missing else f"{text}."


def _fem(sweep: Sweep) -> str:
    found = values(sweep.complete, "e4")
    if not found:
        return ""
    text = f"Homogenization itself, finite elements for everything, costs {_from_to(sweep, 'e4')}"
    return f"{text} ({estimate(sweep.complete, 'e4')}){_falls(sweep, 'e4')}."


def _falls(sweep: Sweep, name: str) -> str:
    orders = [found for rows in sweep.groups.values() if (found := order_of(sweep, rows, name)) is not None]
    if not orders:
        return ""
    if len(orders) == 1:
        return f"; the order in ε is {ordered(orders[0])}"
    low, high = (two_digits(pick(found.order for found in orders)) for pick in (min, max))
    return f"; the order in ε is {low if low == high else f'{low} to {high}'} in {len(orders)} groups"


def _from_to(sweep: Sweep, name: str) -> str:
    """The medians at both ends of the main axis, or the least and the largest value."""
    found = along(sweep.complete, sweep.main, name) if sweep.main and len(sweep.groups) == 1 else {}
    if len(found) > 1 and all(isinstance(key, int | float) for key in found):
        ends = list(found)[:: len(found) - 1]
        axis = "ε" if sweep.main == "eps" else sweep.main
        first, last = (
            f"{name} = {said(float(np.median(found[end])))} at {axis} = {_at(sweep.main, end)}" for end in ends
        )
        return f"{last} and {first}"
    all_of = values(sweep.complete, name)
    low, high = said(min(all_of)), said(max(all_of))
    return f"{name} = {low}" if low == high else f"{name} from {low} to {high}"


def _at(axis: str, value: object) -> str:
    return scale(float(value)) if axis == "eps" else f"{value:g}"  # type: ignore[arg-type,str-format]


def _ratios(rows: Sequence[Row], name: str, other: str) -> np.ndarray:
    pairs = [(number_in(row, name), number_in(row, other)) for row in rows]
    return np.array([one / two for one, two in pairs if one is not None and two])


def _networks(sweep: Sweep) -> str:
    times = _ratios(sweep.complete, "e1", "e4")
    if not len(times):
        return ""
    trained = [row["trained"] for row in sweep.complete if row.get("trained") is not None]
    failed = trained.count(False)
    text = (
        f"Networks for everything come to an e1 of {np.median(times):.4f} times e4 in the median, {times.max():.4f} at worst "
        f"(e1 {estimate(sweep.complete, 'e1')})"
    )
    seeds = len({row.get(SEED) for row in sweep.complete})
    several = f" from {seeds} seeds" if seeds > 1 else ""
    return f"{text}; in {failed} of {len(trained)} runs{several} a training failed." if trained else f"{text}."


def _correctors(sweep: Sweep) -> str:
    times = _ratios(sweep.complete, "e5", "e1")
    if not len(times):
        return ""
    found = f"{said(float(times.min()), 2)} to {said(float(times.max()), 2)}"
    text = f"With correctors e5 is {found} times e1 (e5 {estimate(sweep.complete, 'e5')}){_falls(sweep, 'e5')}"
    return f"{text}{_direct(sweep)}."


def _direct(sweep: Sweep) -> str:
    """What networks for the equation itself come to, where there are some."""
    plain, period = values(sweep.complete, "direct.plain"), values(sweep.complete, "direct.period")
    if not plain or not period:
        return ""
    return f"; networks without homogenization are off by {span(plain)}, or {span(period)} where they know the period"


def _trust(sweep: Sweep) -> str:
    if not sweep.complete:
        return ""
    sure = sum(row.get("resolved") is True for row in sweep.complete)
    text = f"Every number is resolved in {sure} of {len(sweep.complete)} runs"
    if sure == len(sweep.complete):
        return f"{text}."
    names = {
        name.removesuffix("_resolved") for row in sweep.complete for name, value in row.items()
        if name.endswith("_resolved") and value is False
    }  # fmt: skip
    return f"{text}; not resolved elsewhere: {listed(sorted(names))}, which the table marks (!)."
