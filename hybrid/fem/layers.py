"""Boundary layers of the faces of a box, by finite elements on half-strips."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from mpi4py import MPI
from petsc4py import PETSc

import numpy as np
import numpy.typing as npt

import ufl
from dolfinx import fem

from hybrid.equation import Equation
from hybrid.faces import Face, Layer, SlowLayer, faces_of, nodes_of
from hybrid.fem.algebra.assembly import assembled
from hybrid.fem.algebra.coefficients import as_ufl
from hybrid.fem.algebra.linear import DIRECT, LinearSolver
from hybrid.fem.algebra.matrices import clean_up
from hybrid.fem.algebra.periodicity import independent_points, periodic_constraint
from hybrid.fem.cells.nodal import NodalCorrectors
from hybrid.fem.jets import values_on
from hybrid.fem.meshes.box import box
from hybrid.fem.meshes.points import at_points
from hybrid.fem.sizes import SIZES
from hybrid.product import Product
from hybrid.separation import frozen_at
from hybrid.trust import Estimate

Array = npt.NDArray[np.float64]
Data = Callable[[Product], Array]
"""What w is on the face with its sign changed, at points of the cell; collective."""

DEPTH, _DEEPEST = 4.0, 32.0
"""Periods of a strip, at first and at the most."""
_FLAT = 1e-8
"""Of its largest value, what w may differ by at the end."""


def solve_layers(
    equation: Equation, correctors: Sequence[fem.Function], comm: MPI.Comm, *, degree: int | None = None,
    cells: int | None = None,
) -> tuple[Layer[fem.Function], ...]:  # fmt: skip
    """The layers of all faces; collective.

    The strip ends with a flux of zero. It is made twice as long until w is flat there: what is cut off is less than that. What
    the mesh leaves is seen from one of half as many cells.

    Args:
        equation: The cell problems, of an A that does not depend on x.
        correctors: Their solutions.
        comm: The ranks that share the work.
        degree: Of the elements.
        cells: In a period.

    Raises:
        SolverError: The linear solver (prefix ``layer_``) failed.
    """
    strips = _Strips(equation, comm, degree, cells, max(map(largest_value, correctors)))

    def data(face: Face) -> Data:
        return lambda places: values_on([correctors[face.axis]], places)[0]

    return tuple(strips.layer(equation, face, data(face)) for face in faces_of(equation))


def solve_slow_layers(
    equation: Equation, correctors: NodalCorrectors, comm: MPI.Comm, *, degree: int | None = None,
    cells: int | None = None,
) -> tuple[SlowLayer[fem.Function], ...]:  # fmt: skip
    """The same at nodes of each face, for an A that depends on x too; collective.

    Args:
        equation: The cell problems.
        correctors: Their solutions.
        comm: The ranks that share the work.
        degree: Of the elements.
        cells: In a period.

    Raises:
        SolverError: The linear solver (prefix ``layer_``) failed.
    """
    strips = _Strips(equation, comm, degree, cells, scale := correctors.largest)
    varying = [s in equation.medium.depends_on for s in equation.slow]

    def data(face: Face, node: Array) -> Data:
        def values(places: Product) -> Array:
            at = tuple(np.array([part]) for part in node), (np.zeros(len(places), np.int64),) * equation.dim
            return correctors.at(Product(*at), places)[face.axis]

        return values

    found = []
    for face in faces_of(equation):
        nodes = nodes_of(face, equation, varying)
        parts = [strips.layer(frozen_at(equation, node), face, data(face, node)) for node in nodes]
        values = np.stack([sampled(part, equation) for part in parts])
        found.append(SlowLayer.of(equation, nodes, parts, values, scale))
    return tuple(found)


@dataclass
class _Strips:
    """Half-strips of a box.

    Attributes:
        box: The box.
        comm: The ranks that share the work.
        degree: Of the elements.
        cells: In a period.
        scale: What estimates are relative to.
    """

    box: Equation
    comm: MPI.Comm
    degree: int | None
    cells: int | None
    scale: float
    spaces: dict[tuple[int, float, int], fem.FunctionSpace] = field(default_factory=dict)

    def layer(self, equation: Equation, face: Face, data: Data) -> Layer[fem.Function]:
        """Of one face, with its estimate; collective."""
        usual = SIZES[self.box.dim].strip
        order, count = self.degree or usual.degree, self.cells or usual.cells
        gain = 1 if equation.medium.interfaces else order  # no mesh line follows a jump
        depth = DEPTH
        while True:
            layer = _solved(equation, face, depth, data, self._space(face, depth, count, order))
            if layer.estimate.within(_FLAT) or 2 * depth > _DEEPEST:
                break
            depth *= 2
        coarse = _solved(equation, face, depth, data, self._space(face, depth, (count + 1) // 2, order))
        mesh = np.abs(sampled(coarse, equation) - sampled(layer, equation)).max() / (2**gain - 1)
        error = (layer.estimate.error or 0.0) + (float(mesh) / self.scale if self.scale else 0.0)
        return replace(layer, estimate=Estimate(error, f"half the cells, and {layer.estimate.how}"))

    def _space(self, face: Face, depth: float, count: int, order: int) -> fem.FunctionSpace:
        key = face.axis, depth, count
        if key not in self.spaces:
            counts = [round(count * depth) if k == face.axis else count for k in range(self.box.dim)]
            strip = box(self.comm, face.strip(self.box, depth), counts, SIZES[self.box.dim].strip.shape)
            self.spaces[key] = fem.functionspace(strip, ("Lagrange", order))
        return self.spaces[key]


def sampled(layer: Layer[fem.Function], equation: Equation) -> Array:
    """w at points in the first period of the strip, (n,); collective."""
    return at_points(layer.function, layer.face.first_period(equation))


def largest_value(corrector: fem.Function) -> float:
    """Of a corrector, at its nodes; collective."""
    own = float(np.abs(corrector.x.array).max(initial=0.0))
    return float(corrector.function_space.mesh.comm.allreduce(own, op=MPI.MAX))


def _solved(
    equation: Equation, face: Face, depth: float, corrector: Data, space: fem.FunctionSpace
) -> Layer[fem.Function]:
    mesh, dim, n = space.mesh, equation.dim, face.axis
    z = ufl.SpatialCoordinate(mesh)
    # Constants and not numbers: the compiled form is the same for all faces.
    offset, signs = (fem.Constant(mesh, values) for values in (face.offset(equation), face.signs(equation)))
    a = as_ufl(equation.medium.matrix, {s: offset[i] + signs[i] * z[i] for i, s in enumerate(equation.fast)}, mesh)
    if not equation.medium.isotropic:
        a = ufl.as_matrix([[signs[i] * signs[j] * a[i, j] for j in range(dim)] for i in range(dim)])
    u, v = ufl.TrialFunction(space), ufl.TestFunction(space)
    order = space.element.basix_element.degree
    dx = ufl.dx(domain=mesh, metadata={"quadrature_degree": 2 * order + 2})
    full = assembled(ufl.inner(a * ufl.grad(u), ufl.grad(v)) * dx)
    strip, along = face.strip(equation, depth), [k for k in range(dim) if k != n]
    constraint = periodic_constraint(space, strip, along)
    matrix = full.PtAP(constraint)
    full.destroy()
    points = independent_points(space, strip, along)
    on_face = np.flatnonzero(np.abs(points[:, n]) < 1e-9 * strip[n][1])
    places = face.offset(equation) + face.signs(equation) * points[on_face]
    data = corrector(Product.of(places))
    w, b = matrix.createVecs()
    w.array[on_face] = -data
    rows = (on_face + matrix.getOwnershipRange()[0]).astype(PETSc.IntType)
    matrix.zeroRowsColumns(rows, diag=1.0, x=w, b=b)
    solver = LinearSolver(matrix, "layer_", DIRECT, dim=dim)
    function = fem.Function(space, name="w")
    try:
        solver.solve(b, w)
        constraint.mult(w, function.x.petsc_vec)
    finally:
        solver.close()
        for each in (b, w, constraint):
            each.destroy()
    function.x.scatter_forward()
    clean_up(space)
    largest = mesh.comm.allreduce(float(np.abs(data).max(initial=0.0)), op=MPI.MAX)
    end = at_points(function, _end(strip, n))
    spread = float(np.ptp(end)) / largest if largest else 0.0
    how = f"what is left of the layer {depth:g} periods away from the face"
    return Layer(face, float(end.mean()), function, depth, Estimate(spread, how))


def _end(strip: Sequence[Sequence[float]], axis: int, count: int = 24) -> Array:
    """Points that fill the end of a strip."""
    axes = [np.array([high]) if k == axis else high * np.arange(count) / count for k, (_, high) in enumerate(strip)]
    return np.stack([g.ravel() for g in np.meshgrid(*axes, indexing="ij")], axis=1)
