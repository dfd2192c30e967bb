"""One name for each question, whatever the physics: a problem in, what its equations say out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from mpi4py import MPI

from hybrid.checks import check_comm, check_count, check_degree
from hybrid.errors import InputError
from hybrid.fem import cell, evolution, homogenized, multiscale, sourcecells
from hybrid.fem.cellsolution import CellSolution
from hybrid.fem.counts import SHAPES
from hybrid.fem.dirichlet import Solution
from hybrid.fem.reference import Reference
from hybrid.physics import Problem, check_problem


def solve_cell(problem: Problem, comm: MPI.Comm, **settings: Any) -> CellSolution:
    """The correctors and the homogenized coefficient, by `hybrid.fem.cell.solve_cell`, or by that of `hybrid.fem.sourcecells`
    where the loads of the cell problems are sources.

    Args:
        problem: Gives the cell problems.
        comm: The ranks that share the work.
        settings: Those of the function that it is.

    Raises:
        InputError: Something else, or a setting out of its range.
        SolverError: See there.
    """
    equation = _checked(problem, comm, settings).cell_problems()
    solve: Callable[..., CellSolution] = (cell if equation.driven_by_fluxes else sourcecells).solve_cell
    found = solve(equation, comm, **settings)
    return replace(found, coefficient=problem.effective(found.coefficient))


def solve_multiscale(problem: Problem, comm: MPI.Comm, **settings: Any) -> Reference:
    """The reference u_ε, by `hybrid.fem.multiscale.solve_multiscale`, or by that of `hybrid.fem.evolution` where there is time.

    Args:
        problem: Gives the multiscale equation.
        comm: The ranks that share the work.
        settings: Those of the function that it is.

    Raises:
        InputError: Something else, or a setting out of its range.
        SolverError: See there.
    """
    equation = _checked(problem, comm, settings).multiscale()
    solve: Callable[..., Reference] = (multiscale if equation.time is None else evolution).solve_multiscale
    return solve(equation, comm, **settings)


def solve_homogenized(problem: Problem, coefficient: Any, comm: MPI.Comm, **settings: Any) -> Solution:
    """v or w, by `hybrid.fem.homogenized.solve_homogenized`, or by that of `hybrid.fem.evolution` where there is time.

    Args:
        problem: Gives the homogenized equation.
        coefficient: The homogenized coefficient of either path: a*, a*(x) or r*.
        comm: The ranks that share the work.
        settings: Those of the function that it is.

    Raises:
        InputError: Something else, or a setting out of its range.
        SolverError: See there, or the coefficient makes the equation singular.
    """
    equation = _checked(problem, comm, settings).homogenized(coefficient)
    solve: Callable[..., Solution] = (homogenized if equation.time is None else evolution).solve_homogenized
    return solve(equation, comm, **settings)


def _checked(problem: object, comm: object, settings: dict[str, Any]) -> Problem:
    found = check_problem(problem)
    check_comm(comm)
    if "degree" in settings:
        check_degree(settings["degree"])
    for name, least in (("cells", 2), ("cells_per_period", 1)):
        if name in settings:
            check_count(settings[name], name, least)
    if settings.get("nodes") is not None:
        check_count(settings["nodes"], "nodes", 2)
    if settings.get("shape", SHAPES[0]) not in SHAPES:
        raise InputError("shape", f"{settings['shape']!r}; allowed are {', '.join(SHAPES)}")
    return found
