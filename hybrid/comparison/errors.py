"""The errors e1…e5 of the paper's section 5.1.

e1 = ‖p - u_ε‖ / ‖u_ε‖     NH-PINN: cell problems and homogenized equation by networks
e2 = ‖w - u_ε‖ / ‖u_ε‖     a* from the network, the equation by finite elements
e3 = ‖p - w‖ / ‖w‖         the network against finite elements on the same homogenized equation
e4 = ‖v - u_ε‖ / ‖u_ε‖     all by finite elements: the error of homogenization itself
e5 = ‖r - u_ε‖ / ‖u_ε‖     r: the best reconstruction from the networks, correctors included (not in the paper)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mpi4py import MPI

import numpy as np
import numpy.typing as npt

import ufl
from dolfinx import fem

from hybrid.comparison.transfer import (
    Comparable,
    all_to_space,
    from_values,
    function_of,
    grid,
    nodes,
    on_points,
    with_values,
)
from hybrid.fem.cells.bounds import corrector_sizes
from hybrid.fem.norms import norm, norms
from hybrid.physics import Problem
from hybrid.pinn.functions.field import evaluated
from hybrid.pinn.functions.network import VALUE

_PAIRS = {"e1": ("p", "u"), "e2": ("w", "u"), "e3": ("p", "w"), "e4": ("v", "u"), "e5": ("r", "u")}


class Norms:
    """‖g‖ in L2 and ‖∇g‖, by quadrature on the mesh of u_ε, of functions of its space; all collective.

    Attributes:
        reference: u_ε, by finite elements.
        sizes: Its two norms.
    """

    def __init__(self, u_eps: Comparable) -> None:
        reference = function_of(u_eps)
        if not isinstance(reference, fem.Function):
            raise TypeError("the reference must be a finite element solution: its mesh is where the norms are taken")
        self.reference, self.space = reference, reference.function_space
        self._measured = fem.Function(self.space)
        degree = 2 * self.space.element.basix_element.degree
        self._norms = [norms(part, self.space.mesh, degree) for part in (self._measured, ufl.grad(self._measured))]
        self.sizes = self.of(reference)

    def of(self, function: fem.Function, minus: fem.Function | None = None) -> tuple[float, float]:
        """The norms of a function, or of its difference from another one."""
        values = function.x.array
        self._measured.x.array[:] = values if minus is None else values - minus.x.array
        l2, h1 = (size() for size in self._norms)
        return l2, h1


def errors(
    u_eps: Comparable,
    *,
    v: Comparable | None = None,
    w: Comparable | None = None,
    p: Comparable | None = None,
    r: Comparable | None = None,
    norms: Norms | None = None,
) -> dict[str, float]:
    """e1…e5 in relative L2 norms, and e1_h1…e5_h1 in relative H1 seminorms, by quadrature on the mesh of u_ε; collective.

    Args:
        u_eps: The reference, by finite elements.
        v: Homogenized solution, FEM and FEM.
        w: Homogenized solution, a* by a network, solved by FEM.
        p: Homogenized solution, both by networks.
        r: A reconstruction with correctors.
        norms: Of this reference, where they are there already.

    Returns:
        Those errors whose solutions were given.
    """
    norms = Norms(u_eps) if norms is None else norms
    given = {name: s for name, s in {"v": v, "w": w, "p": p, "r": r}.items() if s is not None}
    functions = {"u": norms.reference} | all_to_space(given, norms.space)
    pairs = {k: (one, other) for k, (one, other) in _PAIRS.items() if one in functions and other in functions}
    sizes = {other: norms.sizes if other == "u" else norms.of(functions[other]) for _, other in pairs.values()}
    off = {name: norms.of(functions[one], functions[other]) for name, (one, other) in pairs.items()}
    return {
        name + suffix: off[name][k] / sizes[pairs[name][1]][k] for k, suffix in enumerate(("", "_h1")) for name in pairs
    }


def relative_errors(
    u_eps: Comparable, found: Mapping[str, fem.Function], norms: Norms | None = None
) -> dict[str, tuple[float, float]]:
    """‖r - u_ε‖ / ‖u_ε‖ in L2 and in the H1 seminorm of each function, all in the space of u_ε; collective."""
    norms = Norms(u_eps) if norms is None else norms
    off = {name: norms.of(function, norms.reference) for name, function in found.items()}
    return {name: (l2 / norms.sizes[0], h1 / norms.sizes[1]) for name, (l2, h1) in off.items()}


def grid_errors(
    domain: Sequence[Sequence[float]], u_eps: Comparable, *, count: int = 101, **solutions: Comparable
) -> dict[str, float]:
    """The same by the paper's protocol: root-mean-square differences on a uniform grid of `count` points a side; collective."""
    points = grid(domain, count)
    values = {"u": on_points(u_eps, points)} | {k: on_points(s, points) for k, s in solutions.items()}
    return {
        name: float(np.linalg.norm(values[one] - values[other]) / np.linalg.norm(values[other]))
        for name, (one, other) in _PAIRS.items()
        if one in values and other in values
    }


