"""Coarser spaces for multigrid on any mesh: continuous piecewise multilinear functions on lattices of points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from petsc4py import PETSc

import numpy as np
import numpy.typing as npt

from dolfinx import fem, mesh

from hybrid.fem.algebra.lattice import Lattice
from hybrid.fem.algebra.stencil import Entries, operator
from hybrid.fem.meshes.points import bounds

Array = npt.NDArray[np.float64]
_SAMPLED = 20_000
"""Cells of each rank, about, from which the number of points is found."""


@dataclass(frozen=True)
class Level:
    """A coarser space.

    Attributes:
        prolongation: From its functions to those of the next finer one.
        operator: Its matrix, where that needs no product of three.
    """

    prolongation: PETSc.Mat
    operator: PETSc.Mat | None = None


def levels(
    space: fem.FunctionSpace,
    bcs: Sequence[fem.DirichletBC] = (),
    *,
    a: Entries | None = None,
    points: Array | None = None,
    cell: Sequence[Sequence[float]] | None = None,
    smallest: int = 60,
) -> list[Level]:
    """Coarser spaces for a Lagrange space, from its nodal values down to the coarsest, which comes first; collective.

    The finest lattice has half as many points in each direction as the space has nodes (a third for cubics): on a uniform mesh
    of a box these are nodes. Every further one has half as many again, down to a few for each rank. The functions are
    multilinear between the points, whatever the shape of the mesh's cells: auxiliary spaces that need not be nested
    (Xu 1996, The auxiliary space method and optimal multigrid preconditioning techniques for unstructured grids).

    Args:
        space: Its owned dofs are the rows of the matrix that is to be solved with.
        bcs: Dirichlet conditions: their dofs get no correction, nor do the lattice points in the same places.
        a: The coefficient of the equation, if the mesh fills its box: the finest lattices then get matrices of their own.
        points: Where the rows have their nodes, if they are not the owned dofs of the space.
        cell: One (low, high) for each dimension, where functions are periodic: the lattices then close round it.
        smallest: Points of the coarsest lattice, at the least, for each rank.
    """
    domain = space.mesh
    owned = space.dofmap.index_map.size_local
    points = space.tabulate_dof_coordinates()[:owned, : domain.geometry.dim] if points is None else points
    low, high = bounds(domain) if cell is None else np.array(cell, dtype=float).T
    counts = _counts(domain, high - low, space.element.basix_element.degree)
    fixed = np.concatenate([bc.dof_indices()[0] for bc in bcs]) if bcs else np.empty(0, np.int32)
    fixed = fixed[fixed < owned]
    found: list[Level] = []
    while True:
        lattice = Lattice(domain.comm, low, high, counts, cell is not None)
        prolongation, kept = lattice.interpolation(points, fixed)
        matrix = None
        # Neighbours are different points, also round a period; and on small lattices nothing is gained.
        if a is not None and min(counts) > 2 and (not found or (len(found) < 3 and np.prod(counts) > 20_000)):
            matrix = operator(lattice, a, kept, 2 ** len(found))
        found.insert(0, Level(prolongation, matrix))
        points, fixed = lattice.points(), np.flatnonzero(kept.array_r == 0.0)
        coarser = [n // 2 if n % 2 == 0 else _often_halved(n / 2) for n in counts]
        counts, last = [c if n >= 6 else n for n, c in zip(counts, coarser, strict=True)], counts
        if counts == last or np.prod(counts) < smallest * domain.comm.size:
            return found


def _counts(domain: mesh.Mesh, sides: Array, degree: int) -> list[int]:
    """Intervals of the finest lattice in each direction; collective."""
    corners = domain.geometry.dofmaps[0]
    corners = corners[:: max(len(corners) // _SAMPLED, 1)].T
    extents = []
    for x in domain.geometry.x.T[: domain.geometry.dim]:
        values = [x[corner] for corner in corners]
        extents.append(np.maximum.reduce(values) - np.minimum.reduce(values))
    local = np.array([*(e.sum() for e in extents), *(e @ e for e in extents), corners.shape[1]])
    total = np.empty_like(local)
    domain.comm.Allreduce(local, total)
    mean, square = np.split(total[:-1] / total[-1], 2)
    counts = sides / mean * degree / (3 if degree == 3 else 2)
    if (square - mean**2 < 1e-6 * mean**2).all() and np.abs(counts - np.round(counts)).max() < 1e-6:
        return [max(round(n), 2) for n in counts]  # a uniform mesh: its own nodes
    return [_often_halved(n) for n in counts]


def _often_halved(n: float) -> int:
    """A number near n, or above where n is small, that can be halved down to one below eight."""
    power = 2 ** max(int(np.log2(max(n, 4.0) / 4)), 0)
    return max(round(n / power), 3) * power
