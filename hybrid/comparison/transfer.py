"""Moving functions between meshes, networks and points."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from dolfinx import fem

from hybrid.fem.dirichlet import Solution as FemSolution
from hybrid.fem.meshes.points import at_points, carried, spread
from hybrid.pinn.functions.field import Field
from hybrid.pinn.steady.homogenized import Solution as PinnSolution
from hybrid.product import Product

_POINTS = 1 << 12
"""At which differences are sampled, where a few per cent of them do not matter."""

type Comparable = FemSolution | PinnSolution | fem.Function | Field
"""What the comparison accepts: a solution of either kind or the function in it."""


def function_of(solution: Comparable) -> fem.Function | Field:
    """The function in a solution."""
    if isinstance(solution, FemSolution):
        return solution.function
    return solution.field if isinstance(solution, PinnSolution) else solution


def nodes(space: fem.FunctionSpace) -> Product:
    """The nodes of a Lagrange space that this rank knows, in the order of their values."""
    return Product.of(space.tabulate_dof_coordinates()[:, : space.mesh.geometry.dim])


def to_space(solution: Comparable, space: fem.FunctionSpace) -> fem.Function:
    """The interpolant in a finite element space: network → mesh by evaluation, mesh → mesh by arithmetic; collective."""
    return all_to_space({"": solution}, space)[""]


def all_to_space(
    solutions: Mapping[str, Comparable], space: fem.FunctionSpace, points: Product | None = None
) -> dict[str, fem.Function]:
    """Several interpolants; what they have in common is done once; collective.

    Args:
        solutions: By name.
        space: Lagrange elements.
        points: Its `nodes`, where they are known.
    """
    functions = {name: function_of(solution) for name, solution in solutions.items()}
    found = {name: f for name, f in functions.items() if isinstance(f, fem.Function)}
    others = [name for name, f in found.items() if f.function_space != space]
    found |= zip(others, carried([found[name] for name in others], space, points), strict=True)
    for name, function in functions.items():
        if isinstance(function, Field):
            found[name] = from_values(function.values, space, function.dim)
    return {name: found[name] for name in functions}


def from_values(
    values: Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]], space: fem.FunctionSpace, dim: int
) -> fem.Function:
    """The Lagrange interpolant of a function of points, (n, d) -> (n,)."""
    return with_values(values(space.tabulate_dof_coordinates()[:, :dim]), space)


def with_values(values: npt.NDArray[np.float64], space: fem.FunctionSpace) -> fem.Function:
    """The function of a Lagrange space with these values at the nodes that this rank knows."""
    target = fem.Function(space)
    target.x.array[:] = values
    return target


def grid(domain: Sequence[Sequence[float]], count: int) -> npt.NDArray[np.float64]:
    """The uniform grid of `count` points along each side, boundary included, (count^d, d)."""
    axes = [np.linspace(low, high, count) for low, high in domain]
    return np.stack([g.ravel() for g in np.meshgrid(*axes, indexing="ij")], axis=1)


def sampled_difference(found: Comparable, exact: Comparable) -> float:
    """About ‖found - exact‖ / ‖exact‖ in L2, from points that fill the mesh of `exact`, by finite elements; collective."""
    function = function_of(exact)
    assert isinstance(function, fem.Function)
    points = spread(function.function_space.mesh, _POINTS)
    one, other = on_points(found, points), at_points(function, points)
    size = float(np.linalg.norm(other))
    return float(np.linalg.norm(one - other)) / size if size > 0 else math.inf


def on_points(solution: Comparable, points: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Either kind of solution at points known to all ranks, (n, d) -> (n,); collective."""
    function = function_of(solution)
    return function.values(points) if isinstance(function, Field) else at_points(function, points)
