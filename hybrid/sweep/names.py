"""What an axis may vary: the fields of a problem file by their dotted names, and short names for settings."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from hybrid.failures import InputError
from hybrid.physics import kinds
from hybrid.study.files import COMMON
from hybrid.study.options import FemOptions, PinnOptions

TABLES = ("constants", "fem", "pinn")
_SHORT = {"width": "pinn.hidden", "pinn.seed": "seed", "pinn.preset": "preset"}
_OWN_COLUMN = {"seed": ("pinn", "seed"), "preset": ("pinn", "preset")}
"""Those that a table of runs has under a short name."""


def full_name(name: str, base: Mapping[str, Any]) -> str:
    """The name of a field as tables of runs have it: ``eps``, ``seed``, ``pinn.hidden``, ``constants.contrast``.

    Args:
        name: As a sweep file has it: a field of the problem, ``table.setting``, or a setting or a constant alone where that
            says which.
        base: The problem file: its kind and its constants.

    Raises:
        InputError: There is no such field, or several.
    """
    name = _SHORT.get(name, name)
    if name in _OWN_COLUMN:
        return name
    of_kind = kinds().get(str(base.get("kind")))
    fields = {"domain", "eps", "period", *(of_kind.fields if of_kind else ())} & {
        *COMMON,
        *(of_kind.fields if of_kind else ()),
    }
    settings = {
        "constants": list(base.get("constants", {})), "fem": list(FemOptions.model_fields),
        "pinn": list(PinnOptions.model_fields),
    }  # fmt: skip
    table, _, setting = name.partition(".")
    if name in fields or setting in settings.get(table, ()):
        return name
    homes = [f"{home}.{name}" for home in TABLES if name in settings[home]]
    if len(homes) == 1:
        return _SHORT.get(homes[0], homes[0])
    if homes:
        raise InputError(name, f"which one; allowed are {' and '.join(homes)}")
    allowed = [*sorted(fields), "seed", "preset", "width", *settings["constants"], "fem.…", "pinn.…"]
    if table in settings and setting:
        allowed = [f"{table}.{one}" for one in settings[table]]
        if table == "constants" and not allowed:
            raise InputError(name, "the base problem has no [constants]")
    raise InputError(name, f"no field of a problem file; allowed are {', '.join(allowed)}")


def with_fields(base: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """The contents of a problem file with fields set, by their full names; one width is a hidden layer of that width."""
    data = copy.deepcopy(dict(base))
    for name, value in settings.items():
        table, _, setting = name.partition(".")
        if name in _OWN_COLUMN:
            table, setting = _OWN_COLUMN[name]
        if not setting:
            data[name] = value
            continue
        if name == "pinn.hidden" and isinstance(value, int) and not isinstance(value, bool):
            value = [value] * max(len(data.get("pinn", {}).get("hidden", ())), 1)
        place = data.setdefault(table, {})
        if not isinstance(place, dict):
            raise InputError(table, f"must be a table, written [{table}]")
        place[setting] = value
    return data
