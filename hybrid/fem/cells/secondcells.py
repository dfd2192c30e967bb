"""Cell problems of the second order by finite elements."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

import ufl
from dolfinx import fem

from hybrid.equation import Equation
from hybrid.fem.algebra.coefficients import as_arrays, as_ufl
from hybrid.fem.algebra.linear import DIRECT
from hybrid.fem.algebra.matrices import clean_up
from hybrid.fem.cells.operator import CellOperator
from hybrid.fem.meshes.fitted import inner_degree
from hybrid.fem.sizes import SIZES


def solve_second(
    equation: Equation, correctors: Sequence[fem.Function], coefficient: npt.NDArray[np.float64]
) -> tuple[fem.Function, ...]:
    """χ_ij for i ≤ j, periodic and of mean zero; collective. For i ≠ j the mean of χ_ij and χ_ji.

        -∇·(A ∇χ_ij) = A_ij + A_ik ∂_k χ_j + ∂_k(A_ki χ_j) - a*_ij

    Args:
        equation: The cell problems, of an A that does not depend on x.
        correctors: Their solutions, in one space.
        coefficient: a*.

    Raises:
        SolverError: The linear solver (prefix ``cell_``) did not converge.
    """
    space, dim = correctors[0].function_space, equation.dim
    mesh, degree = space.mesh, space.element.basix_element.degree
    y = ufl.SpatialCoordinate(mesh)
    a = as_ufl(equation.medium.matrix, {s: y[i] for i, s in enumerate(equation.fast)}, mesh)
    order = 2 * degree + 2
    dx = ufl.dx(
        domain=mesh,
        metadata={"quadrature_degree": inner_degree(mesh, order) if equation.medium.interfaces else order},
    )
    u, v = ufl.TrialFunction(space), ufl.TestFunction(space)

    def entries(at: Sequence[npt.NDArray[np.float64]]) -> Sequence[Sequence[npt.NDArray[np.float64]]]:
        return as_arrays(equation.medium.matrix, {s: at[i] for i, s in enumerate(equation.fast)})

    known = None if equation.medium.interfaces else entries
    more = {"defaults": DIRECT} if SIZES[dim].factors else {"entries": known}
    operator = CellOperator(space, equation.cell, ufl.inner(a * ufl.grad(u), ufl.grad(v)) * dx, dx, **more)  # type: ignore[arg-type]
    # Constants and not numbers: the compiled form is the same for all pairs.
    units = [fem.Constant(mesh, row) for row in np.eye(dim)]
    found = []
    for i in range(dim):
        for j in range(i, dim):
            mean = fem.Constant(mesh, float(coefficient[i, j] + coefficient[j, i]) / 2)
            source, flux = -mean, 0 * units[i]
            for k, m in ((i, j), (j, i)):
                source = source + ufl.inner(units[k], a * (units[m] + ufl.grad(correctors[m]))) / 2
                flux = flux + correctors[m] * (a * units[k]) / 2
            load = operator.load((source * v - ufl.inner(flux, ufl.grad(v))) * dx)
            values = operator.solve(load, operator.zero)
            found.append(operator.function(values, f"chi_{i + 1}{j + 1}"))
            for vector in (load, values):
                vector.destroy()
    operator.close()
    clean_up(space)
    return tuple(found)
