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
    """Arguments of `solve_homogenized`: first those given, then others in the order of their cost.

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
    found = [*_waves(problem, a, spectrum, frozen), *_steep(problem.dim, spectrum.band, frozen, budget)]
    priced = sorted(((cost(problem.dim, rung), k, rung) for k, rung in enumerate(found)), key=lambda p: p[:2])
    for seconds, _, rung in priced:
        if seconds <= budget and rung["hidden"][0] * rung["points"] ** problem.dim * (1 if frozen else 8) <= MEMORY:
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


def _trained(dim: int, rung: Rung, budget: float) -> Rung:
    """With as many steps, from two to thirty, as fit into half of the budget."""
    one = cost(dim, rung | {"optimizer": VariableProjection(steps=1)})
    steps = min(30, max(2, int(budget / 2 / one)))
    return rung | {"optimizer": VariableProjection(steps=steps)}


def _steep(dim: int, band: float, frozen: bool, budget: float) -> Iterator[Rung]:
    if frozen:
        first = {1: 4 * band + 100, 2: (band + 20) ** 2, 3: 2500}[dim]
        most, growth = {1: 3000, 2: 4000, 3: 3500}[dim], {1: 2.0, 2: 1.7, 3: 1.4}[dim]
    else:
        first = {1: 2 * band + 60, 2: (band + 10) ** 2 / 2, 3: 300}[dim]
        most, growth = {1: 800, 2: 1000, 3: 700}[dim], {1: 2.0, 2: 1.6, 3: 1.5}[dim]
    width = min(max(first, {1: 200, 2: 400, 3: 300}[dim]), most)
    while width <= most:
        features = int(width)
        reach = {1: features / 20, 2: features**0.5 / 12, 3: features ** (1 / 3) / 6}[dim]
        points = {1: 2 * features, 2: math.ceil((2.1 * features) ** 0.5), 3: math.ceil((2.6 * features) ** (1 / 3))}[dim]
        rung: Rung = {"hidden": (features,), "points": points, "scale": round(max(1.0, min(band / 4, reach)), 3)}
        yield rung | {"optimizer": LastLayer()} if frozen else _trained(dim, rung, budget)
        if width == most:
            break
        width = min(width * growth, most)


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
