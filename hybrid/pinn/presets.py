"""How the presets train: keyword arguments for `solve_cell` and `solve_homogenized`, chosen by measurement.

- accurate: every layer trained, by Levenberg-Marquardt.
- fast: frozen random hidden features and a least-squares last layer, which is a linear method.
"""

from __future__ import annotations

from typing import Any

from hybrid.errors import InputError
from hybrid.pinn.optimizers import LastLayer, LevenbergMarquardt

PRESETS = ("accurate", "fast")

_FEATURES = {1: (200, 400), 2: (1000, 44), 3: (1500, 15)}
"""Random features and points along each side, by dimension."""


def preset(name: str, part: str, dim: int) -> dict[str, Any]:
    """The keyword arguments of a preset for one part, "cell" or "homogenized", in d dimensions.

    Raises:
        InputError: An unknown preset.
    """
    if name == "accurate":
        # About twice as many rows as parameters: with fewer the residual is small at the points and not between them.
        points = {1: 256, 2: 28, 3: 12} if part == "cell" else {1: 256, 2: 36, 3: 12}
        hidden = (12, 12) if dim == 1 else (24, 24)
        return {
            "hidden": hidden,
            "optimizer": LevenbergMarquardt(steps=150 if part == "cell" else 100),
            "points": points[dim],
        }
    if name == "fast":
        features, points_per_side = _FEATURES[dim]
        return {"hidden": (features,), "optimizer": LastLayer(), "points": points_per_side}
    raise InputError("preset", f"{name!r}; allowed are {', '.join(PRESETS)}")
