"""Where interfaces cut a cell, and how many collocation points lie between them: known before torch is there."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

from hybrid.equation import Equation
from hybrid.interfaces import planes
from hybrid.media.cellmesh import CellMesh
from hybrid.media.regions import Regions


class Piece(NamedTuple):
    """A part of a side of the cell.

    Attributes:
        low: Where it begins.
        high: Where it ends.
        points: Points on it.
        cut: Whether interfaces end it: its points are then Gauss's.
    """

    low: float
    high: float
    points: int
    cut: bool


def cell_pieces(equation: Equation, count: int | Sequence[int]) -> list[list[Piece]]:
    """The pieces of each side of the cell between interfaces y_i = c, about `count` points on them all; or a count for each
    direction."""
    found = planes(equation.interfaces, equation.fast, equation.cell)
    counts = [count] * equation.dim if isinstance(count, int) else list(count)
    sides = []
    for p, cuts, n in zip(equation.period, found, counts, strict=True):
        if cuts:
            ends = itertools.pairwise([*cuts, cuts[0] + p])
            sides.append([Piece(low, high, max(4, round(n * (high - low) / p)), True) for low, high in ends])
        else:
            sides.append([Piece(0.0, p, n, False)])
    return sides


def points_within(mesh: CellMesh, count: int | Sequence[int]) -> int:
    """Along each direction of each cell of a mesh, where the cell of the problem is to have about `count` along each side."""
    total = count**mesh.dim if isinstance(count, int) else math.prod(count)
    return max(math.ceil((total / len(mesh.cells)) ** (1 / mesh.dim) - 0.35), 1)


def points_between(equation: Equation, count: int | Sequence[int]) -> int:
    """How many points of the cell these are (`hybrid.pinn.cells.cellquadrature.cell_points`)."""
    if isinstance(equation.flux, Regions):
        return int(len(equation.flux.mesh.cells) * points_within(equation.flux.mesh, count) ** equation.dim)
    total = 1
    for pieces in cell_pieces(equation, count):
        total *= sum(piece.points for piece in pieces)
    return total
