"""Meshes of the cell as media: geometry against that of the disc and of the sphere, and what is refused."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import sympy

from hybrid import EllipticProblem, InputError
from hybrid.failures import each_of
from hybrid.media import simplices
from hybrid.media.cellmesh import CellMesh
from hybrid.media.distance import EdgeDistance
from hybrid.media.regions import Regions
from hybrid.symbols import coordinates, evaluate, y

MESHES = Path(__file__).parents[1] / "meshes"
SIZES = {2: math.pi / 16, 3: math.pi / 48}
"""Of the disc and of the sphere of radius 1/4."""


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_rules_are_exact_and_parts_fill_a_simplex(dim: int) -> None:
    at, weights = simplices.rule(dim, 4)
    for power in range(9 - dim):  # ∫ λ_0^p over a simplex, relative to its volume: p! d! / (p + d)!
        exact = math.factorial(power) * math.factorial(dim) / math.factorial(power + dim)
        assert weights @ at[:, 0] ** power == pytest.approx(exact, rel=1e-13)
    corners = simplices.children(dim) @ np.vstack([np.zeros(dim), np.eye(dim)])
    assert simplices.volumes(1, corners) == pytest.approx(np.full(2**dim, 2.0**-dim / math.factorial(dim)), rel=1e-13)


@pytest.mark.parametrize("dim", [2, 3])
def test_curved_cells_are_found_refined_and_tiled(dim: int) -> None:
    mesh = CellMesh.read(MESHES / f"inclusion-{dim}d.msh")
    period = (1.0,) * dim
    mesh.check(period)
    points = np.random.default_rng(0).random(({2: 2000, 3: 300}[dim], dim))
    radius = np.linalg.norm(points - 0.5, axis=1)
    clear = np.abs(radius - 0.25) > 1e-3
    assert (mesh.region_at(points)[clear] == np.where(radius < 0.25, 2, 1)[clear]).all()
    finer = mesh.refined()
    finer.check(period)  # neighbours share the nodes between them, across the cell's faces too
    for one in (mesh, finer):
        volume = simplices.volumes(one.degree, one.nodes)
        assert volume.sum() == pytest.approx(1, abs=1e-12)
        assert volume[one.regions == 2].sum() == pytest.approx(SIZES[dim], rel=1e-4)
    assert finer.across == pytest.approx(2 * mesh.across, abs=1)
    counts = (2, 2, 1)[:dim]
    copies, cells = mesh.tiled(counts, period)
    assert copies.max(axis=0) == pytest.approx(np.array(counts), abs=1e-12)
    assert simplices.volumes(mesh.degree, copies[cells]).sum() == pytest.approx(4, rel=1e-12)
    assert len(cells) == 4 * len(mesh.cells)
    assert len(np.unique(np.round(copies, 9), axis=0)) == len(copies)  # no node is there twice


def test_level_sets_of_a_disc_and_their_slopes() -> None:
    medium = Regions.read(MESHES / "inclusion-2d.msh", {"matrix": 1, "inclusion": 10})
    (phi,) = medium.interfaces
    points = np.random.default_rng(1).random((1500, 2))
    own = EdgeDistance(medium.mesh, 2, (1.0, 1.0))
    distance, _ = own._nearest(points)
    radius = np.linalg.norm(points - 0.5, axis=1)
    near = np.abs(radius - 0.25) < 0.2  # elsewhere the centre, or the disc of the next cell, is as near
    assert np.abs(distance - np.abs(radius - 0.25))[near].max() < 1e-5  # so far are parabolas from the circle

    def value(at: np.ndarray, expression: sympy.Expr = phi) -> np.ndarray:
        return np.asarray(evaluate(expression, coordinates(y[:2], at)))

    assert (np.sign(value(points)) == np.where(medium.mesh.region_at(points) == 2, 1, -1)).all()
    assert np.abs(value(points + [1, -2]) - value(points)).max() < 1e-12
    step = 1e-5
    for i, shift in enumerate(step * np.eye(2)):
        slopes = (value(points + shift) - value(points - shift)) / (2 * step)
        assert np.abs(slopes - value(points, sympy.diff(phi, y[i]))).max() < 1e-3
    a = value(points, medium.matrix[0, 0])
    assert set(a.tolist()) == {1.0, 10.0}


def problem(medium: Regions, **changes: object) -> EllipticProblem:
    return EllipticProblem(**{"domain": [(0, 1)] * medium.mesh.dim, "eps": 0.25, "a": medium, "f": 1} | changes)


def test_the_contents_of_the_mesh_are_part_of_the_problem(layers: Callable[..., Path]) -> None:
    path = layers(2, 4)
    values = {"soft": 1, "hard": 4}
    one = problem(Regions.read(path, values)).digest
    assert problem(Regions.read(path, {1: 1.0, 2: [[4, 0], [0, 4]]})).digest == one
    assert problem(Regions.read(path, values | {"hard": 5})).digest != one
    moved = path.with_name("elsewhere.msh")
    moved.write_bytes(path.read_bytes())
    assert problem(Regions.read(moved, values)).digest == one
    path.write_bytes(layers(2, 8).read_bytes())
    assert problem(Regions.read(path, values)).digest != one


def test_meshes_that_are_no_cells_are_refused(layers: Callable[..., Path]) -> None:
    values = {"soft": 1, "hard": 4}
    for change, path, given, what in [
        ({}, layers(2, 4, side=2.0), values, "reaches from 0 to 2 in direction 0, the cell from 0 to 1"),
        ({}, layers(2, 4, nudge=0.05), values, "opposite faces do not match: 4 facets"),
        ({}, MESHES / "perforated-2d.msh", {"matrix": 1}, "fills 0.803652 of the cell"),
        ({"domain": [(0, 1)] * 3}, layers(2, 4), values, "a mesh in 2 dimensions, for a domain in 3"),
        ({"eps": 0.3}, layers(2, 4), values, "has 3.33333 of them; take .* for instance 0.3333333333"),
        ({"domain": [(0.1, 1.1), (0, 1)]}, layers(2, 4), values, "begin at a multiple of eps period"),
    ]:
        with pytest.raises(InputError, match=what):
            problem(Regions.read(path, given), **change)
    assert problem(Regions.read(layers(2, 4, side=2.0), values), period=2, eps=0.125).periods == (4.0, 4.0)


def test_every_fault_of_the_values_is_said(layers: Callable[..., Path]) -> None:
    path = layers(2, 4)
    with pytest.raises(InputError) as caught:
        Regions.read(path, {"soft": -1, "steel": 2, 2: [[1, 2], [2, 1]]})
    said = [str(one) for one in each_of(caught.value)]
    assert [line.split(":")[0] for line in said] == ["a.soft", "a.steel", "a.2"]
    assert "positive" in said[0]
    assert "there are soft (1), hard (2)" in said[1]
    assert "smallest eigenvalue is -1" in said[2]
    for given, what in [
        ({"soft": 1}, "no value for hard"),
        ({"soft": 1, "hard": 2, 2: 3}, "given twice"),
        ({"soft": 1, "hard": [[1, 0.5], [0.25, 1]]}, "not a symmetric matrix"),
        ({"soft": 1, "hard": [[1, 0, 0]] * 3}, "no matrix of shape 2×2"),
        ({"soft": 1, "hard": "y0"}, "unknown name 'y0'"),
    ]:
        with pytest.raises(InputError, match=what):
            Regions.read(path, given)
    with pytest.raises(InputError, match=r"mesh: none\.msh: no such file"):
        Regions.read("none.msh", {"soft": 1})
