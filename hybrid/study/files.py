"""Problem files: TOML in, a checked `Case` out."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import sympy

from hybrid.errors import InputError
from hybrid.pinn.optimizers import OPTIMIZERS
from hybrid.pinn.presets import PRESETS
from hybrid.problems import EllipticProblem
from hybrid.study.cases import Case
from hybrid.symbols import parse, parse_number, x, y

Check = Callable[[Any, str], Any]


def _integer(low: int, high: int) -> Check:
    def check(value: Any, where: str) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise InputError(where, f"{value!r}; allowed is a whole number from {low} to {high}")
        return value

    return check


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
    "cell_degree": _integer(1, 6),
    "cell_cells": _integer(4, 4096),
    "homogenized_degree": _integer(1, 6),
    "homogenized_cells": _integer(4, 4096),
}
PINN: Mapping[str, Check] = {
    "preset": _choice(*PRESETS),
    "hidden": _widths,
    "optimizer": _choice(*OPTIMIZERS),
    "steps": _integer(1, 10_000_000),
    "points": _integer(4, 4096),
    "periodicity": _choice("embedding", "oversampling", "penalty"),
    "oversampling": _integer(1, 100),
    "boundary": _choice("hard", "penalty"),
    "seed": _integer(0, 2**31 - 1),
    "device": _choice("cpu", "cuda"),
}
_ELLIPTIC = ("kind", "domain", "eps", "a", "f", "period", "name", "fem", "pinn")


def read(path: Path) -> Case:
    """Read a problem file.

    Raises:
        InputError: The file is missing or not TOML, or a field is missing, unknown or wrong; with file and field.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise InputError(str(path), "no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            str(path), f"cannot be read ({getattr(error, 'strerror', None) or 'not UTF-8 text'})"
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise InputError(str(path), f"not valid TOML: {error}") from None
    except (ValueError, RecursionError):
        raise InputError(str(path), "not valid TOML: a number too long, or brackets nested too deep") from None
    return from_data(data, str(path), path.stem)


def from_data(data: Mapping[str, Any], place: str, name: str) -> Case:
    """A case from the contents of a problem file; `place` stands in front of error messages.

    Raises:
        InputError: See `read`.
    """
    try:
        return _elliptic(data, name)
    except InputError as error:
        raise InputError(f"{place}: {error.where}", error.what) from None


def _elliptic(data: Mapping[str, Any], name: str) -> Case:
    kind = data.get("kind")
    if kind == "reaction-diffusion":
        raise InputError("kind", "'reaction-diffusion' is not available yet; allowed is 'elliptic'")
    if kind != "elliptic":
        raise InputError(
            "kind", f"{kind!r}; allowed is 'elliptic'" if "kind" in data else "missing; allowed is 'elliptic'"
        )
    _known(data, _ELLIPTIC, "")
    for required in ("domain", "eps", "a", "f"):
        if required not in data:
            raise InputError(required, "missing")
    domain = _domain(data["domain"])
    dim = len(domain)
    if dim == 3:
        raise InputError("domain", "3 dimensions are not available yet; allowed are 1 and 2")
    symbols = (*x[:dim], *y[:dim])
    period = data.get("period", 1)
    problem = EllipticProblem(
        domain=domain,
        eps=parse_number(data["eps"], "eps"),
        a=_coefficient(data["a"], symbols),
        f=_expression(data["f"], x[:dim], "f"),
        period=[parse_number(p, "period") for p in period]
        if isinstance(period, list)
        else parse_number(period, "period"),
        name=_name(data.get("name", name)),
    )
    if problem.depends_on_slow:
        slow = ", ".join(sorted(map(str, problem.matrix.free_symbols & set(problem.slow))))
        raise InputError(
            "a",
            f"depends on the slow variable {slow}; slow variables in a are not available yet, only {_list(y[:dim])}",
        )
    return Case(problem, f"{dim}D elliptic equation", fem=_table(data, "fem", FEM), pinn=_table(data, "pinn", PINN))


def _list(symbols: tuple[sympy.Symbol, ...]) -> str:
    return " and ".join(map(str, symbols))


def _known(data: Mapping[str, Any], allowed: Any, prefix: str) -> None:
    for key in data:
        if key not in allowed:
            raise InputError(prefix + key, f"unknown key; allowed are {', '.join(allowed)}")


def _domain(value: Any) -> list[tuple[float, float]]:
    if not isinstance(value, list) or not value or not all(isinstance(i, list) and len(i) == 2 for i in value):
        raise InputError("domain", f"{value!r}; allowed is one [low, high] for each dimension, e.g. [[0, 1], [0, 1]]")
    return [(parse_number(low, "domain"), parse_number(high, "domain")) for low, high in value]


def _expression(value: Any, symbols: tuple[sympy.Symbol, ...], where: str) -> sympy.Expr | float:
    return parse(value, symbols, where) if isinstance(value, str) else parse_number(value, where)


def _coefficient(value: Any, symbols: tuple[sympy.Symbol, ...]) -> Any:
    if not isinstance(value, list):
        return _expression(value, symbols, "a")
    if not all(isinstance(row, list) for row in value):
        raise InputError("a", "a matrix is a list of rows, each a list of expressions")
    return [[_expression(entry, symbols, f"a[{i}][{j}]") for j, entry in enumerate(row)] for i, row in enumerate(value)]


def _name(value: Any) -> str:
    """A name is also a folder: keep it one plain path component."""
    good = isinstance(value, str) and 0 < len(value) <= 100 and value.isprintable() and not set(value) & set("/\\")
    if not good or value.startswith("."):
        raise InputError("name", f"{value!r}; allowed is a plain name, it becomes a folder")
    return value


def _table(data: Mapping[str, Any], name: str, checks: Mapping[str, Check]) -> dict[str, Any]:
    table = data.get(name, {})
    if not isinstance(table, dict):
        raise InputError(name, f"must be a table, written [{name}]")
    _known(table, checks, f"{name}.")
    return {key: checks[key](value, f"{name}.{key}") for key, value in table.items()}
