"""What a sweep is to run: each run with a key that names it, in an order in which common work is done once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import hybrid
from hybrid import store
from hybrid.study.record import FORMAT
from hybrid.sweep.axes import Settings

_OF_REFERENCES = ("degree", "cells_per_period", "reference_tol", "cells", "tol", "budget")
"""Settings of [fem] that decide which reference is computed."""
_OF_CELLS = ("cell_degree", "cell_cells", "cells", "tol", "budget")
_OF_ONE_SCALE = {"eps", "f", "u0", "T"}
"""Fields that cell problems do not know."""


@lru_cache
def _contents(path: Path, *_stamp: int) -> str:
    """A hash of a file, read again where it has changed."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


@dataclass(frozen=True)
class Planned:
    """One run.

    Attributes:
        settings: The values of its axes, by their full names.
        data: The contents of its problem file.
    """

    settings: Settings
    data: Mapping[str, Any]

    @property
    def _problem(self) -> dict[str, Any]:
        """All of the problem file but its name, a mesh by its contents."""
        own = {key: value for key, value in self.data.items() if key != "name"}
        if "mesh" in own:
            path = Path(own["mesh"])
            own["mesh"] = _contents(path, path.stat().st_mtime_ns, path.stat().st_size)
        return own

    def _key(self, *parts: object) -> str:
        return store.key_of(hybrid.__version__, FORMAT, json.dumps(parts, sort_keys=True, default=str))

    def _part(self, left_out: Sequence[str], fem: Sequence[str]) -> tuple[object, object]:
        own = {
            k: v
            for k, v in self._problem.items()
            if k not in {"fem", "pinn", "certify", "direct", "layers", "reference", *left_out}
        }
        return own, {k: v for k, v in self.data.get("fem", {}).items() if k in fem}

    @property
    def key(self) -> str:
        """Names the run: the same for the same problem with the same settings, in whatever sweep."""
        return self._key(self._problem)

    @property
    def reference(self) -> str:
        """The same for runs with one reference."""
        return self._key("reference", *self._part((), _OF_REFERENCES))

    @property
    def cell(self) -> str:
        """The same for runs whose cell problems are the same, as far as the file shows it."""
        return self._key("cell", *self._part(tuple(_OF_ONE_SCALE), _OF_CELLS))


@dataclass(frozen=True)
class Plan:
    """All runs of a sweep.

    Attributes:
        name: Of the sweep.
        axes: Which fields vary, and the values that they take, in their order.
        runs: In the order of the table.
        text: The sweep file.
        figures: Whether runs leave figures and fields.
        ranks_per_run: How many MPI ranks share a run.
    """

    name: str
    axes: Mapping[str, Sequence[Any]]
    runs: Sequence[Planned]
    text: str = ""
    figures: bool = False
    ranks_per_run: int = 1

    @property
    def keys(self) -> list[str]:
        """Of the runs, in their order."""
        return [run.key for run in self.runs]

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        runs = [{"key": run.key, "settings": run.settings} for run in self.runs]
        return {"format": 1, "name": self.name, "axes": {k: list(v) for k, v in self.axes.items()}, "runs": runs}

    def agenda(self, shard: tuple[int, int] = (1, 1)) -> list[Task]:
        """The runs in the order in which they are to be begun, those with the same cell problems behind each other.

        The first run of each reference leads: the others wait until it has ended, and find the reference in the cache. Of n
        shards the k-th (from 1) has the references k, k + n, …; their runs where there are fewer references than shards.
        """
        number, count = shard
        parts: dict[str, dict[str, list[Planned]]] = {}
        for run in {run.key: run for run in self.runs}.values():
            parts.setdefault(run.cell, {}).setdefault(run.reference, []).append(run)
        groups = [group for part in parts.values() for group in part.values()]
        if len(groups) >= count:
            groups = groups[number - 1 :: count]
        else:
            flat = [run for group in groups for run in group][number - 1 :: count]
            groups = [[run for run in group if run in flat] for group in groups]
        chosen = {run.key for group in groups for run in group}
        found: list[Task] = []
        for cell, part in parts.items():
            kept = [[run for run in group if run.key in chosen] for group in part.values()]
            kept = [group for group in kept if group]
            found += [Task(group[0].key, group[0], cell) for group in kept]
            found += [Task(run.key, run, cell, after=group[0].key) for group in kept for run in group[1:]]
        return found


@dataclass(frozen=True)
class Task:
    """A run, what names its cell problems, and the run that is to have ended before."""

    key: str
    run: Planned = field(repr=False)
    cell: str
    after: str | None = None
