"""What is compiled on the way is no work."""

from __future__ import annotations

import time

from hybrid.clock import clock, compilations, compiling


def test_compilations_are_told_apart() -> None:
    start, before = clock(), compilations()
    with compiling():
        time.sleep(0.2)
    assert compilations() - before >= 0.2
    assert clock() - start < 0.1
    with compiling(least=10.0):  # found, not compiled
        time.sleep(0.2)
    assert compilations() - before < 0.4
    assert clock() - start >= 0.2
