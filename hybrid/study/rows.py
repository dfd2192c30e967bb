"""A run as one row of a tidy table: one column for each setting, each error with its estimate, and each cost."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from hybrid.study.record import Record

Value = str | float | int | bool | None
Row = dict[str, Value]

FAILED_TO_TRAIN = 0.1
"""A network whose relative error against finite elements, on the same equation, is larger has failed to train."""
_ASIDE = {"kind", "name", "domain", "fem", "pinn", "constants"}


def row_of(record: Record) -> Row:
    """The row of a run.

    Columns, in this order (those that a run has nothing for are left out):
        status: "complete", or why the run is not.
        name, kind, dim, pinn.preset, pinn.seed, eps, the fields of the problem, ``constants.*``, ``fem.*``, ``pinn.*``:
            Settings, by their paths in the problem file. Lists are JSON.
        e1 … e5, e1_h1 …; energy_bound_fem …, l2_bound_fem … (where errors are bounded); chi_1 … (network against finite
        elements); direct.plain and direct.period (`hybrid.study.direct`); a_fem, a_pinn (or r_…: the first entry),
        a_difference:
            Each with ``_estimate`` (how far it may be off, as of itself) and ``_resolved`` where there are such.
        resolved, unresolved: Of the whole run; how many numbers are not.
        trained: Whether e3 and the correctors' errors are below `FAILED_TO_TRAIN`.
        ``seconds.*``, the total first; ``dofs.*``, ``iterations.*``, ``parameters.*``, ``steps.*``; memory (bytes): Costs.
        hybrid, python, … (versions), ranks, threads, device, cached, problem_hash, finished: Provenance.
    """
    return {
        "status": record.status, **_settings(record), **_numbers(record), "resolved": record.resolved,
        "unresolved": len(record.unresolved), "trained": trained(record), **_costs(record), **_provenance(record),
    }  # fmt: skip


def settings_of(problem: Mapping[str, Any]) -> Row:
    """The contents of a problem file as columns."""
    tables = {
        f"{table}.{name}": value
        for table in ("constants", "fem", "pinn")
        for name, value in problem.get(table, {}).items()
    }
    own = {name: value for name, value in problem.items() if name not in _ASIDE}
    head = {"name": problem.get("name"), "kind": problem.get("kind"), "dim": len(problem.get("domain", ()))}
    return {name: plain(value) for name, value in {**head, **own, **tables}.items()}


def plain(value: Any) -> Value:
    """A value as one cell of a table: lists as JSON, what is not finite as nothing."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return json.dumps(value) if isinstance(value, list | tuple | dict) else value


def trained(record: Record) -> bool | None:
    """Whether no network of the run has failed to train; None where nothing was measured."""
    errors = [record.errors.get("e3", math.nan), *(record.cell.pinn.errors if record.cell.pinn else ())]
    known = [error for error in errors if not math.isnan(error)]
    return all(error < FAILED_TO_TRAIN for error in known) if known else None


def _settings(record: Record) -> Row:
    request = record.provenance.request
    found = {} if request is None else settings_of(request.problem)
    head = {"name": record.case, "kind": found.pop("kind", None), "dim": found.pop("dim", None)}
    rest = {name: value for name, value in found.items() if name not in head}
    made: Row = {"pinn.preset": record.preset, "pinn.seed": record.provenance.seed}  # whoever asked for them
    return {**head, **made, "eps": record.eps, **rest, **made}


def _numbers(record: Record) -> Row:
    values: Row = {name: plain(value) for name, value in record.errors.items()}
    for path, proved in record.certificate.items():
        values |= {f"energy_bound_{path}": plain(proved.energy_bound), f"l2_bound_{path}": plain(proved.l2_bound)}
    if record.cell.pinn is not None:
        names = [name.removesuffix("_pinn") for name in record.trust if name.endswith("_pinn")]
        correctors = [name for name in names if name not in {"a", "r"}]
        values |= {name: plain(error) for name, error in zip(correctors, record.cell.pinn.errors, strict=False)}
    values |= {f"direct.{way}": plain(found.error) for way, found in record.direct.items() if not found.why}
    letter = next((name.removesuffix("_fem") for name in ("a_fem", "r_fem") if name in record.trust), "a")
    values |= {
        f"{letter}_fem": _first(record.homogenized.fem), f"{letter}_pinn": _first(record.homogenized.pinn),
        f"{letter}_difference": plain(record.homogenized.relative_difference),
    }  # fmt: skip
    names = [*values, *(name for name in record.trust if name not in values)]
    row: Row = {}
    for name in names:
        row |= {name: values[name]} if name in values else {}
        if name in record.trust:
            row |= {f"{name}_estimate": record.trust[name].estimate, f"{name}_resolved": record.trust[name].resolved}
        elif name.startswith("direct."):
            found = record.direct[name.removeprefix("direct.")]
            row |= {f"{name}_estimate": found.estimate, f"{name}_resolved": found.resolved}
    return row


def _first(coefficient: Any) -> Value:
    """The first entry of a* or r*; none of a*(x)."""
    while isinstance(coefficient, list | tuple) and coefficient:
        coefficient = coefficient[0]
    return coefficient if isinstance(coefficient, float | int) else None


def _costs(record: Record) -> Row:
    def columns() -> Iterator[tuple[str, Value]]:
        yield "seconds.total", plain(record.seconds.get("total"))
        yield from ((f"seconds.{name}", plain(s)) for name, s in record.seconds.items() if name != "total")
        yield from ((f"seconds.direct.{way}", plain(d.seconds)) for way, d in record.direct.items() if not d.why)
        yield from ((f"dofs.{name}", solve.dofs) for name, solve in record.solves.items())
        yield from (
            (f"iterations.{name}", s.iterations) for name, s in record.solves.items() if s.iterations is not None
        )
        yield from ((f"seconds.{name}", plain(solve.seconds)) for name, solve in record.solves.items())
        yield from ((f"parameters.{name}", training.parameters) for name, training in record.training.items())
        yield from ((f"steps.{name}", training.steps) for name, training in record.training.items())
        yield "memory", record.memory

    return dict(columns())


def _provenance(record: Record) -> Row:
    found = record.provenance
    cached = None if record.reference is None else record.reference.cached
    return {
        **found.versions, "ranks": found.ranks, "threads": found.threads, "device": found.device, "cached": cached,
        "problem_hash": found.problem_hash, "finished": found.finished,
    }  # fmt: skip
