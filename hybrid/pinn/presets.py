"""How the presets train: keyword arguments for `solve_cell` and `solve_homogenized`, chosen by measurement.

- accurate: every layer trained, by Levenberg-Marquardt.
- fast: frozen random hidden features and a least-squares last layer, which is a linear method.
"""

from __future__ import annotations

from typing import Any

from hybrid.errors import InputError
from hybrid.pinn.optimizers import LBFGS, Adam, LastLayer, LevenbergMarquardt
from hybrid.pinn.projection import VariableProjection
from hybrid.problems import Problem, has_jumps, is_slow, kind_of

OPTIMIZERS: dict[str, Any] = {
    "adam": Adam,
    "l-bfgs": LBFGS,
    "levenberg-marquardt": LevenbergMarquardt,
    "variable-projection": VariableProjection,
    "last-layer": LastLayer,
}
"""By the names that problem files use."""

PRESETS = ("accurate", "fast", "paper")

_FEATURES = {1: (200, 400), 2: (1000, 44), 3: (1500, 15)}
_SLOW_FEATURES = {1: (600, 48), 2: (1200, 10), 3: (1500, 5)}
"""Random features and points along each side, by dimension."""

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
    """The keyword arguments of a preset for one part, "cell" or "homogenized".

    The preset "paper" is not here but in `hybrid.study.paper`: it belongs to the paper's cases.

    Raises:
        InputError: An unknown preset.
    """
    dim = problem.dim
    if name not in {"accurate", "fast"}:
        raise InputError("preset", f"{name!r}; allowed are {', '.join(PRESETS)}")
    if kind_of(problem) == "reaction-diffusion" and part == "homogenized":
        return _stages(name, dim)
    if is_slow(problem) and part == "cell":
        if name == "fast":
            features, points_per_side = _SLOW_FEATURES[dim]
            return {"hidden": (features,), "optimizer": LastLayer(), "points": points_per_side}
        hidden, count = {1: ((16, 16), 48), 2: ((24, 24), 12), 3: ((24, 24), 5)}[dim]
        return {"hidden": hidden, "optimizer": LevenbergMarquardt(steps=80), "points": count}
    if has_jumps(problem) and part == "cell":
        return dict(_JUMPS[name][dim])
    if name == "fast":
        features, points_per_side = _FEATURES[dim]
        return {"hidden": (features,), "optimizer": LastLayer(), "points": points_per_side}
    # About twice as many rows as parameters: with fewer the residual is small at the points and not between them.
    points = {1: 256, 2: 28, 3: 12} if part == "cell" else {1: 256, 2: 36, 3: 12}
    return {
        "hidden": (12, 12) if dim == 1 else (24, 24),
        "optimizer": LevenbergMarquardt(steps=150 if part == "cell" else 100),
        "points": points[dim],
    }


def _stages(name: str, dim: int) -> dict[str, Any]:
    """Sources of section 5.4 oscillate: steep features, and for the trained network a start from their least squares."""
    times = {"stages": 6, "steps": 4, "scale": 8.0, "waves": 0}
    if name == "fast":
        features, points = {1: (200, 400), 2: (400, 40), 3: (400, 14)}[dim]
        return {"hidden": (features,), "optimizer": LastLayer(), "points": points, **times}
    width, points = {1: (80, 500), 2: (120, 30), 3: (120, 14)}[dim]
    optimizer = LevenbergMarquardt(steps=30, last_layer_first=True)
    return {"hidden": (width,), "optimizer": optimizer, "points": points, **times}
