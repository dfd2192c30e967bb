"""u_t - D Δu + (1/ε) r(x/ε) u = f: a reaction that is fast and large and of mean zero (paper, appendix A)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from hybrid.averages import cell_mean
from hybrid.checks import check_finite, check_not_zero, check_periodic, samples
from hybrid.equation import Equation, Evolution, Load
from hybrid.failures import InputError
from hybrid.lines import Line, grid
from hybrid.media.constant import Constant, homogenized_reaction
from hybrid.media.expression import Expression
from hybrid.physics.base import Array, Effective, NextOrder, Notation, Problem, register
from hybrid.physics.fields import Formula, Positive
from hybrid.symbols import coordinates, evaluate

_LARGE_TERM = 0.1
"""Of the expansion's first term: from there on the expansion says little."""
_ROUNDED = 1e-13
"""A mean of so much of the largest value is rounding."""
_MATTERS = 1e-6
"""A relative change of the solution that may not be left to a mean that is not zero."""


@register
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

    kind = "reaction-diffusion"
    fields: ClassVar = {
        "D": Positive("the diffusion coefficient"),
        "r": Formula("the reaction r(y), of mean zero", fast=True, usual=0),
        "f": Formula("the source f(x, t)", slow=True, time=True),
        "u0": Formula("the initial value u0(x)", slow=True),
        "T": Positive("the final time", until=True),
    }
    notation = Notation("reaction-diffusion equation", "r", "N", "N")
    derivatives = 0

    D: float
    r: Any
    f: Any
    u0: Any
    T: float

    def check(self) -> None:
        """r is finite, periodic, and of mean zero; f and u0 are finite, and not both zero."""
        r = self._samples
        if not np.isfinite(r).all():
            raise InputError("r", "not a finite number everywhere in the cell")
        check_periodic(self, self.r, "r")
        mean, error = cell_mean(self.r, self.fast, self.period)
        size, made = np.abs(r).max(), abs(mean) * self.T / self.eps
        known = abs(mean) > max(_ROUNDED * size, 2 * error)
        if not abs(mean) <= max(1e-6 * size, 2 * error) or (known and made > _MATTERS):
            raise InputError(
                "r", f"its mean over the cell is {mean:.4g}; it must be zero for the cell problem to be solvable (until T this "
                f"mean makes exp(-mean T / eps) of the solution, in which mean T / eps = {mean * self.T / self.eps:.2g})"
            )  # fmt: skip
        check_finite(self, self.f, "f", (0.0, self.T / 3, self.T), closed=True)
        check_finite(self, self.u0, "u0", closed=True)
        check_not_zero({"f": self.f, "u0": self.u0})

    @cached_property
    def _samples(self) -> Array:
        return samples(self, self.r)[1]

    @cached_property
    def medium(self) -> Expression:
        """r."""
        return Expression.scalar(self.r)

    @property
    def _diffusion(self) -> Constant:
        return Constant.of(self.D * np.eye(self.dim))

    @property
    def _evolution(self) -> Evolution:
        return Evolution(self.T, self.u0)

    def multiscale(self) -> Equation:
        """∂_t u_ε - D Δu_ε + (1/ε) r(x/ε) u_ε = f (paper, equation (20))."""
        r = Expression.scalar(self.r / self.eps)
        return self.equation(self._diffusion, (Load(self.f),), reaction=r, time=self._evolution)

    def cell_problems(self) -> Equation:
        """-D ΔN = -r (paper, equation (22))."""
        return self.equation(self._diffusion, (Load(-self.r),), periodic=True)

    def effective(self, energies: Effective) -> float:
        """r* = <r N>; the load of the cell problem is -r (paper, equation (24))."""
        assert isinstance(energies, np.ndarray)
        return -float(energies[0, 0])

    def homogenized(self, effective: Any) -> Equation:
        """∂_t u_0 - D Δu_0 + r* u_0 = f (paper, equation (24))."""
        r = Constant.of(homogenized_reaction(effective))
        return self.equation(self._diffusion, (Load(self.f),), reaction=r, time=self._evolution)

    def reconstruct(self, jet: Array, correctors: Sequence[Array]) -> Array:
        """u_0 (1 + ε N(x/ε)) (paper, appendix A)."""
        (n,) = correctors
        total = jet[0].copy()
        total += self.eps * n * jet[0]
        return total

    def next_order(self, effective: Any, correctors: Sequence[Line]) -> NextOrder | None:
        """On a line, until ε²: u_2 = N_2 U + M ∂_x U with -D N_2'' = -(r N - r*) and -M'' = 2 N', and for U, the mean of u_ε,

            (1) ∂_t U - D (1 - ε² <M'²>) ∂_xx U + (r* + ε <r N²> + ε² (<r N N_2> - r* <N²>)) U = (1 - ε² <N²>) f.

        These are what is left of u_3 and u_4 when they can be solved for: with r = D N'' the means of r times a function are
        those of N times D its second derivative, and <N²> ∂_t U is written by the equation of u_0. In t < ε² an initial layer
        carries off -ε N u0; what r makes of it leaves U(·, 0) = (1 - ε² <N²>) u0. At an end U + ε² M ∂_x U = 0.
        """
        if not self.is_line:
            return None
        (n,), star, eps = correctors, float(effective), self.eps
        y = grid(n.period)[:, None]
        values = np.broadcast_to(np.asarray(evaluate(self.r, coordinates(self.fast, y)), dtype=float), len(y))
        r = Line(n.period, n.nodes, values[None])
        second = (r * n).times(1 / self.D).centred().integral().integral().centred()
        slope = n.times(-2.0)
        m, square = slope.integral(), (n * n).mean()
        loss = 1 - eps**2 * square
        reaction = star + eps * (r * n * n).mean() + eps**2 * ((r * n * second).mean() - star * square)
        ends = np.array(self.domain[0])
        low, high = eps**2 * m.at(ends, ends / eps)
        diffusion = self.D * (1 - eps**2 * (slope * slope).mean())
        equation = self.equation(
            Constant.of([[diffusion]]), (Load(loss * self.f),), reaction=Constant.of(reaction),
            time=Evolution(self.T, loss * self.u0),
        )  # fmt: skip
        return NextOrder(equation.moved([(float(low), float(high))]), (second, m))

    def second_order(self, jet: Array, functions: Sequence[Array]) -> Array:
        """ε² (N_2 U + M ∂_x U)."""
        second, m = functions
        return np.asarray(self.eps**2 * (second * jet[0] + m * jet[1]))

    def effect(self, effective: Any) -> float:
        """A change δr* acts for a time T: δu / u is at most about δr* T."""
        return abs(float(effective)) * self.T

    @property
    def doubt(self) -> float:
        """What of u_ε(·, T), relative, a mean of r may make that is zero only within the error of its quadrature."""
        mean, error = cell_mean(self.r, self.fast, self.period)
        return (abs(mean) + 2 * error) * self.T / self.eps

    @property
    def first_order_term(self) -> float:
        """About the size of ε N, the first term of the expansion u_ε = u_0 (1 + ε N) …: ε max|r| p² / (4π² D)."""
        return self.eps * float(np.abs(self._samples).max()) * max(self.period) ** 2 / (4 * math.pi**2 * self.D)

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
