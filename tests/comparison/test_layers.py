"""Half-strip layers and second-order cell functions: closed forms, an identity, and one path against the other."""

from __future__ import annotations

import math
from typing import Any

from mpi4py import MPI

import numpy as np
import pytest
import sympy
from sympy import Abs, Heaviside, sqrt

import dolfinx
import ufl

from hybrid import EllipticProblem, InputError, comparison, fem, pinn
from hybrid.faces import Face, faces_of
from hybrid.fem.jets import derivatives
from hybrid.fem.layers import sampled
from hybrid.fem.norms import integral
from hybrid.lines import Line
from hybrid.separation import Weighted, without_slow
from hybrid.symbols import cos, exp, pi, sin, x, y


def laminate() -> EllipticProblem:
    return EllipticProblem(domain=[(0, 1), (0, 1)], eps=1 / 4.3, a=2 + sin(2 * pi * y[0]), f=1)


def product(eps: float) -> EllipticProblem:
    """a(x, y) = g(x) b(y), with a cell that is another one upside down."""
    b = exp(sin(2 * pi * y[0]) + sin(2 * pi * y[1]) + 0.9 * sin(2 * pi * (y[0] + y[1])))
    return EllipticProblem(domain=[(0, 1), (0, 1)], eps=eps, a=exp(2 * x[0] + x[0] * x[1]) * b, f=1 + x[0])


def turned(eps: float) -> EllipticProblem:
    """A matrix, and a box that cuts cells."""
    off = cos(2 * pi * (y[0] + y[1])) / 2 + 0.4
    a = [[2 + sin(2 * pi * y[0]) * cos(2 * pi * y[1]), off], [off, 1.5 + 0.7 * sin(2 * pi * y[0] + 1)]]
    return EllipticProblem(domain=[(0, 1), (0, 1.3)], eps=eps, a=a, f=1 + x[0])


@pytest.mark.mpi
def test_a_laminate(comm: MPI.Comm) -> None:
    """Across it w is a constant; along it there is no corrector. The second order is two integrals."""
    problem = laminate()
    equation, cell = problem.cell_problems(), fem.solve_cell(problem, comm, degree=4, cells=12, estimate=False)
    chi = Line.of(lambda _, s: 1 / (2 + np.sin(2 * np.pi * s)), 1.0, np.zeros(1)).times(math.sqrt(3)).integral()
    for layer in fem.solve_layers(problem, cell, comm):
        place = layer.face.offset(problem)
        expected = -chi.at(place[:1], place[:1])[0] if layer.face.axis == 0 else 0.0
        assert layer.tail == pytest.approx(expected, abs=2e-6)
        assert sampled(layer, equation) == pytest.approx(layer.tail, abs=1e-6)
    at = np.column_stack([np.linspace(0, 1, 9), np.full(9, 0.3)])
    a = Line.of(lambda _, s: 2 + np.sin(2 * np.pi * s), 1.0, np.zeros(1))
    inverse = Line.of(lambda _, s: 1 / (2 + np.sin(2 * np.pi * s)), 1.0, np.zeros(1))
    source = a.integral()
    mean = (source * inverse).mean() / inverse.mean()
    along = (source * inverse).times(-1.0) + inverse.times(mean)
    for found, exact in zip(
        fem.solve_second(problem, cell, comm),
        (chi.integral().times(-1.0), chi.times(0.0), along.integral()), strict=True,
    ):  # fmt: skip
        assert comparison.at_points(found, at) == pytest.approx(exact.at(at[:, 0], at[:, 0]), abs=1e-6)


def test_a_tail_is_an_energy(paper: EllipticProblem) -> None:
    """By Green's identity with y_n + χ_n: a*_nn c |F| = -∫_F χ_n σ_nn - ∫ ∇w·a∇w, quadratic in the error of w."""
    comm = MPI.COMM_SELF
    cell = fem.solve_cell(paper, comm, degree=4, cells=16, estimate=False)
    layer = fem.solve_layers(paper, cell, comm)[0]
    mesh = layer.function.function_space.mesh
    z = ufl.SpatialCoordinate(mesh)
    a = 2 + ufl.sin(2 * ufl.pi * z[0]) * ufl.cos(2 * ufl.pi * z[1])
    slope = ufl.grad(layer.function)
    energy = integral(a * ufl.inner(slope, slope) * ufl.dx(domain=mesh, metadata={"quadrature_degree": 12}), mesh)
    at = np.column_stack([np.zeros(64), np.arange(64) / 64])
    chi, steep = (comparison.at_points(part, at) for part in derivatives(cell.correctors[0], 1)[:2])
    on_face = float((chi * 2.0 * (1 + steep)).mean())
    star = float(np.asarray(cell.coefficient)[0, 0])
    assert layer.tail == pytest.approx(-(on_face + energy) / star, rel=1e-4)
    assert layer.estimate.within(1e-4)


