"""Cell problems on any mesh of the cell."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

import dolfinx
import ufl
from dolfinx import fem

from hybrid.checks import check_degree, check_domain
from hybrid.clock import clock
from hybrid.failures import InputError
from hybrid.fem.algebra.matrices import clean_up
from hybrid.fem.algebra.stencil import Entries
from hybrid.fem.cells.cellsolution import CellSolution
from hybrid.fem.cells.operator import CellOperator
from hybrid.fem.meshes.points import bounds


def solve_cell_on_mesh(
    mesh: dolfinx.mesh.Mesh,
    cell: Sequence[Sequence[float]],
    a: ufl.core.expr.Expr,
    *,
    degree: int = 2,
    dx: ufl.Measure | None = None,
    entries: Entries | None = None,
    defaults: Mapping[str, object] | None = None,
    uniform: Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]] | None = None,
    space: fem.FunctionSpace | None = None,
) -> CellSolution:
    """The same on any mesh of the cell whose opposite faces match, Gmsh's for instance.

    Args:
        mesh: A mesh of the box `cell`, or of a part of it (a perforated cell: a* is then still the mean over the box,
            with a = 0 in the holes).
        cell: One (low, high) for each dimension.
        a: The coefficient, a d×d UFL matrix on the mesh.
        degree: Polynomial degree of the elements; at least that of the mesh's own geometry.
        dx: The measure to integrate with; by default over all cells with quadrature of degree 2·degree + 2.
        entries: The coefficient as a function of coordinates, if the mesh fills the box: multigrid is then quicker.
        defaults: PETSc options of the linear solver, where the user has set none.
        uniform: From points of a fitted mesh to those of the uniform one that it was moved from (`hybrid.fem.meshes.fitted`).
        space: Lagrange elements of this degree on the mesh, if there are some already.

    Raises:
        InputError: The degree is lower than that of the geometry, the mesh does not reach the faces of the cell, opposite
            faces do not match, or a is not symmetric or not finite.
        SolverError: The linear solver (prefix ``cell_``) did not converge.
    """
    start = clock()
    check_degree(degree)
    if not isinstance(mesh, dolfinx.mesh.Mesh):
        raise InputError("mesh", f"a {type(mesh).__name__}; allowed is a dolfinx.mesh.Mesh")
    _check_fills(mesh, cell)
    shape = (len(cell), len(cell))
    if not isinstance(a, ufl.core.expr.Expr) or a.ufl_shape != shape:
        what = f"of shape {a.ufl_shape}" if isinstance(a, ufl.core.expr.Expr) else f"a {type(a).__name__}"
        raise InputError("a", f"{what}; allowed is a UFL matrix of shape {shape}")
    if degree < mesh.geometry.cmaps[0].degree:
        raise InputError("degree", f"{degree}, on a mesh with curved cells of degree {mesh.geometry.cmaps[0].degree}")
    space = fem.functionspace(mesh, ("Lagrange", degree)) if space is None else space
    dx = ufl.dx(domain=mesh, metadata={"quadrature_degree": 2 * degree + 2}) if dx is None else dx
    u, v = ufl.TrialFunction(space), ufl.TestFunction(space)
    operator = CellOperator(space, cell, ufl.inner(a * ufl.grad(u), ufl.grad(v)) * dx, dx, entries, defaults, uniform)
    found = [operator.solve(load, operator.zero) for load in operator.loads]
    # The energy (y_i + χ_i)·A(y_j + χ_j): the mean of the flux for exact correctors, and off by the square of their error.
    size = float(np.prod([high - low for low, high in cell]))
    crossed = np.array([[load.dot(chi) for chi in found] for load in operator.loads])
    image = operator.matrix.createVecLeft()
    inner = np.empty_like(crossed)
    for j, chi in enumerate(found):
        operator.matrix.mult(chi, image)
        inner[:, j] = [other.dot(image) for other in found]
    coefficient = (operator.linear - crossed - crossed.T + inner) / size
    correctors = tuple(operator.function(chi, f"chi_{k}") for k, chi in enumerate(found, 1))
    for vector in (*found, image):
        vector.destroy()
    operator.close()
    clean_up(space)
    seconds, notes = clock() - start, tuple(operator.solver.notes)
    return CellSolution((coefficient + coefficient.T) / 2, correctors, seconds, notes=notes)


def _check_fills(mesh: dolfinx.mesh.Mesh, cell: Sequence[Sequence[float]]) -> None:
    """The mesh reaches both faces of the cell in each direction; or neither by far, as layers of solid and void do."""
    if len(cell) != mesh.geometry.dim:
        raise InputError("cell", f"{len(cell)} intervals for a mesh in {mesh.geometry.dim} dimensions")
    bounds_of_cell = np.array(check_domain(cell, "cell")).T
    reach = np.array(bounds(mesh))
    gaps = (reach - bounds_of_cell) * [[1.0], [-1.0]] / (bounds_of_cell[1] - bounds_of_cell[0])
    meets, clear = (np.abs(gaps) < 1e-8).all(axis=0), (gaps > 0.01).all(axis=0)
    if not ((meets | clear).all() and meets.any()):
        i = int(np.argmin(meets))
        raise InputError(
            "mesh", f"it reaches from {reach[0, i]:.10g} to {reach[1, i]:.10g} in direction {i}, the cell from "
            f"{bounds_of_cell[0, i]:.10g} to {bounds_of_cell[1, i]:.10g}; it has to reach both faces of the cell"
        )  # fmt: skip
