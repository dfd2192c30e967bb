"""Sweep files: TOML in, a checked `Plan` out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from hybrid.failures import Faults, InputError
from hybrid.study.case import Case
from hybrid.study.files import data_of, toml_of
from hybrid.study.options import Options, unknown
from hybrid.study.presets import Preset
from hybrid.sweep.axes import Axes, Distribution, Grid, Listed, Sample, Zip, combined, few
from hybrid.sweep.checking import check_runs
from hybrid.sweep.names import TABLES, flat, full_name, with_fields
from hybrid.sweep.plan import Plan, Planned

Cases = Callable[[str], Case]
"""Cases that may be named in place of a problem file; raises InputError where there is none of that name."""

Entry = tuple[str, Any, str]
"""The full name of a field, its value, and the name as it is written."""

LIMIT = 10_000
"""Runs of a sweep, at the most, where its file does not say otherwise."""
_TABLES = ("base", "set", "axes", "runs")
_ROOTS = {"kind", "domain", "period", "mesh", "mode"}
"""Without these nothing else can be judged."""
_LOOKED_AT = 30
"""Values of an axis that are looked at in a file that has other faults, about; of more, some all along it, with the last."""
_ROWS = "list"
_DRAWN = "sample"


def _whole(low: int, high: int, about: str) -> Any:
    return Field(None, ge=low, le=high, description=f"{about}; allowed is a whole number from {low} to {high}")


class SweepOptions(Options):
    """What a sweep file says beside the problem and the axes."""

    mode: Literal["grid", "zip", "sample", "list"] | None = Field(
        None,
        description="how runs come from the axes: every value with every other one (grid), the first of each, the second of "
        "each … (zip), drawn from each (sample); or from [[runs]], one by one (list); allowed are grid, zip, sample, list",
    )
    count: int | None = _whole(1, 10_000_000, "runs that mode sample draws")
    seed: int | None = _whole(0, 2**31 - 1, "from which mode sample draws them; 0 where it is left out")
    name: str | None = Field(
        None, description="of the sweep and of its folder; allowed is a plain name", pattern=r"^[^/\\.][^/\\]{0,99}$"
    )
    seeds: int | None = _whole(1, 10_000, "an axis more: the seeds 0, 1, …")
    figures: bool | None = Field(None, description="whether runs leave figures and fields; allowed are true, false")
    ranks_per_run: int | None = _whole(1, 10_000, "MPI ranks that share a run")
    limit: int | None = _whole(1, 10_000_000, "runs that the sweep may have")


def read(path: Path, *, seeds: int | None = None, cases: Cases | None = None, presets: Sequence[Preset] = ()) -> Plan:
    """Read a sweep file.

    Args:
        path: Of the file.
        seeds: So many seeds, 0, 1, …, in place of those that the file asks for.
        cases: Cases that may be named as the base.
        presets: Those that there are beside `hybrid.study`'s own.

    Raises:
        InputError: The file is missing or not TOML, or something in it is wrong; an `InputErrors` with all of it, where it is
            several. Every run was checked.
    """
    data = toml_of(path)
    text = path.read_text(encoding="utf-8-sig")
    return from_data(
        data, str(path), path.stem, folder=path.parent, text=text, seeds=seeds, cases=cases, presets=presets
    )


def from_data(
    data: Mapping[str, Any], place: str = "sweep", name: str = "sweep", *, folder: Path = Path(), text: str = "",
    seeds: int | None = None, cases: Cases | None = None, presets: Sequence[Preset] = (),
) -> Plan:  # fmt: skip
    """A plan from the contents of a sweep file; `place` stands in front of error messages, problem files are in `folder`.

    Raises:
        InputError: See `read`.
    """
    reading = _Reading(data, folder, cases)
    options = reading.options()
    base = reading.base()
    axes = reading.axes(base, options, options.seeds if seeds is None else seeds)
    if not reading.faults.found and not axes:
        reading.faults.note(InputError("axes", "nothing varies; give [axes], [[runs]] with mode = 'list', or seeds"))
    count = math.prod(one.count for one in axes)
    limit = options.limit or LIMIT
    if count > limit:
        sizes = " x ".join(str(size) for one in axes for size in one.sizes)
        what = f"{count:,} runs ({sizes}); at most {limit:,} are begun: take fewer values, or write limit = {count}"
        reading.faults.note(InputError("limit", what))
    name, runs = options.name or name, list[Planned]()
    if not reading.faults.found:
        runs = [reading.planned(base, one, name) for one in combined(axes)]
        check_runs(runs, reading.base_place, reading.faults, presets)
    else:
        reading.check_values(base, axes, presets)
    said = Faults()
    said.note(*(InputError(f"{place}: {error.where}", error.what) for error in reading.faults.found))
    said.report()
    varying = {
        field: list({repr(v): v for v in (run.settings.get(field) for run in runs)}.values())
        for one in axes for field in one.names
    }  # fmt: skip
    return Plan(name, varying, runs, text, figures=bool(options.figures), ranks_per_run=options.ranks_per_run or 1)


class _Reading:
    """A sweep file read as far as its faults allow.

    Attributes:
        faults: What was found.
        base_place: Where the base problem is, for messages.
        unsure: Fields that were to get values and did not get them, by what they are called in the file where they are none.
    """

    def __init__(self, data: Mapping[str, Any], folder: Path, cases: Cases | None) -> None:
        self.data, self.folder, self.cases, self.faults = data, folder, cases, Faults()
        self.base_place = "base"
        self.unsure: set[str] = set()

    def options(self) -> SweepOptions:
        """What stands beside base and axes."""
        own = {key: value for key, value in self.data.items() if key not in _TABLES}
        faults = Faults()
        found = SweepOptions.read(own, "", faults)
        for error in faults.found:
            name = error.where.removeprefix(".")
            allowed = (*SweepOptions.model_fields, *_TABLES)
            self.unsure |= {name} & _ROOTS
            self.faults.note(
                InputError(name, error.what) if name in SweepOptions.model_fields else unknown(name, allowed)
            )
        return found

    def base(self) -> dict[str, Any]:
        """The contents of the base problem's file, with what [set] says."""
        given = self.data.get("base")
        data: dict[str, Any] = {}
        with self.faults.noted():
            if isinstance(given, dict):
                data = dict(given)
            elif isinstance(given, str) and given.endswith(".toml"):
                self.base_place = given
                data = toml_of(self.folder / given)
            elif isinstance(given, str) and self.cases is not None:
                data = data_of(self.cases(given))
            else:
                what = "missing" if given is None else f"{given!r}"
                raise InputError("base", f"{what}; allowed are a case, a problem file (.toml), or a table [base]")
        fixed = list(self._block("set", data))
        with self.faults.noted():
            data = with_fields(data, {name: value for name, value, _ in fixed})
        return data

    def planned(self, base: Mapping[str, Any], settings: Mapping[str, Any], name: str) -> Planned:
        """A run; the path of its mesh is relative to the base problem's file, as runs have no file."""
        data = {"name": name} | with_fields(base, settings)
        if isinstance(mesh := data.get("mesh"), str) and mesh:
            data["mesh"] = str(((self.folder / self.base_place).parent / mesh).resolve())
        return Planned(dict(settings), data)

    def check_values(self, base: Mapping[str, Any], axes: Sequence[Axes], presets: Sequence[Preset]) -> None:
        """Note what is wrong with the base problem and with single values, of a file that has other faults already.

        What may follow from those is left out: that fields are missing whose axes are faulty, and all of it where not even the
        box or the mode is known.
        """
        if not base or self.unsure & _ROOTS:
            return
        found = Faults()
        with found.noted():
            runs = [self.planned(base, one, "sweep") for one in few(axes, _LOOKED_AT)]
            check_runs(runs, self.base_place, found, presets)
        self.faults.note(*(one for one in found.found if not (self.unsure and one.what.startswith("missing"))))

    def axes(self, base: Mapping[str, Any], options: SweepOptions, seeds: int | None) -> list[Axes]:
        """Those of the file, and that of the seeds."""
        mode, found = options.mode or "grid", list[Axes]()
        strange = {"runs"} if mode != _ROWS else {"axes"}
        strange |= {"count", "seed"} if mode != _DRAWN else set()
        self.faults.note(
            *(InputError(name, f"is not for mode = {mode!r}") for name in sorted(strange & self.data.keys()))
        )
        with self.faults.noted():
            if mode == _ROWS:
                found = [self._listed(base)]
            elif "axes" in self.data or mode == _DRAWN:
                found = [self._axes(mode, options, base)]
        found = [one for one in found if one.names]
        if seeds is not None:
            found.append(Grid({"pinn.seed": list(range(seeds))}))
        names = [name for one in found for name in one.names]
        if len(set(names)) < len(names):
            self.faults.note(InputError("seeds", "pinn.seed varies too; one axis for each field"))
        for name, _, _ in self._block("set", base, quiet=True):
            if name in names:
                self.faults.note(InputError(f"set.{name}", "is an axis too; leave it out here"))
        return found

    def _axes(self, mode: str, options: SweepOptions, base: Mapping[str, Any]) -> Axes:
        values: dict[str, list[Any]] = {}
        fields: list[Distribution] = []
        for name, value, as_written in self._block("axes", base):
            where = f"axes.{as_written}"
            if mode == _DRAWN and isinstance(value, dict):
                self.unsure.add(name)
                with self.faults.noted():
                    fields.append(_distribution(name, value, where))
                    self.unsure.remove(name)
            elif not isinstance(value, list) or not value:
                or_table = ", or a table { low, high }" if mode == _DRAWN else ""
                what = f"{value!r}; allowed is a list of values that is not empty{or_table}"
                self.unsure.add(name)
                self.faults.note(InputError(where, what))
            else:
                if len({repr(v) for v in value}) < len(value):
                    self.faults.note(InputError(where, f"{value!r} has a value twice"))
                values[name] = value
                fields.append(Distribution(name, choices=value))
        if mode != _DRAWN:
            if mode == "zip" and len({*map(len, values.values())}) > 1:
                self.unsure |= values.keys()
            return Zip(values) if mode == "zip" and values else Grid(values)
        if options.count is None and "count" not in self.data:
            self.faults.note(InputError("count", "missing; how many runs mode = 'sample' draws"))
        return Sample(fields, options.count or 1, options.seed or 0)

    def _listed(self, base: Mapping[str, Any]) -> Axes:
        runs = self.data.get("runs")
        if not isinstance(runs, list) or not runs or not all(isinstance(run, dict) and run for run in runs):
            raise InputError("runs", "allowed are tables [[runs]], one for each run, none of them empty")
        return Listed([{name: value for name, value, _ in self._fields("runs", run, base)} for run in runs])

    def _block(self, block: str, base: Mapping[str, Any], *, quiet: bool = False) -> Iterable[Entry]:
        table = self.data.get(block, {})
        if not isinstance(table, dict):
            self.faults.note(InputError(block, f"must be a table, written [{block}]"))
            return []
        if block in self.data and not table and not quiet:
            self.faults.note(InputError(block, "is empty"))
        return self._fields(block, table, base)

    def _fields(self, block: str, table: Mapping[str, Any], base: Mapping[str, Any]) -> Iterator[Entry]:
        """The full names of the fields, their values, and the names as they are written; each field once."""
        seen: dict[str, str] = {}
        for written, value in flat(table, base):
            try:
                name = full_name(written, base)
            except InputError as error:
                if base or written.partition(".")[0] in TABLES[1:]:  # without a base nothing is known of its fields
                    self.faults.note(InputError(f"{block}.{written}", error.what))
                self.unsure.add(written)
                continue
            if name in seen:
                self.faults.note(InputError(f"{block}.{written}", f"is {block}.{seen[name]}; one axis for each field"))
                continue
            seen[name] = written
            yield name, value, written


def _distribution(name: str, given: Mapping[str, Any], where: str) -> Distribution:
    allowed = '{ low, high }, with scale = "log" or whole = true where that is wanted, or a list of values'
    if not {"low", "high"} <= given.keys() or given.keys() - {"low", "high", "scale", "whole"}:
        raise InputError(where, f"{given!r}; allowed is {allowed}")
    low, high, scale, whole = given["low"], given["high"], given.get("scale", "linear"), given.get("whole", False)
    if not all(isinstance(bound, int | float) and not isinstance(bound, bool) for bound in (low, high)):
        raise InputError(where, f"from {low!r} to {high!r}; low and high must be numbers")
    if scale not in ("linear", "log"):
        raise InputError(where, f"scale = {scale!r}; allowed are 'linear', 'log'")
    if not isinstance(whole, bool):
        raise InputError(where, f"whole = {whole!r}; allowed are true, false")
    try:
        return Distribution(name, float(low), float(high), log=scale == "log", whole=whole)
    except InputError as error:
        raise InputError(where, error.what) from None
