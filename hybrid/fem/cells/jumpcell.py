"""Cell problems on adaptive meshes: from a problem with jumps to its bounds, and to correctors on a DOLFINx mesh."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mpi4py import MPI

import numpy as np
import numpy.typing as npt
import sympy
from sympy import ImmutableMatrix

import basix.ufl
import ufl
from dolfinx import fem, mesh

from hybrid.clock import clock
from hybrid.equation import Equation
from hybrid.fem.algebra.coefficients import as_arrays
from hybrid.fem.cells.adaptive import Adapted, Medium, adapt, geometric_mean
from hybrid.fem.cells.cellsolution import CellSolution
from hybrid.fem.cells.torus import element
from hybrid.fem.meshes.fitted import cell_planes
from hybrid.interfaces import curved, level_sets
from hybrid.parallel import on_root
from hybrid.symbols import evaluate
from hybrid.trust import Estimate

Array = npt.NDArray[np.float64]
TOLERANCE, BUDGET = 1e-3, 100_000
"""Of half the relative gap, where none is asked for, and the unknowns then."""
_LONGEST = 50
"""Ratio of the cell's sides that the coarsest mesh follows."""
_SHOWN = 1e-7
"""Of the cell's smaller side: the smallest triangles of the mesh that correctors are handed out on."""


def has_corners(equation: Equation, matrix: ImmutableMatrix) -> bool:
    """Whether interfaces of a (at one x) cross or are curved: gradients of correctors may then be infinite."""
    if equation.dim != 2 or not matrix.has(sympy.Heaviside):
        return False
    functions = level_sets(matrix)
    return bool(curved(functions)) or all(_jumps(equation, functions))


def _jumps(equation: Equation, functions: list[sympy.Expr]) -> list[bool]:
    return [any(s in phi.free_symbols for phi in functions) for s in equation.fast]


def solve_adaptive(
    equation: Equation,
    matrix: ImmutableMatrix,
    comm: MPI.Comm,
    *,
    degree: int,
    tol: float | None = None,
    budget: int = BUDGET,
) -> CellSolution:
    """The cell problems of functions of y alone, in two dimensions, on meshes that refine until bounds of a* meet.

    Args:
        equation: Gives the period.
        matrix: a, of y.
        comm: The ranks that get a part of the correctors; one of them solves.
        degree: Of the elements at the most: lower with curved interfaces, and on meshes that are fine to begin with.
        tol: Of half the relative gap of the bounds.
        budget: Unknowns at the most.

    Raises:
        SolverError: A factorization failed.
    """
    start = clock()
    medium = _medium(equation, matrix)
    most = budget if tol is not None else min(budget, BUDGET)
    coarse = (len(medium.axes[0]) - 1) * (len(medium.axes[1]) - 1)
    degree = min(degree, 1 if medium.curves is not None else 3)
    while degree > 1 and coarse * degree**2 > most / 4:
        degree -= 1
    known = on_root(comm, lambda: _Known.of(adapt(medium, degree, TOLERANCE if tol is None else tol, most)))
    coefficient = geometric_mean(known.bounds[0], known.bounds[1])
    gap = float(known.attempts[-1]["gap"])  # type: ignore[arg-type]
    trust = {"coefficient": Estimate(max(gap, 1e-14), "half the gap between bounds of a* from both sides")}
    # The error falls with the gap, or a little more slowly: twice what that says, and no less than the gap itself.
    errors = tuple(
        max(gap, 2 * change * ratio / (1 - ratio) if ratio < 0.95 else 20 * change) for change, ratio in known.changes
    )
    how = "the change from the mesh before, and the ratio of the gaps between bounds of a* on the two"
    for j in range(2):
        none = Estimate(None, "there was one mesh only within the budget")
        trust[f"chi_{j + 1}"] = Estimate(errors[j], how) if errors else none
    return CellSolution(
        (coefficient + coefficient.T) / 2, _functions(comm, known, degree), clock() - start, errors or None,
        trust=trust, bounds=known.bounds, attempts=known.attempts,
    )  # fmt: skip


