"""-∂_i( a*_ij ∂_j · ) as it acts on jets, and what a homogenized coefficient has to be."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hybrid.errors import InputError, SolverError
from hybrid.media.interpolated import SlowCoefficient
from hybrid.pinn.cellrows import divergence_form
from hybrid.pinn.network import hessian_operators

Medium = npt.NDArray[np.float64] | SlowCoefficient
"""a*, (d, d) and symmetric, or a*(x)."""


def checked(coefficient: Any, dim: int) -> Medium:
    """The coefficient, where it is constant as a symmetric matrix: an antisymmetric part does not change -a*:∇²p.

    Raises:
        InputError: It has another shape, or is not made of numbers.
        SolverError: It is not finite or not positive definite: cell problems solved badly give such coefficients.
    """
    try:
        values = np.asarray(
            coefficient.values if isinstance(coefficient, SlowCoefficient) else [coefficient], dtype=float
        )
    except (TypeError, ValueError):
        raise InputError("coefficient", f"{coefficient!r}; allowed are numbers, {dim} × {dim}") from None
    if values.ndim != 3 or values.shape[1:] != (dim, dim):
        raise InputError("coefficient", f"of shape {values.shape[1:]}; allowed is ({dim}, {dim})")
    if not np.isfinite(values).all():
        raise SolverError("the homogenized coefficient is not finite: its cell problems were not solved")
    symmetric = (values + values.swapaxes(-1, -2)) / 2
    smallest = float(np.linalg.eigvalsh(symmetric).min())
    if smallest <= 0:
        raise SolverError(
            f"the homogenized coefficient is not positive definite (smallest eigenvalue {smallest:.3g}): its cell problems "
            "were not solved well enough; train longer, or compare with hybrid.fem.solve_cell"
        )
    return coefficient if isinstance(coefficient, SlowCoefficient) else np.asarray(symmetric[0])


def operator_at(a: Medium, points: Tensor) -> tuple[Tensor, Tensor]:
    """-a*:∇² as coefficients and operators, and -(∂_i a*_ij) ∂_j with it where a* depends on x."""
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
