"""The settings of Gauss-Newton methods: Levenberg-Marquardt, and variable projection, which eliminates the last layer.

Their steps are in `hybrid.pinn.optimizers.dampedsteps`, which loads torch; a problem file is checked without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from hybrid.pinn.optimizers.base import Iteration, Optimizer
from hybrid.pinn.optimizers.kinds import LastLayer

if TYPE_CHECKING:
    from hybrid.pinn.leastsquares.system import System


@dataclass(frozen=True)
class LevenbergMarquardt(Optimizer):
    """Gauss-Newton steps δ with (JᵀJ + λ D) δ = -Jᵀr, D = diag(JᵀJ), λ by the gain ratio (Marquardt 1963, Nielsen 1999).

    With more parameters than residuals the same step is found from δ = -D⁻¹Jᵀ (J D⁻¹Jᵀ + λ)⁻¹ r, a matrix of the size of
    the residuals.

    Args:
        steps: At the most.
        tolerance: Stop when 20 steps together have reduced the loss by less than this fraction.
        damping: The first λ.
        floor: Of the entries of √D, relative to the largest.
        last_layer_first: Begin with least squares for the last layer: the start for functions that oscillate, whose
            initial features have to be steep.
    """

    name: ClassVar[str] = "levenberg-marquardt"
    steps: int = 200
    tolerance: float = 0.02
    damping: float = 1e-3
    floor: float = 1e-3
    last_layer_first: bool = False

    def begin(self, system: System) -> Iteration:
        """Start with the given damping."""
        from hybrid.pinn.optimizers.dampedsteps import AllLayers  # loads torch

        if self.last_layer_first:
            LastLayer().solve(system)
        return AllLayers(system, self.damping, self.floor)


@dataclass(frozen=True)
class VariableProjection(Optimizer):
    """min over θ of ‖A(θ) W(θ) - b‖², where W(θ) solves the last layer for the hidden layers θ (Golub, Pereyra 1973).

    A step is one of Levenberg-Marquardt in θ with the Jacobian P J, where P = 1 - A A⁺ takes out what the last layer can
    do by itself (Kaufman's approximation, 1975).

    Args:
        steps: At the most.
        tolerance: Stop when 20 steps together have reduced the loss by less than this fraction.
        damping: The first λ.
        floor: Of the scaling of the columns, relative to the largest.
        ridge: Of the least squares, see `LastLayer`.
    """

    name: ClassVar[str] = "variable projection"
    steps: int = 100
    tolerance: float = 0.02
    damping: float = 1e-3
    floor: float = 1e-3
    ridge: float = 1e-12

    def begin(self, system: System) -> Iteration:
        """Start; the first step begins with the last layer's least squares."""
        from hybrid.pinn.optimizers.dampedsteps import HiddenLayers  # loads torch

        return HiddenLayers(system, self.damping, self.floor, self.ridge)
