"""Coarser spaces for multigrid on any mesh: continuous piecewise multilinear functions on lattices of points."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

from mpi4py import MPI
from petsc4py import PETSc

import numpy as np
import numpy.typing as npt

from dolfinx import fem, mesh

from hybrid.fem.points import bounds

Array = npt.NDArray[np.float64]
Indices = npt.NDArray[np.integer]

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

    The finest lattice has half as many points in each direction as the space has nodes (a third for cubics): on a uniform mesh
    of a box these are nodes. Every further one has half as many again, down to a few for each rank. The functions are
    multilinear between the points, whatever the shape of the mesh's cells: auxiliary spaces that need not be nested
    (Xu 1996, The auxiliary space method and optimal multigrid preconditioning techniques for unstructured grids).

    Args:
        space: Its owned dofs are the rows of the matrix that is to be solved with.
        bcs: Dirichlet conditions: their dofs get no correction, nor do the lattice points in the same places.
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
    found: list[PETSc.Mat] = []
    while True:
        lattice = _Lattice(domain.comm, low, high, counts, cell is not None)
        matrix, fixed = lattice.interpolation(points, fixed)
        found.insert(0, matrix)
        points = lattice.points()
        coarser = [n // 2 if n % 2 == 0 else _often_halved(n / 2) for n in counts]
        counts, last = [c if n >= 6 else n for n, c in zip(counts, coarser, strict=True)], counts
        if counts == last or np.prod(counts) < smallest * domain.comm.size:
            return found


def _counts(domain: mesh.Mesh, sides: Array, degree: int) -> list[int]:
    """Intervals of the finest lattice in each direction; collective."""
    corners = domain.geometry.dofmaps[0].T
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


class _Lattice:
    """Points at equal distances in a box, shared out over the ranks in blocks."""

    def __init__(self, comm: MPI.Comm, low: Array, high: Array, counts: Sequence[int], periodic: bool) -> None:
        self.comm, self.low, self.high, self.counts, self.periodic = comm, low, high, counts, periodic
        blocks = [1] * len(counts)  # most of them along the longest side; on small lattices some are empty
        for i, parts in zip(
            np.argsort(counts)[::-1], sorted(MPI.Compute_dims(comm.size, len(counts)), reverse=True), strict=True
        ):
            blocks[i] = parts
        totals = [n + (not periodic) for n in counts]
        self.starts = [np.arange(part + 1) * total // part for part, total in zip(blocks, totals, strict=True)]
        self.sizes = [np.diff(s) for s in self.starts]
        at = np.unravel_index(comm.rank, blocks, order="F")
        self.own = [(int(s[i]), int(s[i + 1])) for s, i in zip(self.starts, at, strict=True)]
        volumes = np.ones(1, np.int64)
        for s in self.sizes:
            volumes = np.multiply.outer(s, volumes).ravel()
        self.first = np.concatenate([[0], np.cumsum(volumes)])
        self.owned = int(volumes[comm.rank])
        # For every index in a direction: the block's share of the block number, the place in the block, the block's size.
        steps = np.cumprod([1, *blocks[:-1]])
        places = [np.repeat(np.arange(len(s)), s).astype(PETSc.IntType) for s in self.sizes]
        self.block = [a * step for a, step in zip(places, steps, strict=True)]
        self.within = [
            (np.arange(len(a)) - s[a]).astype(PETSc.IntType) for a, s in zip(places, self.starts, strict=True)
        ]
        self.extent = [s[a].astype(PETSc.IntType) for a, s in zip(places, self.sizes, strict=True)]

    def points(self) -> Array:
        """This rank's points, (n, d), in the order of their numbers."""
        steps = [(b - a) / n for a, b, n in zip(self.low, self.high, self.counts, strict=True)]
        axes = [a + h * np.arange(*own) for a, h, own in zip(self.low, steps, self.own, strict=True)]
        return np.stack([x.ravel() for x in np.meshgrid(*reversed(axes), indexing="ij")][::-1], axis=1)

    def numbers(self, index: Sequence[Any]) -> Any:
        """From indices in each direction to global numbers: block after block, the first index fastest."""
        if self.comm.size == 1:
            number = index[-1]
            for i, s in zip(index[-2::-1], self.sizes[-2::-1], strict=True):
                number = number * int(s[0]) + i
            return number
        block, number = self.block[-1][index[-1]], self.within[-1][index[-1]]
        for i, at, within, extent in zip(
            index[-2::-1], self.block[-2::-1], self.within[-2::-1], self.extent[-2::-1], strict=True
        ):
            block = block + at[i]
            number = number * extent[i] + within[i]
        return self.first[block] + number

    def interpolation(self, points: Array, fixed: Indices) -> tuple[PETSc.Mat, Indices]:
        """The matrix from values at lattice points to those of the multilinear interpolant; collective.

        Args:
            points: This rank's, (n, d).
            fixed: Which of them have Dirichlet values, and rows of zeros in the matrix.

        Returns:
            The matrix, and which of this rank's lattice points are in the places of fixed ones: their columns are zero too.
        """
        number, dim = points.shape
        base: list[Any] = []
        part: list[Any] = []
        kind = np.zeros(number, np.uint8)  # bit i: the point is between two lattice points in direction i
        for i, (x, low, high, n) in enumerate(zip(points.T, self.low, self.high, self.counts, strict=True)):
            at = x - low
            at *= n / (high - low)
            floor = np.floor(at + _NEAR)
            at -= floor
            kind |= (at > _NEAR).astype(np.uint8) << np.uint8(i)
            base.append(floor.astype(PETSc.IntType))
            part.append(at)
        sizes = np.array([2 ** k.bit_count() for k in range(2**dim)], PETSc.IntType)
        rows = np.zeros(number + 1, PETSc.IntType)
        np.cumsum(sizes[kind], out=rows[1:])
        columns, weights = np.empty(rows[-1], PETSc.IntType), np.empty(rows[-1])
        for k in range(2**dim):
            used = np.flatnonzero(kind == k)
            place, inside, right = rows[used], [b[used] for b in base], [p[used] for p in part]
            for corner in product(*((0, 1) if k >> i & 1 else (0,) for i in range(dim))):
                index = [b + c if c else b for b, c in zip(inside, corner, strict=True)]
                if self.periodic:
                    index = [i % n for i, n in zip(index, self.counts, strict=True)]
                weight: Any = 1.0
                for i, c in enumerate(corner):
                    if k >> i & 1:
                        weight = weight * (right[i] if c else 1.0 - right[i])
                columns[place], weights[place] = self.numbers(index), weight
                place += 1
        for entry in range(2**dim):
            at = rows[fixed] + entry
            weights[at[at < rows[fixed + 1]]] = 0.0
        size = ((number, None), (self.owned, None))
        matrix = PETSc.Mat().createAIJ(size, csr=(rows, columns, weights), comm=self.comm)
        kept = matrix.createVecRight()
        here = columns[rows[fixed[kind[fixed] == 0]]]
        kept.setValues(here, np.ones(len(here)))
        kept.assemble()
        without = np.flatnonzero(kept.array_r)
        kept.set(1.0)
        kept.array[without] = 0.0
        matrix.diagonalScale(None, kept)
        return matrix, without
