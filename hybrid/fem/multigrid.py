"""Coarser spaces for multigrid: continuous piecewise multilinear functions on lattices of points, each holding every other
point of the finer one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

from mpi4py import MPI
from petsc4py import PETSc

import numpy as np
import numpy.typing as npt

from dolfinx import fem, mesh

Array = npt.NDArray[np.float64]

_NEAR = 1e-6
"""Of a lattice's spacing: what is nearer to a lattice point than this is that point."""


def prolongations(
    space: fem.FunctionSpace,
    bcs: Sequence[fem.DirichletBC] = (),
    *,
    points: Array | None = None,
    cell: Sequence[Sequence[float]] | None = None,
    smallest: int = 60,
) -> list[PETSc.Mat]:
    """Prolongation matrices from lattices to the nodal values of a Lagrange space, coarsest first; collective.

    The finest lattice has about as many intervals as the mesh has cells in each direction (twice as many for degrees above
    two): on `hybrid.fem.mesh.box` its points are vertices. The others leave out every other point, while that can be done and
    there are enough points left for the ranks to share. They are PETSc's DMDAs, and each is interpolated linearly in every
    direction, whatever the shape of the mesh's cells.

    Args:
        space: Its owned dofs are the rows of the matrix that is to be solved with.
        bcs: Dirichlet conditions: their dofs get no correction, nor do the lattice points in the same places.
        points: Where the rows have their nodes, if they are not the owned dofs of the space.
        cell: One (low, high) for each dimension, where functions are periodic: the lattices then close round it.
        smallest: Points of the coarsest lattice, at the least, for each rank.
    """
    domain, comm = space.mesh, space.mesh.comm
    dim = domain.geometry.dim
    owned = space.dofmap.index_map.size_local
    points = space.tabulate_dof_coordinates()[:owned, :dim] if points is None else points
    low, high = _bounds(domain) if cell is None else np.array(cell, dtype=float).T
    counts = _counts(domain, high - low, space.element.basix_element.degree)
    boundary = PETSc.DM.BoundaryType.NONE if cell is None else PETSc.DM.BoundaryType.PERIODIC
    lattice = PETSc.DMDA().create(
        dim=dim, dof=1, sizes=[n + (cell is None) for n in counts], boundary_type=[boundary] * dim,
        stencil_type=PETSc.DMDA.StencilType.BOX, stencil_width=1, comm=comm,
    )  # fmt: skip
    fixed = np.concatenate([bc.dof_indices()[0] for bc in bcs]) if bcs else np.empty(0, np.int32)
    matrix, fixed = _without(fixed[fixed < owned], _interpolation(lattice, points, low, high, counts, cell is not None))
    found = [matrix]
    while all(n % 2 == 0 for n in counts):
        counts = [n // 2 for n in counts]
        if np.prod(counts) < smallest * comm.size or min(counts) < 3:
            break
        coarse = lattice.coarsen()
        matrix, fixed = _without(fixed, coarse.createInterpolation(lattice)[0])
        found.insert(0, matrix)
        lattice = coarse
    return found


def _bounds(domain: mesh.Mesh) -> tuple[Array, Array]:
    """The corners of the smallest box around a mesh; collective."""
    columns = domain.geometry.x.T[: domain.geometry.dim]
    reach = np.array([*(-x.min(initial=np.inf) for x in columns), *(x.max(initial=-np.inf) for x in columns)])
    total = np.empty_like(reach)
    domain.comm.Allreduce(reach, total, op=MPI.MAX)
    return -total[: len(columns)], total[len(columns) :]


def _counts(domain: mesh.Mesh, sides: Array, degree: int) -> list[int]:
    """Intervals of the finest lattice: as many as a uniform mesh has cells; about as many as others have, halved often."""
    corners = domain.geometry.dofmaps[0].T
    extents = []
    for x in domain.geometry.x.T[: domain.geometry.dim]:
        values = [x[corner] for corner in corners]
        extents.append(np.maximum.reduce(values) - np.minimum.reduce(values))
    local = np.array([*(e.sum() for e in extents), *(e @ e for e in extents), corners.shape[1]])
    total = np.empty_like(local)
    domain.comm.Allreduce(local, total)
    mean, square = np.split(total[:-1] / total[-1], 2)
    uniform = bool((square - mean**2 < 1e-6 * mean**2).all())
    nodes = sides / mean * degree
    # Half the nodes in each direction, where that is a multiple of the mesh size.
    counts = nodes / 2 if degree != 3 else nodes / 3
    if uniform and degree == 1 and (np.round(nodes) % 2 == 1).any():
        counts = nodes
    return [round(n) if uniform else 16 * max(round(n / 16), 1) for n in counts]


def _interpolation(
    lattice: PETSc.DMDA, points: Array, low: Array, high: Array, counts: Sequence[int], periodic: bool
) -> PETSc.Mat:
    """The matrix from values on a lattice to those of its multilinear interpolant at points."""
    number, dim = points.shape
    base: list[Any] = []
    part: list[Any] = []
    kind = np.zeros(number, np.uint8)  # bit i: the point is between two lattice points in direction i
    for i, (x, start, end, n) in enumerate(zip(points.T, low, high, counts, strict=True)):
        at = x - start
        at *= n / (end - start)
        floor = np.floor(at + _NEAR)
        at -= floor
        kind |= (at > _NEAR).astype(np.uint8) << np.uint8(i)
        base.append(floor.astype(PETSc.IntType))
        part.append(at)
    sizes = np.array([2 ** k.bit_count() for k in range(2**dim)], PETSc.IntType)
    rows = np.zeros(number + 1, PETSc.IntType)
    np.cumsum(sizes[kind], out=rows[1:])
    columns, weights = np.empty(rows[-1], PETSc.IntType), np.empty(rows[-1])
    numbering = _Numbering(lattice)
    for k in range(2**dim):
        used = np.flatnonzero(kind == k)
        place, inside, right = rows[used], [b[used] for b in base], [p[used] for p in part]
        for corner in product(*((0, 1) if k >> i & 1 else (0,) for i in range(dim))):
            index = [b + c for b, c in zip(inside, corner, strict=True)]
            columns[place] = numbering([i % n for i, n in zip(index, counts, strict=True)] if periodic else index)
            weight: Any = 1.0
            for i, c in enumerate(corner):
                if k >> i & 1:
                    weight = weight * (right[i] if c else 1.0 - right[i])
            weights[place] = weight
            place += 1
    size = ((number, None), (numbering.owned, None))
    return PETSc.Mat().createAIJ(size, csr=(rows, columns, weights), comm=lattice.comm)


class _Numbering:
    """From the indices of lattice points to their global numbers: each rank's block one after another, first index fastest."""

    def __init__(self, lattice: PETSc.DMDA) -> None:
        self.sizes = [np.asarray(r, np.int64) for r in lattice.getOwnershipRanges()]
        self.starts = [np.concatenate([[0], np.cumsum(s)]) for s in self.sizes]
        blocks = np.ones(1, np.int64)
        for s in self.sizes:
            blocks = np.multiply.outer(s, blocks).ravel()
        self.first = np.concatenate([[0], np.cumsum(blocks)])
        self.owned = int(blocks[lattice.comm.rank])

    def __call__(self, index: Sequence[npt.NDArray[np.int64]]) -> npt.NDArray[np.int64]:
        if len(self.first) == 2:  # one rank
            number = np.zeros_like(index[0])
            for i, s in zip(reversed(index), reversed(self.sizes), strict=True):
                number = number * s[0] + i
            return number
        block = np.zeros_like(index[0])
        number = np.zeros_like(index[0])
        for i, s, start in zip(reversed(index), reversed(self.sizes), reversed(self.starts), strict=True):
            at = np.searchsorted(start, i, side="right") - 1
            block = block * len(s) + at
            number = number * s[at] + (i - start[at])
        return self.first[block] + number


def _without(fixed: npt.NDArray[np.integer], matrix: PETSc.Mat) -> tuple[PETSc.Mat, npt.NDArray[np.integer]]:
    """A prolongation without the rows that have Dirichlet values, and which of the coarse ones are in the same places."""
    left, right = matrix.createVecLeft(), matrix.createVecRight()
    rows, columns, _ = matrix.getValuesCSR()
    at = fixed[np.diff(rows)[fixed] == 1]
    right.setValues(columns[rows[at]], np.ones(len(at)))
    right.assemble()
    coarse = np.flatnonzero(right.array_r)
    left.set(1.0)
    left.array[fixed] = 0.0
    right.set(1.0)
    right.array[coarse] = 0.0
    matrix.diagonalScale(left, right)
    return matrix, coarse
