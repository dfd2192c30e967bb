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
from hybrid.fem.norms import integral
from hybrid.fem.sizes import SIZES

type Function = fem.Function


def solve_second(
    equation: Equation, correctors: Sequence[Function], coefficient: npt.NDArray[np.float64], *, slow: bool = False
) -> tuple[tuple[Function, ...], tuple[tuple[Function, ...], ...]]:
    """χ_ij for i ≤ j, and ψ_kj where they are asked for, periodic and of mean zero; collective. For i ≠ j the mean of χ_ij and
    χ_ji.

        -∇·(A ∇χ_ij) = A_ij + A_ik ∂_k χ_j + ∂_k(A_ki χ_j) - a*_ij
        -∇·(A ∇ψ_kj) = A_kj + A_ki ∂_i χ_j - a*_kj

    Args:
        equation: The cell problems, of an A that does not depend on x.
        correctors: Their solutions, in one space.
        coefficient: a*.
        slow: Whether the ψ_kj are wanted, for a(x, y) = g(x) A(y).

    Returns:
        The χ_ij; and for each j the ψ_kj, or nothing.

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

    def solved(form: ufl.Form, name: str) -> Function:
        load = operator.load(form)
        values = operator.solve(load, operator.zero)
        found = operator.function(values, name)
        for vector in (load, values):
            vector.destroy()
        return found

    def excess(k: int, j: int) -> ufl.core.expr.Expr:
        """Of the flux of the corrector j over its mean, the component k."""
        mean = fem.Constant(mesh, float(coefficient[k, j] + coefficient[j, k]) / 2)
        return ufl.inner(units[k], a * (units[j] + ufl.grad(correctors[j]))) - mean

    found = []
    for i in range(dim):
        for j in range(i, dim):
            source = (excess(i, j) + excess(j, i)) / 2
            flux = a * (correctors[j] * units[i] + correctors[i] * units[j]) / 2
            found.append(solved((source * v - ufl.inner(flux, ufl.grad(v))) * dx, f"chi_{i + 1}{j + 1}"))
    further = [
        tuple(solved(excess(k, j) * v * dx, f"psi_{k + 1}{j + 1}") for k in range(dim))
        for j in range(dim if slow else 0)
    ]
    operator.close()
    clean_up(space)
    return tuple(found), tuple(further)


def flux_moments(equation: Equation, correctors: Sequence[Function]) -> npt.NDArray[np.float64]:
    """R_jki, the mean of (A (e_j + ∇χ_j))_k χ_i, (d, d, d); collective."""
    space, dim = correctors[0].function_space, equation.dim
    mesh, order = space.mesh, 3 * space.element.basix_element.degree
    y = ufl.SpatialCoordinate(mesh)
    a = as_ufl(equation.medium.matrix, {s: y[i] for i, s in enumerate(equation.fast)}, mesh)
    degree = inner_degree(mesh, order) if equation.medium.interfaces else order
    dx = ufl.dx(domain=mesh, metadata={"quadrature_degree": degree})
    units = [fem.Constant(mesh, row) for row in np.eye(dim)]
    found = np.empty((dim,) * 3)
    for j, k, i in np.ndindex(dim, dim, dim):
        flux = ufl.inner(units[k], a * (units[j] + ufl.grad(correctors[j])))
        found[j, k, i] = integral(flux * correctors[i] * dx, mesh)
    return found / np.prod(equation.period)