def test_both_paths_find_the_same() -> None:
    problem = turned(1 / 8)
    equation, comm = problem.cell_problems(), MPI.COMM_SELF
    assert Face(1, True).offset(problem) == pytest.approx([0, 0.4])
    exact = fem.solve_cell(problem, comm, degree=4, cells=16, estimate=False)
    found = pinn.solve_cell(problem, hidden=(600,), points=34, optimizer=pinn.LastLayer())
    size = max(float(np.abs(chi.x.array).max()) for chi in exact.correctors)
    layers = zip(
        fem.solve_layers(problem, exact, comm),
        pinn.solve_layers(problem, found), faces_of(problem), strict=True,
    )  # fmt: skip
    for by_fem, by_network, face in layers:
        assert by_fem.face == by_network.face == face
        assert by_network.tail == pytest.approx(by_fem.tail, abs=2e-3 * size)
        points = face.first_period(equation)
        difference = np.abs(by_network.function.values(points) - sampled(by_fem, equation)).max()
        assert difference < 2e-3 * size
        assert by_network.estimate.within(2e-2)
    points = np.random.default_rng(0).random((50, 2))
    seconds = zip(fem.solve_second(problem, exact, comm), pinn.solve_second(problem, found), strict=True)
    for one, other in seconds:
        assert isinstance(one, dolfinx.fem.Function)
        assert isinstance(other, pinn.Field)
        assert other.values(points) == pytest.approx(comparison.at_points(one, points), abs=1e-5 * size)


def test_networks_have_as_many_features_as_layers_need(paper: EllipticProblem) -> None:
    """Of the paper's medium the first are enough; of a steep one across the lattice they are not, and the estimate says so."""
    steep = EllipticProblem(
        domain=[(0, 1), (0, 1)], eps=1 / 8, a=1.1 + sin(2 * pi * (y[0] + y[1])) * cos(2 * pi * y[1]), f=1
    )
    found = {}
    for problem in (paper, steep):
        cell = pinn.solve_cell(problem, hidden=(600,), points=34, optimizer=pinn.LastLayer())
        found[problem] = pinn.solve_layers(problem, cell)
        assert all(layer.estimate.within(1e-4) for layer in found[problem]) is (problem is paper)
    own, more = ({layer.function.network.weights[0].shape[0] for layer in layers} for layers in found.values())
    assert max(more) > max(own)
    exact = fem.solve_cell(paper, MPI.COMM_SELF, degree=4, cells=16, estimate=False)
    size = float(np.abs(exact.correctors[0].x.array).max())
    for by_fem, by_network in zip(fem.solve_layers(paper, exact, MPI.COMM_SELF), found[paper], strict=True):
        assert by_network.tail == pytest.approx(by_fem.tail, abs=1e-5 * size)


@pytest.mark.mpi
@pytest.mark.long
def test_orders_in_the_plane(comm: MPI.Comm) -> None:
    """From ε = 1/4 to 1/8, cut alike: in L2 and in the H1 seminorm."""
    found = []
    for eps in (1 / 4, 1 / 8):
        problem = turned(eps)
        box = [(0.0, 1.0), (0.0, 1.0 + 0.3 * 4 * eps)]  # the cells are cut where 4/10 of them are left
        problem = EllipticProblem(domain=box, eps=eps, a=problem.a, f=problem.f)
        u = fem.solve_multiscale(problem, comm, degree=3, cells_per_period=8, estimate=False)
        cell = fem.solve_cell(problem, comm, degree=4, cells=8, estimate=False)
        layers = fem.solve_layers(problem, cell, comm, cells=8)
        second = fem.solve_second(problem, cell, comm)
        equation, _ = problem.moved(cell.coefficient, {layer.face: layer.tail for layer in layers})
        assert equation is not None
        v = fem.solve_homogenized(problem, cell.coefficient, comm, cells=32, estimate=False)
        moved = fem.solve(equation, comm, cells=32, estimate=False)
        assert isinstance(moved, fem.Solution)
        terms = comparison.Terms(v, cell.correctors, moved, second, layers)
        functions = comparison.reconstructions(problem, u.function.function_space, terms)
        found.append(comparison.relative_errors(u, functions))
    orders = {
        name: [math.log2(a / b) for a, b in zip(found[0][name], found[1][name], strict=True)] for name in found[0]
    }
    for name, l2, h1 in (("u0", 1, 0), ("first", 1, 0.5), ("layers", 1.8, 0.9), ("second", 1.8, 1)):
        assert orders[name][0] > l2 - 0.2, orders
        assert orders[name][1] > h1 - 0.2, orders
    assert found[1]["second"][0] < 0.1 * found[1]["u0"][0]
    assert found[1]["second"][1] < 0.05 * found[1]["u0"][1]


