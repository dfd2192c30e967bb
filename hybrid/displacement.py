"""Boxes whose faces are no planes, by what moves a box there: x = ξ + s(ξ)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import sympy
from sympy import Expr, Matrix

from hybrid.symbols import numpy_function, x

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Displacement:
    """s, a small smooth function of ξ, written in the slow variables.

    Attributes:
        parts: s_1 … s_d.
    """

    parts: tuple[Expr, ...]

    @property
    def dim(self) -> int:
        """Of the box."""
        return len(self.parts)

    @cached_property
    def slopes(self) -> Matrix:
        """∂_j s_i."""
        return Matrix(self.dim, self.dim, lambda i, j: sympy.diff(self.parts[i], x[j]))

    @cached_property
    def volume(self) -> Expr:
        """det(I + ∂s), by which it changes volumes."""
        return (sympy.eye(self.dim) + self.slopes).det(method="berkowitz")

    def source(self, f: Expr) -> Expr:
        """f(ξ + s) det(I + ∂s): what f is in an equation in divergence form, once it is one on the box of ξ."""
        places = {s: s + part for s, part in zip(x, self.parts, strict=False)}
        return f.subs(places, simultaneous=True) * self.volume

    def at(self, points: Array) -> tuple[Array, Array]:
        """s and ∂_j s_i at points, (n, d) and (n, d, d)."""
        return self._values(self.parts, points), self._values(tuple(self.slopes), points).reshape(
            -1, self.dim, self.dim
        )

    @staticmethod
    def _values(expressions: Sequence[Expr], points: Array) -> Array:
        return np.stack([numpy_function(one)(points) for one in expressions], axis=1)

    def coefficient(self, values: Array, points: Array) -> Array:
        """J⁻¹ A J⁻ᵀ det J with J = I + ∂s, where A are the values at ξ + s for some ξ, (n, d, d): what A is on the box of ξ."""
        jacobian = np.eye(self.dim) + self.at(points)[1]
        inverse = np.linalg.inv(jacobian)
        size = np.linalg.det(jacobian)[:, None, None]
        return np.asarray(inverse @ values @ inverse.swapaxes(1, 2) * size)

    def pushed(self, jet: Array, points: Array) -> Array:
        """From û = u(ξ + s(ξ)), ∂_i û and ∂_ij û (i ≤ j) at ξ = x the same of u, up to s³, s² and s, (C, n).

        u(x) is û at ξ = x + δ, where δ = -s + ∂s s up to s³: a Taylor polynomial leads there.
        """
        dim, (s, slopes) = self.dim, self.at(points)
        change = (np.einsum("nij,nj->ni", slopes, s) - s).T
        hessian = np.empty((dim, dim, jet.shape[1]))
        pairs = [(i, j) for i in range(dim) for j in range(i, dim)]
        for (i, j), second in zip(pairs, jet[1 + dim :], strict=True):
            hessian[i, j] = hessian[j, i] = second
        turned = np.einsum("ijn,jn->in", hessian, change)
        gradient = jet[1 : 1 + dim] + turned
        found = jet.copy()
        found[0] += (change * (jet[1 : 1 + dim] + turned / 2)).sum(axis=0)
        found[1 : 1 + dim] = gradient - np.einsum("nij,in->jn", slopes, gradient)
        return found
