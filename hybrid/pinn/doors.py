"""One name for each question, whatever the physics: what `hybrid.pinn` exports. A problem in, what its equations say out.

Which solver it is follows from the equation: whether there is time in it, and whether the loads of its cell problems are fluxes
or sources. Arguments are those of the functions of the same name in the modules imported here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from hybrid.equation import Equation
from hybrid.faces import Layer
from hybrid.physics import Problem, check_problem
from hybrid.pinn import layers
from hybrid.pinn.cells import cell, cellrungs, secondcells, sourcecell
from hybrid.pinn.cells.cellsolution import CellSolution
from hybrid.pinn.functions.field import Field
from hybrid.pinn.functions.network import Network
from hybrid.pinn.intime import evolution, evolutionrungs, spacetime
from hybrid.pinn.steady import homogenized, homogenizedrungs, multiscale
from hybrid.pinn.steady.homogenized import Solution


def solve(equation: Equation, **arguments: Any) -> Solution | CellSolution:
    """Train networks on any equation: cell problems, an equation whose coefficients oscillate with x/ε (the classical PINN), or
    one whose do not. The same question as `hybrid.fem.solve`.

    Args:
        equation: On Ω or on the cell; with time or without.
        **arguments: Of `solve_cell`, `solve_multiscale` or `solve_homogenized` in the module that it is for.

    Returns:
        For cell problems the correctors, and as the coefficient the energies of which the physics makes the homogenized one.

    Raises:
        InputError: Arguments that are not allowed, or an equation that networks here do not solve.
        SolverError: The training diverged.
    """
    own: Callable[..., Solution | CellSolution]
    if equation.periodic:
        own = (cell if equation.driven_by_fluxes else sourcecell).solve_cell
    elif equation.oscillates:
        own = multiscale.solve_multiscale if equation.time is None else spacetime.solve_spacetime
    else:
        own = (homogenized if equation.time is None else evolution).solve_homogenized
    return own(equation, **arguments)


def solve_cell(problem: Problem, **arguments: Any) -> CellSolution:
    """Train the correctors and compute the homogenized coefficient, by `hybrid.pinn.cells.cell.solve_cell`, or by that of
    `hybrid.pinn.cells.sourcecell` where the loads are sources."""
    equation = check_problem(problem).cell_problems()
    solve: Callable[..., CellSolution] = (cell if equation.driven_by_fluxes else sourcecell).solve_cell
    found = solve(equation, **arguments)
    return replace(found, coefficient=problem.effective(found.coefficient))


def cell_networks(problem: Problem, **arguments: Any) -> tuple[Network, ...]:
    """The untrained networks of `solve_cell`."""
    equation = check_problem(problem).cell_problems()
    fresh: Callable[..., tuple[Network, ...]] = (cell if equation.driven_by_fluxes else sourcecell).cell_networks
    return fresh(equation, **arguments)


def cell_rungs(problem: Problem, arguments: Mapping[str, Any], budget: float = 60.0) -> Iterator[dict[str, Any]]:
    """Arguments of `solve_cell`, cheapest first: `hybrid.pinn.cells.cellrungs`, or those of `hybrid.pinn.cells.sourcecell`."""
    equation = check_problem(problem).cell_problems()
    rungs: Callable[..., Iterator[dict[str, Any]]] = (cellrungs if equation.driven_by_fluxes else sourcecell).cell_rungs
    return rungs(equation, arguments, budget)


def solve_homogenized(problem: Problem, coefficient: Any, **arguments: Any) -> Solution:
    """Train p, by `hybrid.pinn.steady.homogenized.solve_homogenized`, or by that of `hybrid.pinn.intime.evolution` where
    there is time.

    Args:
        problem: Gives the homogenized equation.
        coefficient: The homogenized coefficient of either path: a*, a*(x) or r*.
        **arguments: Those of that function.
    """
    equation = check_problem(problem).homogenized(coefficient)
    solve: Callable[..., Solution] = (homogenized if equation.time is None else evolution).solve_homogenized
    return solve(equation, **arguments)


def homogenized_networks(problem: Problem, **arguments: Any) -> tuple[Network, ...]:
    """The untrained networks of `solve_homogenized`."""
    return networks_for(check_problem(problem).multiscale(), **arguments)


def networks_for(equation: Equation, **arguments: Any) -> tuple[Network, ...]:
    """The untrained networks of `solve`, for an equation on the domain whose coefficients do not oscillate."""
    fresh: Callable[..., tuple[Network, ...]] = (
        homogenized if equation.time is None else evolution
    ).homogenized_networks
    return fresh(equation, **arguments)


def homogenized_rungs(
    problem: Problem, coefficient: Any, arguments: Mapping[str, Any], budget: float = 60.0
) -> Iterator[dict[str, Any]]:
    """Arguments of `solve_homogenized`, cheapest first: `hybrid.pinn.steady.homogenizedrungs` or
    `hybrid.pinn.intime.evolutionrungs`."""
    equation = check_problem(problem).homogenized(coefficient)
    rungs: Callable[..., Iterator[dict[str, Any]]] = (
        homogenizedrungs if equation.time is None else evolutionrungs
    ).homogenized_rungs
    return rungs(equation, arguments, budget)


def solve_layers(problem: Problem, cell: CellSolution, *, seed: int = 0) -> tuple[Layer[Field], ...]:
    """The boundary layers of all faces of the box, by `hybrid.pinn.layers.solve_layers`."""
    equation = check_problem(problem).cell_problems()
    return layers.solve_layers(equation, cell.correctors, np.asarray(cell.coefficient), seed=seed)


def solve_second(problem: Problem, cell: CellSolution, *, seed: int = 0) -> tuple[Field, ...]:
    """The second-order cell functions, by `hybrid.pinn.cells.secondcells.solve_second`."""
    equation = check_problem(problem).cell_problems()
    return secondcells.solve_second(equation, cell.correctors, np.asarray(cell.coefficient), seed=seed)


def solve_multiscale(problem: Problem, **arguments: Any) -> Solution:
    """Train the classical PINN on the multiscale equation itself, by `hybrid.pinn.steady.multiscale.solve_multiscale`, or by
    `hybrid.pinn.intime.spacetime.solve_spacetime` where there is time (paper, equations (16) and (20))."""
    equation = check_problem(problem).multiscale()
    solve: Callable[..., Solution] = multiscale.solve_multiscale if equation.time is None else spacetime.solve_spacetime
    return solve(equation, **arguments)


def multiscale_networks(problem: Problem, **arguments: Any) -> tuple[Network, ...]:
    """The untrained network of `solve_multiscale`."""
    equation = check_problem(problem).multiscale()
    fresh: Callable[..., tuple[Network, ...]] = (
        multiscale.multiscale_networks if equation.time is None else spacetime.spacetime_networks
    )
    return fresh(equation, **arguments)
