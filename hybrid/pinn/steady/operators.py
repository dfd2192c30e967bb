"""-∂_i( a*_ij ∂_j · ) + c as it acts on jets."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hybrid.equation import Equation
from hybrid.failures import InputError
from hybrid.media.constant import Constant
from hybrid.media.expression import Expression
from hybrid.media.interpolated import SlowCoefficient
from hybrid.pinn.cells.cellrows import divergence_form
from hybrid.pinn.functions.network import hessian_operators
from hybrid.symbols import numpy_function

Medium = npt.NDArray[np.float64] | SlowCoefficient
"""a*, (d, d) and symmetric, or a*(x)."""


def flux_of(equation: Equation) -> Medium:
    """a* of a homogenized equation; where it is constant its symmetric part, as an antisymmetric one does not change -a*:∇²p.

    Raises:
        InputError: A is neither constant nor interpolated.
    """
    if isinstance(equation.flux, SlowCoefficient):
        return equation.flux
    if not isinstance(equation.flux, Constant):
        raise InputError("equation", f"A is a {type(equation.flux).__name__}; it is to be constant or interpolated")
    values = equation.flux.values
    return np.asarray((values + values.swapaxes(-1, -2)) / 2)


def largest_flux(equation: Equation) -> float:
    """The largest entry of a*."""
    a = flux_of(equation)
    return float(abs(a.values if isinstance(a, SlowCoefficient) else a).max())


def reaction_at(equation: Equation, points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """c at points of Ω, (n, d) -> (n,); zero where there is none.

    Raises:
        InputError: It oscillates with x/ε.
    """
    reaction = equation.reaction
    if reaction is None:
        return np.zeros(len(points))
    if isinstance(reaction, Constant):
        return np.full(len(points), reaction.values[0, 0])
    if not isinstance(reaction, Expression) or reaction.matrix.free_symbols & set(equation.fast):
        raise InputError("equation", "c is to be a number or an expression of x")
    return np.asarray(numpy_function(reaction.matrix[0, 0])(points))


def operator_at(equation: Equation, points: Tensor) -> tuple[Tensor, Tensor]:
    """-a*:∇² + c as coefficients and operators, and -(∂_i a*_ij) ∂_j with it where a* depends on x."""
    coefficients, operators = _divergence_at(flux_of(equation), points)
    if equation.reaction is not None:
        coefficients[0] += torch.as_tensor(reaction_at(equation, points.numpy()))
    return coefficients, operators


def _divergence_at(a: Medium, points: Tensor) -> tuple[Tensor, Tensor]:
    dim = points.shape[1]
    if not isinstance(a, SlowCoefficient):
        coefficients = torch.zeros(2 + dim, len(points), dtype=torch.float64)
        coefficients[-1] = -1.0
        return coefficients, torch.as_tensor(a)[None]  # one second-order channel: a*:∇² itself
    operators = hessian_operators(dim)
    entries = [(i, j) for i in range(dim) for j in range(i, dim)]
    values, slopes = torch.as_tensor(a(points.numpy())), torch.as_tensor(a.gradient(points.numpy()))
    second = torch.stack([values[:, i, j] if i == j else values[:, i, j] + values[:, j, i] for i, j in entries])
    return divergence_form(-torch.einsum("niij->jn", slopes), -second, operators)
