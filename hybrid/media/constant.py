"""Coefficients that are the same everywhere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sympy import Expr, Symbol

from hybrid.failures import InputError, SolverError
from hybrid.media.base import Coefficient
from hybrid.media.interpolated import SlowCoefficient


@dataclass(frozen=True)
class Constant(Coefficient):
    """A matrix of numbers, (d, d), or (1, 1) for a scalar.

    Attributes:
        rows: The numbers.
    """

    rows: tuple[tuple[float, ...], ...]

    @classmethod
    def of(cls, values: npt.ArrayLike) -> Constant:
        """From an array, or a number for a scalar."""
        return cls(tuple(tuple(map(float, row)) for row in np.atleast_2d(np.asarray(values, dtype=float))))

    @property
    def values(self) -> npt.NDArray[np.float64]:
        """As an array."""
        return np.array(self.rows)

    @property
    def expressions(self) -> tuple[Expr, ...]:
        """None."""
        return ()

    @property
    def interfaces(self) -> tuple[Expr, ...]:
        """None."""
        return ()

    @property
    def depends_on(self) -> frozenset[Symbol]:
        """Nothing."""
        return frozenset()


def homogenized_flux(coefficient: npt.ArrayLike | SlowCoefficient, dim: int) -> Constant | SlowCoefficient:
    """a*, (d, d), or a*(x), as a coefficient.

    Raises:
        InputError: It has another shape, or is not made of numbers.
        SolverError: It is not finite or not positive definite: cell problems solved badly give such coefficients.
    """
    try:
        given = coefficient.values if isinstance(coefficient, SlowCoefficient) else [coefficient]
        values = np.asarray(given, dtype=float)
    except (TypeError, ValueError):
        raise InputError("coefficient", f"not a matrix of numbers; allowed is one of shape ({dim}, {dim})") from None
    if values.ndim != 3 or values.shape[1:] != (dim, dim):
        raise InputError("coefficient", f"of shape {values.shape[1:]}; allowed is ({dim}, {dim})")
    if not np.isfinite(values).all():
        raise SolverError("the homogenized coefficient is not finite: its cell problems were not solved")
    smallest = float(np.linalg.eigvalsh((values + values.swapaxes(-1, -2)) / 2).min())
    if smallest <= 0:
        raise SolverError(
            f"the homogenized coefficient is not positive definite (smallest eigenvalue {smallest:.3g}): its cell problems "
            "were not solved well enough; train longer, or compare with hybrid.fem.solve_cell"
        )
    return coefficient if isinstance(coefficient, SlowCoefficient) else Constant.of(values[0])


def homogenized_reaction(coefficient: object) -> float:
    """r*, a finite number.

    Raises:
        InputError: It is no number.
        SolverError: It is not finite: the cell problem was not solved.
    """
    try:
        number = float(coefficient)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise InputError("coefficient", f"{type(coefficient).__name__} is not allowed; r* is a number") from None
    if not np.isfinite(number):
        raise SolverError("the homogenized reaction r* is not finite: its cell problem was not solved")
    return number
