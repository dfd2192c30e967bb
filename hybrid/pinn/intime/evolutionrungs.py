"""Larger networks and more steps for the homogenized reaction-diffusion equation, for `hybrid.pinn.optimizers.ladder.climb`.

How many steps in time are needed is known without a network (`hybrid.pinn.intime.transientestimates.time_error`); which
features, from the frequencies of f at several times, of u0, and of the boundary layers, √(D h) wide, that an implicit step of
length h makes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from hybrid.equation import Equation
from hybrid.pinn.intime.transientestimates import modes_of, time_error
from hybrid.pinn.optimizers.gaussnewton import LevenbergMarquardt
from hybrid.pinn.optimizers.given import constant_reaction
from hybrid.pinn.optimizers.kinds import LastLayer
from hybrid.pinn.sizes import BOXES
from hybrid.pinn.steady.homogenizedrungs import MEMORY, RATE
from hybrid.pinn.steady.spectrum import measured
from hybrid.symbols import evaluate, numpy_function, t

_IN_TIME = 2e-5
_STEPS = (4, 8, 16, 32, 64, 128)
_STAGES = (3, 6)

Rung = dict[str, Any]


def homogenized_rungs(equation: Equation, arguments: Mapping[str, Any], budget: float = 60.0) -> Iterator[Rung]:
    """Arguments of `solve_homogenized`: first those given, then others in the order of their cost.

    Args:
        equation: With r*.
        arguments: Of a preset.
        budget: Nominal seconds that the costliest may take.
    """
    given = dict(arguments)
    yield given
    optimizer = given.get("optimizer")
    if given.get("method", "stages") != "stages" or not isinstance(optimizer, LastLayer | LevenbergMarquardt):
        return
    found = []
    for stages, steps in _in_time(equation, constant_reaction(equation)):
        times = {"stages": stages, "steps": steps, "waves": 0}
        found.append(given | times)
        band = _band(equation, equation.evolution.until / steps)
        for features in _features(equation.dim, band, isinstance(optimizer, LastLayer)):
            found.append(given | times | features)
    rungs = [_fitted(equation.dim, rung, budget) for rung in found]
    priced = sorted(((cost(equation.dim, rung), k) for k, rung in enumerate(rungs)))
    for seconds, k in priced:
        rung = rungs[k]
        numbers = rung["stages"] ** 2 * rung["hidden"][0] * rung["points"] ** equation.dim
        if seconds <= budget and 3 * numbers <= MEMORY and rung != given:
            yield rung


def cost(dim: int, rung: Mapping[str, Any]) -> float:
    """Nominal seconds of all steps."""
    stages, width = rung["stages"], rung["hidden"][0]
    rows = stages * rung["points"] ** dim
    solve = 2.0 * rows * (stages * width) ** 2
    if isinstance(rung["optimizer"], LastLayer):
        return rung["steps"] * solve / RATE
    step = 1.0 * rows * (width * (dim + 1 + stages)) ** 2
    return rung["steps"] * (solve + rung["optimizer"].steps * step) / RATE


def _fitted(dim: int, rung: Rung, budget: float) -> Rung:
    """With fewer steps of the optimizer, four at the least, where they would cost more than half of the budget."""
    optimizer = rung["optimizer"]
    if isinstance(optimizer, LastLayer):
        return rung
    one = cost(dim, rung | {"optimizer": replace(optimizer, steps=1)})
    return rung | {"optimizer": replace(optimizer, steps=min(optimizer.steps, max(4, int(budget / 2 / one))))}


def _in_time(equation: Equation, r_star: float) -> list[tuple[int, int]]:
    """For each number of stages, the fewest steps that are enough."""
    found = []
    for stages in _STAGES:
        modes = modes_of(equation, r_star, stages, 1)
        for steps in _STEPS:
            error, size = time_error(modes, steps)
            if error <= _IN_TIME * size or steps == _STEPS[-1]:
                found.append((stages, steps))
                break
    return found


def _band(equation: Equation, h: float) -> float:
    """The largest frequency that matters, in coordinates scaled to [-1, 1]."""

    def source(time: float) -> Any:
        def at(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
            values = dict(zip(equation.slow, points.T, strict=True)) | {t: time}
            return np.broadcast_to(np.asarray(evaluate(equation.source, values), dtype=float), len(points))

        return at

    box, metric = equation.domain, np.eye(equation.dim)
    found = [measured(box, source(s * equation.evolution.until), metric).band for s in (0.0, 0.3, 0.7, 1.0)]
    found.append(measured(box, numpy_function(equation.evolution.initial), metric, 1).band)
    longest = max(high - low for low, high in box)
    return max(*found, min(longest / math.sqrt(equation.diffusion * h), 400.0))


def _features(dim: int, band: float, frozen: bool) -> Iterator[Rung]:
    sizes = BOXES[dim]
    smallest, most, per = sizes.frozen if frozen else sizes.trained
    each, more = sizes.frozen_points if frozen else (sizes.trained_points, 0)
    width = min(max(smallest, per * band), most)
    for _ in range(3):
        features = int(width)
        reach = features ** (1 / dim) / sizes.reach
        points = math.ceil((each * features) ** (1 / dim)) + more
        yield {"hidden": (features,), "points": points, "scale": round(max(1.0, min(band / 4, reach)), 3)}
        if width == most:
            break
        width = min(1.6 * width, most)
