"""The time that work takes. What is compiled on the way, once on a machine, is told apart: else the first run of all would seem
to have the dearest finite elements, and with it every run of a sweep that shares its cell problem."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

_compiling = 0.0


def clock() -> float:
    """Seconds, from some instant on, without those of compilations."""
    return time.perf_counter() - _compiling


def compilations() -> float:
    """Seconds that this process has spent on compiling so far."""
    return _compiling


@contextmanager
def compiling(least: float = 0.0) -> Iterator[None]:
    """Count the block as a compilation, if it takes longer than finding what is compiled already: so many seconds."""
    global _compiling
    start = time.perf_counter()
    try:
        yield
    finally:
        spent = time.perf_counter() - start
        if spent > least:
            _compiling += spent
