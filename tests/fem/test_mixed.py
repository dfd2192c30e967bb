"""Dirichlet and Neumann conditions on parts of the boundary, in 1D, 2D and 3D."""

from __future__ import annotations

import math
from pathlib import Path

from mpi4py import MPI

import numpy as np
import pytest
import sympy

import ufl
from dolfinx import mesh

from hybrid import InputError
from hybrid.fem import TaggedMesh, read_mesh, solve_on_mesh, tagged_box
from hybrid.fem.meshes.tagged import tags
from hybrid.fem.norms import norm
from hybrid.symbols import cos, evaluate, exp, pi, sin, x

pytestmark = pytest.mark.mpi

MESHES = Path(__file__).parents[2] / "meshes"


def error(found: object, u: sympy.Expr) -> float:
    """‖u_h - u‖ in L2."""
    space = found.function.function_space  # type: ignore[attr-defined]
    coordinate = ufl.SpatialCoordinate(space.mesh)
    exact = evaluate(u, {x[i]: coordinate[i] for i in range(space.mesh.geometry.dim)}, "ufl")
    return norm(found.function - exact, space.mesh, 2 * space.element.basix_element.degree + 4)  # type: ignore[attr-defined]


def manufactured(dim: int) -> tuple[sympy.Matrix, sympy.Expr, sympy.Matrix, sympy.Expr]:
    """a full matrix a(x), u, the flux a ∇u, and f = -∇·(a ∇u)."""
    half, quarter = sympy.Rational(1, 2), sympy.Rational(1, 4)
    a = sympy.Matrix([[2 + x[0] / 2, half, 0], [half, 1 + x[0] ** 2, quarter], [0, quarter, 1.5]])[:dim, :dim]
    u = exp(x[0] / 2) * (sin(2 * x[0]), cos(2 * x[1]), cos(2 * x[1]) * sin(1 + x[2]))[dim - 1]
    flux = a * sympy.Matrix([sympy.diff(u, x[i]) for i in range(dim)])
    return a, u, flux, -sum(sympy.diff(flux[i], x[i]) for i in range(dim))


@pytest.mark.parametrize("degree", [1, 2, 3, 4])
@pytest.mark.parametrize(("dim", "shape"), [(1, "simplex"), (2, "simplex"), (3, "simplex"), (2, "box")])
def test_convergence_order(comm: MPI.Comm, dim: int, shape: str, degree: int) -> None:
    a, u, flux, f = manufactured(dim)
    dirichlet = {"x0=low": u} | {f"x{i}=high": u for i in range(1, dim)}
    neumann = {"x0=high": flux[0]} | {f"x{i}=low": -flux[i] for i in range(1, dim)}
    errors = []
    for cells in (4, 8) if dim < 3 else (2, 4):
        box = tagged_box(comm, [(0, 1)] * dim, [cells] * dim, shape)
        errors.append(error(solve_on_mesh(box, a, f, dirichlet=dirichlet, neumann=neumann, degree=degree), u))
    assert math.log2(errors[0] / errors[1]) == pytest.approx(degree + 1, abs=0.1)


def _l_shapes(coarsest: TaggedMesh, count: int) -> list[TaggedMesh]:
    """The mesh and its uniform refinements, whose boundary parts are found again by where they are."""
    sides = {2: (0, 1.0), 3: (1, 1.0), 4: (0, -1.0), 5: (1, -1.0)}
    found = [coarsest]
    for _ in range(count - 1):
        grid = found[-1].mesh
        grid.topology.create_entities(1)
        fine = mesh.refine(grid, partitioner=mesh.create_cell_partitioner(mesh.GhostMode.none, 2))[0]
        fine.topology.create_connectivity(1, 2)
        outer = mesh.exterior_facet_indices(fine.topology)
        middle = mesh.compute_midpoints(fine, 1, outer)
        numbers = np.ones(len(outer), np.int32)  # the two edges at the corner
        for number, (i, end) in sides.items():
            numbers[np.abs(middle[:, i] - end) < 1e-9] = number
        cells = np.arange(fine.topology.index_map(2).size_local, dtype=np.int32)
        regions = tags(fine, 2, cells, np.ones(len(cells), np.int32))
        boundaries = tags(fine, 1, outer, numbers)
        found.append(TaggedMesh(fine, regions, boundaries, coarsest.region_names, coarsest.boundary_names))
    return found


