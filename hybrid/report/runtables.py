"""The tables of a run's page."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from hybrid.report.tabular import Table, listed, stage, text_of
from hybrid.study.case import Case
from hybrid.study.parts import DIRECT
from hybrid.study.record import Record, Request
from hybrid.study.table import RUNGS, coefficient_of, estimate_of, rows_of


def errors(case: Case, record: Record) -> Table:
    """e1 … e5 and the correctors."""
    return Table(
        "Relative L2 errors", ("", "what", "published", "measured", "off by", "on the grid"), rows_of(case, record),
        "Measured: by quadrature on the reference's mesh. Off by: the estimated error of each number; (!): not resolved. "
        f"On the grid: the same on {record.grid or '–'} points a side.", words=(0, 1),
    )  # fmt: skip


def coefficients(case: Case, record: Record) -> Table:
    """a* or r* by both paths."""
    symbol, found = case.problem.notation.coefficient, record.homogenized
    paths = (("finite elements", "fem", found.fem), ("networks", "pinn", found.pinn))
    rows = [
        (name, coefficient_of(value), estimate_of(record, f"{symbol}_{path}"))
        for name, path, value in paths
        if value is not None
    ]
    note = f"Relative difference of the two: {found.relative_difference:.1e}." if len(rows) == 2 else ""
    return Table(f"The homogenized coefficient {symbol}*", ("", f"{symbol}*", "off by"), rows, note)


_PATHS = {"pinn": "networks", "fem": "finite elements"}


def ladder(record: Record) -> Table | None:
    """The reconstructions, each with one more term; None where there are none."""
    found = record.ladder
    if found is None:
        return None
    sides = {path: found.rungs(path) for path in _PATHS}
    rows = []
    for name, words in RUNGS.items():
        if any(name in rungs for rungs in sides.values()):
            norms = [rungs.get(name, (None, None)) for rungs in sides.values()]
            off = [found.estimates.get(path, {}).get(name) for path in _PATHS]
            in_l2 = [text for (l2, _), e in zip(norms, off, strict=True) for text in (text_of(l2), _rough(e))]
            rows.append((words, *in_l2, *(text_of(h1) for _, h1 in norms)))
    head = ("", *(text for words in _PATHS.values() for text in (f"L2, {words}", "off by")))
    note = f"Where these end: {found.why}." if found.why else ""
    return Table(
        "Reconstructions: relative errors", (*head, *(f"H1, {words}" for words in _PATHS.values())), rows,
        f"Each has one more term: the oscillation, boundary layers, what the second order adds. {note}".rstrip(),
    )  # fmt: skip


def bounds(case: Case, record: Record) -> Table | None:
    """The homogenized coefficient between matrices, in the order of quadratic forms; None where there are no bounds."""
    found, symbol = record.bounds, case.problem.notation.coefficient
    if found is None or not found.width:
        return None
    rows = [
        (words, _entries(found.lower[path], width), _entries(found.upper[path], width), f"{width:.1e}")
        for path, words in _PATHS.items()
        if (width := found.width.get(path)) is not None
    ]
    return Table(
        f"{symbol}* is between", ("", "at least", "at most", "width, relative"), rows,
        "From the energies of correctors and of fluxes. Of matrices: in the order of quadratic forms.",
    )  # fmt: skip


def certificate(record: Record) -> Table | None:
    """What reconstructions may be off by at the most, and what of that is not proved; None where it was not asked for."""
    rows, unproved = [], dict[str, list[str]]()
    for path, found in record.certificate.items():
        sides = (("energy", found.energy_bound, found.true_energy), ("L2", found.l2_bound, found.true_l2))
        for norm, bound, true in sides:
            times = f"{bound / true:.2f}" if true else "–"
            rows.append((_PATHS[path], norm, text_of(bound), text_of(true), times))
        for what, text in found.up_to.items():
            unproved.setdefault(f"{what}: {text}", []).append(_PATHS[path])
    if not rows:
        return None
    return Table(
        "Certificate: what a reconstruction is off by at the most",
        ("", "norm", "at most", "by the reference", "times as large"), rows,
        " ".join(f"Not proved, for {listed(paths)}, {text}." for text, paths in unproved.items()), words=(0, 1),
    )  # fmt: skip


def _rough(value: float | None) -> str:
    return "–" if value is None else f"{value:.0e}"


def _entries(matrix: Sequence[Sequence[float]], width: float) -> str:
    """A matrix, or a number, to two digits more than its bounds are apart."""
    a = np.array(matrix)
    digits = int(np.clip(2 - np.log10(max(width, 1e-16)), 4, 15))
    a[np.abs(a) < 10.0**-digits * np.abs(a).max()] = 0.0
    text = "; ".join(" ".join(f"{entry:.{digits}g}" for entry in row) for row in a)
    return text if a.size == 1 else f"[{text}]"


def trust(record: Record) -> Table:
    """Every number, how well it is known, and how that is known."""
    rows = [
        (
            name,
            "unknown" if found.estimate is None else f"{found.estimate:.1e}",
            "yes" if found.resolved else "no",
            found.how,
        )
        for name, found in record.trust.items()
    ]
    return Table(
        "What every number may be off by, and how that is known", ("", "off by", "resolved", "how"), rows, words=(0, 3)
    )


def trainings(record: Record) -> Table:
    """What was trained."""
    names = {"cell": "cell problems", "homogenized": "homogenized equation"}
    rows = [
        (
            names.get(part, part), found.kind, found.optimizer, str(found.steps if found.steps is not None else "–"),
            f"{found.loss[-1]:.1e}" if found.loss else "–", found.stopped, f"{found.seconds:.2f}",
            str(max(len(found.attempts), 1)),
        )
        for part, found in record.training.items()
    ]  # fmt: skip
    head = ("", "networks", "optimizer", "steps", "last loss", "stopped by", "seconds", "attempts")
    return Table("Trainings", head, rows, "Seconds of the training that was kept.", words=(0, 1, 2, 5))


def direct(record: Record) -> Table | None:
    """The networks for the equation itself; None where they were not asked for."""
    if not record.direct:
        return None
    rows = [
        (
            DIRECT[way], text_of(found.error), _rough(found.estimate), text_of(found.error_h1), f"{found.seconds:.1f}",
            str(found.parameters), str(found.points), str(found.steps), found.stopped,
        )
        if not found.why else (DIRECT[way], *["–"] * 5, str(found.points), "–", found.why)
        for way, found in record.direct.items()
    ]  # fmt: skip
    kinds = listed(list(dict.fromkeys(found.kind for found in record.direct.values() if found.kind)))
    head = (
        "a network",
        "L2 error",
        "off by",
        "H1 error",
        "seconds",
        "parameters",
        "points a side",
        "steps",
        "stopped by",
    )
    return Table(
        "Without homogenization: networks for the equation itself", head, rows,
        f"Relative errors against the reference; {kinds or 'none was trained'}. To know the period is to have sin and cos of "
        "2πx/ε as inputs beside x.", words=(0, 8),
    )  # fmt: skip


def seconds(shares: Mapping[str, float]) -> Table:
    """Where the time went."""
    total = sum(shares.values())
    rows = [(stage(name), f"{value:.2f}", f"{value / total:.1%}") for name, value in shares.items()]
    return Table("Wall time by stage", ("", "seconds", "share"), [*rows, ("total", f"{total:.2f}", "")])


def seeds(record: Record) -> Table | None:
    """The networks' errors from several seeds; None where there was one."""
    found = record.seeds
    if not found:
        return None
    keys = [key for key in ("e1", "e2", "e3") if key in found]
    rows = [
        (str(seed), *(text_of(found[key][k]) for key in keys), text_of(max(found["cell"][k])), f"{found['coefficient'][k]:.1e}")
        for k, seed in enumerate(found["seeds"])
    ]  # fmt: skip
    worst = [max(pair) for pair in found["cell"]]
    columns = [*(found[key] for key in keys), worst]
    for name, measure in (("median", np.median), ("worst", np.max)):
        rows.append((name, *(text_of(float(measure(c))) for c in columns), f"{measure(found['coefficient']):.1e}"))
    head = ("seed", *keys, "worst corrector", "difference of coefficients")
    return Table(
        f"The networks from {len(found['seeds'])} seeds", head, rows,
        "Each seed trains cell problems and homogenized equation anew.", (len(rows) - 2, len(rows) - 1),
    )  # fmt: skip


