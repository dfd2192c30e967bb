"""Triangulations of a periodic rectangle, refined by newest-vertex bisection.

The triangulation lives on the torus: a vertex on one face is the vertex on the opposite one, so that faces always match. A
triangle has its vertices' numbers and its own edge vectors, which bisection halves exactly: it may be as small as numbers can
be, whatever its place, which is known to rounding only. Mitchell 1991, Adaptive refinement for arbitrary finite-element spaces
with hierarchical bases; Funken, Praetorius, Wissgott 2011 for the closure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]


class Forest:
    """Triangles and all that they have been bisected into; the leaves are the mesh.

    The refinement edge of a triangle is that between its vertices 0 and 1; 2 is the newest one.

    Args:
        axes: Two ascending arrays, the mesh lines of the coarsest mesh from one face to the other; three cells at least.
        frozen_below: Triangles smaller than this take over the coefficient of their parents.
        coefficient: From points, (n, 2), to a, (n, 2, 2); for that.

    Attributes:
        vertices: Of each triangle of the forest, (n, 3).
        first: The vector from vertex 0 to vertex 1, (n, 2).
        second: From vertex 0 to vertex 2.
        origin: The place of vertex 0 in the rectangle, upper faces included.
        generation: How often it was bisected to get there.
        frozen: a, (n, 2, 2), of those that are too small to be evaluated; NaN for the others.
        leaf: Whether it has no children.
        parent: Of each triangle; -1 in the coarsest mesh.
        positions: Of the vertices, (m, 2), on the lower faces where they are on both.
        corners: How many of the vertices are those of the coarsest mesh: they come first.
    """

    def __init__(self, axes: Sequence[Array], frozen_below: float, coefficient: Callable[[Array], Array]) -> None:
        self.low = np.array([axis[0] for axis in axes])
        self.sides = np.array([axis[-1] - axis[0] for axis in axes])
        self._frozen_below, self._coefficient = frozen_below, coefficient
        m, n = (len(axis) - 1 for axis in axes)
        i, j = (index.ravel() for index in np.meshgrid(np.arange(m), np.arange(n), indexing="ij"))
        self.positions = np.stack([axes[0][i], axes[1][j]], axis=1)
        self.corners = m * n

        def vertex(di: Indices, dj: Indices) -> Indices:
            return np.asarray(((i + di) % m) * n + (j + dj) % n, dtype=np.int64)

        def place(di: Indices, dj: Indices) -> Array:
            return np.stack([axes[0][i + di], axes[1][j + dj]], axis=1)

        # The diagonals alternate, and the mesh has the symmetries of the square; they are the refinement edges.
        odd = (i + j) % 2
        ends = [(0 * odd, odd), (0 * odd + 1, 1 - odd)]
        others = [(0 * odd, 1 - odd), (0 * odd + 1, odd)]
        parts = []
        for other in others:
            zero = place(*ends[0])
            corner = np.stack([vertex(*ends[0]), vertex(*ends[1]), vertex(*other)], axis=1)
            parts.append((corner, place(*ends[1]) - zero, place(*other) - zero, zero))
        self.vertices, self.first, self.second, self.origin = (
            np.concatenate(part) for part in zip(*parts, strict=True)
        )
        count = len(self.vertices)
        self.generation = np.zeros(count, dtype=np.int64)
        self.frozen = np.full((count, 2, 2), np.nan)
        self.leaf = np.ones(count, dtype=bool)
        self.parent = np.full(count, -1, dtype=np.int64)

    def leaves(self) -> Indices:
        """The numbers of the triangles of the mesh."""
        return np.flatnonzero(self.leaf)

    def cut_off(self, smallest: float) -> Indices:
        """A coarser mesh, without the triangles below a size: leaves, or their ancestors. It conforms, as each of them does."""
        size = self.size()
        last = np.where(size < smallest, self.generation, np.iinfo(np.int64).max).min()
        return np.flatnonzero((self.leaf & (self.generation <= last)) | (self.generation == last))

    def size(self) -> Array:
        """The length of the refinement edges."""
        return np.asarray(np.hypot(*self.first.T))

    def refine(self, marked: Indices, since: int = 0) -> None:
        """Bisect leaves, and as many more as it takes for the mesh to conform.

        Args:
            marked: Their numbers.
            since: Look at the triangles from this number on first: where the mesh is refined again and again towards a corner,
                older ones are far away.
        """
        leaves = since + np.flatnonzero(self.leaf[since:])
        keys, edges = edges_of(self.vertices[leaves], len(self.positions))
        cut = np.zeros(len(keys), dtype=bool)
        cut[edges[np.isin(leaves, marked), 0]] = True
        while True:
            more = cut[edges].any(axis=1) & ~cut[edges[:, 0]]
            if not more.any():
                break
            cut[edges[more, 0]] = True
        if since and (np.bincount(edges.ravel())[cut] < 2).any():  # a neighbour is older
            self.refine(marked)
            return
        middle = np.full(len(keys), -1, dtype=np.int64)
        middle[cut] = len(self.positions) + np.arange(int(cut.sum()))
        owner = np.empty(len(keys), dtype=np.int64)
        side = np.empty(len(keys), dtype=np.int64)
        for k in range(3):
            owner[edges[:, k]], side[edges[:, k]] = leaves, k
        self.positions = np.concatenate([self.positions, self._middles(owner[cut], side[cut])])
        present, numbers = leaves, edges
        for _ in range(2):  # a triangle may be cut across its refinement edge and then its children across theirs
            chosen = cut[numbers[:, 0]]
            present, numbers = self._bisect(present[chosen], numbers[chosen], middle)

    def _middles(self, triangles: Indices, sides: Indices) -> Array:
        """The middles of edges (0, 1), (1, 2) or (2, 0), on the torus."""
        first, second = self.first[triangles], self.second[triangles]
        offset = np.choose(sides[:, None], [first / 2, (first + second) / 2, second / 2])
        place = self.origin[triangles] + offset
        return np.where(place >= self.low + self.sides * (1 - 1e-15), place - self.sides, place)

    def _bisect(self, parents: Indices, edges: Indices, middle: Indices) -> tuple[Indices, Indices]:
        """Cut triangles across their refinement edges; the children, and the numbers of their edges that were there."""
        zero, one, two = self.vertices[parents].T
        new = middle[edges[:, 0]]
        first, second, origin = self.first[parents], self.second[parents], self.origin[parents]
        frozen = self.frozen[parents]
        small = np.flatnonzero((np.hypot(*first.T) < self._frozen_below) & np.isnan(frozen[:, 0, 0]))
        if len(small):
            frozen[small] = self._coefficient(origin[small] + (first[small] + second[small]) / 3)
        # (2, 0, middle) and (1, 2, middle)
        self.leaf[parents] = False
        begin = len(self.vertices)
        self.vertices = np.concatenate(
            [self.vertices, np.stack([two, zero, new], axis=1), np.stack([one, two, new], axis=1)]
        )
        self.first = np.concatenate([self.first, -second, second - first])
        self.second = np.concatenate([self.second, first / 2 - second, -first / 2])
        self.origin = np.concatenate([self.origin, origin + second, origin + first])
        self.generation = np.concatenate([self.generation, *[self.generation[parents] + 1] * 2])
        self.frozen = np.concatenate([self.frozen, frozen, frozen])
        self.leaf = np.concatenate([self.leaf, np.ones(2 * len(parents), dtype=bool)])
        self.parent = np.concatenate([self.parent, parents, parents])
        children = begin + np.arange(2 * len(parents))
        known = np.full((len(children), 3), -1, dtype=np.int64)
        known[:, 0] = np.concatenate([edges[:, 2], edges[:, 1]])
        return children, known


def edges_of(vertices: Indices, count: int) -> tuple[Indices, Indices]:
    """The edges of triangles, as numbers that tell their ends, and for each triangle which are (0, 1), (1, 2) and (2, 0).

    Args:
        vertices: Of the triangles, (n, 3).
        count: How many vertices there are.
    """
    ends = np.stack([vertices, np.roll(vertices, -1, axis=1)], axis=2)
    keys = ends.min(axis=2) * count + ends.max(axis=2)
    known, numbers = np.unique(keys, return_inverse=True)
    return known, numbers.reshape(keys.shape)
