"""On a line the flux of u_ε is known but for a constant, which makes the error of any reconstruction known too.

a u_ε' = c - F with F' = f, and u_ε = 0 at both ends gives c = ∫ F/a / ∫ 1/a. So for r = 0 at both ends

    (u_ε - r)' = (c - F) / a - r',

whatever a(x, x/ε) is and however ε cuts the box: the bound of Prager and Synge is the error itself, up to quadrature.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.polynomial.legendre import leggauss, legvander

from hybrid.equation import Equation
from hybrid.symbols import evaluate

Array = npt.NDArray[np.float64]

_DEGREE = 12
"""Of the polynomials that r is made of, on each half period."""


@dataclass(frozen=True)
class LineReconstruction:
    """r: the piecewise polynomial through u_0 + ε χ(x, x/ε) u_0', less the linear function that its values at the ends make.

    Attributes:
        equation: The multiscale one.
        ends: Of the pieces.
        values: r at the nodes of each piece, (pieces, nodes).
    """

    equation: Equation
    ends: Array
    values: Array

    @classmethod
    def of(cls, equation: Equation, planes: Sequence[float], r: Callable[[Array], Array]) -> LineReconstruction:
        """From a function of x, continuous, and the places where a jumps or has a kink."""
        ((low, high),), (step,) = equation.domain, [equation.eps * p / 2 for p in equation.period]
        inner = step * np.arange(np.ceil(low / step), np.floor(high / step) + 1)
        ends = np.unique([low, *inner, *planes, high])
        keep = np.concatenate([[True], np.diff(ends) > 1e-9 * step])
        ends = ends[keep & (ends >= low) & (ends <= high)]
        ends[-1] = high
        places = ends[:-1, None] + np.diff(ends)[:, None] * (nodes() + 1) / 2
        values = r(places.ravel()).reshape(places.shape)
        first, last = values[0, 0], values[-1, -1]
        return cls(equation, ends, values - first - (last - first) * (places - low) / (high - low))

    def on(self, axes: Sequence[Array]) -> Array:
        """r at x."""
        (x,) = axes
        piece = np.clip(np.searchsorted(self.ends, x, side="right") - 1, 0, len(self.ends) - 2)
        at = 2 * (x - self.ends[piece]) / np.diff(self.ends)[piece] - 1
        return np.asarray(np.einsum("nk,nk->n", legvander(at, _DEGREE) @ _inverse(), self.values[piece]))

    def errors(self, gauss: int) -> Array:
        """‖a^½ (u_ε - r)'‖, ‖u_ε - r‖, ‖a^½ u_ε'‖ and ‖u_ε‖, by Gauss's rule on each piece."""
        unit, share = leggauss(gauss)
        size = np.diff(self.ends)[:, None]
        x = self.ends[:-1, None] + size * (unit + 1) / 2
        weight = size * share / 2
        a, f = self._at(x)
        slope = (self.values @ _slopes(unit).T) * 2 / size
        primitive = _primitive(f, size, unit, share)
        c = (weight * primitive / a).sum() / (weight / a).sum()
        strain = (c - primitive) / a
        off = strain - slope
        error, u = (_primitive(field, size, unit, share) for field in (off, strain))
        squares = [a * off**2, error**2, a * strain**2, u**2]
        return np.sqrt([max((weight * square).sum(), 0.0) for square in squares])

    def _at(self, x: Array) -> tuple[Array, Array]:
        """a and f."""
        (slow,), (fast,) = self.equation.slow, self.equation.fast
        values = {slow: x, fast: np.mod(x / self.equation.eps, self.equation.period[0])}
        entries = (self.equation.medium.matrix[0, 0], self.equation.source)
        a, f = (np.asarray(np.broadcast_to(evaluate(e, values), x.shape), dtype=float) for e in entries)
        return a, f


def _primitive(values: Array, size: Array, unit: Array, share: Array) -> Array:
    """∫ from the lower end of the line, at Gauss's points of each piece."""
    count = len(unit)
    inverse = np.linalg.inv(legvander(unit, count - 1))
    # ∫_{-1}^x P_n = (P_{n+1} - P_{n-1}) / (2n + 1), and 1 + x for n = 0.
    beyond = legvander(unit, count)
    integrals = np.stack(
        [1 + unit, *((beyond[:, n + 1] - beyond[:, n - 1]) / (2 * n + 1) for n in range(1, count))], axis=1
    )
    inside = values @ (integrals @ inverse).T * size / 2
    whole = (values * share).sum(axis=1) * size[:, 0] / 2
    return np.asarray(inside + np.concatenate([[0.0], np.cumsum(whole)[:-1]])[:, None])


def nodes() -> Array:
    """Of polynomials on [-1, 1], both ends among them."""
    return np.asarray(-np.cos(np.pi * np.arange(_DEGREE + 1) / _DEGREE))


def _inverse() -> Array:
    return np.asarray(np.linalg.inv(legvander(nodes(), _DEGREE)), dtype=np.float64)


def _slopes(at: Array) -> Array:
    """Derivatives of Lagrange's polynomials, (n, nodes)."""
    rows = [np.polynomial.legendre.legval(at, np.polynomial.legendre.legder(row)) for row in np.eye(_DEGREE + 1)]
    return np.stack(rows, axis=1) @ _inverse()
