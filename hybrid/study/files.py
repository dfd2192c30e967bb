"""Problem files: TOML in, a checked `Case` out."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import sympy

from hybrid.errors import InputError
from hybrid.problems import EllipticProblem, ReactionDiffusionProblem
from hybrid.study.cases import Case
from hybrid.study.schema import FEM, PINN, known, table
from hybrid.symbols import parse, parse_number, t, x, y

_COMMON = ("kind", "domain", "eps", "f", "period", "name", "fem", "pinn")
_OWN = {"elliptic": ("a",), "reaction-diffusion": ("D", "r", "u0", "T")}


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
        return _case(data, name)
    except InputError as error:
        raise InputError(f"{place}: {error.where}", error.what) from None


def _case(data: Mapping[str, Any], name: str) -> Case:
    kinds = " or ".join(f"'{kind}'" for kind in _OWN)
    kind = data.get("kind")
    if "kind" not in data:
        raise InputError("kind", f"missing; allowed is {kinds}")
    if not isinstance(kind, str) or kind not in _OWN:
        raise InputError("kind", f"{kind!r}; allowed is {kinds}")
    known(data, (*_COMMON, *_OWN[kind]), "")
    for required in ("domain", "eps", "f", *_OWN[kind]):
        if required not in data:
            raise InputError(required, "missing")
    domain = _domain(data["domain"])
    dim = len(domain)
    period = data.get("period", 1)
    common: dict[str, Any] = {
        "domain": domain,
        "eps": parse_number(data["eps"], "eps"),
        "period": [parse_number(p, "period") for p in period]
        if isinstance(period, list)
        else parse_number(period, "period"),
        "name": _name(data.get("name", name)),
    }
    problem: EllipticProblem | ReactionDiffusionProblem
    if kind == "elliptic":
        a = _coefficient(data["a"], (*x[:dim], *y[:dim]))
        problem = EllipticProblem(**common, a=a, f=_expression(data["f"], x[:dim], "f"))
        title = f"{dim}D elliptic equation" + " with slow dependency" * problem.depends_on_slow
    else:
        problem = ReactionDiffusionProblem(
            **common,
            D=parse_number(data["D"], "D"),
            r=_expression(data["r"], y[:dim], "r"),
            f=_expression(data["f"], (*x[:dim], t), "f"),
            u0=_expression(data["u0"], x[:dim], "u0"),
            T=parse_number(data["T"], "T"),
        )
        title = f"{dim}D reaction-diffusion equation"
    return Case(problem, title, fem=table(data, "fem", FEM), pinn=table(data, "pinn", PINN))


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
