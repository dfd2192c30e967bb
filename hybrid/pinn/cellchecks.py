"""What the solvers of cell problems are given, looked at before anything is computed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import sympy
import torch

from hybrid.errors import InputError
from hybrid.pinn.network import VALUE, Network
from hybrid.problems import EllipticProblem, Problem

PERIODICITIES = ("embedding", "oversampling", "penalty")


def check_problem(problem: Any, kind: type[Problem]) -> None:
    """The right kind of problem.

    Raises:
        InputError: It is another.
    """
    if not isinstance(problem, kind):
        raise InputError("problem", f"a {type(problem).__name__}; allowed is a {kind.__name__}")
    if isinstance(problem, EllipticProblem):
        steps = problem.matrix.atoms(sympy.Heaviside)
        slow = sorted({str(s) for step in steps for s in step.free_symbols & set(problem.slow)})
        if slow:
            raise InputError(
                "a", f"it jumps in the slow {', '.join(slow)}, where the homogenized solution has a kink that no network here "
                "has; write a steep smooth front instead, 1/(1 + exp(-x0/d)), or solve it by finite elements in Python"
            )  # fmt: skip
        if steps and problem.depends_on_slow:
            from hybrid.coefficient import separated

            if separated(problem) is None:
                what = "jumps in y and depends on x other than by a factor: networks have no cell problem for that yet"
                raise InputError("a", what)


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


def check_networks(
    networks: Any, count: int, dim: int, outputs: Sequence[int] | None, operators: int
) -> tuple[Network, ...]:
    """Networks to start from.

    Args:
        networks: Any number of them.
        count: Of the correctors: one network for all, or one for each.
        dim: Coordinates of a point.
        outputs: For each corrector, any of these; None for any.
        operators: Dimension of the operators that will be asked for.

    Raises:
        InputError: They do not fit.
    """
    if isinstance(networks, Network) or not all(isinstance(n, Network) for n in networks):
        raise InputError("networks", "not a sequence of networks (hybrid.pinn.Network)")
    networks = tuple(networks)
    if len(networks) not in {1, count}:
        raise InputError(
            "networks", f"{len(networks)} of them; allowed are {' or '.join(map(str, sorted({1, count})))}"
        )
    for network in networks:
        found = network.weights[-1].shape[0]
        each, rest = divmod(found, count if len(networks) == 1 else 1)
        if rest or not each or (outputs is not None and each not in outputs):
            raise InputError("networks", f"{found} outputs do not fit {count} correctors in this formulation")
        at = torch.full((1, dim), 0.3, dtype=torch.float64)
        device = network.weights[-1].device
        try:
            with torch.no_grad():
                jet = network.embedding.jet(at.to(device), torch.zeros(0, operators, operators, dtype=torch.float64))
            fits = jet.shape == (1 + operators, 1, network.weights[0].shape[1])
            network.embedding.jet(at.to(device), VALUE)
        except (IndexError, RuntimeError, ValueError):
            fits = False
        if not fits:
            raise InputError("networks", f"not networks of the {dim} coordinates here")
    return networks


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
