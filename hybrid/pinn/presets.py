"""How the presets train: keyword arguments for `solve_cell` and `solve_homogenized`, chosen by measurement.

- accurate: every layer trained, by variable projection on one wide layer: it beat Levenberg-Marquardt on two narrower ones a
  hundredfold at the same time (`examples/benchmarks/work_precision.py`). The stages of reaction-diffusion, whose outputs are
  coupled, by Levenberg-Marquardt.
- fast: frozen random hidden features and a least-squares last layer, which is a linear method.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

from hybrid.equation import Equation
from hybrid.failures import named
from hybrid.physics import Problem
from hybrid.pinn.optimizers.gaussnewton import LevenbergMarquardt, VariableProjection
from hybrid.pinn.optimizers.kinds import LBFGS, Adam, LastLayer
from hybrid.separation import separated

OPTIMIZERS: dict[str, Any] = {
    "adam": Adam,
    "l-bfgs": LBFGS,
    "levenberg-marquardt": LevenbergMarquardt,
    "variable-projection": VariableProjection,
    "last-layer": LastLayer,
}
"""By the names that problem files use."""

_TIMES = {"stages": 6, "steps": 4, "scale": 8.0, "waves": 0}
"""Sources of section 5.4 oscillate: steep features, and for the trained network a start from their least squares."""


@dataclass(frozen=True)
class Sizes:
    """Random features or the width of the trained layer, and points along each side.

    Attributes:
        cell: Of cell problems.
        slow: Of those where a depends on x.
        jumps: Of those where a jumps: more points for fewer parameters than where it is smooth.
        homogenized: Of equations on Ω.
        stages: Of those with time.
        steps: Of the training of a cell problem.
    """

    cell: tuple[int, int]
    slow: tuple[int, int]
    jumps: tuple[int, int]
    homogenized: tuple[int, int]
    stages: tuple[int, int]
    steps: int = 1


class Trained(ABC):
    """A preset.

    Attributes:
        sizes: By dimension.
    """

    sizes: Mapping[int, Sizes]

    @abstractmethod
    def plain(self, size: tuple[int, int], steps: int) -> dict[str, Any]:
        """Where the equation is smooth."""

    @abstractmethod
    def across_jumps(self, size: tuple[int, int]) -> dict[str, Any]:
        """Where a jumps."""

    @abstractmethod
    def in_time(self, size: tuple[int, int]) -> dict[str, Any]:
        """Stage by stage."""

    @final
    def arguments(self, equation: Equation) -> dict[str, Any]:
        """For cell problems; for an equation on Ω, those of its homogenized twin."""
        sizes = self.sizes[equation.dim]
        if equation.time is not None:
            return self.in_time(sizes.stages)
        if not equation.periodic:
            return self.plain(sizes.homogenized, 30)
        product = separated(equation)
        equation = equation if product is None else product[1]
        if equation.flux.depends_on:
            return self.plain(sizes.slow, 30)
        return self.across_jumps(sizes.jumps) if equation.flux.interfaces else self.plain(sizes.cell, sizes.steps)


@final
class _Accurate(Trained):
    # About twice as many rows as parameters: with fewer the residual is small at the points and not between them.
    sizes: Mapping[int, Sizes] = {
        1: Sizes((30, 128), (100, 40), (12, 128), (30, 128), (80, 500), steps=60),
        2: Sizes((150, 32), (150, 12), (12, 64), (150, 36), (120, 30), steps=60),
        3: Sizes((150, 14), (150, 5), (12, 16), (150, 15), (120, 14), steps=30),
    }

    def plain(self, size: tuple[int, int], steps: int) -> dict[str, Any]:
        width, points = size
        return {"hidden": (width,), "optimizer": VariableProjection(steps=steps), "points": points}

    def across_jumps(self, size: tuple[int, int]) -> dict[str, Any]:
        width, points = size
        return {
            "formulation": "first-order", "hidden": (width, width), "points": points,
            "optimizer": LevenbergMarquardt(steps=100),
        }  # fmt: skip

    def in_time(self, size: tuple[int, int]) -> dict[str, Any]:
        width, points = size
        optimizer = LevenbergMarquardt(steps=30, last_layer_first=True)
        return {"hidden": (width,), "optimizer": optimizer, "points": points, **_TIMES}


@final
class _Fast(Trained):
    sizes: Mapping[int, Sizes] = {
        1: Sizes((200, 400), (600, 48), (200, 400), (200, 400), (200, 400)),
        2: Sizes((1000, 44), (1200, 10), (600, 64), (1000, 44), (400, 40)),
        3: Sizes((2500, 19), (1500, 5), (600, 20), (2000, 18), (400, 14)),
    }

    def plain(self, size: tuple[int, int], steps: int) -> dict[str, Any]:
        features, points = size
        return {"hidden": (features,), "optimizer": LastLayer(), "points": points}

    def across_jumps(self, size: tuple[int, int]) -> dict[str, Any]:
        features, points = size
        return {
            "formulation": "energy", "hidden": (features,), "points": points, "optimizer": LastLayer(), "singular": True
        }  # fmt: skip

    def in_time(self, size: tuple[int, int]) -> dict[str, Any]:
        return self.plain(size, 1) | _TIMES


_TRAINED: Mapping[str, Trained] = {"accurate": _Accurate(), "fast": _Fast()}
PRESETS = tuple(_TRAINED)
"""By the names that problem files use."""


def preset(name: str, part: str, problem: Problem) -> dict[str, Any]:
    """The keyword arguments of a preset for one part, "cell" or "homogenized", of a problem.

    Raises:
        InputError: An unknown preset.
    """
    return for_equation(name, problem.cell_problems() if part == "cell" else problem.multiscale())


def for_equation(name: str, equation: Equation) -> dict[str, Any]:
    """Those for cell problems; for an equation on the box, those of its homogenized twin.

    Raises:
        InputError: An unknown preset.
    """
    return named("preset", name, _TRAINED).arguments(equation)
