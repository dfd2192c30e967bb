"""The cell problem's equation, its periodic conditions and its gauge as rows for a network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import sympy
import torch
from torch import Tensor

from hybrid.equation import Equation
from hybrid.failures import SolverError
from hybrid.pinn.functions.network import VALUE, hessian_operators, laplacian
from hybrid.pinn.leastsquares import sampling
from hybrid.pinn.leastsquares.rows import Rows
from hybrid.pinn.sizes import CELLS
from hybrid.symbols import coordinates, evaluate

if TYPE_CHECKING:
    from hybrid.pinn.cells.periodicities import Periodicity

At = Callable[[sympy.Expr], Tensor]
"""An expression's values at some points, (n,)."""


def cell_rows(
    equation: Equation, periodicity: Periodicity, points: int | Sequence[int] | None, oversampling: int,
    weights: Sequence[float],
) -> list[Rows]:  # fmt: skip
    """The rows of `hybrid.pinn.solve_cell` for a coefficient of y alone."""
    dim = equation.dim
    count = points or periodicity.usual(CELLS[dim])
    at, weight = periodicity.collocation(equation, count, weights)
    pairs = periodicity.pairs(equation, count, oversampling, weights)
    return [
        _equation(equation, at, weight), gauge(torch.zeros(1, dim, dtype=torch.float64), dim), *periodic_rows(pairs, dim)
    ]  # fmt: skip


def periodic_rows(pairs: Sequence[tuple[tuple[Tensor, Tensor], float]], outputs: int) -> list[Rows]:
    """χ at a point outside the cell or on its upper faces equals χ at its image: terms two and three of the loss (12)."""
    rows = []
    for (one, other), share in pairs:
        plus = torch.ones(1, len(one), dtype=torch.float64)
        target = torch.zeros(len(one), outputs, dtype=torch.float64)
        rows.append(Rows([(one, plus), (other, -plus)], target, VALUE, mean_weight(share, len(one))))
    return rows


def gauge(points: Tensor, outputs: int) -> Rows:
    """χ = 0 at the points: the equation leaves a constant free, and a training would let it drift; the mean is taken out
    at the end."""
    ones = torch.ones(1, len(points), dtype=torch.float64)
    zero = torch.zeros(len(points), outputs, dtype=torch.float64)
    return Rows([(points, ones)], zero, VALUE, ones[0] / len(points))


def mean_weight(share: float, count: int) -> Tensor:
    """The weights of a mean square."""
    return torch.full((count,), share / count, dtype=torch.float64)


def _equation(equation: Equation, points: Tensor, weight: Tensor) -> Rows:
    """The rows (∂_i a_ij) ∂_j χ_k + a_ij ∂_ij χ_k + ∂_i a_ik = 0, all derivatives in y."""
    coefficients, target, operators = cell_operator(equation, points)
    return Rows([(points, coefficients)], target, operators, weight)


def tensor_at(equation: Equation, expression: sympy.Expr, points: Tensor) -> Tensor:
    """An expression at points of the cell, (n, d), or at pairs of x and y, (n, 2d)."""
    symbols = equation.fast if points.shape[1] == equation.dim else (*equation.slow, *equation.fast)
    value = evaluate(expression, coordinates(symbols, points), "torch")
    return torch.as_tensor(value, dtype=torch.float64).expand(len(points))


def cell_operator(equation: Equation, points: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Coefficients, right-hand side and second-order operators of the cell problem's equation.

    Args:
        equation: Gives a.
        points: Of the cell, (n, d), or pairs of x and y, (n, 2d): the network is then a function of both, and the equation
            still one in y.

    Raises:
        SolverError: They are not finite.
    """
    a, fast = equation.medium.matrix, equation.fast
    divergence = [sum(sympy.diff(a[i, j], fast[i]) for i in range(equation.dim)) for j in range(equation.dim)]
    before = points.shape[1] - equation.dim
    coefficients, operators = operator_of(equation, divergence, lambda e: tensor_at(equation, e, points), before)
    if not torch.isfinite(coefficients).all():
        raise SolverError("the strong form has coefficients that are not finite, as a has an infinite slope; cell problems "
                          "have formulation = 'first-order' too, which takes no derivative of a")  # fmt: skip
    return coefficients, -coefficients[1 + before : 1 + before + equation.dim].T, operators


def operator_of(equation: Equation, divergence: Sequence[sympy.Expr], at: At, before: int = 0) -> tuple[Tensor, Tensor]:
    """∂_i( a_ij ∂_j u ) as coefficients of jets and their operators; `divergence` is ∂_i a_ij, `at` puts points in."""
    a, dim = equation.medium.matrix, equation.dim
    first = torch.stack([at(expression) for expression in divergence])
    if equation.medium.isotropic:
        operators, second = laplacian(dim), at(a[0, 0])[None]
    else:
        pairs = [(i, j) for i in range(dim) for j in range(i, dim) if a[i, j] != 0]
        operators = hessian_operators(dim, pairs)
        second = torch.stack([at(a[i, j]) * (1 if i == j else 2) for i, j in pairs])
    return divergence_form(first, second, operators, before)


def matrix_at(equation: Equation, at: At) -> Tensor:
    """a, (n, d, d); `at` puts points in."""
    return torch.stack([torch.stack([at(entry) for entry in row], 1) for row in equation.medium.matrix.tolist()], 1)


def typical(equation: Equation) -> float:
    """The mean of a over the cell, of its trace by the dimension; in the middle of the domain."""
    points, _ = sampling.periodic_grid(equation.period, 16)
    if equation.medium.depends_on:
        middle = torch.tensor([[(low + high) / 2 for low, high in equation.domain]], dtype=torch.float64)
        points = torch.cat([middle.expand(len(points), -1), points], dim=1)
    a = matrix_at(equation, lambda entry: tensor_at(equation, entry, points))
    return float(a.diagonal(dim1=1, dim2=2).mean())


def divergence_form(divergence: Tensor, second: Tensor, operators: Tensor, before: int = 0) -> tuple[Tensor, Tensor]:
    """∂_i( a_ij ∂_j u ) = (∂_i a_ij) ∂_j u + a_ij ∂_ij u as coefficients of jets and their operators.

    Args:
        divergence: ∂_i a_ij, (d, n).
        second: The factors of the operators, (K, n).
        operators: (K, d, d).
        before: Variables that come first and are not differentiated.
    """
    dim = len(divergence)
    joint = torch.zeros(len(operators), before + dim, before + dim, dtype=torch.float64)
    joint[:, before:, before:] = operators
    zeros = torch.zeros(1 + before, divergence.shape[1], dtype=torch.float64)
    return torch.cat([zeros, divergence, second]), joint
