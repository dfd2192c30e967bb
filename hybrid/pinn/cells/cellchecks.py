"""What the solvers of cell problems are given, looked at before anything is computed, and before torch is there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import sympy

from hybrid.equation import Equation
from hybrid.failures import InputError
from hybrid.media.base import Medium
from hybrid.separation import separated

FORMULATIONS = ("strong", "first-order", "energy")
PERIODICITIES = ("embedding", "oversampling", "penalty")


def check_cell(equation: Equation) -> None:
    """Refuse cell problems that no network here solves.

    Raises:
        InputError: The loads are no fluxes of A; A jumps in x, or jumps in y and depends on x otherwise than by a factor.
    """
    if not isinstance(equation.flux, Medium) or not equation.driven_by_fluxes:
        raise InputError("equation", "its loads are to be the fluxes of an A that is a function of x and y")
    steps = equation.medium.matrix.atoms(sympy.Heaviside)
    slow = sorted({str(s) for step in steps for s in step.free_symbols & set(equation.slow)})
    if slow:
        raise InputError(
            "a", f"it jumps in the slow {', '.join(slow)}, where the homogenized solution has a kink that no network here "
            "has; write a steep smooth front instead, 1/(1 + exp(-x0/d)), or solve it by finite elements in Python"
        )  # fmt: skip
    if steps and equation.medium.depends_on and separated(equation) is None:
        what = "jumps in y and depends on x other than by a factor: networks have no cell problem for that yet"
        raise InputError("a", what)


def check_load(equation: Equation) -> None:
    """Refuse cell problems whose load is no source, or whose A is not a number.

    Raises:
        InputError: They are.
    """
    if len(equation.loads) != 1 or equation.loads[0].flux is not None or equation.diffusion <= 0:
        raise InputError("equation", "it is to have one load, a source")


def check_shape(hidden: Any, scale: float, periodicity: str) -> None:
    """Of networks.

    Raises:
        InputError: With the argument.
    """
    if periodicity not in PERIODICITIES:
        raise InputError("periodicity", f"{periodicity!r}; allowed are {', '.join(PERIODICITIES)}")
    if not isinstance(hidden, Sequence) or not hidden or not all(_whole(w) and w >= 1 for w in hidden):
        raise InputError("hidden", f"{hidden!r}; it is the widths of one or more hidden layers, each at least 1")
    if not (math.isfinite(scale) and scale > 0):
        raise InputError("scale", f"{scale!r}; it must be positive and finite")


def check_points(
    points: Any, dim: int, periodicity: str, oversampling: Any = 0, weights: Any = (1.0, 1.0, 1.0)
) -> None:
    """Of collocation.

    Raises:
        InputError: With the argument.
    """
    counts = points if isinstance(points, Sequence) else [points]
    if points is not None and not (len(counts) in {1, dim} and all(_whole(n) and n >= 1 for n in counts)):
        raise InputError("points", f"{points!r}; it is a whole number from 1, or one for each of {dim} directions")
    if periodicity == "embedding":
        return
    if isinstance(points, Sequence):
        raise InputError("points", f"{points}; one for each direction goes with periodicity = 'embedding' only")
    needed = 3 if periodicity == "oversampling" else 2
    fine = isinstance(weights, Sequence) and needed <= len(weights) <= 3
    if not (fine and all(isinstance(w, float | int) and math.isfinite(w) and w >= 0 for w in weights)):
        raise InputError("weights", f"{weights!r}; {needed} numbers that are not negative are allowed")
    layers = _whole(oversampling) and oversampling >= 0 and (points is None or oversampling < points - 2)
    if periodicity == "oversampling" and not layers:
        what = f"{oversampling!r} layers for {points} points a side; allowed are fewer than points - 2"
        raise InputError("oversampling", what)


def check_formulation(equation: Equation, formulation: str, periodicity: str) -> None:
    """Refuse what does not go together.

    Raises:
        InputError: With the reason.
    """
    product = separated(equation) if periodicity == "embedding" else None
    equation = equation if product is None else product[1]
    if formulation not in FORMULATIONS:
        raise InputError("formulation", f"{formulation!r}; allowed are {', '.join(FORMULATIONS)}")
    if formulation != "strong" and equation.medium.depends_on:
        raise InputError("formulation", f"{formulation!r}, but a depends on x; allowed is strong")
    if formulation != "strong" and periodicity != "embedding":
        raise InputError(
            "formulation", f"{formulation!r} does not go with periodicity = {periodicity!r}, only 'embedding'"
        )
    if formulation == "strong" and equation.medium.interfaces:
        other = "allowed are first-order, energy; the preset paper has neither"
        raise InputError("formulation", f"'strong' needs the derivatives of a, which jumps; {other}")


def outputs_for_each(formulation: str, dim: int) -> int:
    """How many outputs a corrector takes: χ_k alone, or with the potential of its flux."""
    return {1: 1, 2: 2, 3: 4}[dim] if formulation == "first-order" else 1


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
