"""Larger and other networks for the homogenized equation, for `hybrid.pinn.optimizers.ladder.climb`.

Two kinds, chosen by measurement (`hybrid.pinn.steady.spectrum` says what oscillates):

- separable: products of functions of one coordinate each (`hybrid.pinn.functions.separable`), along each side as many as the
  solution asks for. What f and a*(x) are does not matter.
- waves: where all that is fast are a few plane waves, they are inputs of the network, in nearly linear features (a small
  scale). N = p/φ is no wave near the boundary, where φ is small; so the boundary condition is a penalty here, weighted like
  the equation of the fastest wave.

With waves the optimizer stays of its kind: frozen features stay frozen, trained layers stay trained. The subnets of separable
networks are frozen: trained with a thousand products, they would cost a thousand times as much for a digit.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Any

from hybrid.equation import Equation
from hybrid.pinn.functions.separable import subnet_cost
from hybrid.pinn.leastsquares import sampling
from hybrid.pinn.optimizers.gaussnewton import LevenbergMarquardt, VariableProjection
from hybrid.pinn.optimizers.kinds import LastLayer
from hybrid.pinn.sizes import BOXES
from hybrid.pinn.steady.estimates import solution_degrees
from hybrid.pinn.steady.homogenized import units_of
from hybrid.pinn.steady.operators import largest_flux
from hybrid.pinn.steady.spectrum import Spectrum, spectrum_of

RATE = 5e9
"""Floating-point operations that count as a second."""
MEMORY = 4 * 2**30 / 8
"""Numbers in memory at the most."""

_DEGREES = 3e-5
"""Of the solution's Chebyshev coefficients, what separable features may leave out."""

Rung = dict[str, Any]


def homogenized_rungs(
    equation: Equation, arguments: Mapping[str, Any], budget: float = 60.0
) -> Iterator[Rung]:  # fmt: skip
    """Arguments of `solve_homogenized`: first those given, then waves where there are any, then separable ones.

    Args:
        equation: With a*.
        arguments: Of a preset.
        budget: Nominal seconds that the costliest may take.
    """
    given = dict(arguments)
    yield given
    if not isinstance(given.get("optimizer"), LastLayer | VariableProjection | LevenbergMarquardt):
        return
    spectrum = spectrum_of(equation)
    frozen = isinstance(given["optimizer"], LastLayer)
    for rung in itertools.chain(_waves(equation, spectrum, frozen), _separable(equation, spectrum.band)):
        seconds, numbers = cost(equation.dim, rung)
        if seconds <= budget and numbers <= MEMORY:
            yield given | rung


def cost(dim: int, rung: Mapping[str, Any]) -> tuple[float, float]:
    """Nominal seconds of a training with one hidden layer, and numbers in memory."""
    points, width = rung["points"], rung["hidden"][0]
    rows = points**dim if isinstance(points, int) else math.prod(points)
    solve = 2.0 * rows * width**2
    if isinstance(rung["optimizer"], LastLayer):
        return (solve + sum(map(subnet_cost, rung.get("separable", ())))) / RATE, rows * width
    parameters = width * (dim + 1 + 2 * len(rung.get("waves", ())))
    step = solve + 4.0 * rows * width * parameters + 1.0 * rows * parameters**2
    return (solve + rung["optimizer"].steps * step) / RATE, 8 * rows * width


def _separable(equation: Equation, band: float) -> Iterator[Rung]:
    """As many functions of each coordinate as the solution has Chebyshev coefficients along it, by differences; then more."""
    degrees = solution_degrees(equation, band, _DEGREES)
    for growth in (1.0, 1.25, 1.6, 2.0):
        counts = [math.ceil(growth * (0.75 * degree + 6)) for degree in degrees]
        points = [math.ceil(BOXES[equation.dim].separable * n) for n in counts]
        yield {"separable": tuple(counts), "hidden": (math.prod(counts),), "points": points, "optimizer": LastLayer()}


def _waves(equation: Equation, spectrum: Spectrum, frozen: bool) -> Iterator[Rung]:
    if not spectrum.waves:
        return
    dim, fastest = equation.dim, max(max(map(abs, wave)) for wave in spectrum.waves)
    start, each, fewest = BOXES[dim].waves
    points = math.ceil(max(start + each * fastest, fewest))
    sides = min(high - low for low, high in equation.domain)
    medium = largest_flux(equation)
    units = units_of(equation, sampling.clustered_grid(equation.domain, points)[0])
    weight = (medium * (2 * fastest / sides) ** 2 * units[1] / units[0]) ** 2
    for width, scale in ((300, 0.1), (1000, 0.3)) if frozen else ((100, 0.1), (200, 0.2)):
        yield {
            "hidden": (width,), "points": points, "scale": scale, "waves": spectrum.waves, "boundary": "penalty",
            "corners": True,
            "weights": (1.0, weight), "optimizer": LastLayer() if frozen else VariableProjection(steps=15),
        }  # fmt: skip
