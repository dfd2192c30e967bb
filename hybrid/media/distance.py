"""How far points of the cell are from the edge of a region of its mesh: the level sets of media that meshes define."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

from hybrid.computed import Computed
from hybrid.media import simplices
from hybrid.media.cellmesh import CellMesh

Array = npt.NDArray[np.float64]

_SAMPLES = {0: 1, 1: 9, 2: 3}
"""Along each side of a facet, from which its nearest point is looked for; by its dimension."""
_STEPS = 6
_PIECE = 1 << 17
"""Distances that are looked at at a time."""
_KEPT = 64
"""Sets of points whose values are remembered: a training asks for the same ones again and again."""


class EdgeDistance:
    """φ(y) of one region: positive inside, negative outside, zero on its edge; periodic.

    It is s(d) = δ (1 - (1 - d/δ)³) / 3 for the distance d on the torus, and constant from d = δ on, where the distance has
    kinks of its own: in the middle between two edges.

    Args:
        mesh: Of the cell.
        region: The number of the region.
        period: The sides of the cell.
    """

    def __init__(self, mesh: CellMesh, region: int, period: Sequence[float]) -> None:
        self.mesh, self.region, self.period = mesh, region, np.asarray(period, dtype=float)
        self.facets = mesh.interface(region, period)
        dim = mesh.dim - 1
        axis = np.linspace(0, 1, _SAMPLES[dim])
        if dim == 0:
            at = np.ones((1, 1))
        else:
            grid = np.stack([g.ravel() for g in np.meshgrid(*[axis] * dim, indexing="ij")], axis=1)
            grid = grid[grid.sum(axis=1) <= 1 + 1e-12]
            at = np.column_stack([1 - grid.sum(axis=1), grid])
        self._at = np.tile(at, (len(self.facets), 1))
        self._facet = np.repeat(np.arange(len(self.facets)), len(at))
        self._places = np.einsum("qk,fki->fqi", self._shapes(at), self.facets).reshape(-1, mesh.dim)
        self._known: OrderedDict[str, tuple[Array, Array]] = OrderedDict()
        # Any point of a facet is this near to a sample of it.
        self._spacing = float(np.ptp(self.facets, axis=1).max(initial=0)) * dim**0.5 / max(len(axis) - 1, 1)
        self.reach = np.inf
        middles, inside = mesh.nodes[:, : mesh.dim + 1].mean(axis=1), mesh.regions == region
        (of_middles, _), (of_nodes, _) = (self._nearest(places) for places in (middles, mesh.points))
        deepest = [max(of_middles[own].max(), of_nodes[mesh.cells[own]].max()) for own in (inside, ~inside)]
        self.reach = 0.8 * float(min(deepest))

    def _shapes(self, at: Array) -> Array:
        return at if at.shape[1] == 1 else simplices.shapes(self.mesh.degree, at)

    def values(self, points: Array) -> tuple[Array, Array]:
        """φ, (n,), and ∇φ, (n, d)."""
        points = np.ascontiguousarray(points)
        key = hashlib.sha256(points.tobytes()).hexdigest()
        if key in self._known:
            self._known.move_to_end(key)
            return self._known[key]
        wrapped = np.mod(points, self.period)
        distance, direction = self._nearest(wrapped)
        sign = np.where(self.mesh.region_at(wrapped) == self.region, 1.0, -1.0)
        left = 1 - np.minimum(distance / self.reach, 1)
        found = sign * self.reach / 3 * (1 - left**3), (sign * left**2)[:, None] * direction
        self._known[key] = found
        if len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return found

    def _nearest(self, points: Array) -> tuple[Array, Array]:
        """The distance to the edge, and its gradient; where it is beyond the reach, something that is."""
        nearest, rough = np.empty((2, len(points)), np.int64), np.empty(len(points))
        each = len(self._places) // max(len(self.facets), 1)
        piece = max(_PIECE // max(len(self._places), 1), 1)
        for begin in range(0, len(points), piece):
            here = slice(begin, begin + piece)
            squares = np.zeros((len(points[here]), len(self._places)))
            for i, p in enumerate(self.period):
                off = np.abs(points[here, i, None] - self._places[:, i])
                squares += np.square(np.minimum(off, p - off, out=off), out=off)
            grouped = squares.reshape(len(squares), -1, each)
            best = grouped.min(axis=2)
            rough[here] = np.sqrt(best.min(axis=1))
            for k in range(2 if best.shape[1] > 1 else 1):  # where facets meet it may be the second one
                facet = best.argmin(axis=1)
                rows = np.arange(len(best))
                nearest[k:, here] = facet * each + grouped[rows, facet].argmin(axis=1)
                best[rows, facet] = np.inf
        distance, gradient = rough, np.zeros(points.shape)
        near = np.flatnonzero(rough - self._spacing < self.reach)
        (one, way), (other, another) = (self._to_facets(points[near], own[near]) for own in nearest)
        distance[near], gradient[near] = np.minimum(one, other), np.where((one <= other)[:, None], way, another)
        return distance, gradient

    def _to_facets(self, points: Array, nearest: npt.NDArray[np.int64]) -> tuple[Array, Array]:
        """The distances to facets, one for each point, from the samples of them that are nearest."""
        nodes, at = self.facets[self._facet[nearest]], self._at[nearest].copy()
        image = points - self.period * np.round((points - self._places[nearest]) / self.period)
        for _ in range(_STEPS if at.shape[1] > 1 else 0):
            self._step(nodes, at, image)
        off = image - np.einsum("nk,nki->ni", self._shapes(at), nodes)
        distance = np.linalg.norm(off, axis=1)
        return distance, off / np.maximum(distance, np.finfo(float).tiny)[:, None]

    def _step(self, nodes: Array, at: Array, points: Array) -> None:
        """One of Gauss and Newton towards the nearest point of a facet, which is kept inside of it."""
        off = points - np.einsum("nk,nki->ni", self._shapes(at), nodes)
        tangents = np.einsum("njk,nki->nji", simplices.slopes(self.mesh.degree, at), nodes)
        normal = np.einsum("nji,nli->njl", tangents, tangents)
        step = np.linalg.solve(normal, np.einsum("nji,ni->nj", tangents, off)[:, :, None])[:, :, 0]
        at[:, 1:] = np.clip(at[:, 1:] + step, 0, 1)
        total = at[:, 1:].sum(axis=1)
        at[:, 1:] /= np.maximum(total, 1)[:, None]
        at[:, 0] = 1 - at[:, 1:].sum(axis=1)


def level_set(name: str, dim: int, make: Callable[[], EdgeDistance]) -> type[Computed]:
    """φ as a function in expressions, with its first derivatives; it is made when it is first asked for values."""
    distance = cache(make)

    def slope(i: int) -> type[Computed]:
        def values(cls: type[Computed], points: Array) -> Array:
            return distance().values(points)[1][:, i]

        return type(f"{name}_{i}", (Computed,), {"values": classmethod(values), "nargs": dim})

    slopes = [slope(i) for i in range(dim)]

    def values(cls: type[Computed], points: Array) -> Array:
        return distance().values(points)[0]

    def fdiff(self: Computed, argindex: int = 1) -> Computed:
        return slopes[argindex - 1](*self.args)

    body = {"values": classmethod(values), "fdiff": fdiff, "nargs": dim}
    return type(name, (Computed,), body)
