"""Beyond the first order for a(x, y) that is no product: identities, closed forms, one path against the other, orders in ε."""

from __future__ import annotations

import math
from dataclasses import replace

from mpi4py import MPI

import numpy as np
import numpy.typing as npt
import pytest
import sympy
from numpy.polynomial.legendre import leggauss

import dolfinx

from hybrid import EllipticProblem, comparison, fem, pinn
from hybrid.displacement import Displacement
from hybrid.drift import Drift, Samples, drift
from hybrid.fem.layers import sampled
from hybrid.grids import uniform
from hybrid.media.interpolated import SlowCoefficient, slow_nodes
from hybrid.product import Product
from hybrid.symbols import cos, exp, numpy_function, pi, sin, x, y

Array = npt.NDArray[np.float64]
SQUARE = [(0, 1), (0, 1)]


def general(eps: float) -> EllipticProblem:
    """Strong, and no two cells alike, not even upside down."""
    waves = (1 + x[1] / 2) * sin(2 * pi * y[0]) + (1 - x[0] / 3) * sin(2 * pi * y[1])
    a = exp(2 * x[0] + x[0] * x[1] + waves + 0.9 * sin(2 * pi * (y[0] + y[1])))
    return EllipticProblem(domain=SQUARE, eps=eps, a=a, f=1 + x[0])


def mild(eps: float = 1 / 8) -> EllipticProblem:
    """Along x0 only."""
    a = 2 + x[0] + sin(2 * pi * y[0] + 1) * (0.8 + x[0] / 2) + cos(2 * pi * (y[0] + y[1])) / 2
    return EllipticProblem(domain=SQUARE, eps=eps, a=a, f=1)


def bent(size: float) -> Displacement:
    s = (size * (1 - x[0]) * sin(1 + 2 * x[1]), size * x[1] * exp(-x[0]))
    return Displacement(s)


def test_a_displaced_equation() -> None:
    """-div(A ∇u) = f becomes one for û = u(ξ + s(ξ)), whatever u is."""
    displacement, points = bent(0.1), np.random.default_rng(0).random((20, 2))
    u, a = sin(x[0] + 2 * x[1]) + x[0] ** 3, sympy.Matrix([[2, 0.3], [0.3, 1]])
    slopes = sympy.Matrix([sympy.diff(u, s) for s in x[:2]])
    f = -sum(sympy.diff((a * slopes)[i], x[i]) for i in range(2))
    pulled = u.subs({s: s + part for s, part in zip(x, displacement.parts, strict=False)}, simultaneous=True)
    step = 1e-5

    def flux(at: Array) -> Array:
        own = displacement.coefficient(np.tile(np.array(a, dtype=float), (len(at), 1, 1)), at)
        gradient = np.stack([numpy_function(sympy.diff(pulled, s))(at) for s in x[:2]], axis=1)
        return np.asarray(np.einsum("nij,nj->ni", own, gradient))

    divergence = np.zeros(len(points))
    for i, unit in enumerate(np.eye(2)):
        divergence += (flux(points + step * unit)[:, i] - flux(points - step * unit)[:, i]) / (2 * step)
    assert -divergence == pytest.approx(numpy_function(displacement.source(f))(points), rel=1e-7)


def test_back_from_a_displaced_box() -> None:
    """Values up to s³, slopes up to s²: half the displacement, an eighth and a quarter of what is left."""
    u, points = sin(x[0] + 2 * x[1]) + x[0] ** 3, np.random.default_rng(0).random((50, 2))

    def jet(function: sympy.Expr) -> Array:
        first = [sympy.diff(function, s) for s in x[:2]]
        second = [sympy.diff(first[i], x[j]) for i, j in ((0, 0), (0, 1), (1, 1))]
        return np.stack([numpy_function(part)(points) for part in (function, *first, *second)])

    exact, left = jet(u), []
    for size in (0.04, 0.02):
        displacement = bent(size)
        pulled = u.subs({s: s + part for s, part in zip(x, displacement.parts, strict=False)}, simultaneous=True)
        difference = np.abs(displacement.pushed(jet(pulled), points) - exact)
        left.append((difference[0].max(), difference[1:3].max()))
    orders = [math.log2(a / b) for a, b in zip(*left, strict=True)]
    assert orders == pytest.approx([3, 2], abs=0.25)


