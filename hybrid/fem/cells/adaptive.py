"""Cell problems in two dimensions with coefficients that jump: meshes that refine until bounds of a* from both sides meet.

Upper bound: the energy of the correctors. Lower bound: B* / det B* with B* the upper bound for a / det a, whose gradients,
turned by a right angle, are fluxes without divergence. The gap is the sum over the triangles of
∫ |a^½ (e_j + ∇χ_j) - a^-½ σ_j|² (Prager and Synge 1947), which says where to refine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from hybrid.failures import SolverError
from hybrid.fem.cells.torus import Part, TorusSpace, rule
from hybrid.fem.meshes.bisection import Forest
from hybrid.media.interpolated import relative_change

Array = npt.NDArray[np.float64]
_TURN = np.array([[0.0, -1.0], [1.0, 0.0]])
_SEEN, _SCANNED = 4, 1024
"""Parts of a triangle's sides at whose points a curve is looked for; parts of the cell's side at which it must show."""
_BULK = 0.6
"""How much of the gap lies in the triangles that are bisected."""
_FROZEN = 1e-6
"""Of the cell's smaller side: smaller triangles take over the coefficient of larger ones."""
_RECENT = 6
"""Rounds of bisection towards a corner after which a triangle has none of the next ones' neighbours."""
_AROUND = 8
"""Triangles round a corner, so many more with each round."""
_SMALLEST = 1e-120
"""Of the same: no smaller triangles, whose squares could not be told from zero."""


@dataclass(frozen=True)
class Medium:
    """A coefficient on a rectangle, as the adaptive meshes need it.

    Attributes:
        sides: Of the rectangle, whose lower corner is zero.
        axes: The lines of the coarsest mesh, which are on all interfaces normal to an axis.
        a: From points, (n, 2), to (n, 2, 2).
        constant: Whether a is constant between its interfaces.
        curves: From points to the signs of the level sets that are not normal to an axis, (n, m).
    """

    sides: tuple[float, float]
    axes: tuple[Array, Array]
    a: Callable[[Array], Array]
    constant: bool
    curves: Callable[[Array], Array] | None


@dataclass
class Adapted:
    """What the last mesh has given.

    Attributes:
        lower: Bound of a*, (2, 2).
        upper: Bound of a*.
        correctors: Values at the dofs of the space, mean zero.
        space: On the last mesh.
        attempts: For each mesh "unknowns" and "gap", half the relative difference of the bounds.
        changes: The relative L2 change of each corrector from the mesh before, and the ratio of the gaps.
    """

    lower: Array
    upper: Array
    correctors: list[Array]
    space: TorusSpace
    attempts: list[Mapping[str, object]] = field(default_factory=list)
    changes: list[tuple[float, float]] = field(default_factory=list)


def adapt(medium: Medium, degree: int, tolerance: float, budget: int) -> Adapted:
    """Refine until half the relative gap of the bounds is at most the tolerance, or the next mesh has too many unknowns.

    Raises:
        SolverError: A factorization failed.
    """
    short = min(medium.sides)
    forest = Forest(medium.axes, _FROZEN * short, medium.a)
    _show_curves(medium, forest)
    depths: dict[int, tuple[int, float]] = {}
    found: Adapted | None = None
    attempts: list[Mapping[str, object]] = []
    gaps: list[float] = []
    while True:
        space = TorusSpace(forest, degree)
        if found is not None and space.size > budget:
            return found
        parts = _parts(medium, space, degree)
        before = found
        try:
            found, shares = _solved(space, parts)
        except SolverError:
            if before is None:
                raise
            return before
        found.attempts = attempts
        gaps.append(relative_change(found.upper - found.lower, geometric_mean(found.lower, found.upper)) / 2)
        attempts.append({"unknowns": space.size, "gap": gaps[-1]})
        if before is not None:
            found.changes = _changes(before, found, gaps[-1] / max(gaps[-2], 1e-300))
        if gaps[-1] <= tolerance and before is not None:
            return found
        _refine(forest, space, shares, depths, tolerance, (budget - space.size) / 2)


