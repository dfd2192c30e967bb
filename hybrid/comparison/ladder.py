"""Reconstructions of u_ε beside one another, each with one more term of its expansion.

    u0        u_0
    first     u_0 (1 + ε …): the oscillation put back, r = u_0 + ε χ_j(x/ε) ∂_j u_0 or u_0 (1 + ε N(x/ε))
    layers    the same of U, u_0 with what the boundary does to it from afar, and the boundary layers of the faces
    second    and ε² u_2

What the terms are, the physics says (`hybrid.physics.base.Problem.next_order`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
import numpy.typing as npt
from torch import Tensor

from dolfinx import fem

from hybrid.comparison.correctors import in_cell
from hybrid.comparison.transfer import Comparable, function_of, nodes, with_values
from hybrid.displacement import Displacement
from hybrid.faces import Face, Layer, SlowLayer, faces_of
from hybrid.fem.cells.nodal import NodalCorrectors
from hybrid.fem.jets import derivatives, jets_on, values_on
from hybrid.lines import Line
from hybrid.physics import Problem
from hybrid.pinn.functions.field import Field, evaluated
from hybrid.pinn.functions.network import VALUE, gradient_only, hessian_operators
from hybrid.pinn.functions.smooth import NEAR
from hybrid.product import Product
from hybrid.separation import Weighted
from hybrid.symbols import numpy_function

Array = npt.NDArray[np.float64]
type CellFunction = Line | Field | fem.Function
type AnyLayer = Layer[fem.Function] | Layer[Field] | SlowLayer[fem.Function] | SlowLayer[Field]
type SecondOrder = CellFunction | Weighted[fem.Function] | Weighted[Field]

RUNGS = ("u0", "first", "layers", "second")


@dataclass(frozen=True)
class Terms:
    """What one path has found.

    Attributes:
        u0: The homogenized solution.
        correctors: Of the first order.
        moved: U; None where the expansion ends with the first order.
        second: The cell functions of the second order.
        layers: Of the faces.
        displacement: Of the box that U is on.
    """

    u0: Comparable
    correctors: Sequence[CellFunction] | NodalCorrectors
    moved: Comparable | None = None
    second: Sequence[SecondOrder] | NodalCorrectors = ()
    layers: Sequence[AnyLayer] = ()
    displacement: Displacement | None = None


def reconstructions(
    problem: Problem, space: fem.FunctionSpace, terms: Terms, places: Product | None = None
) -> dict[str, fem.Function]:
    """Every reconstruction that there are terms for, interpolated in a space; collective.

    Args:
        problem: Gives ε, the period and the formulas.
        space: Lagrange elements on a mesh that resolves ε.
        terms: Of one path.
        places: The nodes of the space, where they are known.
    """
    points = _Points(problem, nodes(space) if places is None else places)
    dim, order = problem.dim, problem.derivatives
    jet = _Jets(terms.u0, dim, order)(points.points)
    correctors = points.of_cells(terms.correctors)
    found = {"u0": jet[0], "first": problem.reconstruct(jet[: 1 + dim * order], correctors)}
    if terms.moved is not None:
        moved = _Jets(terms.moved, dim, 2, terms.displacement)
        jet = moved(points.points)
        found["layers"] = problem.reconstruct(jet[: 1 + dim * order], correctors)
        for layer in terms.layers:
            found["layers"] += points.of_layer(layer, moved)
        if terms.second:
            second = problem.second_order(jet, points.of_cells(terms.second))
            found["second"] = found["layers"] + (second if problem.is_line else points.inside * second)
    return {name: with_values(values, space) for name, values in found.items()}


def second_difference(problem: Problem, one: Terms, other: Terms) -> float | None:
    """Of the cell functions of the second order of two paths, at some points, relative to the largest value; collective.

    None where only one path has them.
    """
    if not (one.second and other.second):
        return None
    low, high = np.array(problem.domain).T
    at = low + (high - low) * np.random.default_rng(23).random((_COMPARED, problem.dim))
    points = _Points(problem, Product.of(at))
    pairs = list(zip(points.of_cells(one.second), points.of_cells(other.second), strict=True))
    scale = max(float(np.abs(a).max()) for a, _ in pairs)
    return max(float(np.abs(a - b).max()) for a, b in pairs) / scale if scale else 0.0


_COMPARED = 400


@dataclass(frozen=True)
class _Points:
    """Where functions of either path are evaluated."""

    problem: Problem
    points: Product

    @cached_property
    def fast(self) -> Product:
        """x/ε in the cell."""
        return in_cell(self.problem, self.points)

    @cached_property
    def inside(self) -> Array:
        """One but near the boundary, where it is zero: Π (1 - exp(-2π depth)) over all faces."""
        found = np.ones(len(self.points))
        for face in faces_of(self.problem):
            depth = self._depth(face, self.points.axes[face.axis]) / self.problem.period[face.axis]
            found *= -np.expm1(-2 * np.pi * depth)[self.points.index[face.axis]]
        return found

    def _depth(self, face: Face, x: Array) -> Array:
        """In units of y."""
        inwards = -1.0 if face.upper else 1.0
        return np.asarray(np.maximum(inwards * (x - face.place(self.problem)) / self.problem.eps, 0.0))

    def of_layer(self, layer: AnyLayer, u: _Jets) -> Array:
        """ε (w_F - c_F) ∂_n U, the slope being that on the face, (n,); collective."""
        problem, face, axis = self.problem, layer.face, layer.face.axis
        grid = [np.array([face.place(problem)]) if k == axis else x for k, x in enumerate(self.points.axes)]
        on_face = Product.of(np.stack([g.ravel() for g in np.meshgrid(*grid, indexing="ij")], axis=1))
        slope = u(on_face, gradient_only(problem.dim))[1 + axis]
        number = np.zeros(len(self.points), np.int64)
        for k, (x, index) in enumerate(zip(grid, self.points.index, strict=True)):
            number = number * len(x) + (0 if k == axis else index)
        if isinstance(layer, SlowLayer):
            weights = layer.between(np.eye(len(layer.parts)))(on_face.points())[:, :, 0]
            w = sum(weights[number, k] * self._decaying(part) for k, part in enumerate(layer.parts))
        else:
            w = self._decaying(layer)
        return np.asarray(problem.eps * w * slope[number])

    def _decaying(self, layer: Layer[fem.Function] | Layer[Field]) -> Array:
        """w_F - c_F, (n,); collective."""
        problem, face, axis = self.problem, layer.face, layer.face.axis
        end = face.strip(problem, layer.depth)[axis][1]
        at = [self.points if k == axis else self.fast for k in range(problem.dim)]
        strip = Product(tuple(p.axes[k] for k, p in enumerate(at)), tuple(p.index[k] for k, p in enumerate(at))).mapped(
            [(lambda x: np.minimum(self._depth(face, x), end)) if k == axis else np.array for k in range(problem.dim)]
        )
        (w,) = self._values([layer.function], strip)
        return w - layer.tail

    @staticmethod
    def _values(functions: Sequence[fem.Function | Field], points: Product) -> list[Array]:
        if isinstance(functions[0], Field):
            return [jet[0] for jet in evaluated([one for one in functions if isinstance(one, Field)], points, VALUE)]
        return values_on([one for one in functions if isinstance(one, fem.Function)], points)

    def of_cells(self, functions: Sequence[SecondOrder] | NodalCorrectors) -> list[Array]:
        """Cell functions at x/ε, (n,) each; collective."""
        if isinstance(functions, NodalCorrectors):
            return functions.at(self.points, self.fast)
        single = [f for one in functions for f in (one.functions if isinstance(one, Weighted) else (one,))]
        joint = Product(self.points.axes + self.fast.axes, self.points.index + self.fast.index)
        by_fields: dict[bool, Iterator[Array]] = {}
        for slow in (True, False):
            fields = [f for f in single if isinstance(f, Field) and (f.dim > self.problem.dim) is slow]
            by_fields[slow] = iter([jet[0] for jet in evaluated(fields, joint if slow else self.fast, VALUE)])
        on_meshes = [f for f in single if isinstance(f, fem.Function)]
        by_meshes = iter(values_on(on_meshes, self.fast) if on_meshes else [])

        def values(one: SecondOrder) -> Array:
            if isinstance(one, Weighted):
                weights = [numpy_function(h)(self.points.points()) for h in one.weights]
                return np.asarray(sum(h * values(f) for h, f in zip(weights, one.functions, strict=True)))
            if isinstance(one, Line):
                return one.at(self.points.points()[:, 0], self.fast.points()[:, 0])
            return next(by_meshes if isinstance(one, fem.Function) else by_fields[one.dim > self.problem.dim])

        return [values(one) for one in functions]


class _Jets:
    """A function of x of either path, and its derivatives up to an order; collective."""

    def __init__(self, function: Comparable, dim: int, order: int, displacement: Displacement | None = None) -> None:
        self.function, self.displacement = function_of(function), displacement
        self.operators = (VALUE, gradient_only(dim), hessian_operators(dim))[order]
        self.parts: list[fem.Function] = []
        if isinstance(self.function, fem.Function):
            self.parts = derivatives(self.function, order) if order else [self.function]

    def __call__(self, points: Product, operators: Tensor | None = None) -> Array:
        """(C, n), at points of which each rank has its own; of a network only what is asked; collective."""
        if self.displacement is not None:  # values and slopes are made of second derivatives too
            return self.displacement.pushed(self._given(points, self.operators), points.points())
        return self._given(points, operators)

    def _given(self, points: Product, operators: Tensor | None) -> Array:
        if not isinstance(self.function, Field):
            return jets_on(self.parts, points)
        wanted = self.operators if operators is None else operators
        box = getattr(self.function.network.embedding, "box", None)
        out = np.empty(0, np.int64) if box is None else points.beyond(box, NEAR)
        if box is None or not len(out):
            return evaluated([self.function], points, wanted)[0]
        # Inside of its box a network may be interpolated; the few points that are just outside are evaluated as they are.
        inside = points.mapped([partial(np.clip, a_min=low, a_max=high) for low, high in box])
        (found,) = evaluated([self.function], inside, wanted)
        (found[:, out],) = evaluated([self.function], points.taken(out), wanted)
        return found
