"""Problem files: TOML in, a checked `Case` out."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from hybrid.checks import positive
from hybrid.failures import Faults, InputError, each_of
from hybrid.media.expression import Expression
from hybrid.media.regions import ByRegion, Regions
from hybrid.physics import Problem, kinds, of_kind
from hybrid.physics.fields import Field
from hybrid.study.case import Case
from hybrid.study.common import COMMON, domain_of, name_of, period_of
from hybrid.study.constants import with_constants
from hybrid.study.options import FemOptions, Options, PinnOptions, unknown
from hybrid.study.scope import check_scope
from hybrid.symbols import parse_number

Check = Callable[[Case], None]
"""What refuses, by an InputError, a case for reasons that the file itself does not show."""


def read(path: Path, check: Check | None = None) -> Case:
    """Read a problem file.

    Args:
        path: Of the file.
        check: What else the case must satisfy; what it refuses is told together with what is wrong in the file.

    Raises:
        InputError: The file is missing or not TOML, or a field is missing, unknown or wrong; with file and field. An
            `InputErrors` with all of them, in the file's order, where there are several.
    """
    return from_data(toml_of(path), str(path), path.stem, check, folder=path.parent)


def toml_of(path: Path) -> dict[str, Any]:
    """The contents of a TOML file.

    Raises:
        InputError: The file is missing or not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
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


def from_data(
    data: Mapping[str, Any], place: str, name: str, check: Check | None = None, *, folder: Path = Path()
) -> Case:
    """A case from the contents of a problem file; `place` stands in front of error messages, `folder` is where it lies.

    Raises:
        InputError: See `read`.
    """
    reading = _Reading(data, name, folder)
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


def data_of(case: Case) -> dict[str, Any]:
    """The contents of a problem file from which `from_data` makes the same problem with the same settings."""
    problem, tables = case.problem, {"fem": case.fem.given, "pinn": case.pinn.given}
    mesh = next((value.mesh.path for value in vars(problem).values() if isinstance(value, Regions)), None)
    return {
        "kind": problem.kind, "name": problem.name, "domain": [list(side) for side in problem.domain], "eps": problem.eps,
        "period": list(problem.period), **({} if mesh is None else {"mesh": str(mesh)}),
        **({"certify": True} if case.certify else {}), **({} if case.has_reference else {"reference": case.reference}),
        **({"direct": True} if case.direct else {}),
        **({} if case.layers is None else {"layers": case.layers}),
        **{key: field.plain(getattr(problem, key)) for key, field in problem.fields.items()},
        **{name: table for name, table in tables.items() if table},
    }  # fmt: skip


