"""Powers of two near the sizes of things: dividing by them changes no digit, and keeps a training's numbers near one."""

from __future__ import annotations

import math

_USUAL = 12
"""Sizes between 2^-12 and 2^12 are left as they are."""


def unit_of(size: float) -> float:
    """The power of two nearest to a size that is far from one; 1 for others, for zero and for what is not finite."""
    if not (math.isfinite(size) and size > 0):
        return 1.0
    exponent = round(math.log2(size))
    return 1.0 if abs(exponent) <= _USUAL else 2.0**exponent
