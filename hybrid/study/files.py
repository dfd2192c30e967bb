"""Problem files: TOML in, a checked `Case` out."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import sympy

from hybrid.checks import check_domain, check_expression, check_matrix, check_period, positive
from hybrid.failures import Faults, InputError, each_of
from hybrid.physics import EllipticProblem, ReactionDiffusionProblem
from hybrid.study.case import Case
from hybrid.study.schema import FEM, PINN, known, table
from hybrid.symbols import parse, parse_number, t, x, y

Check = Callable[[Case], None]
"""What refuses, by an InputError, a case for reasons that the file itself does not show."""

_COMMON = ("kind", "domain", "eps", "f", "period", "name", "fem", "pinn")
_OWN = {"elliptic": ("a",), "reaction-diffusion": ("D", "r", "u0", "T")}


def read(path: Path, check: Check | None = None) -> Case:
    """Read a problem file.

    Args:
        path: Of the file.
        check: What else the case must satisfy; what it refuses is told together with what is wrong in the file.

    Raises:
        InputError: The file is missing or not TOML, or a field is missing, unknown or wrong; with file and field. An
            `InputErrors` with all of them, in the file's order, where there are several.
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
    return from_data(data, str(path), path.stem, check)


def from_data(data: Mapping[str, Any], place: str, name: str, check: Check | None = None) -> Case:
    """A case from the contents of a problem file; `place` stands in front of error messages.

    Raises:
        InputError: See `read`.
    """
    reading = _Reading(data, name)
    case = reading.case()
    faults = [(error, InputError(f"{place}: {error.where}", error.what)) for error in reading.faults.found]
    if check is not None and case is not None:
        try:
            check(case)
        except InputError as error:
            faults += [(one, one) for one in each_of(error) if not reading.explains(one.where)]
    said = Faults()
    said.note(*(line for error, line in sorted(faults, key=lambda pair: reading.position(pair[0].where))))
    said.report()
    assert case is not None
    return case