@pytest.mark.parametrize("degree", [1, 2])
def test_the_l_shape(comm: MPI.Comm, degree: int) -> None:
    """u = r^(2/3) sin(2θ/3) has no second derivatives at the corner: the order is 4/3 in L2, whatever the degree."""
    angle = sympy.atan2(-(x[0] + x[1]), x[1] - x[0]) + 3 * pi / 4  # no jump of it in the domain
    u = (x[0] ** 2 + x[1] ** 2) ** sympy.Rational(1, 3) * sin(angle * 2 / 3)
    dirichlet = {"corner": 0, "left": u, "bottom": u}
    neumann = {"right": sympy.diff(u, x[0]), "top": sympy.diff(u, x[1])}
    errors = [
        error(solve_on_mesh(grid, 1, 0, dirichlet=dirichlet, neumann=neumann, degree=degree), u)
        for grid in _l_shapes(read_mesh(MESHES / "l-shape.msh", comm), 3)
    ]
    assert errors[0] < 0.02
    assert math.log2(errors[-2] / errors[-1]) == pytest.approx(4 / 3, abs=0.05)


def test_a_disc_in_a_uniform_field(comm: MPI.Comm) -> None:
    """Regions of a curved mesh: outside u = (1 + β R²/r²) s with β = (1 - k)/(1 + k), s = x0 - 1/2, and inside (1 + β) s."""
    domain = read_mesh(MESHES / "inclusion-2d.msh", comm)
    s, t = x[0] - 0.5, x[1] - 0.5
    beta, radius = (1 - 10.0) / (1 + 10.0), 0.25
    r2 = sympy.Max(s**2 + t**2, radius**2)
    u = (1 + beta * radius**2 / r2) * s
    grid = domain.mesh
    grid.topology.create_connectivity(1, 2)
    outer = mesh.exterior_facet_indices(grid.topology)
    sides = tags(grid, 1, outer, np.ones(len(outer), np.int32))
    tagged = TaggedMesh(grid, domain.regions, sides, domain.region_names, {"sides": 1})
    found = solve_on_mesh(tagged, {"matrix": 1, "inclusion": 10}, 0, dirichlet={"sides": u}, degree=3)
    assert error(found, u) < 1e-5


def test_no_flux_where_nothing_is_said(comm: MPI.Comm) -> None:
    """u = x0 for one value on the left, another on the right, and nothing above and below."""
    box = tagged_box(comm, [(0, 2), (0, 1)], [6, 3])
    found = solve_on_mesh(box, 3, 0, dirichlet={"x0=low": 0, 2: 2}, degree=1)
    assert error(found, x[0]) < 1e-9


@pytest.mark.parametrize(
    ("conditions", "what"),
    [
        ({"dirichlet": {}}, "dirichlet: no part of the boundary.*up to a constant"),
        ({"dirichlet": {}, "neumann": {"x0=low": 1}}, "up to a constant"),
        ({"dirichlet": {"left": 0}}, "dirichlet: no boundary 'left'.*'x0=low'"),
        ({"dirichlet": {"x0=low": 0}, "neumann": {"x0=low": 1}}, "neumann: 'x0=low' has a Dirichlet"),
        ({"dirichlet": {"x0=low": 0}, "neumann": {9: 1}}, "neumann: no boundary 9"),
        ({"dirichlet": {"x0=low": x[2]}}, "dirichlet: x2 may not appear"),
        ({"dirichlet": {"x0=low": 1 / x[0]}}, "not a finite number"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(comm: MPI.Comm, conditions: dict[str, dict[str, object]], what: str) -> None:
    with pytest.raises(InputError, match=what) as caught:
        solve_on_mesh(tagged_box(comm, [(0, 1)] * 2, [4, 4]), 1, 1, **conditions)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_parts_inside_the_domain_are_refused(comm: MPI.Comm) -> None:
    box = tagged_box(comm, [(0, 1)] * 2, [4, 4])
    facets = mesh.locate_entities(box.mesh, 1, lambda p: np.abs(p[0] - 0.5) < 1e-9)
    inside = tags(box.mesh, 1, facets, np.ones(len(facets), np.int32))
    domain = TaggedMesh(box.mesh, box.regions, inside, box.region_names, {"middle": 1, "nowhere": 2})
    with pytest.raises(InputError, match="'middle' is no part of the boundary: 4 of its 4 facets are inside"):
        solve_on_mesh(domain, 1, 1, dirichlet={"middle": 0})
    with pytest.raises(InputError, match="'nowhere' is no part of the boundary: it has no facets"):
        solve_on_mesh(domain, 1, 1, dirichlet={"nowhere": 0})