def _medium(equation: Equation, matrix: ImmutableMatrix) -> Medium:
    functions = level_sets(matrix)
    bent = curved(functions)
    axes = []
    for p, inner in zip(equation.period, cell_planes(matrix, equation), strict=True):
        ends = np.array([0.0, *(c for c in inner if 1e-9 * p < c < (1 - 1e-9) * p), p])
        along = (8 if bent else 4) * min(p / min(equation.period), _LONGEST)  # cells about as long as they are wide
        counts = np.maximum(np.ceil(along * np.diff(ends) / p - 1e-9), 1).astype(int)
        parts = [a + (b - a) * np.arange(n) / n for a, b, n in zip(ends[:-1], ends[1:], counts, strict=True)]
        axes.append(np.concatenate([*parts, [p]]))
    flat = matrix.xreplace({step: sympy.Symbol(f"step{i}") for i, step in enumerate(matrix.atoms(sympy.Heaviside))})

    def values(points: Array) -> Array:
        out = np.empty((len(points), 2, 2))
        rows = as_arrays(matrix, {s: points[:, i] for i, s in enumerate(equation.fast)})
        for i in range(2):
            for j in range(2):
                out[:, i, j] = rows[i][j]
        return out

    def signs(points: Array) -> Array:
        at = {s: points[:, i] for i, s in enumerate(equation.fast)}
        return np.stack([np.broadcast_to(evaluate(phi, at), len(points)) for phi in bent], axis=1)

    constant = not flat.free_symbols & set(equation.fast)
    sides = (equation.period[0], equation.period[1])
    return Medium(sides, (axes[0], axes[1]), values, constant, signs if bent else None)


@dataclass(frozen=True)
class _Known:
    """What all ranks are told: bounds, and the triangles with the values of the correctors in each."""

    bounds: Array
    attempts: tuple[Mapping[str, object], ...]
    changes: list[tuple[float, float]]
    points: Array
    cells: npt.NDArray[np.int64]
    origin: Array
    inverse: Array
    values: Array
    degree: int

    @classmethod
    def of(cls, found: Adapted) -> _Known:
        """Of the last mesh, without its very small triangles: those of a float64's resolution are no use on a mesh."""
        forest, space = found.space.forest, found.space
        shown = forest.cut_off(_SHOWN * float(forest.sides.min()))
        place = np.full(len(forest.leaf), -1, dtype=np.int64)
        place[space.leaves] = np.arange(len(space.leaves))
        whole = place[shown] >= 0
        basis = element(space.degree)
        nodes = basis.points
        values = np.empty((len(shown), len(nodes), 2))
        at_vertex = np.searchsorted(space.vertices, np.minimum(forest.vertices[shown], space.vertices[-1]))
        linear = np.stack([1 - nodes.sum(axis=1), nodes[:, 0], nodes[:, 1]])
        for j, chi in enumerate(found.correctors):
            values[~whole, :, j] = chi[at_vertex[~whole]] @ linear
            values[whole, :, j] = chi[space.dofs[place[shown[whole]]]]
        # A vertex on a face is there as often as the rectangle has it: once for each face that it lies on.
        corner = np.stack([0 * forest.first[shown], forest.first[shown], forest.second[shown]], axis=1)
        corner += forest.origin[shown, None]
        base = forest.positions[forest.vertices[shown]]
        wrap = np.round((corner - base) / forest.sides).astype(np.int64)
        keys = (forest.vertices[shown] * 3 + wrap[..., 0] + 1) * 3 + wrap[..., 1] + 1
        _, first, cells = np.unique(keys, return_index=True, return_inverse=True)
        points = (base + wrap * forest.sides).reshape(-1, 2)[first]
        jacobian = np.stack([forest.first[shown], forest.second[shown]], axis=2)
        return cls(
            np.stack([found.lower, found.upper]), tuple(found.attempts), found.changes, points, cells.reshape(keys.shape),
            forest.origin[shown], np.linalg.inv(jacobian), values, space.degree,
        )  # fmt: skip


def _functions(comm: MPI.Comm, known: _Known, degree: int) -> tuple[fem.Function, ...]:
    """The correctors on a DOLFINx mesh that is shared out over the ranks; collective."""
    own = slice(None) if comm.rank == 0 else slice(0, 0)
    geometry = ufl.Mesh(basix.ufl.element("Lagrange", "triangle", 1, shape=(2,)))
    domain = mesh.create_mesh(comm, known.cells[own], geometry, known.points[own])
    space = fem.functionspace(domain, ("Lagrange", degree))
    cells = domain.topology.index_map(2)
    count = cells.size_local + cells.num_ghosts
    original = domain.topology.original_cell_index[:count]
    dofs = space.dofmap.list[:count]
    places = space.tabulate_dof_coordinates()[dofs][:, :, :2] - known.origin[original, None]
    inside = np.einsum("nab,nqb->nqa", known.inverse[original], places)
    basis = element(degree).tabulate(0, inside.reshape(-1, 2))[0, :, :, 0].reshape(*dofs.shape, -1)
    found = []
    for j in range(2):
        function = fem.Function(space, name=f"chi_{j + 1}")
        function.x.array[dofs] = np.einsum("nqb,nb->nq", basis, known.values[original, :, j])
        found.append(function)
    return tuple(found)
