"""One name for each question, whatever the physics: what `hybrid.pinn` exports. A problem in, what its equations say out.

Which solver it is follows from the equation: whether there is time in it, and whether the loads of its cell problems are fluxes
or sources. Arguments are those of the functions of the same name in the modules imported here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from sympy import Expr

from hybrid.drift import Drift
from hybrid.drift import drift as slow_drift
from hybrid.equation import Equation
from hybrid.faces import Layer, SlowLayer
from hybrid.media.interpolated import ProductCoefficient, SlowCoefficient
from hybrid.physics import Problem, check_problem
from hybrid.pinn import layers
from hybrid.pinn.cells import cell, cellrungs, secondcells, slowsecond, sourcecell
from hybrid.pinn.cells.cellsolution import CellSolution
from hybrid.pinn.functions.field import Field
from hybrid.pinn.functions.inputs import of_fast
from hybrid.pinn.functions.network import Network
from hybrid.pinn.intime import evolution, evolutionrungs, spacetime
from hybrid.pinn.steady import homogenized, homogenizedrungs, multiscale
from hybrid.pinn.steady.homogenized import Solution
from hybrid.separation import Weighted, without_slow


@dataclass(frozen=True)
class _Way[S]:
    """To a solution.

    Attributes:
        solve: Trains networks on an equation.
        networks: Those that it would train.
        rungs: Arguments for larger and larger ones, where it is told how good they are.
    """

    solve: Callable[..., S]
    networks: Callable[..., tuple[Network, ...]]
    rungs: Callable[..., Iterator[dict[str, Any]]] | None = None


_FLUXES = _Way(cell.solve_cell, cell.cell_networks, cellrungs.cell_rungs)
_SOURCES = _Way(sourcecell.solve_cell, sourcecell.cell_networks, sourcecell.cell_rungs)
_STEADY = _Way(homogenized.solve_homogenized, homogenized.homogenized_networks, homogenizedrungs.homogenized_rungs)
_IN_TIME = _Way(evolution.solve_homogenized, evolution.homogenized_networks, evolutionrungs.homogenized_rungs)
_CLASSICAL = _Way(multiscale.solve_multiscale, multiscale.multiscale_networks)
_CLASSICAL_IN_TIME = _Way(spacetime.solve_spacetime, spacetime.spacetime_networks)


def _to_cells(equation: Equation) -> _Way[CellSolution]:
    return _FLUXES if equation.driven_by_fluxes else _SOURCES


def _to_homogenized(equation: Equation) -> _Way[Solution]:
    return _STEADY if equation.time is None else _IN_TIME


def _to_multiscale(equation: Equation) -> _Way[Solution]:
    return _CLASSICAL if equation.time is None else _CLASSICAL_IN_TIME


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
    if equation.periodic:
        return _to_cells(equation).solve(equation, **arguments)
    return (_to_multiscale if equation.oscillates else _to_homogenized)(equation).solve(equation, **arguments)


def solve_cell(problem: Problem, **arguments: Any) -> CellSolution:
    """Train the correctors and compute the homogenized coefficient, by `hybrid.pinn.cells.cell.solve_cell`, or by that of
    `hybrid.pinn.cells.sourcecell` where the loads are sources."""
    equation = check_problem(problem).cell_problems()
    found = _to_cells(equation).solve(equation, **arguments)
    return replace(found, coefficient=problem.effective(found.coefficient))


def cell_networks(problem: Problem, **arguments: Any) -> tuple[Network, ...]:
    """The untrained networks of `solve_cell`."""
    equation = check_problem(problem).cell_problems()
    return _to_cells(equation).networks(equation, **arguments)


def cell_rungs(problem: Problem, arguments: Mapping[str, Any], budget: float = 60.0) -> Iterator[dict[str, Any]]:
    """Arguments of `solve_cell`, cheapest first: `hybrid.pinn.cells.cellrungs`, or those of `hybrid.pinn.cells.sourcecell`."""
    equation = check_problem(problem).cell_problems()
    rungs = _to_cells(equation).rungs
    assert rungs is not None
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
    return _to_homogenized(equation).solve(equation, **arguments)


def homogenized_networks(problem: Problem, **arguments: Any) -> tuple[Network, ...]:
    """The untrained networks of `solve_homogenized`."""
    return networks_for(check_problem(problem).multiscale(), **arguments)


def networks_for(equation: Equation, **arguments: Any) -> tuple[Network, ...]:
    """The untrained networks of `solve`, for an equation on the domain whose coefficients do not oscillate."""
    return _to_homogenized(equation).networks(equation, **arguments)


def homogenized_rungs(
    problem: Problem, coefficient: Any, arguments: Mapping[str, Any], budget: float = 60.0
) -> Iterator[dict[str, Any]]:
    """Arguments of `solve_homogenized`, cheapest first: `hybrid.pinn.steady.homogenizedrungs` or
    `hybrid.pinn.intime.evolutionrungs`."""
    equation = check_problem(problem).homogenized(coefficient)
    rungs = _to_homogenized(equation).rungs
    assert rungs is not None
    return rungs(equation, arguments, budget)


def solve_layers(problem: Problem, cell: CellSolution, *, seed: int = 0) -> tuple[Layer[Field] | SlowLayer[Field], ...]:
    """The boundary layers of all faces of the box, by `hybrid.pinn.layers.solve_layers`, or at nodes of the faces by
    `hybrid.pinn.layers.solve_slow_layers` where a(x, y) is no product.

    Raises:
        InputError: No problem, or an a(x, y) that jumps.
    """
    if type(cell.coefficient) is SlowCoefficient:
        own = check_problem(problem).cell_problems()
        return layers.solve_slow_layers(own, cell.correctors, cell.coefficient, seed=seed)
    equation, _, correctors, star = _without_slow(problem, cell)
    return layers.solve_layers(equation, correctors, star, seed=seed)


def solve_second(problem: Problem, cell: CellSolution, *, seed: int = 0) -> tuple[Field | Weighted[Field], ...]:
    """The second-order cell functions: χ_ij for i ≤ j, and the ω_j where a depends on x.

    By `hybrid.pinn.cells.secondcells.solve_second`, with ω_j = Σ_m (∂_m g / g) ψ_mj where a(x, y) = g(x) b(y); for other
    a(x, y) by `hybrid.pinn.cells.slowsecond.solve_slow_second`.

    Raises:
        InputError: No problem, or an a(x, y) that jumps.
    """
    if type(cell.coefficient) is SlowCoefficient:
        own = check_problem(problem).cell_problems()
        return slowsecond.solve_slow_second(own, cell, seed=seed)
    equation, weights, correctors, star = _without_slow(problem, cell)
    pairs, further = secondcells.solve_second(equation, correctors, star, slow=bool(weights), seed=seed)
    return (*pairs, *(Weighted(weights, functions) for functions in further))


def drift(problem: Problem, cell: CellSolution) -> npt.NDArray[np.float64] | Drift | None:
    """What the second order does to a*(x), as `hybrid.physics.base.Problem.moved` takes it; nothing where a is one of y alone.

    Where a(x, y) = g(x) b(y) that is R_jki = ⟨(b (e_j + ∇χ_j))_k χ_i⟩, (d, d, d); else `hybrid.drift`.

    Raises:
        InputError: No problem.
    """
    if type(cell.coefficient) is SlowCoefficient:
        own = check_problem(problem).cell_problems()
        return slow_drift(own, slowsecond.samples(own, cell))
    equation, weights, correctors, _ = _without_slow(problem, cell)
    return secondcells.flux_moments(equation, correctors) if weights else None


def _without_slow(
    problem: Problem, cell: CellSolution
) -> tuple[Equation, tuple[Expr, ...], Sequence[Field], npt.NDArray[np.float64]]:
    """The cell problems of what does not depend on x, how the coefficient does, and the correctors and a* of the former."""
    equation, weights = without_slow(check_problem(problem).cell_problems())
    if not isinstance(cell.coefficient, ProductCoefficient):
        return equation, weights, cell.correctors, np.asarray(cell.coefficient)
    dim = equation.dim
    correctors = [Field(of_fast(chi.network), chi.output, dim, shift=chi.shift) for chi in cell.correctors]
    return equation, weights, correctors, cell.coefficient.base


def solve_multiscale(problem: Problem, **arguments: Any) -> Solution:
    """Train the classical PINN on the multiscale equation itself, by `hybrid.pinn.steady.multiscale.solve_multiscale`, or by
    `hybrid.pinn.intime.spacetime.solve_spacetime` where there is time (paper, equations (16) and (20))."""
    equation = check_problem(problem).multiscale()
    return _to_multiscale(equation).solve(equation, **arguments)


def multiscale_networks(problem: Problem, **arguments: Any) -> tuple[Network, ...]:
    """The untrained network of `solve_multiscale`."""
    equation = check_problem(problem).multiscale()
    return _to_multiscale(equation).networks(equation, **arguments)
