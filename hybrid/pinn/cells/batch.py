"""The cell problems of many coefficients at once: parameter studies, and slow variables node by node."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from mpi4py import MPI

import torch
from torch import Tensor

from hybrid.clock import clock
from hybrid.equation import Equation
from hybrid.failures import InputError, SolverError
from hybrid.physics import Problem, check_problem
from hybrid.pinn.cells.cell import cell_networks, solve_cell
from hybrid.pinn.cells.cellchecks import check_cell, check_counts
from hybrid.pinn.cells.cellsolution import CellSolution, finish
from hybrid.pinn.cells.formulations import formulation_of
from hybrid.pinn.cells.lastlayers import last_layers
from hybrid.pinn.functions.network import Network
from hybrid.pinn.leastsquares import sampling
from hybrid.pinn.optimizers.base import History
from hybrid.pinn.optimizers.kinds import LastLayer
from hybrid.pinn.sizes import CELLS

_TOGETHER = 80
"""Problems whose networks are evaluated at once."""


def solve_cells(problems: Sequence[Problem], *, comm: MPI.Comm | None = None, **arguments: Any) -> list[CellSolution]:
    """Solve the cell problems of many coefficients, as `hybrid.pinn.solve_cell` would one by one.

    With frozen features (`optimizer=LastLayer()`) the problems share their hidden layers: these are swept through once, at the
    collocation points and again for the means, and what is left for each problem is a contraction and a least-squares solve.
    Otherwise each training starts from the network of the problem before: give neighbours in the order of the parameter, and
    an optimizer that stops by its tolerance.

    Args:
        problems: Of the same dimension and period, with smooth coefficients of y alone where features are frozen.
        comm: The ranks that share the problems, in contiguous parts; None for this process alone.
        **arguments: Those of `solve_cell`, the same for all.

    Returns:
        The solutions in the order of the problems, on every rank.

    Raises:
        InputError: Problems that do not go together.
        SolverError: A training diverged.
    """
    equations = [check_problem(problem).cell_problems() for problem in problems]
    for equation in equations:
        check_cell(equation)
    if problems:
        check_counts(arguments.get("points"), problems[0].dim)
    if len({(equation.dim, equation.period) for equation in equations}) > 1:
        raise InputError("problems", "of different dimensions or periods; solve them apart")
    rank, size = (comm.rank, comm.size) if comm is not None else (0, 1)
    mine = equations[len(problems) * rank // size : len(problems) * (rank + 1) // size]
    frozen = (
        isinstance(arguments.get("optimizer"), LastLayer)
        and formulation_of(arguments.get("formulation")).name == "strong"
    )
    solved: list[CellSolution] = []
    failure: InputError | SolverError | None = None
    try:
        solved = _frozen(mine, **arguments) if frozen else _following(mine, **arguments)
    except (InputError, SolverError) as error:  # the other ranks have to hear of it, they wait below
        failure = error
    if comm is None or size == 1:
        if failure is not None:
            raise failure
        return solved
    gathered = comm.allgather((failure, solved))
    for failure, _ in gathered:
        if failure is not None:
            raise failure
    return [solution for _, part in gathered for solution in part]


def _following(equations: Sequence[Equation], **arguments: Any) -> list[CellSolution]:
    """Each from the one before."""
    solved: list[CellSolution] = []
    for equation in equations:
        start = copy.deepcopy(solved[-1].networks) if solved else None
        solved.append(solve_cell(equation, networks=start, **arguments))
    return solved


def _frozen(
    equations: Sequence[Equation], *, optimizer: LastLayer, points: int | None = None, seed: int = 0,
    hidden: Sequence[int] = (400,), scale: float = 1.0, formulation: str = "strong",
) -> list[CellSolution]:  # fmt: skip
    """All with the hidden layers of one network.

    Raises:
        InputError: A coefficient that jumps or depends on x.
    """
    if not equations:
        return []
    if any(equation.medium.depends_on or equation.medium.interfaces for equation in equations):
        raise InputError("problems", "frozen features in a batch are for smooth coefficients of y alone")
    first = equations[0]
    (network,) = cell_networks(first, seed=seed, hidden=hidden, scale=scale)
    count = points or CELLS[first.dim].points
    at, weight = sampling.periodic_grid(first.period, count)
    groups = [equations[begin : begin + _TOGETHER] for begin in range(0, len(equations), _TOGETHER)]
    return [solution for group in groups for solution in _together(group, network, at, weight, optimizer)]


def _together(
    equations: Sequence[Equation], network: Network, at: Tensor, weight: Tensor, optimizer: LastLayer
) -> list[CellSolution]:
    """So many that their jets find room."""
    start, networks, histories = clock(), [], []
    for layer, losses in last_layers(equations, network, at, weight, optimizer):
        own_network = copy.deepcopy(network)
        own_network.weights[-1].data.copy_(layer)
        networks.append(own_network)
        histories.append(History(optimizer.name, losses))
    joint = copy.deepcopy(network)
    joint.weights = torch.nn.ParameterList([*network.weights[:-1], torch.cat([n.weights[-1].data for n in networks])])
    known: dict[tuple[float, ...], Tensor] = {}

    def jet_of(k: int, _: Sequence[Network], points: Tensor, asked: Tensor) -> Tensor:
        key = len(points), *points[-1].tolist()  # of a grid from the corner of the cell
        if key not in known:
            known[key] = joint.evaluate(points, asked)
        dim = points.shape[1]
        return known[key][..., k * dim : (k + 1) * dim]

    solutions = []
    for k, equation in enumerate(equations):
        solutions.append(
            finish(equation, [networks[k]], histories[k], exact=True, flux=False, jet_of=partial(jet_of, k))
        )
    seconds = (clock() - start) / len(equations)
    return [replace(solution, seconds=seconds) for solution in solutions]
