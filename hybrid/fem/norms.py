"""Norms by quadrature, differences of functions, and what they say of errors."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

from mpi4py import MPI

import numpy as np
from sympy import Abs, Basic, Heaviside, Max, Min

import ufl
from dolfinx import fem

from hybrid.fem.algebra.jit import compiled
from hybrid.fem.meshes.points import at_points, spread
from hybrid.fem.meshes.points import carry as carry


def norm(expression: ufl.core.expr.Expr, mesh: object, degree: int) -> float:
    """‖g‖ in L2 of a scalar or vector UFL expression, by quadrature of the given degree; collective."""
    return norms(expression, mesh, degree)()


def norms(expression: ufl.core.expr.Expr, mesh: object, degree: int) -> Callable[[], float]:
    """The norm of an expression as a function that is called when its functions have other values; compiled once."""
    form = compiled(ufl.inner(expression, expression) * ufl.dx(domain=mesh, metadata={"quadrature_degree": degree}))
    comm = mesh.comm  # type: ignore[attr-defined]
    return lambda: math.sqrt(comm.allreduce(fem.assemble_scalar(form), op=MPI.SUM))


def integral(integrand: ufl.Form, mesh: object) -> float:
    """The value of a form without arguments, over all ranks; collective."""
    return float(mesh.comm.allreduce(fem.assemble_scalar(compiled(integrand)), op=MPI.SUM))  # type: ignore[attr-defined]


_POINTS = 1 << 14
"""At which differences are sampled: they tell a norm to a percent, and to compare two meshes everywhere costs five times what
the solution does."""


def relative_difference(u: fem.Function, v: fem.Function) -> float:
    """About ‖u - v‖ / ‖v‖ in L2 for functions on two meshes of one box, from 16384 points; collective."""
    return _differences([u, v])[0]


def _differences(functions: Sequence[fem.Function]) -> list[float]:
    """Of each function from the next."""
    points = spread(functions[0].function_space.mesh, _POINTS)
    values = [at_points(function, points) for function in functions]
    found = []
    for one, other in itertools.pairwise(values):
        difference, size = float(np.linalg.norm(one - other)), float(np.linalg.norm(other))
        found.append(difference / size if size > 0 else (math.inf if difference > 0 else 0.0))
    return found


_ROUNDING = 1e-15
_SAME = 1e-6
"""A difference that is so much smaller than the next one is that of a mesh from itself."""
_NOISE = 1e-7
"""Differences below this may be what linear solvers leave, and then show no order."""


def richardson(
    levels: Sequence[fem.Function],
    ratios: Sequence[float],
    order: int,
    noise: float = 0.0,
    limit: float | None = None,
) -> float:
    """The estimated relative L2 error of the finest of three solutions u_h, u_2h, u_4h (finest first).

    With an error of order h^p it is ‖u_h - u_2h‖ / ‖u_h‖ / (q^p - 1), q the ratio of the mesh sizes; p is the order that the
    three show, at most the elements' own: corners and kinks in a coefficient make it smaller.

    Args:
        levels: The solutions.
        ratios: Mesh size of the second over the first, and of the third over the second; both above one.
        order: k + 1 for elements of degree k.
        noise: Differences that something else than the mesh may make: time steps.
        limit: Of the order, where jumps or kinks lie within mesh cells.

    Returns:
        The estimate; infinite where the differences do not become smaller, so that nothing is known.
    """
    second, first = _differences(levels[::-1])
    return extrapolated(first, second, ratios, order, noise, limit)


def order_limit(*expressions: Basic) -> float | None:
    """The order of the error that jumps (1) and kinks (2) within mesh cells leave; None where there are neither."""
    if any(e.has(Heaviside) for e in expressions):
        return 1.0
    return 2.0 if any(e.has(Max, Min, Abs) for e in expressions) else None


def mesh_error(
    function_on: Callable[[Sequence[int]], fem.Function],
    counts: Sequence[int],
    order: int,
    noise: float = 0.0,
    limit: float | None = None,
) -> float:
    """The estimate of `richardson` for the mesh with these counts, from the solutions on coarser ones; collective.

    Jumps and kinks lie now nearer to the mesh's lines and now farther: two solutions then may be close by chance. Where there
    are some, or where three solutions show no order, a fourth is asked. If all agree that the order is that of the elements,
    as on meshes whose lines are the jumps, it is; and otherwise it is that on the average, and no more than what jumps and
    kinks allow.

    Args:
        function_on: The solution on the mesh with so many cells along the sides.
        counts: Of the finest mesh.
        order: k + 1 for elements of degree k.
        noise: See `richardson`.
        limit: From `order_limit`.
    """
    (half, quarter), ratios = coarsened(counts)
    levels = [function_on(c) for c in (counts, half, quarter)]
    error = richardson(levels, ratios, order, noise)
    (eighth, _), (last, _) = coarsened(quarter)
    if (math.isfinite(error) and limit is None) or min(*ratios, last) <= 1:
        return error
    third, second, first = _differences([function_on(eighth), *levels[::-1]])
    if max(first, second) < max(_NOISE, noise) or not (math.isfinite(third) and min(first, second, third) > 0):
        return error
    if third < _SAME * second:  # so few cells that fitting them to planes has left the two coarsest meshes the same
        return max(error, first) if math.isfinite(error) else math.inf
    orders = [math.log(second / first) / math.log(ratios[1]), math.log(third / second) / math.log(last)]
    if math.isfinite(error) and min(orders) > order - 1:
        return error
    mean = math.log(third / first) / math.log(ratios[1] * last)
    seen = min(mean, order, math.inf if limit is None else limit)
    if seen <= 0:
        return math.inf
    return max(first, second / ratios[1] ** seen) / (ratios[0] ** seen - 1)


def richardson_of_values(
    values: Sequence[float], ratios: Sequence[float], order: int, limit: float | None = None
) -> float:
    """The same for numbers: the estimated relative error of the first of three, `order` that of the best that is expected."""
    finest, middle, coarsest = values
    size = abs(finest)
    if size == 0:
        return 0.0 if middle == coarsest == 0 else math.inf
    return extrapolated(abs(finest - middle) / size, abs(middle - coarsest) / size, ratios, order, limit=limit)


def extrapolated(
    first: float, second: float, ratios: Sequence[float], order: int, noise: float = 0.0, limit: float | None = None
) -> float:
    """What is left beyond the finest of three solutions that differ by `second` and then by `first`.

    With a `limit` of the order, from what lies within mesh cells, a difference that is small by chance is not believed.
    """
    if limit is not None and math.isfinite(second) and min(ratios) > 1 and max(first, second) > _NOISE:
        return max(first, second / ratios[1] ** limit) / (ratios[0] ** limit - 1)
    if not math.isfinite(first) or ratios[0] <= 1:
        return math.inf
    if max(first, second) < max(_NOISE, noise) and second <= 2 * first:
        return max(first, second, _ROUNDING)  # rounding or the like, which shows no order
    if first <= _ROUNDING:
        return _ROUNDING if second < _NOISE else second  # two that are the same by chance say little
    if not math.isfinite(second) or ratios[1] <= 1:
        return first  # too coarse to see an order
    seen = math.log(second / first) / math.log(ratios[1]) if second > 0 else 0.0
    return max(first / (ratios[0] ** min(seen, order) - 1), _ROUNDING) if seen > 0 else math.inf


def coarsened(counts: Sequence[int]) -> tuple[list[list[int]], list[float]]:
    """The counts of two coarser meshes, each about twice as coarse, and the ratios of the mesh sizes."""
    half = [max((c + 1) // 2, 2) for c in counts]
    quarter = [max((c + 1) // 2, 2) for c in half]
    return [half, quarter], [min(a / b for a, b in pairs) for pairs in (zip(counts, half), zip(half, quarter))]
