"""Equations with time by networks: step by step in time, or by one network of space and time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hybrid.equation import Equation
from hybrid.failures import named
from hybrid.pinn.functions.network import Network
from hybrid.pinn.intime.spacetime import solve_spacetime, spacetime_networks
from hybrid.pinn.intime.stages import solve_stages, stage_networks
from hybrid.pinn.steady.homogenized import Solution

_METHODS: dict[str, tuple[Callable[..., tuple[Network, ...]], Callable[..., Solution]]] = {
    "stages": (stage_networks, solve_stages),
    "space-time": (spacetime_networks, solve_spacetime),
}


def homogenized_networks(equation: Equation, *, method: str = "stages", **arguments: Any) -> tuple[Network, ...]:
    """The untrained networks of `solve_homogenized`."""
    return _method(method)[0](equation, **arguments)


def solve_homogenized(equation: Equation, *, method: str = "stages", **arguments: Any) -> Solution:
    """Train p(·, T) on ∂_t p - D Δp + r* p = f, p = 0 on ∂Ω, p(·, 0) = u0 (paper, equation (24)).

    Args:
        equation: With r*.
        method: "stages", discrete-time networks (`hybrid.pinn.intime.stages.solve_stages`), or "space-time", the paper's one
            network of (x, t) (`hybrid.pinn.intime.spacetime.solve_spacetime`).
        **arguments: Those of that function.

    Raises:
        InputError: An unknown method.
        SolverError: The training diverged.
    """
    return _method(method)[1](equation, **arguments)


def _method(name: str) -> tuple[Callable[..., tuple[Network, ...]], Callable[..., Solution]]:
    return named("method", name, _METHODS)
