"""Lagrange elements of any degree on the leaves of a `Forest`: numbering, quadrature, energies of periodic functions."""

from __future__ import annotations

from dataclasses import dataclass

from mpi4py import MPI
from petsc4py import PETSc

import numpy as np
import numpy.typing as npt

import basix

from hybrid.fem.algebra.linear import DIRECT, LinearSolver
from hybrid.fem.meshes.bisection import Forest, edges_of

Array = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]


def element(degree: int) -> basix.finite_element.FiniteElement:
    """The reference element."""
    return basix.create_element(
        basix.ElementFamily.P, basix.CellType.triangle, degree, basix.LagrangeVariant.gll_warped
    )


def rule(degree: int, refined: int = 0) -> tuple[Array, Array]:
    """Points, (q, 2), and weights of a quadrature of the reference triangle, on its 4^refined equal parts."""
    points, weights = basix.make_quadrature(basix.CellType.triangle, degree)
    triangles = np.array([[[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]])
    for _ in range(refined):
        a, b, c = triangles.transpose(1, 0, 2)
        ab, bc, ca = (a + b) / 2, (b + c) / 2, (c + a) / 2
        parts = [(a, ab, ca), (ab, b, bc), (ca, bc, c), (bc, ca, ab)]
        triangles = np.concatenate([np.stack(part, axis=1) for part in parts])
    a, b, c = triangles.transpose(1, 0, 2)
    inside = a[:, None] + points[:, :1] * (b - a)[:, None] + points[:, 1:] * (c - a)[:, None]
    return inside.reshape(-1, 2), np.tile(weights, len(triangles)) / len(triangles)


@dataclass(frozen=True)
class Part:
    """Triangles that are integrated by one rule.

    Attributes:
        index: Which of the leaves they are, (n,).
        a: The coefficient at the rule's points, (n, q, 2, 2); q = 1 where it is constant.
        points: Of the rule, (q, 2).
        weights: Of the rule, (q,).
    """

    index: Indices
    a: Array
    points: Array
    weights: Array


class TorusSpace:
    """Continuous piecewise polynomials on the torus.

    Args:
        forest: Its leaves are the mesh.
        degree: Of the polynomials.

    Attributes:
        leaves: Numbers of the mesh's triangles in the forest.
        dofs: Of each of them, (n, basis functions).
        size: How many dofs there are.
    """

    def __init__(self, forest: Forest, degree: int) -> None:
        self.forest, self.degree, self.element = forest, degree, element(degree)
        self.leaves = forest.leaves()
        corners = forest.vertices[self.leaves]
        used, local = np.unique(corners, return_inverse=True)
        local = local.reshape(corners.shape)
        keys, edges = edges_of(corners, len(forest.positions))
        per_edge, per_cell = degree - 1, (degree - 1) * (degree - 2) // 2
        columns = [local]
        along = np.arange(per_edge)
        # Basix: edge 0 from vertex 1 to 2, edge 1 from 0 to 2, edge 2 from 0 to 1.
        for (begin, end), edge in zip([(1, 2), (0, 2), (0, 1)], (1, 2, 0), strict=True):
            backwards = (corners[:, begin] > corners[:, end])[:, None]
            columns.append(len(used) + edges[:, [edge]] * per_edge + np.where(backwards, per_edge - 1 - along, along))
        inner = len(used) + len(keys) * per_edge
        columns.append(inner + np.arange(len(corners))[:, None] * per_cell + np.arange(per_cell))
        self.dofs: Indices = np.concatenate(columns, axis=1)
        self.size = inner + len(corners) * per_cell
        self.vertices = used
        jacobian = np.stack([forest.first[self.leaves], forest.second[self.leaves]], axis=2)
        a, b, c, d = (jacobian[:, i, j] for i in (0, 1) for j in (0, 1))
        determinant = a * d - b * c
        self.inverse = np.stack([np.stack([d, -b], 1), np.stack([-c, a], 1)], 1) / determinant[:, None, None]
        self.volume = np.abs(determinant)

    def places(self, index: Indices, points: Array) -> Array:
        """Where points of the reference triangle are, (n, q, 2)."""
        at, forest = self.leaves[index], self.forest
        return np.asarray(
            forest.origin[at, None] + points[:, :1] * forest.first[at, None] + points[:, 1:] * forest.second[at, None]
        )

    def slopes(self, points: Array) -> Array:
        """Derivatives of the basis functions on the reference triangle, (2, q, b)."""
        return np.asarray(self.element.tabulate(1, points)[1:, :, :, 0])

    def gradients(self, part: Part, values: Array) -> Array:
        """Of a function, at the points of a part, (n, q, 2)."""
        slopes = self.slopes(part.points)
        inner = np.stack([values[self.dofs[part.index]] @ slope.T for slope in slopes], axis=2)
        return inner @ self.inverse[part.index]  # a row times the inverse: the transposed inverse times a column

    def solve(self, parts: list[Part], a: list[Array]) -> tuple[list[Array], int]:
        """The correctors of coefficients given on parts: functions of the torus, up to a constant.

        Raises:
            SolverError: The factorization failed.
        """
        rows, columns, entries = [], [], []
        loads = np.zeros((2, self.size))
        for part, coefficient in zip(parts, a, strict=True):
            slopes, inverse = self.slopes(part.points), self.inverse[part.index]
            dofs, count = self.dofs[part.index], self.dofs.shape[1]
            weight = part.weights * np.ones(coefficient.shape[1])[:, None] if coefficient.shape[1] == 1 else None
            products = np.einsum("aqi,bqj->qabij", slopes, slopes)
            moments = slopes
            if weight is not None:  # constant on each triangle: the integrals of the basis functions do
                products = np.einsum("q,qabij->abij", part.weights, products)[None]
                moments = np.einsum("q,aqi->ai", part.weights, slopes)[:, None]
                scaled = coefficient * self.volume[part.index, None, None, None]
            else:
                scaled = coefficient * (self.volume[part.index, None] * part.weights)[:, :, None, None]
            pulled = inverse[:, None] @ scaled  # J⁻¹ a, (n, q, 2, 2)
            local = (pulled @ inverse[:, None].swapaxes(2, 3)).reshape(len(dofs), -1)
            local = local @ products.reshape(-1, count * count)
            rows.append(np.repeat(dofs, count, axis=1).ravel())
            columns.append(np.tile(dofs, (1, count)).ravel())
            entries.append(local.ravel())
            for j in range(2):
                np.subtract.at(loads[j], dofs, np.einsum("nqa,aqi->ni", pulled[..., j], moments))
        matrix = PETSc.Mat().create(MPI.COMM_SELF)
        matrix.setSizes((self.size - 1, self.size - 1))  # the first value is held at zero
        matrix.setType("aij")
        matrix.setPreallocationCOO(
            (np.concatenate(rows) - 1).astype(PETSc.IntType), (np.concatenate(columns) - 1).astype(PETSc.IntType)
        )
        matrix.setValuesCOO(np.concatenate(entries))
        solver = LinearSolver(matrix, "cell_", DIRECT)
        found = []
        try:
            for load in loads:
                b, x = matrix.createVecs()
                b.array[:] = load[1:]
                solver.solve(b, x)
                found.append(np.concatenate([[0.0], x.array_r]))
                b.destroy()
                x.destroy()
        finally:
            solver.close()
        return found, self.size - 1

    def means(self, values: Array) -> float:
        """The mean of a function over the torus."""
        points, weights = rule(self.degree)
        basis = self.element.tabulate(0, points)[0, :, :, 0]
        local = values[self.dofs] @ (weights @ basis)
        return float(self.volume @ local / (self.volume.sum() * weights.sum()))
