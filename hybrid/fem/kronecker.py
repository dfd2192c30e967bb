"""-∇·(a ∇u) = f, u = 0 on ∂Ω, with constant a on boxes of rectangular cells.

The matrix is a sum of Kronecker products of the matrices of lines. Where a is diagonal their eigenvectors invert it (Lynch,
Rice and Thomas 1964, Direct solution of partial difference equations by tensor product methods); otherwise that inverse, of
the diagonal of a, is the preconditioner of conjugate gradients. No matrix of all unknowns is ever there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from mpi4py import MPI

import numpy as np
import numpy.typing as npt

import basix
import ufl
from dolfinx import fem

from hybrid.clock import clock
from hybrid.fem.algebra.assembly import load
from hybrid.fem.dirichlet import Solution
from hybrid.fem.meshes.box import zero_on_boundary
from hybrid.fem.meshes.bricks import bricks_of
from hybrid.fem.meshes.lines import line_nodes
from hybrid.parallel import on_root

Array = npt.NDArray[np.float64]

_TOLERANCE = 1e-10
"""Of the residual, relative: that of `hybrid.fem.algebra.linear.ITERATIVE`."""
_ITERATIONS = 100
_LONGEST = 1500
"""Nodes along a side, at the most: the eigenvectors of longer lines take longer than multigrid."""


@dataclass(frozen=True)
class Line:
    """Lagrange elements on an interval.

    Attributes:
        nodes: All of them, ascending, (n + 2,).
        stiffness: ∫ φ_i′ φ_j′ for the n inner ones, (n, n).
        slope: ∫ φ_i′ φ_j.
        mass: ∫ φ_i φ_j.
    """

    nodes: Array
    stiffness: Array
    slope: Array
    mass: Array

    @classmethod
    def of(cls, ends: Array, degree: int, variant: basix.LagrangeVariant) -> Line:
        """From the ends of the cells, ascending."""
        element = basix.create_element(basix.ElementFamily.P, basix.CellType.interval, degree, variant)
        order = np.argsort(element.points[:, 0])
        points, weights = basix.make_quadrature(basix.CellType.interval, 2 * degree)
        values, slopes = element.tabulate(1, points)[:, :, order, 0]
        h = np.diff(ends)
        cells = degree * np.arange(len(h))[:, None] + np.arange(degree + 1)
        nodes = line_nodes(ends, degree, variant)

        def assembled(left: Array, right: Array, scale: Array) -> Array:
            local = np.einsum("q,qi,qj->ij", weights, left, right)
            whole = np.zeros((len(nodes), len(nodes)))
            np.add.at(whole, (cells[:, :, None], cells[:, None, :]), scale[:, None, None] * local)
            return whole[1:-1, 1:-1]

        return cls(
            nodes,
            assembled(slopes, slopes, 1 / h),
            assembled(slopes, values, np.ones_like(h)),
            assembled(values, values, h),
        )

    def eigen(self) -> tuple[Array, Array]:
        """λ, (n,), and V, (n, n), with stiffness V = mass V diag(λ) and Vᵀ mass V = 1."""
        inverse = np.linalg.inv(np.linalg.cholesky(self.mass))
        values, vectors = np.linalg.eigh(inverse @ self.stiffness @ inverse.T)
        return values, inverse.T @ vectors


def solve_constant(
    space: fem.FunctionSpace, a: Array, f: ufl.core.expr.Expr, quadrature: int | None = None
) -> Solution | None:
    """Find u in the space with u = 0 on ∂Ω and ∫ a∇u·∇φ = ∫ f φ for all φ; collective.

    Args:
        space: Lagrange elements.
        a: The coefficient, symmetric and positive definite, (d, d).
        f: The right-hand side.
        quadrature: Its degree; by default twice that of the elements.

    Returns:
        The solution; None where the mesh is no box of quadrilaterals or hexahedra, or too long a one, or a so far from a
        diagonal matrix that conjugate gradients do not converge.
    """
    begin = clock()
    mesh, element = space.mesh, space.element.basix_element
    bricks = bricks_of(mesh) if mesh.topology.cell_name() in {"quadrilateral", "hexahedron"} else None
    if bricks is None or max(map(len, bricks.lines)) * element.degree > _LONGEST:
        return None
    lines = [Line.of(ends, element.degree, element.lagrange_variant) for ends in bricks.lines]
    bcs, v = zero_on_boundary(space), ufl.TestFunction(space)
    dx = ufl.dx(metadata={"quadrature_degree": quadrature or 2 * element.degree})
    b = load(f * v * dx, bcs)
    places = tuple(
        np.searchsorted((line.nodes[1:] + line.nodes[:-1]) / 2, x)
        for line, x in zip(lines, space.tabulate_dof_coordinates().T, strict=False)
    )
    owned = b.local_size
    right = np.zeros([len(line.nodes) for line in lines])
    right[tuple(place[:owned] for place in places)] = b.array_r
    b.destroy()
    mesh.comm.Reduce(MPI.IN_PLACE if mesh.comm.rank == 0 else right, right, root=0)
    filled = clock()
    found = on_root(mesh.comm, lambda: _solved(lines, a, right[(slice(1, -1),) * len(lines)]))
    if found is None:
        return None
    values, iterations = found
    solution = fem.Function(space)
    solution.x.array[:] = np.pad(values, 1)[places]
    end = clock()
    steps = {"assembly": filled - begin, "setup": 0.0, "solve": end - filled}
    return Solution(solution, end - begin, iterations, steps=steps)


def _solved(lines: Sequence[Line], a: Array, b: Array) -> tuple[Array, int] | None:
    """The values at the inner nodes, and in how many iterations."""
    dim = len(lines)
    terms: list[tuple[float, list[Array]]] = []
    for i, j in product(range(dim), repeat=2):
        if entry := (a[i, j] + a[j, i]) / 2:
            matrices = [line.mass for line in lines]
            if i == j:
                matrices[i] = lines[i].stiffness
            else:
                matrices[i], matrices[j] = lines[i].slope, lines[j].slope.T
            terms.append((entry, matrices))
    values, vectors = zip(*(line.eigen() for line in lines), strict=True)
    scale = sum(a[i, i] * v.reshape([-1 if k == i else 1 for k in range(dim)]) for i, v in enumerate(values))

    def operator(u: Array) -> Array:
        return np.asarray(sum(entry * _product(matrices, u) for entry, matrices in terms))

    def inverse(u: Array) -> Array:
        return _product(vectors, _product([v.T for v in vectors], u) / scale)

    enough = _TOLERANCE * np.linalg.norm(b)
    x = inverse(b)
    residual = b - operator(x)
    direction, last = np.zeros_like(b), math.inf
    for iteration in range(1, _ITERATIONS + 1):
        if np.linalg.norm(residual) <= enough:
            return x, iteration
        z = inverse(residual)
        size = float(np.vdot(residual, z))
        direction, last = z + size / last * direction, size
        image = operator(direction)
        step = size / float(np.vdot(direction, image))
        x, residual = x + step * direction, residual - step * image
    return None


def _product(matrices: Sequence[Array], u: Array) -> Array:
    """(m_1 ⊗ m_2 …) u."""
    for k, matrix in enumerate(matrices):
        u = np.matmul(matrix, u.reshape(math.prod(u.shape[:k]), u.shape[k], -1)).reshape(u.shape)
    return u
