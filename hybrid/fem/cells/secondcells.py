"""Cell problems of the second order by finite elements."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

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
Array = npt.NDArray[np.float64]


def solve_second(
    equation: Equation, correctors: Sequence[Function], coefficient: Array, *, slow: bool = False
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
    with closing(SecondCells(equation, correctors, coefficient)) as cell:
        further = tuple(cell.excesses(j) for j in range(equation.dim if slow else 0))
        return cell.pairs(), further


class SecondCells:
    """The matrix of cell problems, and loads of the second order, at one x.

    Args:
        equation: The cell problems; where A depends on x, `place` says at which.
        correctors: Their solutions, in one space.
        coefficient: a*.
        place: x.
    """

    def __init__(
        self, equation: Equation, correctors: Sequence[Function], coefficient: Array, place: Array | None = None
    ) -> None:
        self.equation, self.correctors, self.coefficient = equation, correctors, coefficient
        self.space, self.dim = correctors[0].function_space, equation.dim
        self.mesh = mesh = self.space.mesh
        y = ufl.SpatialCoordinate(mesh)
        # Constants and not numbers: the compiled form is the same for all x, and for all pairs.
        places = {} if place is None else dict(zip(equation.slow, map(float, place), strict=True))
        self.symbols = {s: fem.Constant(mesh, part) for s, part in places.items()}
        self.symbols |= {s: y[i] for i, s in enumerate(equation.fast)}
        self.a = as_ufl(equation.medium.matrix, self.symbols, mesh)
        order = 2 * self.space.element.basix_element.degree + 2
        degree = inner_degree(mesh, order) if equation.medium.interfaces else order
        self.dx = ufl.dx(domain=mesh, metadata={"quadrature_degree": degree})
        self.units = [fem.Constant(mesh, row) for row in np.eye(self.dim)]
        u, self.v = ufl.TrialFunction(self.space), ufl.TestFunction(self.space)

        def entries(at: Sequence[Array]) -> Sequence[Sequence[Array]]:
            return as_arrays(equation.medium.matrix, places | {s: at[i] for i, s in enumerate(equation.fast)})

        known = None if equation.medium.interfaces else entries
        more = {"defaults": DIRECT} if SIZES[self.dim].factors else {"entries": known}
        form = ufl.inner(self.a * ufl.grad(u), ufl.grad(self.v)) * self.dx
        self.operator = CellOperator(self.space, equation.cell, form, self.dx, **more)  # type: ignore[arg-type]

    def close(self) -> None:
        """Free what is PETSc's; collective."""
        self.operator.close()
        clean_up(self.space)

    def pairs(self) -> tuple[Function, ...]:
        """The χ_ij; collective."""
        found = []
        for i in range(self.dim):
            for j in range(i, self.dim):
                source = (self._excess(i, j) + self._excess(j, i)) / 2
                flux = self.a * (self.correctors[j] * self.units[i] + self.correctors[i] * self.units[j]) / 2
                found.append(self._solved(source, flux, f"chi_{i + 1}{j + 1}"))
        return tuple(found)

    def excesses(self, j: int) -> tuple[Function, ...]:
        """The ψ_kj for all k; collective."""
        return tuple(self._solved(self._excess(k, j), None, f"psi_{k + 1}{j + 1}") for k in range(self.dim))

    def slow_changes(self, changes: Sequence[Sequence[Function]], slopes: Array) -> tuple[Function, ...]:
        """The ω_l: -∇·(a ∇ω_l) = ∂_xi (σ_li - a*_il) + ∂_yi (a_ij ∂_xj χ_l), σ_l = a (e_l + ∇χ_l); collective.

        Args:
            changes: ∂_xi χ_l, i first.
            slopes: ∂_k a*_ij, k first.
        """
        steep = [as_ufl(self.equation.medium.matrix.diff(s), self.symbols, self.mesh) for s in self.equation.slow]
        found = []
        for k, (unit, chi) in enumerate(zip(self.units, self.correctors, strict=True)):
            mean = fem.Constant(self.mesh, float(np.einsum("ii", slopes[:, :, k])))
            source, flux = -mean, ufl.zero(self.dim)
            for i, (one, own) in enumerate(zip(self.units, changes, strict=True)):
                change = steep[i] * (unit + ufl.grad(chi)) + self.a * ufl.grad(own[k])
                source, flux = source + ufl.inner(one, change), flux + own[k] * (self.a * one)
            found.append(self._solved(source, flux, f"omega_{k + 1}"))
        return tuple(found)

    def _excess(self, k: int, j: int) -> ufl.core.expr.Expr:
        """Of the flux of the corrector j over its mean, the component k."""
        mean = fem.Constant(self.mesh, float(self.coefficient[k, j] + self.coefficient[j, k]) / 2)
        return ufl.inner(self.units[k], self.a * (self.units[j] + ufl.grad(self.correctors[j]))) - mean

    def _solved(self, source: ufl.core.expr.Expr, flux: ufl.core.expr.Expr | None, name: str) -> Function:
        """Of -∇·(a ∇u) = source + ∇·flux."""
        given = source * self.v if flux is None else source * self.v - ufl.inner(flux, ufl.grad(self.v))
        load = self.operator.load(given * self.dx)
        values = self.operator.solve(load, self.operator.zero)
        found = self.operator.function(values, name)
        for vector in (load, values):
            vector.destroy()
        return found


def flux_moments(equation: Equation, correctors: Sequence[Function]) -> Array:
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
