"""Whether every run of a sweep can be run, before any is."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from hybrid.failures import Faults, InputError, each_of
from hybrid.study.case import Case
from hybrid.study.files import from_data
from hybrid.study.options import FemOptions, PinnOptions
from hybrid.study.presets import Preset
from hybrid.study.settings import check_settings
from hybrid.sweep.axes import Settings
from hybrid.sweep.plan import Planned

_SHOWN = 20
"""Lines, at the most."""


def check_runs(runs: Sequence[Planned], place: str, faults: Faults, presets: Sequence[Preset] = ()) -> None:
    """Note what is wrong with any run: a fault of all of them once, others with the settings that they come with.

    Args:
        runs: All.
        place: Of the base problem, for messages.
        faults: Where to note it.
        presets: Those that there are beside `hybrid.study`'s own.
    """
    looking = _Looking(presets)
    found: dict[str, tuple[InputError, list[Planned]]] = {}
    for run in runs:
        for error in looking.at(run):
            found.setdefault(str(error), (error, []))[1].append(run)
    lines = []
    for error, bad in found.values():
        if len(bad) == len(runs):
            lines.append(InputError(f"{place}: {error.where}", error.what))
        else:
            lines.append(InputError(f"with {_common([run.settings for run in bad], runs)}: {error.where}", error.what))
    faults.note(*lines[:_SHOWN])
    if len(lines) > _SHOWN:
        faults.note(InputError("and", f"{len(lines) - _SHOWN} lines more like these"))


def _common(bad: Sequence[Settings], runs: Sequence[Planned]) -> str:
    """The settings that the bad runs have in common and the others have not all, no more than it takes to tell them apart."""
    first = bad[0]
    shared = {name: value for name, value in first.items() if all(one.get(name) == value for one in bad)}
    good = [run.settings for run in runs if run.settings not in bad]
    told = {name: v for name, v in shared.items() if any(run.settings.get(name) != v for run in runs)}
    for name in reversed(list(told)):
        rest = {key: v for key, v in told.items() if key != name}
        if rest and not any(all(one.get(key) == v for key, v in rest.items()) for one in good):
            told = rest
    return written(told or first)


def written(settings: Mapping[str, Any]) -> str:
    """Settings as a line of text."""
    return ", ".join(
        f"{name} = {value:.6g}" if isinstance(value, float) else f"{name} = {value}" for name, value in settings.items()
    )


class _Looking:
    """Checks runs, what is the same in several of them once."""

    def __init__(self, presets: Sequence[Preset]) -> None:
        self.presets = presets
        self._known: dict[str, tuple[InputError, ...]] = {}
        self._cases: dict[str, Case] = {}

    def at(self, run: Planned) -> tuple[InputError, ...]:
        """What is wrong with a run; seeds make no difference to that, but for what they may be."""
        data = {key: value for key, value in run.data.items() if key != "name"}
        pinn = data.get("pinn", {})
        if isinstance(pinn, dict) and type(pinn.get("seed")) is int and 0 <= pinn["seed"] < 2**31:
            data["pinn"] = {key: value for key, value in pinn.items() if key != "seed"}
        key = json.dumps(data, default=str)
        if key not in self._known:
            self._known[key] = self._look(data)
        return self._known[key]

    def _look(self, data: Mapping[str, Any]) -> tuple[InputError, ...]:
        tables, own = _apart(data)
        problem = json.dumps(own, default=str)
        try:
            if problem in self._cases:
                self._settings(self._cases[problem], tables)
            else:
                self._cases[problem] = from_data(
                    data, "", "sweep", lambda case: check_settings(case, presets=self.presets)
                )
        except InputError as error:
            return tuple(InputError(one.where.removeprefix(": "), one.what) for one in each_of(error))
        return ()

    def _settings(self, case: Case, tables: Mapping[str, Any]) -> None:
        """Only other settings for a problem that is known to be good."""
        faults = Faults()
        fem = FemOptions.read(tables.get("fem", {}), "fem", faults)
        pinn = PinnOptions.read(tables.get("pinn", {}), "pinn", faults)
        faults.report()
        check_settings(replace(case, fem=fem, pinn=pinn), presets=self.presets)


def _apart(data: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The tables of settings, and the problem."""
    tables = {key: value for key, value in data.items() if key in {"fem", "pinn"}}
    return tables, {key: value for key, value in data.items() if key not in tables}
