"""The table at the end of a run: published numbers and the measured ones side by side."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from rich.table import Table

from hybrid.study.case import Case
from hybrid.study.parts import CertificateRecord
from hybrid.study.record import Record

_MEANING = {
    "e1": "networks against the reference",
    "e2": "a* of the network, FEM solve",
    "e3": "network against FEM, same a*",
    "e4": "FEM homogenization",
    "e5": "best reconstruction by networks",
}


Row = tuple[str, str, str, str, str, str]


def rows_of(case: Case, record: Record) -> list[Row]:
    """(name, meaning, published, measured by quadrature, how far that may be off, measured on a grid), as text."""
    rows: list[Row] = []
    for name, meaning in _MEANING.items():
        if record.is_bounded_alone and name not in record.errors:
            continue
        measured, on_grid = (found.get(name) for found in (record.errors, record.errors_grid))
        rows.append(
            (name, meaning, _published(case, name), _value(measured), estimate_of(record, name), _value(on_grid))
        )
    for key, error in zip(case.problem.correctors, record.cell.pinn.errors if record.cell.pinn else (), strict=False):
        name = key.replace("chi", "χ")
        off = estimate_of(record, f"{key}_pinn")
        rows.append((name, "corrector, network against FEM", _published(case, key), _value(error), off, "–"))
    if case.problem.flux.depends_on:
        found, off = record.homogenized.e_a, estimate_of(record, "a_pinn")
        rows.append(("e_a", "a*(x), network against FEM", _published(case, "e_a"), _value(found), off, "–"))
    return rows + [row for path, found in record.certificate.items() for row in _bounded(path, found)]


def _bounded(path: str, found: CertificateRecord) -> list[Row]:
    """What the error of a reconstruction is at the most."""
    what = {"fem": "FEM", "pinn": "networks"}[path]
    return [
        ("‖·‖ₐ", f"reconstruction, {what}, energy: at the most", "–", _value(found.energy_bound), _BOUND, "–"),
        ("‖·‖", f"reconstruction, {what}, L2: at the most", "–", _value(found.l2_bound), _BOUND, "–"),
    ]


_BOUND = "a bound"


def _published(case: Case, name: str) -> str:
    return f"{case.published[name]:.6f}" if name in case.published else "–"


def _value(value: float | None) -> str:
    return "–" if value is None or math.isnan(value) else number(value)


def estimate_of(record: Record, name: str) -> str:
    """How far a number may be off, for the table; marked where that is too much."""
    found = record.trust.get(name)
    if found is None:
        return "–"
    text = "unknown" if found.estimate is None else f"{found.estimate:.0e}"
    return text if found.resolved else f"{text} (!)"


def number(value: float) -> str:
    """Six decimals, or an exponent where they would show nothing."""
    return f"{value:.6f}" if value >= 1e-3 else f"{value:.2e}"


def table_of(case: Case, record: Record) -> Table:
    """A table for the terminal."""
    table = Table(title=f"{case.problem.name}, preset {record.preset}: relative L2 errors", title_justify="left")
    for heading in ("", "what", "published", "measured", "off by", "on the grid"):
        table.add_column(heading, justify="left" if heading in {"", "what"} else "right", no_wrap=heading != "what")
    for row in rows_of(case, record):
        table.add_row(*row)
    fem, pinn = map(coefficient_of, (record.homogenized.fem, record.homogenized.pinn))
    symbol = case.problem.notation.coefficient
    unsure = {path: estimate_of(record, f"{symbol}_{path}") for path in ("fem", "pinn")}
    kinds = {part: training.kind for part, training in record.training.items()}
    text = kinds["cell"] if len(set(kinds.values())) == 1 else "; ".join(f"{_PARTS[k]}: {v}" for k, v in kinds.items())
    table.caption_justify = "left"
    difference = record.homogenized.relative_difference
    dofs = record.reference.dofs if record.reference else "–"
    reference = f"reference: {dofs} dofs, its own error {estimate_of(record, 'reference')}"
    if record.is_bounded_alone:
        reference = "no reference: errors of reconstructions are bounded, not measured"
    table.caption = (
        f"{symbol}*: FEM {fem} (off by {unsure['fem']}), network {pinn} (off by {unsure['pinn']}); "
        f"difference {difference:.1e}\n"
        f"{_bounds(record, symbol)}"
        f"{reference}\n"
        f"networks: {text}\n"
        + _ladder(record)
        + ("(!): not resolved, see below" if record.unresolved else "off by: the estimated error of each number")
    )
    return table


def _ladder(record: Record) -> str:
    """The reconstructions by both paths, a line each."""
    if record.ladder is None:
        return ""
    lines = []
    for path, title in (("pinn", "network"), ("fem", "FEM")):
        rungs = record.ladder.rungs(path)
        parts = [f"{RUNGS[name]} {l2:.2e} ({h1:.1e})" for name, (l2, h1) in rungs.items()]
        lines.append(f"reconstructions, {title}, L2 (H1): {', '.join(parts)}\n")
    return "".join(lines) + (f"where these end, {record.ladder.why}\n" if record.ladder.why else "")


RUNGS = {"u0": "u0", "first": "first order", "layers": "layers", "second": "second order"}
"""Reconstructions in words."""


def _bounds(record: Record, symbol: str) -> str:
    """a* between its bounds, by each path that has some."""
    found, names = record.bounds, {"fem": "FEM", "pinn": "network"}
    if found is None or not found.width:
        return ""
    sides = [
        f"{names[path]} {coefficient_of(found.lower[path])} to {coefficient_of(found.upper[path])} (width {width:.1e})"
        for path, width in found.width.items()
    ]
    return f"{symbol}* is between bounds: {'; '.join(sides)}\n"


_PARTS = {"cell": "cell problems", "homogenized": "p"}


def coefficient_of(value: Any) -> str:
    """A number, a matrix, or the range of a*(x)."""
    if isinstance(value, dict):
        values = np.array(value["values"])[:, 0, 0]
        return f"a*(x) from {values.min():.7g} to {values.max():.7g}"
    a = np.atleast_2d(np.array(value))
    if np.abs(a - a[0, 0] * np.eye(len(a))).max() < 1e-6 * abs(a[0, 0]):
        return f"{a[0, 0]:.10g}"
    seen = np.where(np.abs(a) > 1e-12 * np.abs(a).max(), a, 0.0)  # less is rounding
    return "[" + "; ".join(" ".join(f"{entry:.8g}" for entry in row) for row in seen) + "]"
