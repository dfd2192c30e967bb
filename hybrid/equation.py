"""What finite elements and networks solve: one linear equation in divergence form, whatever physics it is from.

    ∂_t u - ∂_i( A_ij ∂_j u ) + c u = f - ∂_i g_i

in the box Ω with u = 0 on ∂Ω, or in the cell Y, periodic and of mean zero; without ∂_t where nothing evolves. The multiscale
equation, the cell problems and the homogenized equation of all physics here are of this form.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import sympy
from sympy import Expr

from hybrid.geometry import Geometry
from hybrid.media.base import Coefficient


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

    @property
    def source(self) -> Expr:
        """f of an equation with one load."""
        (load,) = self.loads
        return load.source