def test_a_polynomial_is_written_down() -> None:
    nodes = slow_nodes([(0, 2), (-1, 1)], (4, 3))
    values = np.random.default_rng(0).random((12, 2, 2))
    polynomial = SlowCoefficient(((0, 2), (-1, 1)), nodes, values)
    points = uniform([(0, 2), (-1, 1)], 5)
    for i, j in np.ndindex(2, 2):
        assert numpy_function(polynomial.written(i, j))(points) == pytest.approx(polynomial(points)[:, i, j], abs=1e-13)
    padded = SlowCoefficient(polynomial.domain, slow_nodes(polynomial.domain, (9, 8)), np.empty(0))
    padded = replace(padded, values=polynomial(padded.nodes))
    assert padded.thinned((5, 12)).counts == (5, 8)
    assert padded.thinned((5, 12))(points) == pytest.approx(polynomial(points), abs=1e-13)


def test_the_drift_of_a_laminate() -> None:
    """χ_2 = 0, σ_1 = a* e_1, σ_2 = a e_2: S_22 = -∂_0 ⟨a χ_1⟩, S_12 = ⟨a ∂_1 χ_1⟩, S_11 = 0."""
    medium = 2 + x[0] * sin(2 * pi * y[0]) + (1 + x[1]) / 3 * cos(4 * pi * y[0] + x[1])
    equation = EllipticProblem(domain=SQUARE, eps=1, a=medium, f=1).cell_problems()
    function = numpy_function(medium, (*x[:2], *y[:2]))
    unit, share = leggauss(40)

    def chi(at: Array, s: Array) -> Array:
        """The integral of a*/a - 1 from 0, less its mean."""
        star = 1 / (1 / function(np.column_stack([np.tile(at, (400, 1)), np.arange(400) / 400, np.zeros(400)]))).mean()

        def raw(end: float) -> float:
            places = end * (unit + 1) / 2
            inner = star / function(np.column_stack([np.tile(at, (40, 1)), places, np.zeros(40)])) - 1
            return float(end / 2 * share @ inner)

        grid = np.arange(64) / 64
        return np.array([raw(end) for end in s]) - np.mean([raw(end) for end in grid])

    def weighted(at: Array, of: Array) -> float:
        """⟨a χ_1⟩, χ_1 of another x."""
        grid = np.arange(64) / 64
        return float((function(np.column_stack([np.tile(at, (64, 1)), grid, np.zeros(64)])) * chi(of, grid)).mean())

    nodes = slow_nodes(SQUARE, (11, 11))
    at = uniform([(0, 1), (0, 1)], 32, 0.0)
    line = np.arange(32) / 32
    star = SlowCoefficient(((0, 1), (0, 1)), nodes, np.tile(np.eye(2), (len(nodes), 1, 1)))
    values, slopes = np.zeros((len(nodes), 2, len(at))), np.zeros((len(nodes), 2, 2, len(at)))
    for k, node in enumerate(nodes):
        inverse = 1 / function(np.column_stack([np.tile(node, (32, 1)), line, np.zeros(32)]))
        mean = (
            1 / (1 / function(np.column_stack([np.tile(node, (400, 1)), np.arange(400) / 400, np.zeros(400)]))).mean()
        )
        values[k, 0] = np.repeat(chi(node, line), 32)
        slopes[k, 0, 0] = np.repeat(mean * inverse - 1, 32)
    found = drift(equation, Samples(star, at, values, slopes))
    point, step = np.array([0.4, 0.7]), 1e-4
    e = step * np.eye(2)
    s22 = -(weighted(point + e[0], point + e[0]) - weighted(point - e[0], point - e[0])) / (2 * step)
    s12 = (weighted(point, point + e[1]) - weighted(point, point - e[1])) / (2 * step)
    assert min(abs(s22), abs(s12)) > 1e-3
    assert found.tensor(point[None])[0] == pytest.approx(np.array([[0, s12], [s12, s22]]), abs=3e-6)
    assert found.error < 1e-4


