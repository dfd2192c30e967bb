"""The true error of a reconstruction, where there is a reference that can measure it."""

from __future__ import annotations

import math

import ufl
from dolfinx import fem

from hybrid.bounds.line import LineReconstruction
from hybrid.bounds.reconstruction import Reconstruction
from hybrid.comparison.transfer import nodes, with_values
from hybrid.fem.algebra.coefficients import as_ufl
from hybrid.fem.norms import integral, norm


def true_errors(made: Reconstruction | LineReconstruction, u_eps: fem.Function) -> tuple[float, float]:
    """‖a^½ ∇(u_ε - r)‖ / ‖a^½ ∇u_ε‖ and ‖u_ε - r‖ / ‖u_ε‖, r interpolated on the mesh of u_ε; collective."""
    space, equation = u_eps.function_space, made.equation
    points = nodes(space)
    r = with_values(made.on(points.axes).ravel()[points.numbers()], space)
    x, degree = ufl.SpatialCoordinate(space.mesh), space.element.basix_element.degree
    values = {s: x[i] / equation.eps for i, s in enumerate(equation.fast)}
    values |= {s: x[i] for i, s in enumerate(equation.slow)}
    a = as_ufl(equation.medium.matrix, values, space.mesh)
    dx = ufl.dx(domain=space.mesh, metadata={"quadrature_degree": 2 * degree + 2})

    def energy(u: ufl.core.expr.Expr) -> float:
        return math.sqrt(integral(ufl.inner(a * ufl.grad(u), ufl.grad(u)) * dx, space.mesh))

    sizes = energy(u_eps), norm(u_eps, space.mesh, 2 * degree)
    return energy(u_eps - r) / sizes[0], norm(u_eps - r, space.mesh, 2 * degree) / sizes[1]
