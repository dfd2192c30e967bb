"""The solvers by the kind of the problem: elliptic or reaction-diffusion, with one name for both."""

from __future__ import annotations

from typing import Any, overload

from mpi4py import MPI

import numpy.typing as npt

from hybrid.checks import check_comm, check_count, check_degree
from hybrid.errors import InputError
from hybrid.fem import cell, homogenized, multiscale, reaction
from hybrid.fem.cell import CellSolution
from hybrid.fem.dirichlet import Solution
from hybrid.fem.mesh import SHAPES
from hybrid.fem.reaction import ReactionCellSolution
from hybrid.fem.reference import Reference
from hybrid.media.interpolated import SlowCoefficient
from hybrid.physics import EllipticProblem, Problem, ReactionDiffusionProblem


@overload
def solve_cell(problem: EllipticProblem, comm: MPI.Comm, **settings: Any) -> CellSolution: ...
@overload
def solve_cell(problem: ReactionDiffusionProblem, comm: MPI.Comm, **settings: Any) -> ReactionCellSolution: ...
def solve_cell(problem: Problem, comm: MPI.Comm, **settings: Any) -> CellSolution | ReactionCellSolution:
    """The correctors and the homogenized coefficient: `hybrid.fem.cell.solve_cell` or `hybrid.fem.reaction.solve_cell`.

    Args:
        problem: An elliptic or a reaction-diffusion problem.
        comm: The ranks that share the work.
        settings: Those of the function that it is.

    Raises:
        InputError: Something else, or a setting out of its range.
        SolverError: See there.
    """
    _check(problem, comm, settings)
    if isinstance(problem, ReactionDiffusionProblem):
        return reaction.solve_cell(problem, comm, **settings)
    return cell.solve_cell(_elliptic(problem), comm, **settings)


def solve_multiscale(problem: Problem, comm: MPI.Comm, **settings: Any) -> Reference:
    """The reference: `hybrid.fem.multiscale.solve_multiscale` or `hybrid.fem.reaction.solve_multiscale`.

    Args:
        problem: An elliptic or a reaction-diffusion problem.
        comm: The ranks that share the work.
        settings: Those of the function that it is.

    Raises:
        InputError: Something else, or a setting out of its range.
        SolverError: See there.
    """
    _check(problem, comm, settings)
    if isinstance(problem, ReactionDiffusionProblem):
        return reaction.solve_multiscale(problem, comm, **settings)
    return multiscale.solve_multiscale(_elliptic(problem), comm, **settings)


def solve_homogenized(
    problem: Problem, coefficient: npt.ArrayLike | SlowCoefficient, comm: MPI.Comm, **settings: Any
) -> Solution:
    """v or w: `hybrid.fem.homogenized.solve_homogenized` or `hybrid.fem.reaction.solve_homogenized`.

    Args:
        problem: An elliptic or a reaction-diffusion problem.
        coefficient: a*, a*(x) or r*.
        comm: The ranks that share the work.
        settings: Those of the function that it is.

    Raises:
        InputError: Something else, or a setting out of its range.
        SolverError: See there.
    """
    _check(problem, comm, settings)
    if isinstance(problem, ReactionDiffusionProblem):
        return reaction.solve_homogenized(problem, coefficient, comm, **settings)  # type: ignore[arg-type]
    return homogenized.solve_homogenized(_elliptic(problem), coefficient, comm, **settings)


def _elliptic(problem: Problem) -> EllipticProblem:
    assert isinstance(problem, EllipticProblem)
    return problem


def _check(problem: object, comm: object, settings: dict[str, Any]) -> None:
    if not isinstance(problem, EllipticProblem | ReactionDiffusionProblem):
        raise InputError(
            "problem", f"a {type(problem).__name__}; allowed is an EllipticProblem or a ReactionDiffusionProblem"
        )
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
