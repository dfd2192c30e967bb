"""What a sweep's folder has: what was planned, and a row for each run that has ended."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from hybrid import store
from hybrid.failures import InputError
from hybrid.study import statistics
from hybrid.study.rows import Row, Value

SEED = "pinn.seed"
_LINES = 6
"""Groups that one picture can tell apart."""


@dataclass(frozen=True)
class Sweep:
    """A sweep as far as it has come.

    Attributes:
        name: Of it.
        axes: What varies, and the values that it takes.
        planned: How many runs it has.
        rows: Of those that have ended.
        text: The sweep file; empty where it was made in Python.
    """

    name: str
    axes: Mapping[str, Sequence[Any]]
    planned: int
    rows: Sequence[Row]
    text: str = ""

    @cached_property
    def complete(self) -> Sequence[Row]:
        """The rows of runs that are complete."""
        return [row for row in self.rows if row.get("status") == "complete"]

    @cached_property
    def failed(self) -> Sequence[Row]:
        """The rows of those that have failed."""
        return [row for row in self.rows if row.get("status") != "complete"]

    @property
    def missing(self) -> int:
        """How many runs have not ended."""
        return self.planned - len(self.rows)

    @cached_property
    def varied(self) -> list[str]:
        """The axes with more than one value, but that of seeds."""
        return [name for name in self.axes if name != SEED and len({row.get(name) for row in self.rows}) > 1]

    @cached_property
    def main(self) -> str:
        """The axis along which errors are drawn: ε, or else the one with the most numbers; none where only seeds vary."""
        if "eps" in self.varied:
            return "eps"
        counts = {name: len(values(self.complete, name)) for name in self.varied}
        return max(
            counts, key=lambda name: len({row.get(name) for row in self.rows}) if counts[name] else 0, default=""
        )

    @cached_property
    def others(self) -> list[str]:
        """The other axes that vary."""
        return [name for name in self.varied if name != self.main]

    @cached_property
    def is_pooled(self) -> bool:
        """Whether the other axes have too many values for groups: what is drawn along the main one is then a cloud."""
        return len(grouped(self.complete, self.others)) > _LINES

    @cached_property
    def corrector(self) -> list[str]:
        """The column of the first corrector's error, network against finite elements, where there is one."""
        return [name for name in ("chi_1", "N") if values(self.complete, name)]

    @cached_property
    def groups(self) -> dict[str, list[Row]]:
        """The complete runs by the values of the other axes, as text; all of them together where those are too many."""
        if self.is_pooled:
            return {"": list(self.complete)}
        return {
            ", ".join(
                f"{name.split('.')[-1]} = {'–' if value is None else value}"
                for name, value in zip(self.others, key, strict=True)
            ): rows
            for key, rows in grouped(self.complete, self.others).items()
        }


def read(folder: Path) -> Sweep:
    """From a folder that `hybrid sweep` has made.

    Raises:
        InputError: Its plan is damaged, or no run has ended yet.
    """
    path = folder / "plan.json"
    plan = store.read_json(path)
    try:
        assert plan is not None
        runs = list(dict.fromkeys(run["key"] for run in plan["runs"]))
        name, axes = str(plan["name"]), dict(plan["axes"])
    except (AssertionError, KeyError, TypeError, ValueError):
        raise InputError(
            str(path), "damaged, not the plan of a sweep; `hybrid sweep` on its file writes it again"
        ) from None
    rows = [row for key in runs if (row := store.read_json(folder / "runs" / key / "row.json")) is not None]
    if not rows:
        raise InputError(str(folder), f"none of the {len(runs)} runs of this sweep has ended yet")
    text = folder / "sweep.toml"
    return Sweep(name, axes, len(runs), rows, text.read_text(encoding="utf-8-sig") if text.exists() else "")


def number_in(row: Row, name: str) -> float | None:
    """A finite number of a row, or None."""
    found = row.get(name)
    if isinstance(found, bool) or not isinstance(found, int | float) or not math.isfinite(found):
        return None
    return float(found)


def values(rows: Iterable[Row], name: str) -> list[float]:
    """The finite numbers of a column."""
    return [found for row in rows if (found := number_in(row, name)) is not None]


def grouped(rows: Iterable[Row], names: Sequence[str]) -> dict[tuple[Value, ...], list[Row]]:
    """Rows by what they have in some columns; in order of those where they are numbers, as they come where they are text."""
    found = statistics.grouped(list(rows), names)
    numbers = all(isinstance(part, int | float) for key in found for part in key)
    return {key: [dict(row) for row in found[key]] for key in (sorted(found) if numbers else found)}


def is_resolved(row: Row, name: str) -> bool:
    """Whether a number is known well enough; a corrector's error is where both of the correctors that it compares are."""
    own = row.get(f"{name}_resolved")
    both = [row.get(f"{name}_{path}_resolved") for path in ("fem", "pinn")]
    return all(one is True for one in both) if own is None else own is True


def along(rows: Iterable[Row], axis: str, quantity: str) -> dict[Value, list[float]]:
    """A quantity's values by those of an axis, where there are any."""
    found = {key[0]: values(part, quantity) for key, part in grouped(rows, [axis]).items()}
    return {key: part for key, part in found.items() if part}
