"""One name for each question, whatever the kind of the problem: what `hybrid.pinn` exports.

Elliptic problems go to `hybrid.pinn.cell`, `hybrid.pinn.homogenized` and `hybrid.pinn.multiscale`, reaction-diffusion to
`hybrid.pinn.reaction`; arguments are those of the functions of the same name there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, overload

import numpy.typing as npt

from hybrid.errors import InputError
from hybrid.media.interpolated import SlowCoefficient
from hybrid.physics import EllipticProblem, Problem, ReactionDiffusionProblem
from hybrid.pinn import cell, cellrungs, homogenized, homogenizedrungs, multiscale, reaction, spacetime
from hybrid.pinn.cell import CellSolution
from hybrid.pinn.homogenized import Solution
from hybrid.pinn.network import Network
from hybrid.pinn.reaction import ReactionCellSolution


def _elliptic(problem: object) -> bool:
    """Which of the two kinds a problem is of.

    Raises:
        InputError: Neither.
    """
    if not isinstance(problem, EllipticProblem | ReactionDiffusionProblem):
        what = f"{type(problem).__name__}; allowed are EllipticProblem, ReactionDiffusionProblem"
        raise InputError("problem", what)
    return isinstance(problem, EllipticProblem)


@overload
def solve_cell(problem: EllipticProblem, **arguments: Any) -> CellSolution: ...
@overload
def solve_cell(problem: ReactionDiffusionProblem, **arguments: Any) -> ReactionCellSolution: ...
def solve_cell(problem: Any, **arguments: Any) -> CellSolution | ReactionCellSolution:
    """Train the correctors and compute the homogenized coefficient: `hybrid.pinn.cell.solve_cell` or that of
    `hybrid.pinn.reaction`."""
    return (cell if _elliptic(problem) else reaction).solve_cell(problem, **arguments)


def cell_networks(problem: Problem, **arguments: Any) -> tuple[Network, ...]:
    """The untrained networks of `solve_cell`."""
    solver: Any = cell if _elliptic(problem) else reaction
    return tuple(solver.cell_networks(problem, **arguments))


def solve_homogenized(problem: Problem, coefficient: npt.ArrayLike | SlowCoefficient, **arguments: Any) -> Solution:
    """Train p: `hybrid.pinn.homogenized.solve_homogenized` or that of `hybrid.pinn.reaction`."""
    solver: Any = homogenized if _elliptic(problem) else reaction
    solution: Solution = solver.solve_homogenized(problem, coefficient, **arguments)
    return solution


def homogenized_networks(problem: Problem, **arguments: Any) -> tuple[Network, ...]:
    """The untrained networks of `solve_homogenized`."""
    solver: Any = homogenized if _elliptic(problem) else reaction
    return tuple(solver.homogenized_networks(problem, **arguments))


def solve_multiscale(problem: Problem, **arguments: Any) -> Solution:
    """Train the classical PINN: `hybrid.pinn.multiscale.solve_multiscale` or that of `hybrid.pinn.reaction`."""
    solver: Any = multiscale if _elliptic(problem) else reaction
    solution: Solution = solver.solve_multiscale(problem, **arguments)
    return solution


def multiscale_networks(problem: Problem, **arguments: Any) -> tuple[Network, ...]:
    """The untrained network of `solve_multiscale`."""
    networks: Any = multiscale.multiscale_networks if _elliptic(problem) else spacetime.spacetime_networks
    return tuple(networks(problem, **arguments))


def homogenized_rungs(
    problem: Problem, coefficient: npt.ArrayLike | SlowCoefficient, arguments: Mapping[str, Any], budget: float = 60.0
) -> Iterator[dict[str, Any]]:
    """Arguments of `solve_homogenized`, cheapest first: `hybrid.pinn.homogenizedrungs` or that of `hybrid.pinn.reaction`."""
    solver: Any = homogenizedrungs if _elliptic(problem) else reaction
    rungs: Iterator[dict[str, Any]] = solver.homogenized_rungs(problem, coefficient, arguments, budget)
    return rungs


def cell_rungs(problem: Problem, arguments: Mapping[str, Any], budget: float = 60.0) -> Iterator[dict[str, Any]]:
    """Arguments of `solve_cell`, cheapest first: `hybrid.pinn.cellrungs` or that of `hybrid.pinn.reaction`."""
    solver: Any = cellrungs if _elliptic(problem) else reaction
    rungs: Iterator[dict[str, Any]] = solver.cell_rungs(problem, arguments, budget)
    return rungs