def test_a_product_has_the_drift_of_its_factor() -> None:
    """Without slopes of χ in x what is left is that of `EllipticProblem.moved` for g(x) b(y)."""
    b = exp(sin(2 * pi * y[0]) + sin(2 * pi * y[1]) + 0.9 * sin(2 * pi * (y[0] + y[1])))
    problem = EllipticProblem(domain=SQUARE, eps=1, a=(1 + x[0] + x[1] ** 2) * b, f=1)
    cell = fem.solve_cell(problem, MPI.COMM_SELF, degree=3, cells=12, estimate=False)
    moments = fem.drift(problem, cell, MPI.COMM_SELF)
    tails = {layer.face: 0.0 for layer in fem.solve_layers(problem, cell, MPI.COMM_SELF, cells=4)}
    exact, _ = problem.moved(cell.coefficient, tails, moments)
    plain, _ = problem.moved(cell.coefficient, tails)
    nodes = slow_nodes(SQUARE, (4, 4))
    star = SlowCoefficient(((0, 1), (0, 1)), nodes, cell.coefficient(nodes))
    at = Product.of(uniform(SQUARE, 64))
    jets = np.array([fem_jet(chi, at) for chi in cell.correctors])
    samples = Samples(
        star, at.points(), np.tile(jets[None, :, 0], (16, 1, 1)), np.tile(jets[None, :, 1:], (16, 1, 1, 1))
    )
    found = drift(problem.cell_problems(), samples)
    points = np.random.default_rng(0).random((5, 2))
    expected = exact.flux(points) - plain.flux(points)
    assert found.tensor(points) == pytest.approx(expected, abs=1e-3 * np.abs(expected).max())


def fem_jet(function: dolfinx.fem.Function, at: Product) -> Array:
    from hybrid.fem.jets import derivatives, jets_on

    return jets_on(derivatives(function, 1), at)


def test_both_paths_find_the_same() -> None:
    problem, comm = mild(), MPI.COMM_SELF
    exact = fem.solve_cell(problem, comm, degree=4, cells=16, estimate=False)
    found = pinn.solve_cell(problem, hidden=(600,), points=36, optimizer=pinn.LastLayer(), slow_nodes=(8, 1))
    by_fem, by_network = fem.drift(problem, exact, comm), pinn.drift(problem, found)
    assert isinstance(by_fem, Drift)
    assert isinstance(by_network, Drift)
    points = np.random.default_rng(0).random((40, 2))
    assert by_network.tensor(points) == pytest.approx(by_fem.tensor(points), abs=1e-6)
    equation, size = problem.cell_problems(), comparison.NodalCorrectors.of(exact, comm).largest
    for one, other in zip(fem.solve_layers(problem, exact, comm), pinn.solve_layers(problem, found), strict=True):
        assert one.face == other.face
        assert len(one.parts) == len(other.parts) == (7 if one.face.axis == 1 else 1)
        for a, b in zip(one.parts, other.parts, strict=True):
            at = one.face.first_period(equation)
            assert b.function.values(at) == pytest.approx(sampled(a, equation), abs=2e-3 * size)
        assert other.tail(points) == pytest.approx(one.tail(points), abs=1e-3 * size)
        assert other.estimate.within(1e-2)
    fast = np.random.default_rng(1).random((40, 2))
    second = fem.solve_second(problem, exact, comm)
    assert isinstance(second, comparison.NodalCorrectors)
    functions = pinn.solve_second(problem, found)
    values = second.at(Product.of(points), Product.of(fast))
    assert len(values) == len(functions) == 5
    fem_terms, pinn_terms = (comparison.Terms(None, (), second=part) for part in (second, functions))  # type: ignore[arg-type]
    assert comparison.second_difference(problem, fem_terms, replace(fem_terms, second=())) is None
    apart = comparison.second_difference(problem, fem_terms, pinn_terms)
    assert apart is not None
    assert apart < 1e-3
    wrong = replace(second, own=second.own[::-1])
    apart = comparison.second_difference(problem, fem_terms, replace(fem_terms, second=wrong))
    assert apart is not None
    assert apart > 0.1
    for own, function in zip(values, functions, strict=True):
        assert isinstance(function, pinn.Field)
        assert function.values(np.hstack([points, fast])) == pytest.approx(own, abs=1e-4 * size)


