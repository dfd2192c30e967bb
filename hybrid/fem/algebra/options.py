"""PETSc's database of options, which is global."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from petsc4py import PETSc


@contextmanager
def defaults(options: Mapping[str, object], prefix: str = "") -> Iterator[None]:
    """Set options for a while, under a prefix; what the user has set stays, and nothing else is left there."""
    database = PETSc.Options()
    used = [prefix + key for key in options if not database.hasName(prefix + key)]
    try:
        for key in used:
            database[key] = options[key.removeprefix(prefix)]
        yield
    finally:
        for key in used:
            database.delValue(key)
