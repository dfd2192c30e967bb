"""Functions on lattices: their matrices against those of DOLFINx and of one another, on any number of ranks."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from mpi4py import MPI
from petsc4py import PETSc

import numpy as np
import numpy.typing as npt
import pytest

import ufl
from dolfinx import fem

from hybrid.fem.algebra.assembly import assembled
from hybrid.fem.algebra.lattice import Lattice
from hybrid.fem.algebra.stencil import operator
from hybrid.fem.meshes.box import blocks, box, zero_on_boundary

pytestmark = pytest.mark.mpi
BOX = [(0, 2), (-1, 1), (0.5, 1)]
NONE = np.empty(0, np.int32)


def lattice(comm: MPI.Comm, counts: Sequence[int], periodic: bool = False) -> Lattice:
    low, high = np.array(BOX[: len(counts)], dtype=float).T
    return Lattice(comm, low, high, counts, periodic)


def full(x: Any, sin: Any) -> list[list[Any]]:
    """A full matrix, of period 2 in each direction of the box (1/2 in the third)."""
    wave = [sin(np.pi * (1 if i < 2 else 4) * x[i]) for i in range(len(x))]
    sides = {(i, j): 0.3 * wave[i] * wave[j] for i in range(len(x)) for j in range(i)}
    return [
        [2.0 + i + wave[i] if i == j else sides[max(i, j), min(i, j)] for j in range(len(x))] for i in range(len(x))
    ]


def dense(matrix: PETSc.Mat, rows: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The whole matrix on every rank, and the points of all rows."""
    starts, columns, values = matrix.getValuesCSR()
    gathered = matrix.comm.tompi4py().allgather((np.diff(starts), columns, values, rows))
    whole = np.zeros((sum(len(part[0]) for part in gathered), matrix.getSize()[1]))
    row = 0
    for sizes, at, entries, _ in gathered:
        np.add.at(whole, (row + np.repeat(np.arange(len(sizes)), sizes), at), entries)
        row += len(sizes)
    return whole, np.concatenate([part[3] for part in gathered])


@pytest.mark.parametrize("counts", [[7], [5, 8], [6, 3], [3, 4, 5], [1, 1, 2]])
@pytest.mark.parametrize("fixed", [False, True])
def test_the_operator_is_that_of_dolfinx(comm: MPI.Comm, counts: list[int], fixed: bool) -> None:
    """Where the mesh has the lattice's cells and its quadrature the same points, PᵀAP is the lattice's own matrix."""
    dim = len(counts)
    space = fem.functionspace(box(comm, BOX[:dim], counts, "box"), ("Lagrange", 1))
    bcs = zero_on_boundary(space) if fixed else []
    x, u, v = ufl.SpatialCoordinate(space.mesh), ufl.TrialFunction(space), ufl.TestFunction(space)
    a = ufl.as_matrix(full(x, ufl.sin))
    matrix = assembled(ufl.inner(a * ufl.grad(u), ufl.grad(v)) * ufl.dx(metadata={"quadrature_degree": 3}), bcs)
    owned = space.dofmap.index_map.size_local
    dofs = bcs[0].dof_indices()[0] if fixed else NONE
    grid = lattice(comm, counts)
    prolongation, kept = grid.interpolation(space.tabulate_dof_coordinates()[:owned, :dim], dofs[dofs < owned])
    own, points = dense(operator(grid, lambda c: full(c, np.sin), kept), grid.points())
    product, _ = dense(matrix.PtAP(prolongation), grid.points())
    inside = ((points > [low + 1e-9 for low, _ in BOX[:dim]]) & (points < [high - 1e-9 for _, high in BOX[:dim]])).all(
        axis=1
    )
    if fixed:  # PᵀAP has empty rows there
        product[~inside, ~inside] = 1.0
    assert np.abs(own).max() > 0.5
    assert np.abs(own - product).max() < 1e-12 * np.abs(own).max()


@pytest.mark.parametrize(
    ("counts", "periodic", "fixed"),
    [([12], True, False), ([8, 12], True, False), ([8, 12], False, True), ([10, 6], False, False), ([6, 8, 6], True, False)],
)  # fmt: skip
def test_on_every_second_point_the_operator_is_a_product(
    comm: MPI.Comm, counts: list[int], periodic: bool, fixed: bool
) -> None:
    dim = len(counts)
    fine, coarse = lattice(comm, counts, periodic), lattice(comm, [n // 2 for n in counts], periodic)
    points = fine.points()
    low, high = np.array(BOX[:dim]).T
    edge = np.flatnonzero((np.abs(points - low) < 1e-9).any(axis=1) | (np.abs(points - high) < 1e-9).any(axis=1))
    _, kept = fine.interpolation(points, edge if fixed else NONE)
    prolongation, coarse_kept = coarse.interpolation(points, edge if fixed else NONE)

    def a(x: Sequence[Any]) -> list[list[Any]]:
        return full(x, np.sin)

    own, at = dense(operator(coarse, a, coarse_kept, 2), coarse.points())
    product, _ = dense(operator(fine, a, kept).PtAP(prolongation), at)
    if fixed:
        inside = ((at > low + 1e-9) & (at < high - 1e-9)).all(axis=1)
        product[~inside, ~inside] = 1.0
        assert (own[~inside] == np.eye(len(at))[~inside]).all()
    else:
        assert np.abs(own.sum(axis=1)).max() < 1e-12 * np.abs(own).max()
    assert np.abs(own - product).max() < 1e-12 * np.abs(own).max()


def test_meshes_and_lattices_are_shared_out_alike(comm: MPI.Comm) -> None:
    """So that little is interpolated from other ranks' points: cells lie in the block of their rank."""
    for counts, shape in (([12, 24], "simplex"), ([24, 12], "box"), ([8, 12, 24], "box"), ([24, 8, 12], "simplex")):
        dim = len(counts)
        mesh = box(comm, BOX[:dim], counts, shape)
        cells = mesh.topology.index_map(dim).size_local
        middle = mesh.geometry.x[mesh.geometry.dofmaps[0][:cells]].mean(axis=1)[:, :dim]
        low, high = np.array(BOX[:dim]).T
        parts = blocks(comm.size, counts)
        place = np.array(np.unravel_index(comm.rank, parts, order="F"))
        assert (np.floor((middle - low) / (high - low) * parts + 1e-9) == place).all()
        assert comm.allreduce(cells) == np.prod(counts) * (1 if shape == "box" else {2: 2, 3: 6}[dim])


def test_rows_are_sorted_round_a_period() -> None:
    """Round a period the neighbours' order is broken; PETSc's products would then be wrong, without a word."""
    grid = lattice(MPI.COMM_SELF, [4, 5], True)
    _, kept = grid.interpolation(grid.points(), NONE)
    for matrix in (operator(grid, lambda c: full(c, np.sin), kept), grid.interpolation(grid.points() + 0.1, NONE)[0]):
        starts, columns, _ = matrix.getValuesCSR()
        assert all((np.diff(columns[a:b]) > 0).all() for a, b in itertools.pairwise(starts))