class _Reading:
    """A problem file read as far as its faults allow: what is faulty or missing is noted, and something harmless stands in
    for it while the rest is looked at.

    Attributes:
        faults: What was found.
        bad: Fields that are faulty or missing.
        bad_settings: The names of faulty settings of each table.
    """

    def __init__(self, data: Mapping[str, Any], name: str, folder: Path) -> None:
        self.faults = Faults()
        self.written, self.data, self.name = data, with_constants(data, self.faults), name
        self._mesh = self._mesh_file(folder)
        self.bad: set[str] = set()
        self.bad_settings: dict[str, set[str]] = {}
        self._standing: set[str] = set()

    def case(self) -> Case | None:
        """The case, with stand-ins for what is faulty; None where not even the kind of the problem is known."""
        physics = self._physics()
        possible = [physics] if physics else list(kinds().values())
        own = {
            key: [one.fields[key] for one in possible if key in one.fields] for one in possible for key in one.fields
        }
        allowed = ("kind", *COMMON, *own, "constants", "fem", "pinn")
        self.faults.note(*(unknown(key, allowed) for key in self.data if key not in allowed))
        needed = [key for key, fields in own.items() if len(fields) == len(possible)]
        self.faults.note(*(InputError(key, "missing") for key in ("domain", "eps", *needed) if key not in self.data))
        fields = self._fields(own)
        problem = self._problem(physics, fields) if physics else None
        fem, pinn = self._table("fem", FemOptions), self._table("pinn", PinnOptions)
        certify, layers, reference = self._wanted("certify"), self._wanted("layers"), self.data.get("reference", "fem")
        direct = self._direct(problem)
        if problem is None:
            return None
        found = Case(
            problem, problem.title, fem=fem, pinn=pinn, certify=certify is True, reference=reference, layers=layers,
            direct=direct,
        )  # fmt: skip
        if not self._standing:
            with self.faults.noted():
                check_scope(found)
        return found

    def _wanted(self, name: str) -> bool | None:
        """True or false; None where nothing is said, or something else."""
        wanted = self.data.get(name)
        if wanted is None or isinstance(wanted, bool):
            return wanted
        self.faults.note(InputError(name, f"{wanted!r}; allowed are true, false"))
        return None

    def _direct(self, problem: Problem | None) -> bool:
        """Whether networks are trained on the equation itself; of a problem that there are some for."""
        wanted = self._wanted("direct")
        if not wanted or problem is None or self._standing:
            return wanted is True
        if problem.multiscale().time is not None or not isinstance(problem.flux, Expression):
            self.faults.note(InputError("direct", "true; it is for elliptic problems with formulas"))
        return True

    def _physics(self) -> type[Problem] | None:
        try:
            return of_kind(self.data.get("kind"))
        except InputError as error:
            missing = f"missing; {error.what.rpartition('; ')[2]}"
            self.faults.note(error if "kind" in self.data else InputError("kind", missing))
            return None

    def _mesh_file(self, folder: Path) -> Path | None:
        """The path of the mesh, where the file names one and has values for its regions."""
        given = self.data.get("mesh")
        if given is None:
            return None
        if not isinstance(given, str) or not given or "\0" in given:
            self.faults.note(InputError("mesh", f'{given!r}; allowed is the path of a Gmsh file, e.g. "cell.msh"'))
            return None
        tables = [key for key, value in self.data.items() if isinstance(value, dict) and key not in {"fem", "pinn"}]
        if not tables:
            self.faults.note(
                InputError("mesh", "no field has values for its regions, e.g. a = { matrix = 1, inclusion = 10 }")
            )
        return folder / given

    def _placed(self, value: Any) -> Any:
        """A table of values by region, with the mesh whose regions these are."""
        return ByRegion(self._mesh, value) if isinstance(value, dict) and self._mesh is not None else value

    def _table[T: Options](self, name: str, options: type[T]) -> T:
        """One of the two tables of settings."""
        before = len(self.faults.found)
        table = options.read(self.data.get(name, {}), name, self.faults)
        self.bad_settings[name] = {error.where.removeprefix(f"{name}.") for error in self.faults.found[before:]}
        return table

    def _fields(self, own: Mapping[str, Sequence[Field]]) -> dict[str, Any]:
        """The fields of the problem, those that are good; of several kinds a field is as the last of them that can read it."""
        data, found = self.data, dict[str, Any]()

        def field(key: str, *makers: Callable[[Any], Any]) -> None:
            self.bad.add(key)
            if isinstance(data.get(key), dict) and self._mesh is None and "mesh" in data:
                return  # what is wrong with the mesh is noted already
            failed: InputError | None = None
            for make in makers if key in data else ():
                try:
                    found[key] = make(self._placed(data[key]))
                except InputError as error:
                    failed = error
            if key in found:
                self.bad.remove(key)
            elif failed is not None:
                self.faults.note(failed)

        field("domain", domain_of)
        dim = len(found["domain"]) if "domain" in found else None
        field("eps", lambda value: positive(parse_number(value, "eps"), "eps"))
        if "period" in data:
            field("period", lambda value: period_of(value, dim))
        for key, fields in own.items():
            field(key, *(partial(one.read, name=key, dim=dim) for one in fields))
        with self.faults.noted():
            found["name"] = name_of(data.get("name", self.name))
        return found

    def _problem(self, physics: type[Problem], fields: Mapping[str, Any]) -> Problem | None:
        """The problem; what its own checks refuse is noted, and stood in for, too."""
        while True:
            stand_ins = self._stand_ins(physics, fields)
            self._standing = set(stand_ins)
            try:
                return physics(**{**fields, **stand_ins})
            except InputError as error:
                mentioned = mentions(error.where) & {"domain", "eps", "period", *physics.fields}
                if mentioned & self._standing:
                    return None
                self.faults.note(error)
                if not mentioned:
                    return None
                self.bad |= mentioned

    def _stand_ins(self, physics: type[Problem], fields: Mapping[str, Any]) -> dict[str, Any]:
        """For fields that are bad, and for those that cannot be judged without them."""
        bad, own = set(self.bad), physics.fields
        if "domain" in bad:
            bad |= {"eps", "period", *own}
        if "period" in bad:
            bad |= {"eps", *(key for key in own if own[key].fast)}
        if any(own[key].until for key in bad & own.keys()):
            bad |= {key for key in own if own[key].time}
        given = self.data.get("domain")
        dim = len(given) if isinstance(given, list) and 1 <= len(given) <= 3 else 2
        box = ((0.0, 1.0),) * dim if "domain" in bad else fields["domain"]
        periods = 1.0 if "period" in bad else fields.get("period", 1.0)
        cell = periods if isinstance(periods, tuple) else (periods,) * len(box)
        eps = min((high - low) / p for (low, high), p in zip(box, cell, strict=True)) / 4
        one = {"domain": box, "eps": eps, "period": 1.0, **{key: field.harmless for key, field in own.items()}}
        return {key: one[key] for key in one if key in bad}

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
        keys = list(self.written)
        for name in (where, *re.findall(_NAME, where)):
            if name in keys:
                return keys.index(name), -1
            head, _, setting = name.partition(".")
            if head in keys and isinstance(self.written[head], dict) and setting in self.written[head]:
                return keys.index(head), list(self.written[head]).index(setting)
        return len(keys), 0


_NAME = r"[A-Za-z_]\w*(?:\.\w+)?"
_HARMLESS = {"seed", "tol", "budget", "device", "hidden", "steps", "boundary"}
"""Settings of networks without which the others can be judged."""


def mentions(where: str) -> set[str]:
    """The fields and settings that the place of an error names."""
    return set(re.findall(_NAME, where))
