"""How far a homogenized coefficient may be off: bounds from both sides, or three meshes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from numpy.polynomial.legendre import leggauss
from sympy import ImmutableMatrix

from dolfinx import fem

from hybrid.equation import Equation
from hybrid.fem.cells.adaptive import geometric_mean
from hybrid.fem.cells.cellsolution import CellSolution
from hybrid.fem.meshes.fitted import cell_planes
from hybrid.fem.meshes.points import at_points
from hybrid.fem.norms import norm, relative_difference, richardson
from hybrid.fem.sizes import SIZES
from hybrid.fluxes import Torus, two_sided
from hybrid.media.interpolated import relative_change
from hybrid.symbols import evaluate
from hybrid.trust import Estimate

Array = npt.NDArray[np.float64]
_ROUNDING = 1e-14
_NOISE = 1e-7
"""Meshes that differ by less, and show no order, differ by rounding: where contrasts are large that is some."""
_NO_ORDER = 0.1
"""The order that is believed of meshes that do not show any."""


def with_bounds(found: CellSolution, lower: Array) -> CellSolution:
    """A solution whose a* is an upper bound, with a lower one: a* becomes their geometric mean."""
    upper = np.asarray(found.coefficient)
    lower = (lower + lower.T) / 2
    mean = geometric_mean(lower, upper)
    gap = relative_change(upper - lower, mean) / 2
    estimate = Estimate(max(gap, _ROUNDING), "half the gap between bounds of a* from both sides")
    return replace(found, coefficient=mean, bounds=np.stack([lower, upper]), trust={"coefficient": estimate})


def with_other_side(found: CellSolution, mean: Callable[[], float], dual: Callable[[], CellSolution]) -> CellSolution:
    """A solution with the bound of a* from below, where one is known: in one dimension and in the plane.

    Args:
        found: With an upper bound.
        mean: The harmonic mean of a, which is a* in one dimension.
        dual: The solution for a / det a, whose a* over its determinant is a lower bound in the plane; collective.
    """
    dim = len(np.asarray(found.coefficient))
    if dim == 1:
        return with_bounds(found, np.array([[mean()]]))
    if dim == 2:
        other = np.asarray(dual().coefficient)
        return with_bounds(found, other / np.linalg.det(other))
    return found


def on_torus(equation: Equation, correctors: Sequence[fem.Function], cells: int) -> Array:
    """Values of the correctors on a grid of the cell, (d, n_1, …, n_d), for meshes of so many cells a side; collective."""
    sizes, varying = SIZES[equation.dim], equation.medium.matrix.free_symbols
    counts = [min(sizes.bounds_each * max(cells, 8), sizes.bounds) if s in varying else 1 for s in equation.fast]
    points = Torus(equation.period, counts).points()
    return np.stack([at_points(chi, points).reshape(counts) for chi in correctors])


def with_smooth_bounds(found: CellSolution, equation: Equation, cells: int) -> CellSolution:
    """A solution for an a of y without jumps, with bounds of a* from its correctors' values (`hybrid.fluxes`); collective.

    They are tighter than the energy on the mesh, as values at nodes are nearer to the exact ones than slopes are: a* of the
    mesh may lie above them, by what its own estimate says.
    """
    sides = two_sided(equation, on_torus(equation, found.correctors, cells))
    return replace(found, bounds=np.stack([sides.lower, sides.upper]))


def width(bounds: Array) -> float:
    """Of an interval of matrices, relative: the smallest δ with upper - lower ≤ δ lower."""
    return relative_change(bounds[1] - bounds[0], bounds[0])


def extrapolated(
    values: Sequence[Array], ratios: Sequence[float], order: float, limit: float | None = None
) -> Estimate:
    """The relative error of the first of three values a_h, a_2h, a_4h of a*, by Richardson.

    Args:
        values: The finest first.
        ratios: Of the mesh sizes.
        order: At most this is believed; what is off by the square of correctors' errors converges faster.
        limit: Of the order, where jumps or kinks lie within mesh cells.
    """
    how = "a* on meshes twice and four times as coarse, by the order that they show"
    first, second = (relative_change(a - b, values[0]) for a, b in itertools.pairwise(values))
    if min(first, second) <= _ROUNDING or min(ratios) <= 1:
        return Estimate(max(first, _ROUNDING), how)
    if limit is not None:
        return Estimate(max(first, second / ratios[1] ** limit) / (ratios[0] ** limit - 1), how)
    seen = math.log(second / first) / math.log(ratios[1])
    return Estimate(max(first / (ratios[0] ** min(max(seen, _NO_ORDER), order) - 1), _ROUNDING), how)


def corrector_sizes(correctors: Sequence[fem.Function], period: float) -> list[tuple[float, float]]:
    """For each corrector its norm, and the norm that its error is measured against; collective.

    The two are the same but for a corrector that vanishes, as that along the layers of a laminate does: it is measured
    against the largest of the others, and where all vanish against the norm of a function of the size of the period.
    """
    mesh = correctors[0].function_space.mesh
    own = [norm(c, mesh, 2 * c.function_space.element.basix_element.degree) for c in correctors]
    largest, period_norm = max(own), period * norm(fem.Constant(mesh, 1.0), mesh, 0)
    scale = largest if largest > 1e-8 * period_norm else period_norm
    return [(size, size if size > 1e-6 * scale else scale) for size in own]


def corrector_estimates(
    levels: Sequence[Sequence[fem.Function]],
    ratios: Sequence[float],
    order: int,
    period: float,
    limit: float | None = None,
) -> tuple[tuple[float, ...], dict[str, Estimate]]:
    """The relative L2 errors of the correctors on the finest of three meshes, by Richardson; collective.

    Args:
        levels: The correctors on each mesh, the finest first.
        ratios: Of the mesh sizes.
        order: k + 1 for elements of degree k.
        period: The largest side of the cell.
        limit: Of the order, where jumps or kinks lie within mesh cells.

    Returns:
        An estimate for each, 0 for one that vanishes; and the same in words, as "chi_1" ….
    """
    how = "solutions on meshes twice and four times as coarse, by the order that they show"
    vanishing = "it vanishes: its size against the largest corrector, or the period"
    errors: list[float] = []
    trust: dict[str, Estimate] = {}
    for j, (own, size) in enumerate(corrector_sizes(levels[0], period)):
        chi = [level[j] for level in levels]
        errors.append(richardson(chi, ratios, order, limit=limit) if size == own else 0.0)
        if not math.isfinite(errors[-1]) and (noise := relative_difference(chi[1], chi[0])) < _NOISE:
            errors[-1] = 10 * noise
        trust[f"chi_{j + 1}"] = Estimate(errors[-1], how) if size == own else Estimate(own / size, vanishing)
    return tuple(errors), trust


def harmonic_mean(equation: Equation, matrix: ImmutableMatrix) -> float:
    """1 / mean of 1/a, which is a* in one dimension: by Gauss's rule between the jumps, on finer parts until that settles."""
    (p,) = equation.period
    nodes, weights = leggauss(16)
    ends = np.unique([0.0, *cell_planes(matrix, equation)[0], p])
    mean = math.inf
    for parts in (32, 64, 128, 256, 512):
        at = np.concatenate([a + (b - a) * np.arange(parts) / parts for a, b in itertools.pairwise(ends)])
        steps = np.repeat(np.diff(ends) / parts, parts)
        points = at[:, None] + steps[:, None] * (nodes + 1) / 2
        a = np.broadcast_to(evaluate(matrix[0, 0], {equation.fast[0]: points}), points.shape)
        last, mean = mean, float((steps[:, None] / 2 * weights / a).sum() / p)
        if abs(mean - last) <= 1e-15 * mean:
            break
    return 1 / mean
