"""A mesh of the periodic cell with regions, from a Gmsh file: what it fills, how it closes on the torus, what lies where."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hybrid.failures import InputError
from hybrid.media import simplices
from hybrid.meshfile import read_file

Array = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

_NEAR = 1e-8
"""Of a side of the cell: what is nearer than this is the same."""


@dataclass(frozen=True, eq=False)
class CellMesh:
    """Simplices that fill the cell Y, straight or curved.

    Attributes:
        path: The file.
        digest: A hash of its contents.
        degree: Of the simplices, 1 or 2.
        points: The nodes, (n, dim).
        cells: The nodes of each cell, in VTK's order, (cells, nodes).
        regions: The number of its region for each cell.
        names: Every region's name and number.
        level: How often the mesh of the file was refined.
    """

    path: Path
    digest: str
    degree: int
    points: Array
    cells: Indices
    regions: npt.NDArray[np.int32]
    names: dict[str, int]
    level: int = 0

    def __repr__(self) -> str:
        return f"CellMesh({self.digest})"

    @classmethod
    def read(cls, path: Path) -> CellMesh:
        """From a .msh file.

        Raises:
            InputError: It cannot be read, or cells of it belong to no physical group.
        """
        found = read_file(path)
        bare = int((found.cells.numbers == 0).sum())
        if bare:
            raise InputError(str(path), f"{bare} cells belong to no physical group, which would be their region")
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        return cls(path, digest, found.degree, found.points, found.cells.nodes, found.cells.numbers, found.cells.names)

    @property
    def dim(self) -> int:
        """Of space."""
        return self.points.shape[1]

    def numbered(self, key: str | int) -> int | None:
        """The number of the region of that name or number; None where there is none."""
        if isinstance(key, str) and key in self.names:
            return self.names[key]
        return int(key) if str(key).isdecimal() and int(key) in self.names.values() else None

    @property
    def across(self) -> int:
        """Cells along each side of a uniform mesh with as many cells."""
        return math.ceil((len(self.cells) / math.factorial(self.dim)) ** (1 / self.dim) - 1e-9)

    @property
    def nodes(self) -> Array:
        """The nodes of each cell, (cells, nodes, dim)."""
        return np.asarray(self.points[self.cells])

    def refined(self) -> CellMesh:
        """With each cell in 2^dim parts, one after another: the regions are the same to the last digit."""
        points, cells = simplices.subdivided(self.degree, self.points, self.cells)
        regions = np.repeat(self.regions, 2**self.dim)
        return replace(self, points=points, cells=cells, regions=regions, level=self.level + 1)

    def check(self, period: Sequence[float]) -> None:
        """The mesh fills the cell, and closes on the torus.

        Raises:
            InputError: It does not, with the reason.
        """
        where = str(self.path)
        if len(period) != self.dim:
            raise InputError(where, f"a mesh in {self.dim} dimensions, for a domain in {len(period)}")
        low, high = self.points.min(axis=0), self.points.max(axis=0)
        off = np.abs([low, high - period]).max(axis=0) > _NEAR * np.asarray(period)
        if off.any():
            i = int(np.argmax(off))
            raise InputError(
                where, f"it reaches from {low[i]:.10g} to {high[i]:.10g} in direction {i}, the cell from 0 to "
                f"{period[i]:.10g}; it has to fill the cell, whose sides are `period`"
            )  # fmt: skip
        filled, cell = float(simplices.volumes(self.degree, self.nodes).sum()), math.prod(period)
        if abs(filled - cell) > 1e-6 * cell:
            raise InputError(
                where, f"it fills {filled / cell:.6g} of the cell, and has to fill all of it; cells with holes are solved in "
                "Python, by hybrid.fem.solve_cell_on_mesh"
            )  # fmt: skip
        _, _, count = self._facets(period)
        if (count != 2).any():
            alone = int((count != 2).sum())
            raise InputError(
                where, f"opposite faces do not match: {alone} facets have no partner one period away; Gmsh's `Periodic Curve` "
                "and `Periodic Surface` make faces that do"
            )  # fmt: skip

    def _facets(self, period: Sequence[float]) -> tuple[Indices, Indices, Indices]:
        """For each facet of each cell, cell by cell, a number that it shares with the one on its other side, on the torus; the
        nodes; and how many have each number."""
        nodes = np.stack([self.cells[:, own] for own in simplices.facets(self.dim, self.degree)], axis=1)
        middles = self.points[nodes].mean(axis=2).reshape(-1, self.dim) / period
        number = place_numbers(np.where(middles > 1 - _NEAR, 0.0, middles), _NEAR)
        return number, nodes.reshape(len(number), -1), np.bincount(number)

    def interface(self, region: int, period: Sequence[float]) -> Array:
        """The facets between a region and the others, by their nodes, (facets, nodes, dim)."""
        number, nodes, count = self._facets(period)
        inside = np.repeat(self.regions == region, self.dim + 1)
        mixed = np.bincount(number, inside, len(count)) == 1
        return np.asarray(self.points[nodes[inside & mixed[number]]])

    def tiled(self, counts: Sequence[int], period: Sequence[float]) -> tuple[Array, Indices]:
        """The mesh repeated: points, and cells with the copies of each one after another.

        Args:
            counts: How often in each direction.
            period: The sides of the cell.
        """
        tiles = np.stack([g.ravel() for g in np.meshgrid(*map(np.arange, counts), indexing="ij")], axis=1)
        within = self.points / period
        upper = np.abs(within - 1) < _NEAR
        place = place_numbers(np.where(upper, 0.0, within), _NEAR)
        strides = np.cumprod([1, *(n + 1 for n in counts[:0:-1])])[::-1]
        # A node on an upper face is one on a lower face of the next copy.
        key = ((tiles[None] + upper[:, None]) @ strides) * (place.max() + 1) + place[:, None]
        _, first, number = np.unique(key, return_index=True, return_inverse=True)
        points = (self.points[:, None] + tiles[None] * np.asarray(period)).reshape(-1, self.dim)[first]
        cells = number.reshape(len(self.points), len(tiles))[self.cells]  # (cells, nodes, tiles)
        return points, cells.transpose(0, 2, 1).reshape(-1, self.cells.shape[1])

    def quadrature(self, count: int) -> tuple[Array, Array]:
        """Points inside the cells, (n, dim), and weights with the sum 1: a rule with count^dim points in each cell."""
        at, weights = simplices.rule(self.dim, count)
        points = simplices.placed(self.degree, self.nodes, at).reshape(-1, self.dim)
        share = (np.abs(simplices.jacobians(self.degree, self.nodes, at)) * weights).ravel()
        return points, share / share.sum()

    @cached_property
    def _bins(self) -> tuple[Array, Array, Indices, Indices, Indices]:
        """A grid of bins: its origin, their sides, their numbers, and the cells that may reach into each, one bin after
        another."""
        low, high = self.nodes.min(axis=1), self.nodes.max(axis=1)
        reach = 0.2 * (high - low) if self.degree > 1 else 1e-9 * (high - low)
        origin = self.points.min(axis=0)
        most = 2 * self.across - 1
        sides = (self.points.max(axis=0) - origin) / (most + 1)
        begin, end = (
            np.clip(np.floor((ends - origin) / sides), 0, most).astype(np.int64) for ends in (low - reach, high + reach)
        )
        sizes = end - begin + 1
        total = sizes.prod(axis=1)
        cell = np.repeat(np.arange(len(total)), total)
        left = np.arange(len(cell)) - np.repeat(np.cumsum(total) - total, total)
        flat = np.zeros(len(cell), np.int64)
        for i in range(self.dim):
            flat = flat * (most + 1) + begin[cell, i] + left % sizes[cell, i]
            left = left // sizes[cell, i]
        order = np.argsort(flat, kind="stable")
        counts = np.bincount(flat, minlength=(most + 1) ** self.dim)
        return origin, sides, cell[order], np.concatenate([[0], np.cumsum(counts)]), np.array([most + 1] * self.dim)

    @cached_property
    def _corners(self) -> tuple[Array, Array, Array]:
        """Of the straight simplex that has the vertices of each cell: the first one, the map to barycentric coordinates but the
        first, and the least of these that a point of the cell may have, as it lies among the control points of its edges."""
        nodes, dim = self.nodes, self.dim
        first = nodes[:, 0]
        maps = np.linalg.inv(np.swapaxes(nodes[:, 1 : dim + 1] - first[:, None], 1, 2))
        least = np.zeros(len(nodes))
        if self.degree > 1:
            ends = np.array(simplices.edges(dim)).T
            controls = 2 * nodes[:, dim + 1 :] - (nodes[:, ends[0]] + nodes[:, ends[1]]) / 2
            rest = np.einsum("nij,nkj->nki", maps, controls - first[:, None])
            least = np.minimum(np.minimum(rest.min(axis=2), 1 - rest.sum(axis=2)).min(axis=1), 0.0)
        return first, maps, least - 1e-9

    def region_at(self, points: Array) -> Indices:
        """The number of the region that each point of the cell lies in, (n, dim) -> (n,)."""
        origin, sides, cells, starts, counts = self._bins
        first, maps, least = self._corners
        place = np.clip(np.floor((points - origin) / sides).astype(np.int64), 0, counts - 1)
        flat = np.zeros(len(points), np.int64)
        for i in range(self.dim):
            flat = flat * counts[i] + place[:, i]
        best, found = np.full(len(points), -np.inf), np.zeros(len(points), np.int64)
        nodes, offset = self.nodes, 0
        while True:
            here = np.flatnonzero((starts[flat] + offset < starts[flat + 1]) & (best < 0))
            if not len(here):
                return np.asarray(self.regions[found], dtype=np.int64)
            candidate = cells[starts[flat[here]] + offset]
            rest = np.einsum("nij,nj->ni", maps[candidate], points[here] - first[candidate])
            inside = np.minimum(rest.min(axis=1), 1 - rest.sum(axis=1))
            near = np.flatnonzero(inside >= least[candidate])
            inside[near] = simplices.inverse(self.degree, nodes[candidate[near]], points[here[near]]).min(axis=1)
            better = inside > best[here]
            best[here[better]], found[here[better]] = inside[better], candidate[better]
            offset += 1


def place_numbers(points: Array, near: float) -> Indices:
    """A number for each point, the same for points that are equal to rounding.

    Rounding to a grid would part equal points that lie on either side of a grid line; so the values that occur are
    themselves the grid: in each coordinate a new one begins where the sorted values have a gap.
    """
    keys = np.zeros(len(points), dtype=np.int64)
    for x in points.T:
        order = np.argsort(x)
        value = np.empty(len(x), dtype=np.int64)
        value[order] = np.concatenate([[0], np.cumsum(np.diff(x[order]) > near)]) if len(x) else 0
        # Numbered anew in every coordinate, they stay below the square of how many there are.
        keys = np.unique(keys * (value.max(initial=0) + 1) + value, return_inverse=True)[1]
    return keys
