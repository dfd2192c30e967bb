"""-∇·(a(x, x/ε) ∇u_ε) = f: heat, current or flow in a periodic medium (paper, sections 3 and 5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import sympy
from sympy import ImmutableMatrix, MatrixBase, eye

from hybrid.checks import check_coefficient, check_finite, check_not_zero
from hybrid.displacement import Displacement
from hybrid.drift import Drift, of_moments
from hybrid.equation import Equation, Load
from hybrid.faces import Face
from hybrid.grids import COUNTS
from hybrid.interfaces import BROKEN
from hybrid.lines import Line
from hybrid.media.base import Medium
from hybrid.media.constant import homogenized_flux
from hybrid.media.expression import Expression
from hybrid.media.interpolated import ProductCoefficient, SlowCoefficient, SumCoefficient, slow_nodes
from hybrid.media.regions import Regions
from hybrid.physics.base import Array, Effective, NextOrder, Notation, Problem, register
from hybrid.physics.fields import Formula, Tensor


@register
@dataclass(frozen=True)
class EllipticProblem(Problem):
    """-∂_i( a_ij(x, x/ε) ∂_j u_ε ) = f(x) in a box Ω, u_ε = 0 on ∂Ω (paper, equations (4), (16) and (18)).

    Args:
        domain: One (low, high) for each of the d = 1, 2, 3 dimensions.
        eps: The scale ε > 0.
        a: The coefficient, a SymPy expression of slow x and fast y, or a symmetric d×d matrix of them; positive. It may
            jump: Heaviside's steps and Piecewise are understood, the latter as sums of the former. Or
            `hybrid.media.regions.Regions`: values on the regions of a mesh of the cell.
        f: The source, an expression of x.
        period: The period of a in y; one number, or one for each dimension. The cell is Y = Π [0, period_i].
        name: What the problem is called in tables and folders.

    Raises:
        InputError: With the field and what is wrong: a coefficient that is not positive, not symmetric or not periodic,
            a variable that does not belong, an empty domain.
    """

    kind = "elliptic"
    fields: ClassVar = {
        "a": Tensor(
            "the coefficient a(x, y), a scalar or a symmetric matrix; or one for each region of a mesh",
            slow=True,
            fast=True,
            regions=True,
        ),
        "f": Formula("the source f(x)", slow=True),
    }
    notation = Notation("elliptic equation", "a", "chi_{j}", r"\chi_{j}")

    a: Any
    f: Any

    def check(self) -> None:
        """a is finite, positive definite and periodic; f is finite and not zero."""
        if isinstance(self.a, Regions):
            self.a.check(self)
        else:
            self._put(a=self.a[0, 0] if self.medium.isotropic else self.a)
            check_coefficient(self, self.medium.matrix, "a")
        check_finite(self, self.f, "f")
        check_not_zero({"f": self.f})

    @cached_property
    def medium(self) -> Medium:
        """a, as a matrix."""
        if isinstance(self.a, Regions):
            return self.a
        return Expression(self.a if isinstance(self.a, MatrixBase) else ImmutableMatrix(self.a * eye(self.dim)))

    def multiscale(self) -> Equation:
        """-∇·(a(x, x/ε) ∇u_ε) = f (paper, equation (16))."""
        return self.equation(self.medium, (Load(self.f),))

    def cell_problems(self) -> Equation:
        """-∇·(a ∇χ_k) = ∇·(a e_k), k = 1 … d (paper, equation (8))."""
        return self.equation(self.medium, tuple(Load(flux=k) for k in range(self.dim)), periodic=True)

    def effective(self, energies: Effective) -> Effective:
        """a* is what they are (paper, after equation (11))."""
        return energies

    def homogenized(self, effective: npt.ArrayLike | SlowCoefficient) -> Equation:
        """-∇·(a* ∇u_0) = f (paper, equation (11))."""
        return self.equation(homogenized_flux(effective, self.dim), (Load(self.f),))

    def reconstruct(self, jet: Array, correctors: Sequence[Array]) -> Array:
        """u_0 + ε χ_j(x, x/ε) ∂_j u_0 (paper, section 3)."""
        total = jet[0].copy()
        for chi, slope in zip(correctors, jet[1:], strict=True):
            total += self.eps * chi * slope
        return total

    def next_order(self, effective: npt.ArrayLike | SlowCoefficient, correctors: Sequence[Line]) -> NextOrder | None:
        """On a line: with u_2 = χ_11 U'' + ω U', u_ε is zero at the ends where U is zero where they are moved by

            ε χ + ε² (ω - (χ_11 - χ²/2) a*'/a*),

        up to ε² (χ_11 - χ²/2) f/a*, as U'' = -(f + a*' U')/a*. The flux is a constant in y to every order, that of the second
        a (∂_y u_2 + ∂_x u_1) = a* ∂_x ũ_1, ũ_1 the mean of u_1. As means of χ are zero, ∂_y χ_11 = -χ, ∂_y ω = -∂_x χ, and no
        source is left in the equations for the means.
        """
        if not self.is_line:
            return None
        (chi,), ends = correctors, np.array(self.domain[0])
        second = chi.integral().times(-1.0)
        functions: tuple[Line, ...] = (second,)
        shift = self.eps * (first := chi.at(ends, ends / self.eps))
        if isinstance(effective, SlowCoefficient):
            omega = chi.slope().integral().times(-1.0)
            steep = (effective.gradient(ends[:, None])[:, 0] / effective(ends[:, None]))[:, 0, 0]
            rest = second.at(ends, ends / self.eps) - first**2 / 2
            shift = shift + self.eps**2 * (omega.at(ends, ends / self.eps) - rest * steep)
            functions = (second, omega)
        return NextOrder(self.homogenized(effective).moved([(float(shift[0]), float(shift[1]))]), functions)

    def expands(self, effective: npt.ArrayLike | SlowCoefficient) -> bool:
        """Not on a line, where it is `next_order`, nor where a jumps in x."""
        if self.is_line or isinstance(self.a, Regions):
            return False
        if isinstance(effective, ProductCoefficient):
            return not effective.factor.has(*BROKEN)
        return not any(part.free_symbols & set(self.slow) for part in self.medium.matrix.atoms(*BROKEN))

    def moved(
        self, effective: npt.ArrayLike | SlowCoefficient, tails: Mapping[Face, float | SlowCoefficient],
        drift: Array | Drift | None = None,
    ) -> tuple[Equation, Displacement | None]:  # fmt: skip
        """U - ε c_F ∂_n U is zero on every face F, c_F the tail of its layer: so is U where the face is moved by -ε c_F.

        Where a = g(x) b(y), fluxes of the second order have a mean, which adds to g b* what `_drifted` says. For other a(x, y)
        it adds ε S(x) (`hybrid.drift`), and the tails vary along the faces: the box moved by their means is displaced by the
        rest, s_n = -ε (c_F - mean) on the faces, linear between two, to where U is zero; U is solved for on that box.
        """
        if isinstance(effective, ProductCoefficient) and isinstance(drift, np.ndarray):
            effective = self._drifted(effective, drift)
        if isinstance(drift, Drift):
            assert isinstance(effective, SlowCoefficient)
            effective = replace(effective, values=effective.values + self.eps * drift.tensor(effective.nodes))
        faces = [[tails[Face(axis, upper)] for upper in (False, True)] for axis in range(self.dim)]
        means = [[float(np.mean(t.values)) if isinstance(t, SlowCoefficient) else t for t in pair] for pair in faces]
        equation = self.homogenized(effective).moved([(-self.eps * low, -self.eps * high) for low, high in means])
        if not isinstance(drift, Drift):
            return equation, None
        assert isinstance(effective, SlowCoefficient)
        parts = []
        for (low, high), ends, mean, s in zip(equation.domain, faces, means, self.slow, strict=True):
            rest = [
                t.written(0, 0) - m if isinstance(t, SlowCoefficient) else t - m
                for t, m in zip(ends, mean, strict=True)
            ]
            parts.append(-self.eps * ((high - s) * rest[0] + (s - low) * rest[1]) / (high - low))
        displacement = Displacement(tuple(parts))
        more = COUNTS[self.dim].nodes
        nodes = slow_nodes(equation.domain, [max(count, more) + more // 2 for count in effective.counts])
        values = displacement.coefficient(effective(nodes + displacement.at(nodes)[0]), nodes)
        domain = tuple((float(low), float(high)) for low, high in equation.domain)
        flux = SlowCoefficient(domain, nodes, values)
        return replace(equation, flux=flux, loads=(Load(displacement.source(self.f)),)), displacement

    def _drifted(self, star: ProductCoefficient, moments: Array) -> SumCoefficient:
        """g b* + ε ∂_m g S^m, where the mean of the fluxes of the second order is ε ∂_m g S^m ∇U up to a divergence of zero:

            2 S^m_kl = R_mlk + R_mkl - R_klm - R_lkm - R_lmk - R_kml,   R_jki = ⟨(b (e_j + ∇χ_j))_k χ_i⟩

        That mean is g ⟨b_ij (δ_jl χ_k + ∂_j χ_kl)⟩ ∂_kl U + ∂_m g ⟨b_ij ∂_j ψ_mk⟩ ∂_k U (`second_order` says what these are).
        By the equation of χ_i, tested with them, the first mean is R_ilk - R_kli, symmetrized in k and l; the second is -R_kmi.
        The former is zero when it is symmetrized in all three: only what ∂_m g leaves of it is not. R is zero on a line, and
        where the cell is the same upside down.
        """
        drift = of_moments(moments)
        terms = [(self.eps * sympy.diff(star.factor, s), drift[m]) for m, s in enumerate(self.slow)]
        return SumCoefficient.of(self.domain, (star.factor, star.base), *(t for t in terms if t[0] != 0))

    def second_order(self, jet: Array, functions: Sequence[Array]) -> Array:
        """ε² (χ_ij ∂_ij U + ω_j ∂_j U), the second part where a depends on x.

        Where a = g(x) b(y), ω_j = (∂_m g / g) ψ_mj, -∇·(b ∇ψ_mj) = (b (e_j + ∇χ_j))_m - b*_mj.
        """
        pairs = [(i, j) for i in range(self.dim) for j in range(i, self.dim)]
        total = np.zeros(jet.shape[1])
        for (i, j), function, second in zip(pairs, functions, jet[1 + self.dim :], strict=False):
            total += (1 if i == j else 2) * function * second
        for function, slope in zip(functions[len(pairs) :], jet[1:], strict=False):
            total += function * slope
        return np.asarray(self.eps**2 * total)
