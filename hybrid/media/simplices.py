"""Straight and curved simplices: the map from barycentric coordinates, its inverse, quadrature, and exact subdivision.

Nodes are in VTK's order: the vertices, and for second-order ones the middles of the edges (0, 1), (1, 2), (2, 0), (0, 3),
(1, 3), (2, 3).
"""

from __future__ import annotations

import itertools
import math
from functools import cache

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

_STEPS = 8
"""Of Newton's method, for the inverse of the map of a curved simplex."""


def edges(dim: int) -> list[tuple[int, int]]:
    """The vertices of the edges, in VTK's order."""
    return [(0, 1), (1, 2), (2, 0), (0, 3), (1, 3), (2, 3)][: dim * (dim + 1) // 2]


@cache
def lattice(dim: int, degree: int) -> Array:
    """The nodes in barycentric coordinates, (nodes, dim + 1)."""
    corners = np.eye(dim + 1)
    middles = [(corners[a] + corners[b]) / 2 for a, b in edges(dim)] if degree > 1 else []
    return np.vstack([corners, *middles])


def shapes(degree: int, at: Array) -> Array:
    """The basis functions at barycentric coordinates, (…, dim + 1) -> (…, nodes)."""
    if degree == 1:
        return at
    middles = [4 * at[..., a] * at[..., b] for a, b in edges(at.shape[-1] - 1)]
    return np.concatenate([at * (2 * at - 1), np.stack(middles, axis=-1)], axis=-1)


def slopes(degree: int, at: Array) -> Array:
    """Their derivatives by the last dim barycentric coordinates, the first one being 1 less the others, (…, dim, nodes)."""
    dim = at.shape[-1] - 1
    inner = np.zeros((*at.shape, dim + 1))
    inner[..., range(dim + 1), range(dim + 1)] = 1.0 if degree == 1 else 4 * at - 1
    if degree > 1:
        outer = np.zeros((*at.shape, len(edges(dim))))
        for k, (a, b) in enumerate(edges(dim)):
            outer[..., a, k], outer[..., b, k] = 4 * at[..., b], 4 * at[..., a]
        inner = np.concatenate([inner, outer], axis=-1)
    return inner[..., 1:, :] - inner[..., :1, :]


def rule(dim: int, count: int) -> tuple[Array, Array]:
    """Gauss's rule with count^dim points on a cube that is collapsed to the simplex: barycentric coordinates, and weights with
    the sum 1 (Stroud 1971, Approximate calculation of multiple integrals, conical products)."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    nodes, weights = (nodes + 1) / 2, weights / 2
    points, total = np.ones((1, 1)), np.ones(1)
    for d in range(1, dim + 1):  # from the last coordinate of a simplex to a cone over it
        part = np.repeat(nodes, len(points))
        points = np.column_stack([np.tile(points, (count, 1)) * (1 - part)[:, None], part])
        total = np.repeat(weights * d * (1 - nodes) ** (d - 1), len(total)) * np.tile(total, count)
    return points, total


def inverse(degree: int, nodes: Array, points: Array) -> Array:
    """Barycentric coordinates of points in one simplex each, (n, nodes, dim) and (n, dim) -> (n, dim + 1); negative where
    there are none, far outside of a curved one."""
    dim = points.shape[1]
    if degree > 1:
        bent = curved(nodes)
        at = inverse(1, nodes[:, : dim + 1], points)
        if bent.any():
            at[bent] = _by_newton(degree, nodes[bent], points[bent])
        return at
    return _by_newton(degree, nodes, points)


def curved(nodes: Array) -> npt.NDArray[np.bool_]:
    """Which of some second-order simplices, (n, nodes, dim), are no straight ones."""
    dim = nodes.shape[2]
    straight = lattice(dim, 2) @ nodes[:, : dim + 1]
    size = np.abs(nodes[:, : dim + 1] - nodes[:, :1]).max(axis=(1, 2))
    return np.asarray(np.abs(straight - nodes).max(axis=(1, 2)) > 1e-12 * size)


def _by_newton(degree: int, nodes: Array, points: Array) -> Array:
    dim = points.shape[1]
    at = np.full((len(points), dim + 1), 1 / (dim + 1))
    for _ in range(_STEPS if degree > 1 else 1):
        off = points - np.einsum("nk,nki->ni", shapes(degree, at), nodes)
        jacobian = np.einsum("njk,nki->nij", slopes(degree, at), nodes)
        with np.errstate(all="ignore"):
            step = np.linalg.solve(jacobian, off[:, :, None])[:, :, 0]
        at[:, 1:] += np.nan_to_num(step) if degree == 1 else np.clip(np.nan_to_num(step), -1, 1)
        at[:, 0] = 1 - at[:, 1:].sum(axis=1)
    if degree > 1:  # far outside it may end anywhere
        off = np.abs(points - np.einsum("nk,nki->ni", shapes(degree, at), nodes)).max(axis=1)
        at[~(off <= 1e-9 * np.abs(nodes - nodes[:, :1]).max(axis=(1, 2)))] = -1.0
    return at


@cache
def children(dim: int) -> Array:
    """The corners of the 2^dim parts of a simplex in barycentric coordinates, (parts, dim + 1, dim + 1); of the octahedron that
    is left of a tetrahedron without its corners four that share a diagonal."""
    corner = np.eye(dim + 1)

    def middle(a: int, b: int) -> Array:
        return np.asarray((corner[a] + corner[b]) / 2)

    found = [[middle(a, b) for b in range(dim + 1)] for a in range(dim + 1)]
    if dim == 2:
        found.append([middle(0, 1), middle(1, 2), middle(2, 0)])
    if dim == 3:
        ends = middle(0, 2), middle(1, 3)
        ring = [middle(0, 1), middle(1, 2), middle(2, 3), middle(3, 0)]
        found += [[*ends, ring[i - 1], ring[i]] for i in range(4)]
    return np.array(found)


def subdivided(degree: int, points: Array, cells: Indices) -> tuple[Array, Indices]:
    """The mesh with each cell in 2^dim parts, one after another; of the same degree, and exactly of the same shape.

    Nodes are told apart by the vertices that they lie between, and where: parts of neighbours have the same ones.
    """
    dim = points.shape[1]
    places = lattice(dim, degree) @ children(dim)  # (parts, nodes, dim + 1)
    flat = places.reshape(-1, dim + 1)
    vertices = cells[:, : dim + 1]
    share = np.round(4 * flat).astype(np.int64)
    keys = np.where(share > 0, vertices[:, None, :] * 5 + share, -1)
    keys = np.sort(keys.reshape(-1, dim + 1), axis=1)
    number = np.zeros(len(keys), np.int64)
    for column in keys.T:  # numbered anew after each column, they stay small
        _, first, number = np.unique(number * (keys.max() + 2) + column + 1, return_index=True, return_inverse=True)
    moved = placed(degree, points[cells], flat).reshape(-1, dim)
    return moved[first], number.reshape(-1, places.shape[1])


def volumes(degree: int, nodes: Array) -> Array:
    """Of simplices given by their nodes, (cells, nodes, dim)."""
    dim = nodes.shape[2]
    at, weights = rule(dim, degree + 1)
    return np.abs(jacobians(degree, nodes, at)) @ weights / math.factorial(dim)


def jacobians(degree: int, nodes: Array, at: Array) -> Array:
    """The determinants of their maps at some barycentric coordinates, (cells, places)."""
    return np.asarray(np.linalg.det(np.tensordot(nodes, slopes(degree, at), axes=(1, 2)).transpose(0, 2, 3, 1)))


def placed(degree: int, nodes: Array, at: Array) -> Array:
    """Where some barycentric coordinates are in each of some simplices, (cells, places, dim)."""
    return np.asarray(np.tensordot(nodes, shapes(degree, at), axes=(1, 1)).transpose(0, 2, 1))


def facets(dim: int, degree: int) -> list[list[int]]:
    """The nodes of each facet, in VTK's order of a simplex of one dimension less; the facet opposite of vertex i comes i-th."""
    found = []
    for corners in reversed(list(itertools.combinations(range(dim + 1), dim))):
        middles = []
        if degree > 1:
            known = {frozenset(edge): dim + 1 + k for k, edge in enumerate(edges(dim))}
            middles = [known[frozenset((corners[a], corners[b]))] for a, b in edges(dim - 1)]
        found.append([*corners, *middles])
    return found
