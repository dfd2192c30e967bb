"""The correctors of one dimension as functions of x and y on uniform points, whichever path they are from."""

from __future__ import annotations

from functools import partial

from mpi4py import MPI

import numpy as np
import numpy.typing as npt

from hybrid.fem.cells.cellsolution import CellSolution as FemCells
from hybrid.fem.meshes.points import at_points
from hybrid.lines import Line, grid
from hybrid.media.interpolated import ProductCoefficient, SlowCoefficient
from hybrid.physics import Problem
from hybrid.pinn.cells.cellsolution import CellSolution as NetworkCells
from hybrid.pinn.functions.field import Field

Array = npt.NDArray[np.float64]


def lines_of(problem: Problem, cell: FemCells | NetworkCells, comm: MPI.Comm) -> list[Line]:
    """The correctors of a problem in one dimension, the same on every rank; collective."""
    (period,) = problem.period
    coefficient = cell.coefficient
    slow = isinstance(coefficient, SlowCoefficient) and not isinstance(coefficient, ProductCoefficient)
    nodes = coefficient.nodes[:, 0] if isinstance(coefficient, SlowCoefficient) and slow else np.zeros(1)
    if isinstance(cell, NetworkCells):
        depends = bool(problem.flux.depends_on)
        return [Line.of(partial(_at_pairs, chi, depends), period, nodes) for chi in cell.correctors]
    at = grid(period)[:, None]
    if not slow:
        return [Line(period, nodes, at_points(chi, at)[None]) for chi in cell.correctors]
    assert cell.nodes is not None
    own = [(float(x[0]), at_points(chi, at)) for x, chi in zip(cell.nodes, cell.correctors, strict=True)]
    every = sorted((pair for part in comm.allgather(own) for pair in part), key=lambda pair: pair[0])
    return [Line(period, np.array([x for x, _ in every]), np.stack([values for _, values in every]))]


def _at_pairs(chi: Field, depends: bool, x: Array, y: Array) -> Array:
    return chi.values(np.stack([x, y], axis=1) if depends else y[:, None])
