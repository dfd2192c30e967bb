"""Element matrices of ∫ (a ∇u)·∇v on uniform hexahedra: the sums over quadrature points are done direction by direction.

In d directions with n basis functions and q points each that takes n^2d q operations where a sum over all points takes
n^2d q^d (Orszag 1980, Spectral methods for problems in complex geometries).
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

from mpi4py import MPI

import numpy as np
import numpy.typing as npt

import basix
from dolfinx import fem, la

from hybrid.fem.algebra.stencil import Entries
from hybrid.fem.meshes.bricks import bricks_of

Array = npt.NDArray[np.float64]

_PIECE = 64
"""Cells that are dealt with at a time: what belongs to them stays near the processor."""


def filling(space: fem.FunctionSpace, a: Entries, quadrature: int) -> Callable[[la.MatrixCSR], None] | None:
    """What adds the element matrices of this rank's cells to a matrix; None where the mesh is not one of those; collective.

    Args:
        space: Lagrange elements.
        a: The coefficient as a function of coordinates.
        quadrature: Its degree.
    """
    mesh, element = space.mesh, space.element.basix_element
    bricks = bricks_of(mesh) if mesh.topology.cell_name() == "hexahedron" else None
    if bricks is None or any(np.ptp(np.diff(line)) > 1e-12 * np.ptp(line) for line in bricks.lines):
        return None
    straight = all(not kind.origin.any() and np.array_equal(kind.inverse, np.eye(3)) for kind in bricks.kinds)
    if not mesh.comm.allreduce(straight, op=MPI.LAND):
        return None
    sides = np.array([np.ptp(line) / (len(line) - 1) for line in bricks.lines])
    line = basix.create_element(
        basix.ElementFamily.P, basix.CellType.interval, element.degree, element.lagrange_variant
    )
    order = np.argsort(line.points[:, 0])
    points, weights = basix.make_quadrature(basix.CellType.interval, quadrature)
    tables = line.tabulate(1, points)[:, :, order, 0]  # values and slopes, (2, q, n)
    count = len(order)
    # Of the hexahedron's basis functions, those in the order of their nodes, the last direction fastest.
    lexicographic = np.lexsort(np.round(element.points, 12).T[::-1])

    def factors(k: int, m: int) -> list[Array]:
        """For each direction the products of basis functions, (q, n²): in direction k the first one's slope is taken."""
        found = []
        for i, side in enumerate(sides):
            left, right = tables[int(i == k)], tables[int(i == m)]
            scale = side ** (1 - (i == k) - (i == m))
            found.append(scale * np.einsum("q,qi,qj->qij", weights, left, right).reshape(len(weights), -1))
        return found

    terms = {(k, m): factors(k, m) for k, m in product(range(3), repeat=2)}

    def fill(matrix: la.MatrixCSR) -> None:
        owned = mesh.topology.index_map(3).size_local
        dofs = np.ascontiguousarray(space.dofmap.list[:owned][:, lexicographic])
        lower = mesh.geometry.x[mesh.geometry.dofmaps[0][:owned]].min(axis=1)
        for begin in range(0, owned, _PIECE):
            rows = dofs[begin : begin + _PIECE]
            at = lower[begin : begin + _PIECE, :, None] + sides[:, None] * points[:, 0]  # (cells, 3, q)
            entries = a([at[:, 0, :, None, None], at[:, 1, None, :, None], at[:, 2, None, None, :]])
            values = _element_matrices(entries, terms, (len(rows), *[len(weights)] * 3), count)
            for own, each in zip(rows, values, strict=True):
                matrix.add(each, own, own)

    return fill


def _element_matrices(entries: Any, terms: dict[tuple[int, int], list[Array]], shape: Any, count: int) -> Array:
    """(cells, n^6): the entries of the matrices of some cells."""
    cells, points = shape[0], shape[1]
    total: Any = 0.0
    for (k, m), (first, second, third) in terms.items():
        entry = entries[k][m]
        if isinstance(entry, float) and entry == 0.0:
            continue
        a = np.broadcast_to(entry, shape).reshape(cells, points, -1)
        # Products of small matrices, one for each cell: of large ones BLAS would take threads that other ranks need.
        a = np.matmul(first.T, a).reshape(cells * count**2, points, points)
        a = np.matmul(second.T, a).reshape(cells, count**4, points)
        total = total + np.matmul(a, third)
    six = np.reshape(total, (cells, *[count] * 6))
    return np.ascontiguousarray(six.transpose(0, 1, 3, 5, 2, 4, 6)).reshape(cells, -1)
