"""How far solutions are off on a mesh whose shape is given: from elements of lower degrees on the same mesh.

The spaces are nested, so that differences are taken exactly, cell by cell, whatever the shape of the cells.
"""

from __future__ import annotations

import math

from dolfinx import fem

from hybrid.failures import InputError
from hybrid.fem.norms import norm

_NOISE = 1e-9
"""Differences below this may be what linear solvers leave."""


def lower_degrees(degree: int, geometry: int, where: str) -> list[int]:
    """The degrees to compare elements with: one and two less, as far as those are no less than that of the mesh's geometry.

    Raises:
        InputError: There is none.
    """
    found = [d for d in (degree - 1, degree - 2) if d >= max(geometry, 1)]
    if not found:
        raise InputError(where, f"{degree}; on a mesh of {'curved' if geometry > 1 else 'straight'} cells it has to be "
                         f"{geometry + 1} or more, as the error is estimated from lower degrees")  # fmt: skip
    return found


def left(last: float, before: float | None, degree: int) -> float:
    """What is left of an error beyond degree p, where degrees p - 1 and p differ by `last`, and p - 2 and p - 1 by `before`.

    The error is taken to be C p^-s, with the s that the two differences show: where solutions are smooth on each cell it falls
    faster than any power, and less is left than this says (Babuška, Suri 1994, The p and h-p versions of the finite element
    method, basic principles and properties). Without `before` it is `last`, an estimate of the error for degree p - 1.

    Returns:
        The estimate; infinite where the differences do not become smaller.
    """
    if before is None or last < _NOISE:
        return last
    if last >= before:
        return math.inf

    def ratio(s: float) -> float:
        return float(((degree - 1) ** -s - degree**-s) / ((degree - 2) ** -s - (degree - 1) ** -s))

    low, high = 1e-6, 200.0
    for _ in range(60):  # the ratio falls with s
        middle = (low + high) / 2
        low, high = (middle, high) if ratio(middle) > last / before else (low, middle)
    return last / ((degree / (degree - 1)) ** high - 1)


def difference(coarse: fem.Function, fine: fem.Function) -> float:
    """‖u - v‖ / ‖v‖ in L2, for functions of two degrees on one mesh; collective."""
    space = fine.function_space
    carried = fem.Function(space)
    carried.interpolate(coarse)
    degree = 2 * space.element.basix_element.degree
    size = norm(fine, space.mesh, degree)
    off = norm(carried - fine, space.mesh, degree)
    return off / size if size > 0 else (math.inf if off > 0 else 0.0)
