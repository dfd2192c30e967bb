"""What a command's words ask for: a case, and how it is to be run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from hybrid.failures import Faults, InputError
from hybrid.paper.titles import check_name

if TYPE_CHECKING:
    from hybrid.study.case import Case


@dataclass(frozen=True)
class Asked:
    """What to run: by the command's words, and by a record where one is to be repeated.

    Attributes:
        read: Makes the case; its argument has the last say about it.
        preset, seed, reference_tol, seeds: As `hybrid.study.run.run` takes them.
    """

    read: Callable[[Callable[[Case], None]], Case]
    preset: str | None
    seed: int | None
    reference_tol: float | None
    seeds: int = 1

    @classmethod
    def of(
        cls, what: str | None, source: Path | None, preset: str | None, seed: int | None, reference_tol: float | None
    ) -> Asked:
        """Words win over the record.

        Raises:
            InputError: Neither a case nor a record is given, or both are, or it is no record.
        """
        if what is not None and source is None:
            return cls(partial(chosen_case, what), preset, seed, reference_tol)
        if what is not None or source is None:
            raise InputError("run", "give a case, a problem file, or --from and the results.json of a run: one of them")

        from hybrid.study.repeat import case_of, recorded, set_options  # loads SymPy

        record, before = recorded(source)
        set_options(record)
        return cls(
            partial(case_of, source, record, before), preset or before.preset, before.seed if seed is None else seed,
            before.reference_tol if reference_tol is None else reference_tol, before.seeds,
        )  # fmt: skip


def chosen_case(what: str, check: Callable[[Case], None] | None = None) -> Case:
    """A case by its name, or a problem file; and what `check` has to say about it.

    Raises:
        InputError: All that is wrong, in the order of the file.
    """
    if what.endswith(".toml"):
        from hybrid.study.files import read  # loads SymPy

        return read(Path(what), check)
    check_name(what)

    from hybrid.paper.cases import case  # loads SymPy

    chosen = case(what)
    if check is not None:
        check(chosen)
    return chosen


def check_preset(preset: str | None, faults: Faults, *others: str) -> None:
    """Note a preset that there is not."""
    if preset is None:
        return

    from hybrid.study.options import preset_names  # loads SymPy

    allowed = (*preset_names(), *others)
    if preset not in allowed:
        faults.note(InputError("--preset", f"{preset!r}; allowed are {', '.join(allowed)}"))
