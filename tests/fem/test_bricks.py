"""The cells of points by arithmetic, against the search and closed forms, on any number of ranks."""

from __future__ import annotations

from mpi4py import MPI

import numpy as np
import pytest

from dolfinx import fem, mesh

from hybrid.fem.meshes import places, points
from hybrid.fem.meshes.box import SHAPES, box
from hybrid.fem.meshes.bricks import bricks_of
from hybrid.fem.meshes.fitted import Fitting

pytestmark = pytest.mark.mpi

BOX = [(0.0, 1.0), (-1.0, 2.0), (0.0, 0.5)]


def _function(domain: mesh.Mesh, degree: int) -> fem.Function:
    u = fem.Function(fem.functionspace(domain, ("Lagrange", degree)))
    u.interpolate(lambda x: _values(x.T, degree, domain.geometry.dim))
    return u


def _values(x: np.ndarray, degree: int, dim: int) -> np.ndarray:
    return sum((i + 1) * x[:, i] ** degree for i in range(dim)) + x[:, 0] * (x[:, dim - 1] if degree > 1 else 1.0)


@pytest.mark.parametrize("degree", [1, 2, 4])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dim", [1, 2, 3])
def test_exact_for_polynomials_on_every_shape(comm: MPI.Comm, dim: int, shape: str, degree: int) -> None:
    source = _function(box(comm, BOX[:dim], [4, 5, 3][:dim], shape), degree)
    assert bricks_of(source.function_space.mesh) is not None
    other = "box" if shape == "simplex" else "simplex"
    target = fem.functionspace(box(comm, BOX[:dim], [7, 10, 4][:dim], other), ("Lagrange", 2))
    found = points.carry(source, target)
    exact = _values(target.tabulate_dof_coordinates(), degree, dim)
    assert np.abs(found.x.array - exact).max() < 1e-12 * np.abs(exact).max()


def test_both_ways_of_tabulating_agree(comm: MPI.Comm, monkeypatch: pytest.MonkeyPatch) -> None:
    source = _function(box(comm, BOX[:2], [6, 6]), 3)
    target = fem.functionspace(box(comm, BOX[:2], [24, 24]), ("Lagrange", 2))
    few = points.carry(source, target).x.array.copy()
    monkeypatch.setattr(places, "_FEW", -1)
    monkeypatch.setattr(places, "PIECE", 100)
    own = places.located(places.bricks_behind(source.function_space), source.function_space, _nodes(target, 40))
    assert own.rows is None
    many = points.carry(source, target).x.array
    assert np.abs(few - many).max() < 1e-13 * np.abs(few).max()


def _nodes(space: fem.FunctionSpace, count: int) -> points.Product:
    return points.Product.of(space.tabulate_dof_coordinates()[:count, :2])


def test_meshes_with_lines_at_planes_and_meshes_shared_out_by_their_graph(comm: MPI.Comm) -> None:
    fitted = Fitting.to(BOX[:2], [9, 7], [[0.31, 0.62], [0.1]]).mesh(comm, "simplex")
    graph = mesh.create_unit_cube(comm, 4, 5, 3)
    for domain in (fitted, graph):
        u, dim = _function(domain, 2), domain.geometry.dim
        assert bricks_of(domain) is not None
        at = points.spread(domain, 300)
        assert np.abs(points.at_points(u, at) - _values(at, 2, dim)).max() < 1e-12


def test_other_meshes_are_searched(comm: MPI.Comm) -> None:
    moved = box(comm, BOX[:2], [5, 5])
    x = moved.geometry.x
    inside = (x[:, 0] > 0.1) & (x[:, 0] < 0.9) & (x[:, 1] > -0.9) & (x[:, 1] < 1.9)
    x[inside, 0] += 0.02 * np.sin(7 * x[inside, 1])
    assert bricks_of(moved) is None
    u = _function(moved, 2)
    at = points.spread(moved, 200)
    assert np.abs(points.at_points(u, at) - _values(at, 2, 2)).max() < 1e-12
    carried = points.carry(u, fem.functionspace(box(comm, BOX[:2], [6, 6]), ("Lagrange", 2)))
    exact = _values(carried.function_space.tabulate_dof_coordinates(), 2, 2)
    assert np.abs(carried.x.array - exact).max() < 1e-12


def test_a_smaller_mesh_is_said_to_be_too_small(comm: MPI.Comm) -> None:
    source = _function(box(comm, [(0.0, 0.5), (-1.0, 2.0)], [4, 4]), 1)
    target = fem.functionspace(box(comm, BOX[:2], [4, 4]), ("Lagrange", 1))
    with pytest.raises(ValueError, match="points lie outside the mesh"):
        points.carry(source, target)


def test_values_of_both_functions_on_equal_meshes_from_one_search(
    comm: MPI.Comm, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []

    class Counted(places.Transfer):
        def __init__(self, *arguments: object) -> None:
            made.append(1)
            super().__init__(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(points, "Transfer", Counted)
    sources = [_function(box(comm, BOX[:2], [n, n]), 2) for n in (5, 5, 6)]
    target = fem.functionspace(box(comm, BOX[:2], [8, 8]), ("Lagrange", 2))
    found = points.carried(sources, target)
    assert len(made) == 2
    exact = _values(target.tabulate_dof_coordinates(), 2, 2)
    assert max(np.abs(f.x.array - exact).max() for f in found) < 1e-12


def test_ranks_without_cells_take_part(comm: MPI.Comm) -> None:
    """One cell, whatever the number of ranks: the others have none."""
    line = mesh.create_interval(comm, 1, [0.0, 1.0])
    u = fem.Function(fem.functionspace(line, ("Lagrange", 1)))
    u.interpolate(lambda x: x[0])
    at = np.array([[0.3], [0.5], [1.0]])
    assert np.abs(points.at_points(u, at) - at[:, 0]).max() < 1e-14
    cube = _function(box(comm, BOX, [1, 1, 1], "box"), 1)
    many = np.random.default_rng(0).random((20_000, 3)) * 0.5
    assert np.abs(points.at_points(cube, many) - _values(many, 1, 3)).max() < 1e-12
    finer = fem.functionspace(mesh.create_interval(comm, 7, [0.0, 1.0]), ("Lagrange", 2))
    assert np.abs(points.carry(u, finer).x.array - finer.tabulate_dof_coordinates()[:, 0]).max() < 1e-14
