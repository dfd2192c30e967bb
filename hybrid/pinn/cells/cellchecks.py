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


def check_shape(hidden: Any, scale: float) -> None:
    """Of networks.

    Raises:
        InputError: With the argument.
    """
    if not isinstance(hidden, Sequence) or not hidden or not all(is_whole(w) and w >= 1 for w in hidden):
        raise InputError("hidden", f"{hidden!r}; it is the widths of one or more hidden layers, each at least 1")
    if not (math.isfinite(scale) and scale > 0):
        raise InputError("scale", f"{scale!r}; it must be positive and finite")


def check_counts(points: Any, dim: int) -> None:
    """Of collocation points: one number, or one for each direction.

    Raises:
        InputError: They are something else.
    """
    counts = points if isinstance(points, Sequence) else [points]
    if points is not None and not (len(counts) in {1, dim} and all(is_whole(n) and n >= 1 for n in counts)):
        raise InputError("points", f"{points!r}; it is a whole number from 1, or one for each of {dim} directions")


def check_nodes(equation: Equation, nodes: Any, fits: bool) -> None:
    """Of a last layer that is a polynomial of x, where there is to be one; whether the other settings fit that is known.

    Raises:
        InputError: a does not depend on x, or jumps, or something else does not go with it.
    """
    if nodes is None:
        return
    if not equation.medium.depends_on or equation.medium.interfaces or separated(equation) is not None:
        raise InputError("slow_nodes", "they are for a smooth a(x, y) that is no product g(x) b(y)")
    if not fits:
        raise InputError("slow_nodes", "they go with periodicity = 'embedding', the strong form, and one network")
    if not isinstance(nodes, Sequence) or len(nodes) != equation.dim or not all(is_whole(n) and n >= 1 for n in nodes):
        raise InputError("slow_nodes", f"{nodes!r}; it is a whole number from 1 for each of {equation.dim} directions")


def is_whole(value: Any) -> bool:
    """Whether it is a whole number, not a truth."""
    return isinstance(value, int) and not isinstance(value, bool)
