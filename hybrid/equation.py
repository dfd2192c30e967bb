"""What finite elements and networks solve: one linear equation in divergence form, whatever physics it is from.

    ∂_t u - ∂_i( A_ij ∂_j u ) + c u = f - ∂_i g_i

in the box Ω with u = 0 on ∂Ω, or in the cell Y, periodic and of mean zero; without ∂_t where nothing evolves. The multiscale
equation, the cell problems and the homogenized equation of all physics here are of this form.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import sympy
from sympy import Expr, ImmutableMatrix

from hybrid.failures import InputError
from hybrid.geometry import Geometry
from hybrid.interfaces import level_sets
from hybrid.media.base import Coefficient, Medium
from hybrid.media.constant import Constant
from hybrid.media.expression import Expression


@dataclass(frozen=True)
class Load:
    """A right-hand side, f - ∂_i g_i.

    Attributes:
        source: f, an expression of x and t, in the cell of y.
        flux: g = -A e_k for this k, where there is one: the load of an elliptic cell problem.
    """

    source: Expr = sympy.S.Zero
    flux: int | None = None


@dataclass(frozen=True)
class Evolution:
    """From u(·, 0) to t = T.

    Attributes:
        until: T.
        initial: u(·, 0), an expression of x.
    """

    until: float
    initial: Expr


@dataclass(frozen=True)
class Equation(Geometry):
    """∂_t u - ∂_i( A_ij ∂_j u ) + c u = f - ∂_i g_i, with one solution for each load.

    Attributes:
        flux: A.
        loads: The right-hand sides.
        reaction: c; none where there is no such term.
        time: How long it evolves; None for an equation without time.
        periodic: Whether it is one on the cell, where solutions are periodic and of mean zero.
        digest: A hash of the problem that it is from.
    """

    flux: Coefficient
    loads: tuple[Load, ...]
    reaction: Coefficient | None = None
    time: Evolution | None = None
    periodic: bool = False
    digest: str = field(default="", kw_only=True)

    def moved(self, shifts: Sequence[tuple[float, float]]) -> Equation:
        """The same on the box whose faces are moved by these lengths, (lower, upper) for each direction.

        Raises:
            InputError: Nothing is left of it.
        """
        pairs = zip(self.domain, shifts, strict=True)
        return replace(self, domain=tuple((low + down, high + up) for (low, high), (down, up) in pairs))

    @property
    def driven_by_fluxes(self) -> bool:
        """Whether all loads are fluxes."""
        return all(load.flux is not None for load in self.loads)

    @property
    def oscillates(self) -> bool:
        """Whether its coefficients depend on x/ε."""
        return bool(self.varying.free_symbols & set(self.fast))

    @property
    def medium(self) -> Medium:
        """A, where it oscillates."""
        assert isinstance(self.flux, Medium)
        return self.flux

    @property
    def varying(self) -> ImmutableMatrix:
        """All expressions that a solution of this has to follow, in a column: A, c, and what is given in the cell."""
        given = [load.source for load in self.loads if self.periodic]
        parts = [*self.flux.expressions, *(self.reaction.expressions if self.reaction else ()), *given]
        return ImmutableMatrix(len(parts), 1, parts)

    @cached_property
    def interfaces(self) -> tuple[Expr, ...]:
        """The functions φ whose zeros are where any of these jumps (`hybrid.interfaces.level_sets`)."""
        return tuple(level_sets(self.varying))

    @property
    def diffusion(self) -> float:
        """D, where A = D I for a number D.

        Raises:
            InputError: A is something else.
        """
        values = self.flux.values if isinstance(self.flux, Constant) else np.zeros((1, 1))
        if not (values == values[0, 0] * np.eye(self.dim)).all() or values[0, 0] <= 0:
            raise InputError(
                "equation", "with time, or with a source in the cell, A has to be a number times the identity"
            )
        return float(values[0, 0])

    @property
    def reaction_expression(self) -> Expr:
        """c as an expression of x and y, zero where there is none."""
        if isinstance(self.reaction, Expression):
            return self.reaction.matrix[0, 0]
        return sympy.Float(self.reaction.values[0, 0]) if isinstance(self.reaction, Constant) else sympy.S.Zero

    @property
    def evolution(self) -> Evolution:
        """What there is of time.

        Raises:
            InputError: There is none.
        """
        if self.time is None:
            raise InputError("equation", "there is no time in it")
        return self.time

    @property
    def source(self) -> Expr:
        """f of an equation with one load."""
        (load,) = self.loads
        return load.source