@pytest.mark.mpi
@pytest.mark.long
def test_orders_in_the_plane(comm: MPI.Comm) -> None:
    """From ε = 1/8 to 1/16: not what they are without the drift, with its sign changed, or on a box with plane faces."""
    problem = general(1 / 8)
    cell = fem.solve_cell(problem, comm, degree=4, cells=10, nodes=9, estimate=False)
    layers, drifted = fem.solve_layers(problem, cell, comm, cells=8), fem.drift(problem, cell, comm)
    assert isinstance(drifted, Drift)
    second, correctors = fem.solve_second(problem, cell, comm), comparison.NodalCorrectors.of(cell, comm)
    assert isinstance(second, comparison.NodalCorrectors)
    without = replace(second, own=tuple((*part[:3], *(zero(chi) for chi in part[3:])) for part in second.own))
    variants = {"": 1, "none": 0, "turned": -1, "plane": 1, "no ω": 1}
    found: dict[str, list[dict[str, tuple[float, float]]]] = {name: [] for name in variants}
    for eps in (1 / 8, 1 / 16):
        problem = general(eps)
        u = fem.solve_multiscale(problem, comm, degree=3, cells_per_period=10, estimate=False)
        v = fem.solve_homogenized(problem, cell.coefficient, comm, cells=32, estimate=False)
        for name, sign in variants.items():
            own = replace(drifted, tensor=replace(drifted.tensor, values=sign * drifted.tensor.values))
            tails = {
                layer.face: replace(layer.tail, values=0 * layer.tail.values + layer.tail.values.mean())
                if name == "plane" else layer.tail for layer in layers
            }  # fmt: skip
            equation, displacement = problem.moved(cell.coefficient, tails, own)
            moved = fem.solve(equation, comm, cells=32, estimate=False)
            assert isinstance(moved, fem.Solution)
            terms = comparison.Terms(v, correctors, moved, without if name == "no ω" else second, layers, displacement)
            functions = comparison.reconstructions(problem, u.function.function_space, terms)
            found[name].append(comparison.relative_errors(u, functions))
    orders = {
        name: {rung: tuple(np.log2(np.divide(*(one[rung] for one in both)))) for rung in both[0]}
        for name, both in found.items()
    }
    for rung, l2, h1 in (("u0", 1.05, 0.05), ("first", 1.1, 0.95), ("layers", 1.9, 1.05), ("second", 1.9, 1.55)):
        assert orders[""][rung] == pytest.approx((l2, h1), abs=0.1), orders
    assert found[""][1]["second"][0] < 0.05 * found[""][1]["u0"][0]
    for name, worst in (("none", 1.72), ("turned", 1.55), ("plane", 1.75)):
        assert orders[name]["second"][0] < worst, orders
        assert found[name][1]["second"][0] > 1.3 * found[""][1]["second"][0]
    assert found["no ω"][1]["second"][1] > 1.3 * found[""][1]["second"][1]


def zero(like: dolfinx.fem.Function) -> dolfinx.fem.Function:
    return dolfinx.fem.Function(like.function_space)


def test_correctors_that_depend_on_x_where_their_coefficient_does_not() -> None:
    """A wave that moves with x: a* is one number, and its nodes are too few for χ."""
    problem = EllipticProblem(domain=SQUARE, eps=1 / 8, a=2 + sin(2 * pi * (y[0] - x[0])) * cos(2 * pi * y[1]), f=1)
    found = pinn.solve_cell(problem, hidden=(300,), points=30, optimizer=pinn.LastLayer(), slow_nodes=(20, 1))
    assert np.ptp(np.asarray(found.coefficient.values)[:, 0, 0]) < 1e-6
    second = pinn.solve_second(problem, found)
    points, fast = np.random.default_rng(0).random((2, 30, 2))
    there = np.column_stack([np.zeros(30), points[:, 1], fast[:, 0] - points[:, 0], fast[:, 1]])
    size = max(float(np.abs(chi.values(there)).max()) for chi in second)
    for chi in second[:3]:
        assert chi.values(np.hstack([points, fast])) == pytest.approx(chi.values(there), abs=1e-3 * size)