class _Reading:
    """A problem file read as far as its faults allow: what is faulty or missing is noted, and something harmless stands in
    for it while the rest is looked at.

    Attributes:
        faults: What was found.
        bad: Fields that are faulty or missing.
        bad_settings: The names of faulty settings of each table.
    """

    def __init__(self, data: Mapping[str, Any], name: str) -> None:
        self.data, self.name, self.faults = data, name, Faults()
        self.bad: set[str] = set()
        self.bad_settings: dict[str, set[str]] = {}
        self._standing: set[str] = set()

    def case(self) -> Case | None:
        """The case, with stand-ins for what is faulty; None where not even the kind of the problem is known."""
        data = self.data
        kinds = " or ".join(f"'{kind}'" for kind in _OWN)
        kind = data.get("kind")
        if not isinstance(kind, str) or kind not in _OWN:
            what = f"{kind!r}; allowed is {kinds}" if "kind" in data else f"missing; allowed is {kinds}"
            self.faults.note(InputError("kind", what))
            kind = ""
        own = _OWN.get(kind) or tuple(key for keys in _OWN.values() for key in keys)
        known(data, (*_COMMON, *own), "", self.faults)
        for required in ("domain", "eps", "f", *_OWN.get(kind, ())):
            if required not in data:
                self.faults.note(InputError(required, "missing"))
        fields = self._fields(own)
        problem = self._problem(kind, fields) if kind else None
        tables = {}
        for name, checks in (("fem", FEM), ("pinn", PINN)):
            before = len(self.faults.found)
            tables[name] = table(data, name, checks, self.faults)
            self.bad_settings[name] = {error.where.removeprefix(f"{name}.") for error in self.faults.found[before:]}
        return None if problem is None else Case(problem, problem.title, fem=tables["fem"], pinn=tables["pinn"])

    def _fields(self, own: Sequence[str]) -> dict[str, Any]:
        """The fields of the problem, those that are good."""
        data, found = self.data, dict[str, Any]()

        def field(key: str, make: Callable[[Any], Any]) -> None:
            self.bad.add(key)
            if key in data:
                with self.faults.noted():
                    found[key] = make(data[key])
                    self.bad.remove(key)

        field("domain", lambda value: check_domain(_domain(value)))
        dim = len(found["domain"]) if "domain" in found else None
        slow, fast = x[:dim], y[:dim]
        field("eps", lambda value: positive(parse_number(value, "eps"), "eps"))
        if "period" in data:
            field("period", lambda value: _period(value, dim))
        if "a" in own:
            field("a", lambda value: _coefficient(value, (*slow, *fast), dim))
        for key in ("D", "T"):
            if key in own:
                field(key, lambda value, key=key: positive(parse_number(value, key), key))  # type: ignore[misc]
        symbols = {"r": fast, "u0": slow, "f": slow if "r" not in own else (*slow, t)}
        for key, allowed in symbols.items():
            if key in (*own, "f"):
                field(key, lambda value, key=key, allowed=allowed: _expression(value, allowed, key))  # type: ignore[misc]
        with self.faults.noted():
            found["name"] = _name(data.get("name", self.name))
        return found

    def _problem(self, kind: str, fields: Mapping[str, Any]) -> EllipticProblem | ReactionDiffusionProblem | None:
        """The problem; what its own checks refuse is noted, and stood in for, too."""
        make = EllipticProblem if kind == "elliptic" else ReactionDiffusionProblem
        while True:
            stand_ins = self._stand_ins(kind, fields)
            self._standing = set(stand_ins)
            try:
                return make(**{**fields, **stand_ins})
            except InputError as error:
                mentioned = mentions(error.where) & {"domain", "eps", "period", "f", *_OWN[kind]}
                if mentioned & self._standing:
                    return None
                self.faults.note(error)
                if not mentioned:
                    return None
                self.bad |= mentioned

    def _stand_ins(self, kind: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        """For fields that are bad, and for those that cannot be judged without them."""
        bad = set(self.bad)
        if "domain" in bad:
            bad |= {"eps", "period", "f", *_OWN[kind]}
        if "period" in bad:
            bad |= {"eps", "a", "r"}
        if "T" in bad:
            bad.add("f")
        given = self.data.get("domain")
        dim = len(given) if isinstance(given, list) and 1 <= len(given) <= 3 else 2
        box = ((0.0, 1.0),) * dim if "domain" in bad else fields["domain"]
        periods = 1.0 if "period" in bad else fields.get("period", 1.0)
        cell = periods if isinstance(periods, tuple) else (periods,) * len(box)
        eps = min((high - low) / p for (low, high), p in zip(box, cell, strict=True)) / 4
        one = {"domain": box, "eps": eps, "period": 1.0, "a": 1, "f": 1, "D": 1.0, "T": 1.0, "r": 0, "u0": 1}
        return {key: one[key] for key in one if key in bad and key in (*_COMMON, *_OWN[kind])}

    def explains(self, where: str) -> bool:
        """Whether what settings are refused for may come from a fault that is noted already."""
        names = mentions(where)
        rough = self.bad_settings["pinn"] - _HARMLESS
        return bool(
            names & self._standing
            or (self.bad_settings["fem"] and any(name.startswith("fem.") for name in names))
            or (rough and any(name == "preset" or name.startswith("pinn.") for name in names))
        )

    def position(self, where: str) -> tuple[int, int]:
        """Of a field or a setting in the file; after all of them where it is not there."""
        keys = list(self.data)
        for name in (where, *re.findall(_NAME, where)):
            if name in keys:
                return keys.index(name), -1
            head, _, setting = name.partition(".")
            if head in keys and isinstance(self.data[head], dict) and setting in self.data[head]:
                return keys.index(head), list(self.data[head]).index(setting)
        return len(keys), 0


_NAME = r"[A-Za-z_]\w*(?:\.\w+)?"
_HARMLESS = {"seed", "tol", "budget", "device", "hidden", "steps", "boundary"}
"""Settings of networks without which the others can be judged."""


def mentions(where: str) -> set[str]:
    """The fields and settings that the place of an error names."""
    return set(re.findall(_NAME, where))


def _domain(value: Any) -> list[tuple[float, float]]:
    if not isinstance(value, list) or not value or not all(isinstance(i, list) and len(i) == 2 for i in value):
        raise InputError("domain", f"{value!r}; allowed is one [low, high] for each dimension, e.g. [[0, 1], [0, 1]]")
    return [(parse_number(low, "domain"), parse_number(high, "domain")) for low, high in value]


def _period(value: Any, dim: int | None) -> tuple[float, ...]:
    """One for each dimension; with a domain that is not known, those that are given."""
    if not isinstance(value, list):
        return check_period(parse_number(value, "period"), dim or 1)
    return check_period([parse_number(p, "period") for p in value], len(value) if dim is None else dim)


def _expression(value: Any, symbols: tuple[sympy.Symbol, ...], where: str) -> sympy.Expr:
    found = parse(value, symbols, where) if isinstance(value, str) else parse_number(value, where)
    return check_expression(found, symbols, where)


def _coefficient(value: Any, symbols: tuple[sympy.Symbol, ...], dim: int | None) -> Any:
    """a, as a matrix; with a domain that is not known its entries alone are looked at."""
    if not isinstance(value, list):
        return _expression(value, symbols, "a")
    if not all(isinstance(row, list) for row in value):
        raise InputError("a", "a matrix is a list of rows, each a list of expressions")
    faults, rows = Faults(), []
    for i, row in enumerate(value):
        rows.append([sympy.S.Zero] * len(row))
        for j, entry in enumerate(row):
            with faults.noted():
                where = f"a[{i}][{j}]"
                rows[i][j] = parse(entry, symbols, where) if isinstance(entry, str) else parse_number(entry, where)
    faults.report()
    return rows if dim is None else check_matrix(rows, dim, symbols)


def _name(value: Any) -> str:
    """A name is also a folder: keep it one plain path component."""
    good = isinstance(value, str) and 0 < len(value) <= 100 and value.isprintable() and not set(value) & set("/\\")
    if not good or value.startswith("."):
        raise InputError("name", f"{value!r}; allowed is a plain name, it becomes a folder")
    return value
