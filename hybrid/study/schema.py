"""What the [fem] and [pinn] tables of a problem file may hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hybrid.failures import Faults, InputError
from hybrid.fem.meshes.counts import SHAPES
from hybrid.pinn.cells.cellchecks import FORMULATIONS
from hybrid.pinn.presets import OPTIMIZERS, PRESETS

Check = Callable[[Any, str], Any]


def _integer(low: int, high: int) -> Check:
    def check(value: Any, where: str) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise InputError(where, f"{value!r}; allowed is a whole number from {low} to {high}")
        return value

    return check


def tolerance(value: Any, where: str) -> float:
    """A number between 0 and 1.

    Raises:
        InputError: It is something else.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
        raise InputError(where, f"{value!r}; allowed is a number between 0 and 1, 1e-6 for instance")
    return float(value)


def _seconds(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e9:
        raise InputError(where, f"{value!r}; allowed is a positive number of seconds")
    return float(value)


def _choice(*allowed: str) -> Check:
    def check(value: Any, where: str) -> str:
        if value not in allowed:
            raise InputError(where, f"{value!r}; allowed are {', '.join(allowed)}")
        return str(value)

    return check


def _widths(value: Any, where: str) -> tuple[int, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= 10:
        raise InputError(where, f"{value!r}; allowed is a list of 1 to 10 layer widths, e.g. [24, 24]")
    return tuple(_integer(1, 10_000)(width, where) for width in value)


FEM: Mapping[str, Check] = {
    "degree": _integer(1, 4),
    "cells_per_period": _integer(2, 4096),
    "reference_tol": tolerance,
    "cell_degree": _integer(1, 6),
    "cell_cells": _integer(4, 4096),
    "homogenized_degree": _integer(1, 6),
    "homogenized_cells": _integer(4, 4096),
    "cells": _choice(*SHAPES),
    "tol": tolerance,
    "budget": _integer(1000, 2**31),
}
PINN: Mapping[str, Check] = {
    "preset": _choice(*PRESETS),
    "hidden": _widths,
    "optimizer": _choice(*OPTIMIZERS),
    "steps": _integer(1, 10_000_000),
    "points": _integer(4, 4096),
    "formulation": _choice(*FORMULATIONS),
    "periodicity": _choice("embedding", "oversampling", "penalty"),
    "oversampling": _integer(1, 100),
    "boundary": _choice("hard", "penalty"),
    "seed": _integer(0, 2**31 - 1),
    "device": _choice("cpu", "cuda"),
    "tol": tolerance,
    "budget": _seconds,
}


def table(data: Mapping[str, Any], name: str, checks: Mapping[str, Check], faults: Faults) -> dict[str, Any]:
    """A table of a problem file: its good settings; the other ones are noted as faults."""
    found = data.get(name, {})
    if not isinstance(found, dict):
        faults.note(InputError(name, f"must be a table, written [{name}]"))
        return {}
    known(found, checks, f"{name}.", faults)
    good = {}
    for key, value in found.items():
        if key in checks:
            with faults.noted():
                good[key] = checks[key](value, f"{name}.{key}")
    return good


def known(data: Mapping[str, Any], allowed: Any, prefix: str, faults: Faults) -> None:
    """Note keys that are not known as faults."""
    for key in data:
        if key not in allowed:
            shown = key if key.isprintable() else repr(key)
            faults.note(InputError(prefix + shown, f"unknown key; allowed are {', '.join(allowed)}"))
