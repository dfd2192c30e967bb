"""Where an equation lives: a box Ω, and the period of what oscillates with x/ε in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sympy import Symbol

from hybrid.checks import check_domain, check_period, positive
from hybrid.failures import InputError
from hybrid.symbols import x, y


@dataclass(frozen=True)
class Geometry:
    """A box Ω, the scale ε, and the cell Y = Π [0, period_i] of y = x/ε.

    Args:
        domain: One (low, high) for each of the d = 1, 2, 3 dimensions.
        eps: The scale ε > 0, without a unit.
        period: The period in y; one number, or one for each dimension.

    Raises:
        InputError: With the field and what is wrong.
    """

    domain: Sequence[Sequence[float]]
    eps: float
    period: Any = field(default=1.0, kw_only=True)

    def __post_init__(self) -> None:
        self._put(domain=check_domain(self.domain), eps=positive(self.eps, "eps"))
        self._put(period=check_period(self.period, self.dim))
        if min(self.periods) < 0.1:
            raise InputError(
                "eps", f"{self.eps:g}: a period is more than ten times the domain; this is no multiscale problem"
            )

    def _put(self, **values: object) -> None:
        """Put checked values in place of those given."""
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @property
    def dim(self) -> int:
        """The number of dimensions, d."""
        return len(self.domain)

    @property
    def is_line(self) -> bool:
        """Whether Ω is an interval: a*, correctors and what follows them are integrals then, and behind its ends there are no
        strips that layers could fill."""
        return self.dim == 1

    @property
    def slow(self) -> tuple[Symbol, ...]:
        """The slow variables x0 … of this dimension."""
        return x[: self.dim]

    @property
    def fast(self) -> tuple[Symbol, ...]:
        """The fast variables y0 … of this dimension."""
        return y[: self.dim]

    @property
    def cell(self) -> tuple[tuple[float, float], ...]:
        """Y as a box."""
        return tuple((0.0, p) for p in self.period)

    @property
    def periods(self) -> tuple[float, ...]:
        """How many periods the domain holds in each direction."""
        return tuple((high - low) / (self.eps * p) for (low, high), p in zip(self.domain, self.period, strict=True))
