"""Larger and other networks for the homogenized equation, for `hybrid.pinn.ladder.climb`.

Two kinds, chosen by measurement (`hybrid.pinn.spectrum` says what oscillates):

- steep: more features, initially steeper as the frequencies ask, and more points. What f and a*(x) are does not matter, but
  products of frequencies in two and three dimensions need many.
- waves: where all that is fast are a few plane waves, they are inputs of the network, in nearly linear features (a small
  scale). N = p/φ is no wave near the boundary, where φ is small; so the boundary condition is a penalty here, weighted like
  the equation of the fastest wave.

The optimizer stays of its kind: frozen features stay frozen, trained layers stay trained.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy.typing as npt

from hybrid.coefficient import SlowCoefficient
from hybrid.pinn import sampling
from hybrid.pinn.gaussnewton import LevenbergMarquardt, VariableProjection
from hybrid.pinn.homogenized import units_of
from hybrid.pinn.operators import Medium, checked
from hybrid.pinn.optimizers import LastLayer
from hybrid.pinn.spectrum import Spectrum, spectrum_of
from hybrid.problems import EllipticProblem

RATE = 5e9
"""Floating-point operations that count as a second."""
MEMORY = 4 * 2**30 / 8
"""Numbers in memory at the most."""

Rung = dict[str, Any]


def homogenized_rungs(
    problem: EllipticProblem, coefficient: npt.ArrayLike | SlowCoefficient, arguments: Mapping[str, Any], budget: float = 60.0
) -> Iterator[Rung]:  # fmt: skip
    """Arguments of `solve_homogenized`: first those given, then waves where there are any, then more and more features.

    Args:
        problem: The problem.
        coefficient: a*.
        arguments: Of a preset.
        budget: Nominal seconds that the costliest may take.
    """
    given = dict(arguments)
    yield given
    if not isinstance(given.get("optimizer"), LastLayer | VariableProjection | LevenbergMarquardt):
        return
    a = checked(coefficient, problem.dim)
    spectrum = spectrum_of(problem, a)
    frozen = isinstance(given["optimizer"], LastLayer)
    for rung in (*_waves(problem, a, spectrum, frozen), *_steep(problem.dim, spectrum.band, frozen, budget)):
        numbers = rung["hidden"][0] * rung["points"] ** problem.dim * (1 if frozen else 8)
        if cost(problem.dim, rung) <= budget and numbers <= MEMORY:
            yield given | rung


def cost(dim: int, rung: Mapping[str, Any]) -> float:
    """Nominal seconds of a training with one hidden layer."""
    rows, width = rung["points"] ** dim, rung["hidden"][0]
    solve = 2.0 * rows * width**2
    if isinstance(rung["optimizer"], LastLayer):
        return solve / RATE
    parameters = width * (dim + 1 + 2 * len(rung.get("waves", ())))
    step = solve + 4.0 * rows * width * parameters + 1.0 * rows * parameters**2
    return (solve + rung["optimizer"].steps * step) / RATE


def _steep(dim: int, band: float, frozen: bool, budget: float) -> Iterator[Rung]:
    """Frozen features as many as the band asks for; trained ones find their places, so fewer will do."""
    if not frozen:
        for features in {1: (2 * band + 60, 4 * band + 120, 800), 2: (300, 600, 900), 3: (300, 500)}[dim]:
            width = int(min(max(features, 200), {1: 800, 2: 900, 3: 500}[dim]))
            points = {1: 2 * width, 2: max(40, math.ceil((3.5 * width) ** 0.5)), 3: math.ceil((9 * width) ** (1 / 3))}[
                dim
            ]
            reach = {1: width / 20, 2: width**0.5 / 6, 3: width ** (1 / 3) / 4}[dim]
            yield _trained(dim, {"hidden": (width,), "points": points, "scale": _scale(band, reach)}, budget)
        return
    most, growth = {1: 3000, 2: 4000, 3: 3500}[dim], {1: 2.0, 2: 1.7, 3: 1.4}[dim]
    size = min(max({1: 4 * band + 100, 2: (band + 20) ** 2, 3: 2500.0}[dim], 200.0), most)
    while size <= most:
        width = int(size)
        reach = {1: width / 20, 2: width**0.5 / 12, 3: width ** (1 / 3) / 6}[dim]
        points = {1: 2 * width, 2: math.ceil((2.1 * width) ** 0.5), 3: math.ceil((2.6 * width) ** (1 / 3))}[dim]
        yield {"hidden": (width,), "points": points, "scale": _scale(band, reach), "optimizer": LastLayer()}
        if size == most:
            break
        size = min(size * growth, most)


def _scale(band: float, reach: float) -> float:
    """As steep as the frequencies ask, but no steeper than so many features cover without gaps."""
    return round(max(1.0, min(band / 4, reach)), 3)


def _trained(dim: int, rung: Rung, budget: float) -> Rung:
    """With as many steps, from two to thirty, as fit into most of the budget."""
    one = cost(dim, rung | {"optimizer": VariableProjection(steps=1)})
    steps = min(30, max(2, int(0.8 * budget / one)))
    return rung | {"optimizer": VariableProjection(steps=steps)}


def _waves(problem: EllipticProblem, a: Medium, spectrum: Spectrum, frozen: bool) -> Iterator[Rung]:
    if not spectrum.waves:
        return
    dim, fastest = problem.dim, max(max(map(abs, wave)) for wave in spectrum.waves)
    points = math.ceil({1: 256 + 3 * fastest, 2: max(44, 2 * fastest), 3: 12 + 1.2 * fastest}[dim])
    sides = min(high - low for low, high in problem.domain)
    medium = float(abs(a.values if isinstance(a, SlowCoefficient) else a).max())
    units = units_of(problem, a, sampling.clustered_grid(problem.domain, points)[0])
    weight = (medium * (2 * fastest / sides) ** 2 * units[1] / units[0]) ** 2
    for width, scale in ((300, 0.1), (1000, 0.3)) if frozen else ((100, 0.1), (200, 0.2)):
        yield {
            "hidden": (width,), "points": points, "scale": scale, "waves": spectrum.waves, "boundary": "penalty",
            "corners": True,
            "weights": (1.0, weight), "optimizer": LastLayer() if frozen else VariableProjection(steps=15),
        }  # fmt: skip
