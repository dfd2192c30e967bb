"""How far a number may be off: an estimate, and where it comes from."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Estimate:
    """An estimate of the relative error of a number or of a function.

    Attributes:
        error: Relative (in L2 for functions); None where there is none, and `how` then says why. Never NaN, never infinite.
        how: What it was estimated from: something that could have shown the number wrong.
    """

    error: float | None
    how: str

    def __post_init__(self) -> None:
        if self.error is not None and not (math.isfinite(self.error) and self.error >= 0):
            object.__setattr__(self, "error", None)
            object.__setattr__(self, "how", f"{self.how}; it is not a finite number here")

    def within(self, tolerance: float) -> bool:
        """Whether there is an estimate, and it is at most this."""
        return self.error is not None and self.error <= tolerance


def estimate_of(trust: Mapping[str, Estimate], name: str) -> Estimate:
    """The estimate of that name, or the statement that there is none."""
    return trust.get(name, Estimate(None, "no estimate was made"))


EXACT = Estimate(0.0, "")
"""Of what is not off, or is no part of what is judged."""


def largest(estimates: Sequence[Estimate]) -> Estimate:
    """The worst of several estimates; one that is missing is the worst."""
    return max(estimates, key=lambda e: math.inf if e.error is None else e.error)
