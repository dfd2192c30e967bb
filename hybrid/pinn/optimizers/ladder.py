"""Larger and larger networks, until the estimate of their error is small enough or the next one would cost too much."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from hybrid.clock import clock
from hybrid.failures import InputError, SolverError
from hybrid.trust import Estimate

Arguments = Mapping[str, Any]
"""Keyword arguments of a solver; a rung of the ladder."""


@dataclass(frozen=True)
class Attempt:
    """One rung that was tried.

    Attributes:
        settings: What is different from the first rung, as text; empty for the first.
        error_estimate: Of what it found; None where there is none.
        seconds: Wall time.
        failed: Why it found nothing, or nothing.
    """

    settings: Mapping[str, str]
    error_estimate: float | None
    seconds: float
    failed: str = ""

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def climb[S](
    solve: Callable[[int, Arguments], S],
    rungs: Iterator[Arguments],
    tolerance: float,
    estimate_of: Callable[[S], Estimate],
    report: Callable[[str], None] = lambda _: None,
) -> tuple[S, int, tuple[Attempt, ...]]:
    """Solve with the settings of one rung after the other until the estimate is within the tolerance.

    Args:
        solve: Called with the number of the rung and its settings, the same on every rank.
        rungs: Settings, in the order of their cost; the first as they were asked for.
        tolerance: Of the estimated relative error.
        estimate_of: The estimate of what was found; it may not differ between ranks.
        report: Called with a line where a rung was not enough.

    Returns:
        The solution with the smallest estimate, the number of its rung, and all attempts.

    Raises:
        SolverError: Every rung failed; the last one's.
    """
    best: tuple[float, S, int] | None = None
    attempts: list[Attempt] = []
    failure: SolverError | InputError | MemoryError | None = None
    first: Arguments | None = None
    for number, rung in enumerate(rungs):
        first = rung if first is None else first
        changed = {k: str(v) for k, v in rung.items() if number and first.get(k) != v}
        start = clock()
        try:
            found = solve(number, rung)
        except (SolverError, InputError, MemoryError) as error:
            if isinstance(error, InputError) and not number:
                raise  # what was asked for; what was not asked for may fail
            failure = error
            attempts.append(Attempt(changed, None, clock() - start, str(error)))
            report(f"rung {number}: {error}")
            continue
        estimate = estimate_of(found)
        attempts.append(Attempt(changed, estimate.error, clock() - start))
        size = float("inf") if estimate.error is None else estimate.error
        if best is None or size < best[0]:
            best = size, found, number
        if size <= tolerance:
            break
        report(f"estimated error {size:.1e}, more than {tolerance:g}: a larger network, or another form")
    if best is None:
        assert failure is not None
        raise failure
    return best[1], best[2], tuple(attempts)
