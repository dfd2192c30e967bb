"""Results that were run here, and those that were recorded once: the preset `paper` takes hours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from hybrid.paper.cases import names
from hybrid.paper.experiment import Recorded
from hybrid.paper.experiments import EXPERIMENTS
from hybrid.study.record import FORMAT

PRESETS = ("accurate", "fast", "paper")
STORED = files("hybrid.paper") / "data"
"""PRESET/CASE/results.json and baselines/NAME.json, in the package."""


def read(place: Traversable, *parts: str) -> dict[str, Any] | None:
    """A file of results; None if there is none or it is damaged."""
    try:
        data = json.loads(place.joinpath(*parts).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return data if isinstance(data, dict) else None


def recorded_in(place: Traversable) -> Recorded:
    """What is complete in a folder that is laid out as `hybrid reproduce` does it."""
    return Recorded(dict(_runs(place)), dict(_apart(place)))


def _runs(place: Traversable) -> Iterator[tuple[tuple[str, str], dict[str, Any]]]:
    for preset in PRESETS:
        for name in names():
            found = read(place, preset, name, "results.json")
            if found is not None and found.get("status") == "complete" and found.get("format") == FORMAT:
                yield (preset, name), found


def _apart(place: Traversable) -> Iterator[tuple[str, dict[str, Any]]]:
    for experiment in EXPERIMENTS:
        for name in experiment.files:
            if (found := read(place, "baselines", f"{name}.json")) is not None:
                yield name, found


def together(own: Recorded, stored: Recorded) -> Recorded:
    """Own results, and stored ones where there are none; in the order of presets and cases."""
    runs = {
        (preset, name): own.runs.get((preset, name), stored.runs.get((preset, name)))
        for preset in PRESETS
        for name in names()
    }
    return Recorded({key: found for key, found in runs.items() if found is not None}, {**stored.apart, **own.apart})


def stored() -> Recorded:
    """What was recorded once."""
    return recorded_in(STORED)
