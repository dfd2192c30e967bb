"""Reaction-diffusion by networks: the cell problem, the homogenized equation and the direct approach."""

from __future__ import annotations

from typing import Any

from hybrid.errors import InputError
from hybrid.physics import ReactionDiffusionProblem
from hybrid.pinn.homogenized import Solution
from hybrid.pinn.network import Network
from hybrid.pinn.reactioncell import ReactionCellSolution, cell_networks, cell_rungs, solve_cell
from hybrid.pinn.reactionrungs import homogenized_rungs
from hybrid.pinn.spacetime import solve_spacetime, spacetime_networks
from hybrid.pinn.stages import solve_stages, stage_networks

__all__ = [
    "ReactionCellSolution", "cell_networks", "cell_rungs", "homogenized_networks", "homogenized_rungs", "solve_cell",
    "solve_homogenized", "solve_multiscale",
]  # fmt: skip

_METHODS = {"stages": (stage_networks, solve_stages), "space-time": (spacetime_networks, solve_spacetime)}


def homogenized_networks(
    problem: ReactionDiffusionProblem, *, method: str = "stages", **arguments: Any
) -> tuple[Network, ...]:
    """The untrained networks of `solve_homogenized`."""
    return _method(method)[0](problem, **arguments)


def solve_homogenized(
    problem: ReactionDiffusionProblem, coefficient: float, *, method: str = "stages", **arguments: Any
) -> Solution:
    """Train p(·, T) on ∂_t p - D Δp + r* p = f, p = 0 on ∂Ω, p(·, 0) = u0 (paper, equation (24)).

    Args:
        problem: Gives Ω, D, f, u0 and T.
        coefficient: r*.
        method: "stages", discrete-time networks (`hybrid.pinn.stages.solve_stages`), or "space-time", the paper's one
            network of (x, t) (`hybrid.pinn.spacetime.solve_spacetime`).
        **arguments: Those of that function.

    Raises:
        InputError: An unknown method.
        SolverError: The training diverged.
    """
    return _method(method)[1](problem, coefficient, **arguments)


def solve_multiscale(problem: ReactionDiffusionProblem, **arguments: Any) -> Solution:
    """Train u(x, t) on ∂_t u - D Δu + (1/ε) r(x/ε) u = f itself, the classical PINN (paper, equation (20)); the arguments are
    those of `hybrid.pinn.spacetime.solve_spacetime`."""
    fast = {y: x / problem.eps for x, y in zip(problem.slow, problem.fast, strict=True)}
    return solve_spacetime(problem, problem.r.subs(fast) / problem.eps, **arguments)


def _method(name: str) -> tuple[Any, Any]:
    if name not in _METHODS:
        raise InputError("method", f"{name!r}; allowed are {', '.join(_METHODS)}")
    return _METHODS[name]