def _show_curves(medium: Medium, forest: Forest) -> None:
    """Bisect triangles until each one that a curve cuts shows it at `_SEEN` points: what is thin or small is else not seen."""
    if medium.curves is None:
        return
    short = min(medium.sides)
    for _ in range(40):
        space = TorusSpace(forest, 1)
        sizes = np.maximum(*(np.hypot(*edge[space.leaves].T) for edge in (forest.first, forest.second)))
        hidden = np.zeros(len(space.leaves), dtype=bool)
        counts = 2 ** np.ceil(np.log2(np.maximum(sizes / (short / _SCANNED), 1.0))).astype(int)
        for count in np.unique(counts[counts > _SEEN]):
            own = np.flatnonzero(counts == count)
            for index in np.array_split(own, max(1, min(len(own), int(count) ** 2 // 256))):
                hidden[index] = _cut(medium, space, index, int(count)) & ~_cut(medium, space, index, _SEEN)
        if not hidden.any():
            return
        forest.refine(space.leaves[hidden])


def _cut(medium: Medium, space: TorusSpace, index: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.bool_]:
    """Which triangles a curve cuts, as seen at the points that part their sides into so many pieces."""
    assert medium.curves is not None
    i, j = np.meshgrid(np.arange(count + 1), np.arange(count + 1), indexing="ij")
    points = np.stack([i, j], axis=2)[i + j <= count] / count
    signs = np.sign(medium.curves(space.places(index, points).reshape(-1, 2)).reshape(len(index), len(points), -1))
    return np.asarray(((signs.min(axis=1) < 0) & (signs.max(axis=1) > 0)).any(axis=1))


def geometric_mean(one: Array, other: Array) -> Array:
    """Of two symmetric positive matrices: A^½ (A^-½ B A^-½)^½ A^½; √(ab) for numbers."""
    values, vectors = np.linalg.eigh((one + one.T) / 2)
    if values.min() <= 0:
        return (one + other) / 2
    root, inverse = (vectors * values**power @ vectors.T for power in (0.5, -0.5))
    middle = inverse @ other @ inverse
    inner, turned = np.linalg.eigh((middle + middle.T) / 2)
    mean = root @ (turned * np.sqrt(np.maximum(inner, 0.0)) @ turned.T) @ root
    return np.asarray((mean + mean.T) / 2)


def _parts(medium: Medium, space: TorusSpace, degree: int) -> list[Part]:
    """Triangles that no curve cuts, and those that one does: a is then taken at many points."""
    every = np.arange(len(space.leaves))
    cut = np.zeros(len(every), dtype=bool) if medium.curves is None else _cut(medium, space, every, _SEEN)
    parts = []
    for index, refined in ((np.flatnonzero(~cut), 0), (np.flatnonzero(cut), 3)):
        if not len(index):
            continue
        exact = 2 * degree + (0 if medium.constant else 4)  # the bounds share it: it has to be better than they are
        points, weights = rule(exact if refined == 0 else max(2 * degree - 2, 1), refined)
        at = np.array([[1 / 3, 1 / 3]]) if medium.constant and not refined else points
        places = space.places(index, at)
        a = medium.a(places.reshape(-1, 2)).reshape(len(index), len(at), 2, 2)
        small = space.forest.frozen[space.leaves[index]]
        known = ~np.isnan(small[:, 0, 0])
        a[known] = small[known, None]
        parts.append(Part(index, a, points, weights))
    return parts


def _solved(space: TorusSpace, parts: list[Part]) -> tuple[Adapted, Array]:
    """The bounds, and each triangle's share of the gap relative to a*."""
    size = float(space.volume.sum() / 2)
    dual = [part.a / np.linalg.det(part.a)[..., None, None] for part in parts]
    fields, energies = [], []
    for coefficients in ([part.a for part in parts], dual):
        functions, _ = space.solve(parts, coefficients)
        energy = np.zeros((2, 2))
        strains = []
        for part, a in zip(parts, coefficients, strict=True):
            strain = np.stack([space.gradients(part, f) for f in functions], axis=3) + np.eye(2)
            weight = space.volume[part.index, None] * part.weights
            energy += _energies(weight, np.broadcast_to(a, strain.shape), strain).sum(axis=0)
            strains.append(strain)
        fields.append((functions, strains))
        energies.append((energy + energy.T) / 2 / size)
    upper, lower = energies[0], energies[1] / np.linalg.det(energies[1])
    shares = np.zeros(len(space.leaves))
    for part, one, other in zip(parts, fields[0][1], fields[1][1], strict=True):
        flux = _TURN @ other @ (_TURN.T @ lower)
        off = one - np.linalg.solve(np.broadcast_to(part.a, one.shape), flux)
        weight = space.volume[part.index, None] * part.weights
        each = _energies(weight, np.broadcast_to(part.a, off.shape), off).diagonal(axis1=1, axis2=2)
        shares[part.index] = (each / np.diag(upper)).sum(axis=1) / size
    correctors = [f - space.means(f) for f in fields[0][0]]
    return Adapted(lower, upper, correctors, space), shares


def _energies(weight: Array, a: Array, fields: Array) -> Array:
    """∫ E_jᵀ a E_l over each triangle, (n, 2, 2), for fields E_1, E_2, (n, q, component, 2)."""
    return np.asarray(np.einsum("nq,nqij,nqil->njl", weight, fields, a @ fields, optimize=True))


def _refine(
    forest: Forest,
    space: TorusSpace,
    shares: Array,
    depths: dict[int, tuple[int, float]],
    tolerance: float,
    room: float,
) -> None:
    """Bisect twice where the gap is, and towards corners of the coarsest mesh as often as their singularities ask for."""
    rounds = _rounds(forest, space, shares, depths, tolerance, room)
    order = np.argsort(-shares, kind="stable")
    total = np.cumsum(shares[order])
    marked = space.leaves[order[: int(np.searchsorted(total, _BULK * total[-1])) + 1]]
    forest.refine(marked)
    leaves = forest.leaves()
    forest.refine(leaves[np.isin(forest.parent[leaves], marked)])
    smallest = _SMALLEST * float(forest.sides.min())
    begin = [0] * _RECENT
    for done in range(int(rounds.max(initial=0))):
        hot = rounds > done
        since = begin[-_RECENT]
        leaves = since + np.flatnonzero(forest.leaf[since:])
        corners = forest.vertices[leaves]
        near = (hot[np.minimum(corners, forest.corners - 1)] & (corners < forest.corners)).any(axis=1)
        near &= np.hypot(*forest.first[leaves].T) > smallest
        if not near.any():
            break
        begin.append(len(forest.leaf))
        forest.refine(leaves[near], since)


def _rounds(
    forest: Forest,
    space: TorusSpace,
    shares: Array,
    depths: dict[int, tuple[int, float]],
    tolerance: float,
    room: float,
) -> npt.NDArray[np.int64]:
    """How often more to bisect what touches each corner of the coarsest mesh.

    Round a singularity the gap decays geometrically with the generations, at a rate that two meshes show; where it is slow
    (r^0.13 for a checkerboard of contrast 100) one generation a mesh would take for ever. With all of
    them the mesh gets about `room` more unknowns at the most.
    """
    corners = forest.vertices[space.leaves]
    touching = np.flatnonzero((corners < forest.corners).any(axis=1))
    share, depth = np.zeros(forest.corners), np.zeros(forest.corners, dtype=np.int64)
    for column in corners[touching].T:
        inside = column < forest.corners
        np.add.at(share, column[inside], shares[touching[inside]])
        np.maximum.at(depth, column[inside], forest.generation[space.leaves[touching[inside]]])
    rounds = np.zeros(forest.corners, dtype=np.int64)
    hot = np.flatnonzero(share > max(0.1 * share.max(), 1e-4 * shares.sum()))
    for corner in hot.tolist():
        here, size = int(depth[corner]), float(share[corner])
        more = 4.0
        if corner in depths and depths[corner][0] < here and size > 0:
            rate = np.log(depths[corner][1] / size) / (here - depths[corner][0])
            wanted = np.log(max(size / (0.3 * tolerance / len(hot)), 1.0))
            more = wanted / rate if rate > 0.0 else 4.0
        rounds[corner] = int(np.ceil(min(max(more, 4.0), 2.0 * here + 8.0)))
        depths[corner] = (here, size)
    cost = float(rounds.sum()) * _AROUND * space.degree**2 / 2
    return rounds if cost <= room else (rounds * (max(room, 0.0) / cost)).astype(np.int64)


def _changes(before: Adapted, after: Adapted, ratio: float) -> list[tuple[float, float]]:
    """At the vertices of the coarser mesh, which are vertices of the finer one."""
    old, new = before.space, after.space
    place = np.searchsorted(new.vertices, old.vertices)
    corners = np.searchsorted(old.vertices, old.forest.vertices[old.leaves])
    weight = np.zeros(len(old.vertices))
    np.add.at(weight, corners, old.volume[:, None] / 6)
    found = []
    for one, other in zip(before.correctors, after.correctors, strict=True):
        coarse, fine = one[: len(old.vertices)], other[place]
        size = np.sqrt(weight @ fine**2)
        found.append((float(np.sqrt(weight @ (fine - coarse) ** 2)), float(size)))
    return [(change / max(size, 1e-300), ratio) for change, size in found]
