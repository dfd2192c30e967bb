"""How the presets train: keyword arguments for `solve_cell` and `solve_homogenized`, chosen by measurement.

- accurate: every layer trained, by variable projection on one wide layer: it beat Levenberg-Marquardt on two narrower ones a
  hundredfold at the same time (`examples/benchmarks/work_precision.py`). The stages of reaction-diffusion, whose outputs are
  coupled, by Levenberg-Marquardt.
- fast: frozen random hidden features and a least-squares last layer, which is a linear method.
"""

from __future__ import annotations

from typing import Any

from hybrid.equation import Equation
from hybrid.failures import InputError
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

PRESETS = ("accurate", "fast", "paper")

_FEATURES = {
    "cell": {1: (200, 400), 2: (1000, 44), 3: (2500, 19)},
    "homogenized": {1: (200, 400), 2: (1000, 44), 3: (2000, 18)},
}
_WIDTH = {"cell": {1: (30, 128), 2: (150, 32), 3: (150, 14)}, "homogenized": {1: (30, 128), 2: (150, 36), 3: (150, 15)}}
_SLOW_FEATURES = {1: (600, 48), 2: (1200, 10), 3: (1500, 5)}
"""Random features, or the width of the trained layer, and points along each side, by dimension."""

_JUMPS: dict[str, dict[int, dict[str, Any]]] = {
    "accurate": {
        dim: {
            "formulation": "first-order", "hidden": (12, 12), "points": points,
            "optimizer": LevenbergMarquardt(steps=100),
        }
        for dim, points in {1: 128, 2: 64, 3: 16}.items()
    },
    "fast": {
        dim: {"formulation": "energy", "hidden": (features,), "points": points, "optimizer": LastLayer()}
        for dim, (features, points) in {1: (200, 400), 2: (600, 64), 3: (600, 20)}.items()
    },
}  # fmt: skip
"""For an a that jumps, dimension by dimension: more points for fewer parameters than where it is smooth."""


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
    dim = equation.dim
    if name not in {"accurate", "fast"}:
        raise InputError("preset", f"{name!r}; allowed are {', '.join(PRESETS)}")
    if equation.time is not None:
        return _stages(name, dim)
    if equation.periodic:
        product = separated(equation)
        equation = equation if product is None else product[1]
        if equation.flux.depends_on:
            return _slow_cell(name, dim)
        if equation.flux.interfaces:
            return dict(_JUMPS[name][dim])
    part = "cell" if equation.periodic else "homogenized"
    if name == "fast":
        features, points_per_side = _FEATURES[part][dim]
        return {"hidden": (features,), "optimizer": LastLayer(), "points": points_per_side}
    # About twice as many rows as parameters: with fewer the residual is small at the points and not between them.
    width, count = _WIDTH[part][dim]
    steps = 60 if part == "cell" and dim < 3 else 30
    return {"hidden": (width,), "optimizer": VariableProjection(steps=steps), "points": count}


def _slow_cell(name: str, dim: int) -> dict[str, Any]:
    """Where a depends on x."""
    if name == "fast":
        features, points_per_side = _SLOW_FEATURES[dim]
        return {"hidden": (features,), "optimizer": LastLayer(), "points": points_per_side}
    width, count = {1: (100, 40), 2: (150, 12), 3: (150, 5)}[dim]
    return {"hidden": (width,), "optimizer": VariableProjection(steps=30), "points": count}


def _stages(name: str, dim: int) -> dict[str, Any]:
    """Sources of section 5.4 oscillate: steep features, and for the trained network a start from their least squares."""
    times = {"stages": 6, "steps": 4, "scale": 8.0, "waves": 0}
    if name == "fast":
        features, points = {1: (200, 400), 2: (400, 40), 3: (400, 14)}[dim]
        return {"hidden": (features,), "optimizer": LastLayer(), "points": points, **times}
    width, points = {1: (80, 500), 2: (120, 30), 3: (120, 14)}[dim]
    optimizer = LevenbergMarquardt(steps=30, last_layer_first=True)
    return {"hidden": (width,), "optimizer": optimizer, "points": points, **times}