@pytest.mark.mpi
@pytest.mark.long
def test_orders_with_a_slow_dependency(comm: MPI.Comm) -> None:
    """From ε = 1/8 to 1/16: not what they are without the mean of the fluxes of the second order, or with its sign changed."""
    found: dict[str, list[dict[str, tuple[float, float]]]] = {"": [], "none": [], "turned": [], "no ω": []}
    for eps in (1 / 8, 1 / 16):
        problem = product(eps)
        u = fem.solve_multiscale(problem, comm, degree=3, cells_per_period=10, estimate=False)
        cell = fem.solve_cell(problem, comm, degree=4, cells=10, estimate=False)
        layers, second = fem.solve_layers(problem, cell, comm, cells=8), fem.solve_second(problem, cell, comm)
        v = fem.solve_homogenized(problem, cell.coefficient, comm, cells=32, estimate=False)
        moments = fem.drift(problem, cell, comm)
        for name, drift in {"": moments, "none": None, "turned": -moments, "no ω": moments}.items():
            equation, _ = problem.moved(cell.coefficient, {layer.face: layer.tail for layer in layers}, drift)
            moved = fem.solve(equation, comm, cells=32, estimate=False)
            assert isinstance(moved, fem.Solution)
            terms = comparison.Terms(v, cell.correctors, moved, second[:3] if name == "no ω" else second, layers)
            functions = comparison.reconstructions(problem, u.function.function_space, terms)
            found[name].append(comparison.relative_errors(u, functions))
    orders = {
        name: {rung: [math.log2(a / b) for a, b in zip(*pair)] for rung, pair in _pairs(*both).items()}
        for name, both in found.items()
    }
    for rung, l2, h1 in (("u0", 1, 0), ("first", 1, 0.9), ("layers", 1.9, 1), ("second", 1.9, 1.5)):
        assert orders[""][rung] == pytest.approx((l2, h1), abs=0.12), orders
    assert orders["none"]["second"][0] < 1.7
    assert orders["turned"]["second"][0] < 1.55
    assert found["none"][1]["layers"][0] > 1.2 * found[""][1]["layers"][0]
    assert found["no ω"][1]["second"][1] > 1.1 * found[""][1]["second"][1]


def _pairs(*found: dict[str, tuple[float, float]]) -> dict[str, list[tuple[float, float]]]:
    return {rung: [one[rung] for one in found] for rung in found[0]}


def test_both_paths_find_the_same_with_a_slow_dependency() -> None:
    problem, comm = product(1 / 8), MPI.COMM_SELF
    exact = fem.solve_cell(problem, comm, degree=4, cells=16, estimate=False)
    found = pinn.solve_cell(problem, hidden=(800,), points=34, optimizer=pinn.LastLayer())
    size = max(float(np.abs(chi.x.array).max()) for chi in exact.correctors)
    moments = fem.drift(problem, exact, comm)
    assert np.abs(moments).max() > 0.01
    assert pinn.drift(problem, found) == pytest.approx(moments, abs=1e-5)
    for by_fem, by_network in zip(
        fem.solve_layers(problem, exact, comm), pinn.solve_layers(problem, found), strict=True
    ):
        assert by_network.tail == pytest.approx(by_fem.tail, abs=1e-3 * size)
    points = np.random.default_rng(0).random((50, 2))
    exact_second, found_second = fem.solve_second(problem, exact, comm), pinn.solve_second(problem, found)
    assert len(exact_second) == len(found_second) == 5
    pairs: list[Any] = list(zip(exact_second[:3], found_second[:3], strict=True))
    for omega, other in zip(exact_second[3:], found_second[3:], strict=True):
        assert isinstance(omega, Weighted)
        assert isinstance(other, Weighted)
        assert [sympy.simplify(h) for h in omega.weights] == [2 + x[1], x[0]]
        assert other.weights == omega.weights
        pairs += zip(omega.functions, other.functions, strict=True)
    for one, two in pairs:
        assert two.values(points) == pytest.approx(comparison.at_points(one, points), abs=1e-4 * size)


def test_what_is_no_product_has_no_one_cell() -> None:
    for a in (2 + x[0] * sin(2 * pi * y[0]), (1 + Heaviside(x[0] - 0.5)) * (2 + sin(2 * pi * y[0]))):
        problem = EllipticProblem(domain=[(0, 1), (0, 1)], eps=1 / 8, a=a, f=1)
        with pytest.raises(InputError, match="is no product"):
            without_slow(problem.cell_problems())


def test_networks_refuse_what_the_strong_form_does_not_see() -> None:
    """An infinite slope is finite at collocation points: a second order of 40 times u_ε was made of it."""
    for a, why in (
        (2 + Heaviside(sin(2 * pi * y[0])), "it jumps"),
        (1 + sqrt(Abs(sin(2 * pi * y[0]))), "slopes are infinite"),
    ):
        problem = EllipticProblem(domain=[(0, 1), (0, 1)], eps=1 / 8, a=(1 + x[0]) * a, f=1)
        found = pinn.solve_cell(problem, hidden=(20,), points=8, formulation="first-order", optimizer=pinn.LastLayer())
        for beyond in (pinn.solve_layers, pinn.solve_second):
            with pytest.raises(InputError, match=why):
                beyond(problem, found)
