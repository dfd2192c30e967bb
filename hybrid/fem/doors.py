"""One name for each question, whatever the physics: an equation, or a problem that says which equations, in, solutions out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mpi4py import MPI

import numpy as np
import numpy.typing as npt

from dolfinx.fem import Function

from hybrid.checks import check_comm, check_count, check_degree
from hybrid.drift import Drift
from hybrid.drift import drift as slow_drift
from hybrid.equation import Equation
from hybrid.faces import Layer, SlowLayer
from hybrid.failures import InputError
from hybrid.fem import evolution, homogenized, layers, multiscale
from hybrid.fem.cells import cell, secondcells, sourcecells
from hybrid.fem.cells.cellsolution import CellSolution
from hybrid.fem.cells.nodal import NodalCorrectors
from hybrid.fem.dirichlet import Solution
from hybrid.fem.meshes.counts import SHAPES
from hybrid.fem.reference import Reference
from hybrid.media.interpolated import ProductCoefficient, SlowCoefficient
from hybrid.physics import Problem, check_problem
from hybrid.separation import Weighted, without_slow


def solve(equation: Equation, comm: MPI.Comm, **settings: Any) -> Solution | CellSolution:
    """Solve any equation: cell problems, an equation whose coefficients oscillate with x/ε, or one whose do not.

    Args:
        equation: On Ω or on the cell; with time or without.
        comm: The ranks that share the work.
        settings: Of `solve_cell`, `solve_multiscale` or `solve_homogenized` in the module that it is for.

    Returns:
        For cell problems the correctors, and as the coefficient the energies of which the physics makes the homogenized one.

    Raises:
        InputError: A setting out of its range, or an equation that finite elements here do not solve.
        SolverError: A solver did not converge.
    """
    _check(comm, settings)
    if equation.periodic:
        return _of_cell(equation, comm, **settings)
    return (_of_reference if equation.oscillates else _of_homogenized)(equation, comm, **settings)


def _of_cell(equation: Equation, comm: MPI.Comm, **settings: Any) -> CellSolution:
    return (cell.solve_cell if equation.driven_by_fluxes else sourcecells.solve_cell)(equation, comm, **settings)


def _of_reference(equation: Equation, comm: MPI.Comm, **settings: Any) -> Reference:
    own = multiscale.solve_multiscale if equation.time is None else evolution.solve_multiscale
    return own(equation, comm, **settings)


def _of_homogenized(equation: Equation, comm: MPI.Comm, **settings: Any) -> Solution:
    own = homogenized.solve_homogenized if equation.time is None else evolution.solve_homogenized
    return own(equation, comm, **settings)


def solve_cell(problem: Problem, comm: MPI.Comm, **settings: Any) -> CellSolution:
    """The correctors and the homogenized coefficient, by `hybrid.fem.cells.cell.solve_cell`, or by that of
    `hybrid.fem.cells.sourcecells` where the loads of the cell problems are sources.

    Raises:
        InputError: No problem, or a setting out of its range.
        SolverError: See there.
    """
    _check(comm, settings)
    found = _of_cell(check_problem(problem).cell_problems(), comm, **settings)
    return replace(found, coefficient=problem.effective(found.coefficient))


def solve_multiscale(problem: Problem, comm: MPI.Comm, **settings: Any) -> Reference:
    """The reference u_ε, by `hybrid.fem.multiscale.solve_multiscale`, or by that of `hybrid.fem.evolution` where there is time.

    Raises:
        InputError: No problem, or a setting out of its range.
        SolverError: See there.
    """
    _check(comm, settings)
    return _of_reference(check_problem(problem).multiscale(), comm, **settings)


def solve_homogenized(problem: Problem, coefficient: Any, comm: MPI.Comm, **settings: Any) -> Solution:
    """v or w, by `hybrid.fem.homogenized.solve_homogenized`, or by that of `hybrid.fem.evolution` where there is time.

    Args:
        problem: Gives the homogenized equation.
        coefficient: The homogenized coefficient of either path: a*, a*(x) or r*.
        comm: The ranks that share the work.
        settings: Those of the function that it is.

    Raises:
        InputError: No problem, no such coefficient, or a setting out of its range.
        SolverError: See there, or the coefficient makes the equation singular.
    """
    _check(comm, settings)
    return _of_homogenized(check_problem(problem).homogenized(coefficient), comm, **settings)


def solve_layers(
    problem: Problem, cell: CellSolution, comm: MPI.Comm, **settings: Any
) -> tuple[Layer[Function] | SlowLayer[Function], ...]:
    """The boundary layers of all faces of the box, by `hybrid.fem.layers.solve_layers`, or at nodes of the faces by
    `hybrid.fem.layers.solve_slow_layers` where a(x, y) is no product.

    Raises:
        InputError: No problem, or a setting out of its range.
        SolverError: See there.
    """
    _check(comm, settings)
    equation = check_problem(problem).cell_problems()
    if type(cell.coefficient) is SlowCoefficient:
        return layers.solve_slow_layers(equation, NodalCorrectors.of(cell, comm), comm, **settings)
    return layers.solve_layers(without_slow(equation)[0], cell.correctors, comm, **settings)


def solve_second(
    problem: Problem, cell: CellSolution, comm: MPI.Comm
) -> tuple[Function | Weighted[Function], ...] | NodalCorrectors:
    """The second-order cell functions: χ_ij for i ≤ j, and the ω_j where a depends on x.

    By `hybrid.fem.cells.secondcells.solve_second`, with ω_j = Σ_m (∂_m g / g) ψ_mj where a(x, y) = g(x) b(y); for other
    a(x, y) node by node.

    Raises:
        InputError: No problem.
        SolverError: See there.
    """
    equation = check_problem(problem).cell_problems()
    if type(cell.coefficient) is SlowCoefficient:
        return NodalCorrectors.of(cell, comm).second(equation)
    fixed, weights = without_slow(equation)
    star = cell.coefficient.base if isinstance(cell.coefficient, ProductCoefficient) else np.asarray(cell.coefficient)
    pairs, further = secondcells.solve_second(fixed, cell.correctors, star, slow=bool(weights))
    return (*pairs, *(Weighted(weights, functions) for functions in further))


def drift(problem: Problem, cell: CellSolution, comm: MPI.Comm) -> npt.NDArray[np.float64] | Drift | None:
    """What the second order does to a*(x), as `hybrid.physics.base.Problem.moved` takes it; nothing where a is one of y alone.

    Where a(x, y) = g(x) b(y) that is R_jki = ⟨(b (e_j + ∇χ_j))_k χ_i⟩, (d, d, d); else `hybrid.drift`; collective.

    Raises:
        InputError: No problem.
    """
    equation = check_problem(problem).cell_problems()
    if type(cell.coefficient) is SlowCoefficient:
        return slow_drift(equation, NodalCorrectors.of(cell, comm).samples(equation.cell))
    fixed, weights = without_slow(equation)
    return secondcells.flux_moments(fixed, cell.correctors) if weights else None


def _check(comm: object, settings: Mapping[str, Any]) -> None:
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
