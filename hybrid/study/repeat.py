"""What a run was asked for, kept in its `results.json`: enough to run it again, to the last digit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hybrid.failures import InputError
from hybrid.media.regions import Regions
from hybrid.study.case import Case
from hybrid.study.files import Check, data_of, from_data
from hybrid.study.presets import Networks, Preset
from hybrid.study.record import Record, Request


def request_of(case: Case, preset: Preset, networks: Networks, seeds: int, reference_tol: float | None) -> Request:
    """What is asked for, for the record."""
    return Request(
        problem=data_of(case), title=case.title, assumptions=case.assumptions, preset=preset.name,
        seed=networks["cell"].seed or 0, seeds=seeds, reference_tol=reference_tol,
    )  # fmt: skip


def recorded(path: Path) -> tuple[Record, Request]:
    """The record of a run, and what was asked for there.

    Raises:
        InputError: There is none, it is damaged, or it was written before records said what was asked for.
    """
    record = Record.read(path)
    if record is None:
        what = "damaged, or not the results.json of a run" if path.exists() else "no such file"
        raise InputError(str(path), what)
    if record.provenance.request is None:
        raise InputError(str(path), "does not say what was asked for; run its case or problem file again")
    return record, record.provenance.request


def case_of(path: Path, record: Record, request: Request, check: Check | None = None) -> Case:
    """The case that was run.

    Raises:
        InputError: See `hybrid.study.files.read`; or its mesh is not what it was.
    """
    case = from_data(request.problem, str(path), record.case, check)
    if isinstance(case.problem.flux, Regions) and case.problem.digest != record.provenance.problem_hash:
        raise InputError(f"{path}: mesh", f"{case.problem.flux.mesh.path} has changed since that run")
    return replace(case, title=request.title, published=record.published, assumptions=tuple(request.assumptions))


def set_options(record: Record) -> None:
    """Give PETSc the options of that run, but those that are given now."""
    if not record.provenance.petsc_options:
        return

    from petsc4py import PETSc  # only where there are any

    database = PETSc.Options()
    for name, value in record.provenance.petsc_options.items():
        if not database.hasName(name):
            database.setValue(name, value)