def settings(record: Record) -> Table:
    """What every solver was given."""
    return Table(
        "Settings of the solvers", ("", "value"), list(_flat(record.provenance.settings)),
        "What the preset, the problem file and the command have made of them.", words=(0, 1),
    )  # fmt: skip


def provenance(record: Record) -> Table:
    """Where the numbers come from."""
    made = record.provenance
    rows = [
        ("finished", made.finished), ("ranks", str(made.ranks)), ("threads", str(made.threads)), ("device", made.device),
        ("seed", str(made.seed)), ("problem", made.problem_hash), *made.versions.items(), *made.petsc_options.items(),
    ]  # fmt: skip
    if (reference := record.reference) is not None:
        origin = ", from the cache" if reference.cached else ""
        rows.append(("reference", f"degree {reference.degree}, {reference.dofs} unknowns{origin}"))
    return Table("Versions, machine and reference", ("", ""), rows, words=(0, 1))


def _flat(tree: Mapping[str, Any], place: str = "") -> Iterator[tuple[str, str]]:
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{place}{name}.")
        elif value is not None:
            yield f"{place}{name}", str(value)


def problem_file(request: Request) -> str:
    """The problem file, as TOML."""
    plain = {key: value for key, value in request.problem.items() if not isinstance(value, Mapping)}
    tables = {key: value for key, value in request.problem.items() if isinstance(value, Mapping)}
    lines = [*_lines(plain)]
    for name, table in tables.items():
        lines += ["", f"[{name}]", *_lines(table)]
    return "\n".join(lines)


def _lines(values: Mapping[str, Any]) -> Sequence[str]:
    return [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items() if value is not None]
