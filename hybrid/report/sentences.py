"""What a run has found, in at most five sentences: all of their numbers and verdicts are those of its record."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction

from hybrid.report.tabular import listed
from hybrid.study.case import Case
from hybrid.study.record import Record


def sentences(case: Case, record: Record) -> list[str]:
    """What was run, what homogenization costs, what networks add to that, what correctors take from it, and what to believe."""
    return [
        text
        for text in (
            _run(case, record),
            _fem(record),
            _networks(record),
            _correctors(record),
            *_bounds(record),
            _trust(record),
        )
        if text
    ]


def known(record: Record, name: str) -> str:
    """A number with its estimate: how far it may be off, and whether that is too much."""
    value, found = said(record.errors[name], 4), record.trust.get(name)
    if found is None or found.estimate is None:
        return f"{name} = {value} (not resolved: no estimate)"
    off = "off by about" if found.resolved else "not resolved: may be off by"
    return f"{name} = {value} ({off} {said(found.estimate, 1)})"


def said(value: float, digits: int = 3) -> str:
    """A number in a sentence, which is not broken at its minus."""
    return f"{value:.{digits}g}".replace("-", "−")


def has(record: Record, *names: str) -> bool:
    """Whether these errors were measured, and are numbers."""
    return all(math.isfinite(record.errors.get(name, math.nan)) for name in names)


def scale(eps: float) -> str:
    """ε as it is written, 1/8 or 0.13."""
    near = Fraction(eps).limit_denominator(10_000)
    return f"1/{near.denominator}" if near.numerator == 1 and abs(float(near) / eps - 1) < 1e-12 else f"{eps:g}"


def compared(record: Record, name: str, other: str) -> str:
    """How many times the other error an error is, if that is more than what both may be off by."""
    one, two = record.errors[name], record.errors[other]
    off = [found.estimate if (found := record.trust.get(key)) else None for key in (name, other)]
    if off[0] is None or off[1] is None:
        return f"not to be compared with {other} without an estimate"
    if abs(one - two) <= off[0] + off[1]:
        return f"no other than {other} as far as the estimates can tell"
    if name == "e1":
        return f"{said(one / two)} times {other}"
    return (
        f"{said(two / one, 2)} times smaller than {other}"
        if one < two
        else f"{said(one / two, 2)} times as large as {other}"
    )


def _run(case: Case, record: Record) -> str:
    made = record.provenance
    seconds = f", {record.seconds['total']:.1f} s" if "total" in record.seconds else ""
    ranks = f"{made.ranks} rank" + "s" * (made.ranks > 1)
    text = f"{case.title}, ε = {scale(record.eps)}: preset {record.preset}, seed {made.seed}, {ranks}{seconds}."
    return text if record.is_complete else f"{text} The run is {record.status}; what it had found is here."


def _fem(record: Record) -> str:
    if not has(record, "e4"):
        return ""
    return f"Homogenization itself costs {known(record, 'e4')}: finite elements for everything, against the reference."


def _networks(record: Record) -> str:
    if not has(record, "e1", "e4"):
        return ""
    return f"Networks for everything come to {known(record, 'e1')}, {compared(record, 'e1', 'e4')}."


def _correctors(record: Record) -> str:
    if not has(record, "e1", "e5"):
        return ""
    return f"With correctors they come to {known(record, 'e5')}, {compared(record, 'e5', 'e1')}."


def _bounds(record: Record) -> list[str]:
    """Without a reference: what is proved, and how far apart the two paths are."""
    if not record.is_bounded_alone:
        return []
    names = {"pinn": "networks", "fem": "finite elements"}
    parts = [
        f"{names[path]} at most {said(found.energy_bound)} in energy and {said(found.l2_bound)} in L2"
        for path, found in record.certificate.items()
    ]
    text = f"There is no reference; the reconstructions are proved to be off, relative to u_ε, by: {'; '.join(parts)}."
    return [text, f"On the same homogenized equation the network is off finite elements by {known(record, 'e3')}."]


def _trust(record: Record) -> str:
    if not record.trust:
        return "No number has an estimate of its own error yet."
    unsure = [name for name, found in record.trust.items() if not found.resolved]
    if not unsure:
        return f"All {len(record.trust)} numbers are resolved: their estimated errors are small enough to rely on them."
    return (
        f"Not resolved: {len(unsure)} of {len(record.trust)} numbers ({listed(unsure)}); why, and what to do, is below."
    )


def shares(seconds: Mapping[str, float]) -> dict[str, float]:
    """The seconds of each stage, and of what is none of them; their sum is the total."""
    parts = {name: value for name, value in seconds.items() if name != "total"}
    rest = seconds.get("total", sum(parts.values())) - sum(parts.values())
    return parts | ({"other": rest} if rest > 0 else {})