def cell_errors(problem: Problem, found: Any, exact: Any, comm: MPI.Comm) -> list[float]:
    """The relative L2 errors of the network's correctors against those by finite elements; collective.

    Where a depends on x they are functions of both variables, and the norm is the mean over the Chebyshev nodes in x. A
    corrector that vanishes is measured against the largest one.

    Args:
        problem: Gives the period.
        found: The cell solution by networks.
        exact: The cell solution by finite elements.
        comm: The ranks that share the cell problems.
    """
    if not problem.flux.depends_on:
        space = exact.correctors[0].function_space
        networks: list[Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]]
        networks = [c.values for c in found.correctors]
        if all(c.function_space == space for c in exact.correctors):  # then what they share is evaluated once
            jets = evaluated(found.correctors, nodes(space), VALUE)
            networks = [lambda _, own=jet[0]: own for jet in jets]  # type: ignore[misc]
        return corrector_errors(networks, exact.correctors, max(problem.period))
    dim = problem.dim
    sums = np.zeros((2, dim))
    for i, node in enumerate(exact.nodes):
        functions = exact.correctors[dim * i : dim * (i + 1)]
        space = functions[0].function_space
        points = space.tabulate_dof_coordinates()[:, :dim]
        joint = np.concatenate([np.tile(node, (len(points), 1)), points], axis=1)
        for j, (chi, function) in enumerate(zip(found.correctors, functions, strict=True)):
            degree = 2 * space.element.basix_element.degree
            difference = with_values(chi.values(joint), space) - function
            sums[:, j] += [norm(part, space.mesh, degree) ** 2 for part in (difference, function)]
    total = np.empty_like(sums)
    comm.Allreduce(sums, total)
    off, own = np.sqrt(total / len(exact.coefficient.nodes))
    scale = own.max() if own.max() > 1e-8 * max(problem.period) else max(problem.period)
    return [float(e) for e in off / np.where(own > 1e-6 * scale, own, scale)]


def corrector_errors(
    networks: Sequence[Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]],
    correctors: Sequence[fem.Function],
    period: float,
) -> list[float]:
    """‖χ_network - χ_FEM‖ / ‖χ_FEM‖ for each corrector, on the mesh of the cell; collective.

    A corrector that vanishes is measured against the largest one (`hybrid.fem.cells.bounds.corrector_sizes`).

    Args:
        networks: Values of the χ_j at points of the cell, (n, d) -> (n,).
        correctors: The χ_j by finite elements.
        period: The largest side of the cell.
    """
    found = []
    sizes = corrector_sizes(correctors, period)
    for values, chi, (_, size) in zip(networks, correctors, sizes, strict=True):
        space = chi.function_space
        other = from_values(values, space, space.mesh.geometry.dim)
        found.append(norm(other - chi, space.mesh, 2 * space.element.basix_element.degree) / size)
    return found
