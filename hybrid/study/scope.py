"""Which cases can be run without a reference, or beside one with bounds of errors; said before anything is computed."""

from __future__ import annotations

from hybrid.failures import Faults, InputError
from hybrid.study.case import REFERENCES, Case

_SOLVE = "leave reference out: u_eps is then solved for, where a mesh can resolve eps"


def check_scope(case: Case) -> None:
    """Refuse bounds for a problem that has none, and a run that would need what it is told to do without.

    Raises:
        InputError: With what can be done instead.
    """
    if case.reference not in REFERENCES:
        raise InputError("reference", f"{case.reference!r}; allowed are {', '.join(REFERENCES)}")
    if case.direct and not case.has_reference:
        raise InputError("direct", "true; its networks are measured with a reference, and reference = 'none' has none")
    if not case.is_bounded:
        return
    from hybrid.bounds.scope import checked  # quadratures, which few ask for

    try:
        checked(case.problem)
    except InputError as error:
        if case.has_reference:
            raise InputError("certify", f"true, but {error.where}: {error.what}") from None
        raise InputError("reference", f"'none', but {error.where}: {error.what}; {_SOLVE}") from None


def check_no_reference(case: Case, reference_tol: float | None) -> None:
    """Refuse settings of a reference where there is none; `reference_tol` is the command's word.

    Raises:
        InputError: All of them.
    """
    if case.has_reference:
        return
    faults, what = (
        Faults(),
        "is of the reference, and reference = 'none' says that there is none; leave one of the two out",
    )
    given = [f"fem.{name}" for name in ("degree", "cells_per_period", "reference_tol") if name in case.fem.given]
    given += ["--reference-tol"] if reference_tol is not None else []
    faults.note(*(InputError(name, what) for name in given))
    faults.report()
