"""What is solved. Problems are data: symbolic coefficients and a box, without any discretization."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import sympy
from sympy import ImmutableMatrix, Symbol

from hybrid.checks import (
    check_coefficient,
    check_domain,
    check_expression,
    check_matrix,
    check_period,
    check_reaction,
    largest_reaction,
    positive,
    possible_mean,
)
from hybrid.errors import InputError
from hybrid.symbols import t, x, y

__all__ = ["EllipticProblem", "Problem", "ReactionDiffusionProblem"]


_LARGE_TERM = 0.1


@dataclass(frozen=True)
class Problem:
    """What all problems have: a box Ω, the scale ε, and the period of the coefficient in y = x/ε.

    Args:
        domain: One (low, high) for each of the d = 1, 2, 3 dimensions.
        eps: The scale ε > 0.
        period: The period in y; one number, or one for each dimension. The cell is Y = Π [0, period_i].
        name: What the problem is called in tables and folders.
    """

    domain: Sequence[Sequence[float]]
    eps: float
    period: Any = field(default=1.0, kw_only=True)
    name: str = field(default="problem", kw_only=True)

    def _put(self, **values: object) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def _check_geometry(self) -> None:
        self._put(domain=check_domain(self.domain), eps=positive(self.eps, "eps"))
        self._put(period=check_period(self.period, self.dim))
        if min(self.periods) < 0.1:
            raise InputError(
                "eps", f"{self.eps:g}: a period is more than ten times the domain; this is no multiscale problem"
            )

    @property
    def dim(self) -> int:
        """The number of dimensions, d."""
        return len(self.domain)

    @property
    def slow(self) -> tuple[Symbol, ...]:
        """The slow variables x0 … of this dimension."""
        return x[: self.dim]

    @property
    def fast(self) -> tuple[Symbol, ...]:
        """The fast variables y0 … of this dimension."""
        return y[: self.dim]

    @property
    def periods(self) -> tuple[float, ...]:
        """How many periods of the coefficient the domain holds in each direction."""
        return tuple((high - low) / (self.eps * p) for (low, high), p in zip(self.domain, self.period, strict=True))

    def warnings(self) -> list[str]:
        """What a user should know about this problem before reading its errors."""
        broken = [i for i, n in enumerate(self.periods) if abs(n - round(n)) > 1e-9 * max(n, 1)]
        found = []
        if broken:
            counts = ", ".join(f"{self.periods[i]:.4g} in x{i}" for i in broken)
            found.append(
                f"eps = {self.eps:.6g} does not divide the domain into whole periods ({counts}): the cut cells at the "
                "boundary add an error of order eps that depends on where they are cut, so e1, e2 and e4 need not "
                "decrease steadily as eps does"
            )
        if min(self.periods) < 2:
            found.append(f"the domain holds only {min(self.periods):.3g} periods: the scales are hardly separated")
        return found


@dataclass(frozen=True)
class EllipticProblem(Problem):
    """-∂_i( a_ij(x, x/ε) ∂_j u_ε ) = f(x) in a box Ω, u_ε = 0 on ∂Ω (paper, equations (4), (16) and (18)).

    Args:
        domain: One (low, high) for each of the d = 1, 2, 3 dimensions.
        eps: The scale ε > 0.
        a: The coefficient, a SymPy expression of slow x and fast y, or a symmetric d×d matrix of them; positive. It may
            jump: Heaviside's steps and Piecewise are understood, the latter as sums of the former.
        f: The source, an expression of x.
        period: The period of a in y; one number, or one for each dimension. The cell is Y = Π [0, period_i].
        name: What the problem is called in tables and folders.

    Raises:
        InputError: With the field and what is wrong: a coefficient that is not positive, not symmetric or not periodic,
            a variable that does not belong, an empty domain.
    """

    a: Any
    f: Any
    matrix: ImmutableMatrix = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._check_geometry()
        matrix = check_matrix(self.a, self.dim, (*self.slow, *self.fast))
        self._put(f=check_expression(self.f, self.slow, "f"), matrix=matrix)
        self._put(a=matrix[0, 0] if self.isotropic else matrix)
        check_coefficient(self)

    @property
    def isotropic(self) -> bool:
        """Whether a is a scalar times the identity."""
        return bool(self.matrix == self.matrix[0, 0] * sympy.eye(self.dim))

    @property
    def depends_on_slow(self) -> bool:
        """Whether a depends on x, so that there is one cell problem for every x (paper, section 5.3)."""
        return bool(self.matrix.free_symbols & set(self.slow))

    @property
    def jumps(self) -> bool:
        """Whether a has jumps: it was written with steps or pieces."""
        return bool(self.matrix.has(sympy.Heaviside))

    @property
    def digest(self) -> str:
        """A hash of everything that makes up the problem (not its name)."""
        text = repr((self.domain, self.eps, self.period, sympy.srepr(self.matrix), sympy.srepr(self.f)))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class ReactionDiffusionProblem(Problem):
    """∂_t u_ε - D Δu_ε + (1/ε) r(x/ε) u_ε = f(x, t) in a box, u_ε = 0 on ∂Ω, u_ε(x, 0) = u0(x) (paper, equation (20)).

    Args:
        D: The diffusion coefficient, positive.
        r: The reaction coefficient, an expression of the fast y with mean zero over the cell.
        f: The source, an expression of x and t.
        u0: The initial value, an expression of x.
        T: The final time, at which solutions are compared.

    `domain`, `eps`, `period` and `name` are those of `Problem`.

    Raises:
        InputError: With the field and what is wrong; the mean of r is not zero (solvability, equation (23)), for instance.
    """

    D: float
    r: Any
    f: Any
    u0: Any
    T: float

    def __post_init__(self) -> None:
        self._check_geometry()
        self._put(
            D=positive(self.D, "D"), T=positive(self.T, "T"), r=check_expression(self.r, self.fast, "r"),
            f=check_expression(self.f, (*self.slow, t), "f"), u0=check_expression(self.u0, self.slow, "u0"),
        )  # fmt: skip
        check_reaction(self)

    @property
    def effect_of_mean(self) -> float:
        """What of u_ε(·, T), relative, a mean of r may make that is zero only within the error of its quadrature."""
        return possible_mean(self) * self.T / self.eps

    @property
    def first_order_term(self) -> float:
        """About the size of ε N, the first term of the expansion u_ε = u_0 (1 + ε N) …: ε max|r| p² / (4π² D)."""
        return self.eps * largest_reaction(self) * max(self.period) ** 2 / (4 * math.pi**2 * self.D)

    def warnings(self) -> list[str]:
        """What a user should know about this problem before reading its errors."""
        found = super().warnings()
        if self.first_order_term > _LARGE_TERM:
            found.append(
                f"the expansion that homogenization rests on does not hold here: its first term, of relative size eps max|r| "
                f"period² / (4 pi² D) = {self.first_order_term:.3g}, is not small against 1; a smaller eps, a larger D or a "
                f"smaller r makes it so, eps below {_LARGE_TERM * self.eps / self.first_order_term:.2g} for instance; until "
                "then e1, e2 and e4 say little about how well the problem was solved"
            )
        return found

    @property
    def digest(self) -> str:
        """A hash of everything that makes up the problem (not its name)."""
        numbers = (self.domain, self.eps, self.period, self.D, self.T)
        text = repr((numbers, *(sympy.srepr(e) for e in (self.r, self.f, self.u0))))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def kind_of(problem: Problem) -> str:
    """ "elliptic" or "reaction-diffusion", as problem files say it."""
    return "elliptic" if isinstance(problem, EllipticProblem) else "reaction-diffusion"


def medium_of(problem: Problem) -> ImmutableMatrix:
    """a, or r as a matrix of one entry."""
    if isinstance(problem, EllipticProblem):
        return problem.matrix
    assert isinstance(problem, ReactionDiffusionProblem)
    return ImmutableMatrix([[problem.r]])


def has_jumps(problem: Problem) -> bool:
    """Whether the coefficient of the cell problems jumps, so that it has no derivative."""
    return isinstance(problem, EllipticProblem) and problem.jumps


def is_slow(problem: Problem) -> bool:
    """Whether there is a cell problem for every x."""
    return isinstance(problem, EllipticProblem) and problem.depends_on_slow
