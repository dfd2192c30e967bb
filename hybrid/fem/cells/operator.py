"""A bilinear form on periodic functions, made ready for many right-hand sides."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from petsc4py import PETSc

import numpy as np
import numpy.typing as npt

import ufl
from dolfinx import fem

from hybrid.fem.algebra import options
from hybrid.fem.algebra.assembly import assembled, load
from hybrid.fem.algebra.linear import LinearSolver, usual
from hybrid.fem.algebra.matrices import check_symmetric
from hybrid.fem.algebra.multigrid import levels
from hybrid.fem.algebra.periodicity import independent_points, periodic_constraint
from hybrid.fem.algebra.pieces import pieces
from hybrid.fem.algebra.stencil import Entries
from hybrid.fem.algebra.sumfactors import filling
from hybrid.fem.norms import integral


class CellOperator:
    """A symmetric form on periodic functions of mean zero, made ready once for any number of right-hand sides.

    Args:
        space: Lagrange elements on the mesh of the cell.
        cell: One (low, high) for each dimension.
        form: The bilinear form; only constants are in its null space, one for each piece of the solid.
        dx: The measure of means over the cell.
        entries: The coefficient of the form as a function of coordinates, if the mesh fills the cell.
        defaults: PETSc options of the linear solver.
        uniform: From points of the mesh to those of the uniform one that it was moved from: multigrid's lattices fit that.

    Raises:
        InputError: Opposite faces do not match, or the form is not symmetric or not finite.

    Attributes:
        matrix: Of the form between periodic functions.
        loads: The linear forms of -y_1 … -y_d in the first argument: right-hand sides of the correctors.
        linear: The form between y_i and y_j, (d, d).
    """

    def __init__(
        self,
        space: fem.FunctionSpace,
        cell: Sequence[Sequence[float]],
        form: ufl.Form,
        dx: ufl.Measure,
        entries: Entries | None = None,
        defaults: Mapping[str, object] | None = None,
        uniform: Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]] | None = None,
    ) -> None:
        self.space, self.dx = space, dx
        self.constraint = periodic_constraint(space, cell)
        quadrature = dx.metadata().get("quadrature_degree")
        quick = None if entries is None or quadrature is None else filling(space, entries, quadrature)
        full = assembled(form, fill=quick)
        check_symmetric(full)
        self.loads, self.linear = self._of_linear_functions(full, len(cell))
        # The constraint has one entry in a row: for that PETSc's own choice takes four times as long.
        with options.defaults({"matptap_via": "rap" if full.comm.size == 1 else "allatonce"}):
            self.matrix = full.PtAP(self.constraint)
        full.destroy()
        self.volume = integral(1.0 * dx, space.mesh)
        # A solid that does not fill the cell may be in several pieces.
        whole = self.volume > (1 - 1e-9) * np.prod([high - low for low, high in cell])
        self.pieces = None if whole else pieces(self.matrix)
        # The load of a corrector of size 1; what is left of that of a corrector that vanishes, in a layered medium, is less.
        spacing = (self.volume / self.matrix.getSize()[0]) ** (1 / len(cell))
        diagonal = self.matrix.getDiagonal()
        self.zero = float(1e-12 * spacing * diagonal.norm())
        diagonal.destroy()
        # The solution is unique up to a constant: the mean is taken out afterwards.
        place = uniform or (lambda points: points)
        self.solver = LinearSolver(
            self.matrix, "cell_", usual(len(cell)) if defaults is None else defaults,
            lambda: levels(space, a=entries, points=place(independent_points(space, cell)), cell=cell), singular=True,
            pieces=self.pieces or (np.zeros(self.matrix.getLocalSize()[0], dtype=np.int64), 1), dim=len(cell),
        )  # fmt: skip

    def _of_linear_functions(self, full: PETSc.Mat, dim: int) -> tuple[list[PETSc.Vec], npt.NDArray[np.float64]]:
        """They lie in the space, so that their matrix products do for integrals."""
        points = self.space.tabulate_dof_coordinates()
        linear, images, loads = [], [], []
        for k in range(dim):
            y, image, load = full.createVecRight(), full.createVecLeft(), self.constraint.createVecRight()
            y.array[:] = points[: y.local_size, k]
            full.mult(y, image)
            self.constraint.multTranspose(image, load)
            load.scale(-1.0)
            linear.append(y)
            images.append(image)
            loads.append(load)
        products = np.array([[y.dot(image) for image in images] for y in linear])
        for vector in (*linear, *images):
            vector.destroy()
        return loads, products

    def close(self) -> None:
        """Free what is PETSc's: what Python frees after `clean_up` keeps a communicator; collective."""
        self.solver.close()
        for each in (self.constraint, *self.loads):
            each.destroy()

    def load(self, form: ufl.Form) -> PETSc.Vec:
        """The right-hand side of a linear form."""
        b = load(form)
        right = self.constraint.createVecRight()
        self.constraint.multTranspose(b, right)
        b.destroy()
        return right

    def solve(self, load: PETSc.Vec, zero: float = 0.0) -> PETSc.Vec:
        """The values of the periodic solution, unique up to a constant, at the independent dofs.

        Args:
            load: The right-hand side.
            zero: A residual of this norm is none: `self.zero` for the loads of correctors, which are differences.

        Raises:
            SolverError: The linear solver did not converge.
        """
        values = load.duplicate()
        self.solver.solve(load, values, zero)
        return values

    def function(self, values: PETSc.Vec, name: str) -> fem.Function:
        """The function of mean zero, on each piece of the solid, with these values up to constants."""
        function = self._on_mesh(values, name)
        if self.pieces is None or self.pieces[1] == 1:
            function.x.array[:] -= integral(function * self.dx, self.space.mesh) / self.volume
            return function
        for number in range(self.pieces[1]):
            inside = values.duplicate()
            inside.array[:] = self.pieces[0] == number
            piece = self._on_mesh(inside, "piece")
            share = integral(piece * self.dx, self.space.mesh)
            function.x.array[:] -= piece.x.array * (integral(function * piece * self.dx, self.space.mesh) / share)
        return function

    def _on_mesh(self, values: PETSc.Vec, name: str) -> fem.Function:
        function = fem.Function(self.space, name=name)
        self.constraint.mult(values, function.x.petsc_vec)
        function.x.scatter_forward()
        return function
