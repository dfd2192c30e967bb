"""What an axis may vary: the fields of a problem file by their dotted paths, and short names for settings."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from hybrid.failures import InputError
from hybrid.physics import kinds
from hybrid.study.common import COMMON
from hybrid.study.options import FemOptions, PinnOptions

TABLES = ("constants", "fem", "pinn")
_SHORT = {"width": "pinn.hidden"}


def full_name(name: str, base: Mapping[str, Any]) -> str:
    """The name of a field as tables of runs have it, its path in the problem file: ``eps``, ``pinn.seed``,
    ``constants.contrast``, ``a.inclusion`` where `a` has values by region.

    Args:
        name: As a sweep file has it: a path, or a setting or a constant alone where that says which.
        base: The problem file: its kind, its constants, its regions.

    Raises:
        InputError: There is no such field, or several.
    """
    name = _SHORT.get(name, name)
    of_kind = kinds().get(str(base.get("kind")))
    own = tuple(of_kind.fields) if of_kind else ()
    fields = {*COMMON, *own} - {"name"}
    settings = {
        "constants": list(base.get("constants", {})), "fem": list(FemOptions.model_fields),
        "pinn": list(PinnOptions.model_fields), **{key: list(base[key]) for key in own if isinstance(base.get(key), dict)},
    }  # fmt: skip
    table, _, setting = name.partition(".")
    if name in fields or setting in settings.get(table, ()):
        return name
    homes = [f"{home}.{name}" for home in TABLES if name in settings[home]]
    if len(homes) == 1:
        return homes[0]
    if homes:
        raise InputError(name, f"which one; allowed are {' and '.join(homes)}")
    allowed = [*sorted(fields), *(f"{home}.…" for home in settings)]
    if table in settings and setting:
        allowed = [f"{table}.{one}" for one in settings[table]]
        if table == "constants" and not allowed:
            raise InputError(name, "the base problem has no [constants]")
    raise InputError(name, f"no field of a problem file; allowed are {', '.join(allowed)}")


def flat(table: Mapping[str, Any], base: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Fields by their dotted paths: TOML reads ``fem.degree = …`` without quotes as a table in a table."""
    for key, value in table.items():
        if isinstance(value, dict) and (key in TABLES or isinstance(base.get(key), dict)):
            yield from ((f"{key}.{name}", one) for name, one in value.items())
        else:
            yield key, value


def with_fields(base: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """The contents of a problem file with fields set, by their full names; one width is a hidden layer of that width."""
    data = copy.deepcopy(dict(base))
    for name, value in settings.items():
        table, _, setting = name.partition(".")
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
