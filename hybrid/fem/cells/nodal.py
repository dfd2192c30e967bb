"""Correctors of finite elements that depend on x too: one at each Chebyshev node, polynomials of x between them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cached_property

from mpi4py import MPI

import numpy as np
import numpy.typing as npt
from numpy.polynomial import chebyshev

from dolfinx import fem

from hybrid.drift import Samples
from hybrid.equation import Equation
from hybrid.failures import SolverError
from hybrid.fem.cells.cellsolution import CellSolution
from hybrid.fem.cells.secondcells import SecondCells
from hybrid.fem.cells.slowtrust import together
from hybrid.fem.jets import derivatives, jets_on, values_on
from hybrid.grids import COUNTS, uniform
from hybrid.media.interpolated import SlowCoefficient
from hybrid.product import Product

Array = npt.NDArray[np.float64]

_AT_ONCE = 1 << 14
"""Points that polynomials are evaluated at together."""


@dataclass(frozen=True)
class NodalCorrectors:
    """χ_j(x, y) = Σ_n L_n(x) χ_jn(y), the nodes shared out over the ranks.

    Attributes:
        coefficient: a*(x), which knows the nodes.
        own: Those of this rank, (χ_1 … χ_d) for each.
        comm: The ranks.
    """

    coefficient: SlowCoefficient
    own: tuple[tuple[fem.Function, ...], ...]
    comm: MPI.Comm

    @classmethod
    def of(cls, cell: CellSolution, comm: MPI.Comm) -> NodalCorrectors:
        """From cell problems of an a(x, y) that is no product."""
        assert isinstance(cell.coefficient, SlowCoefficient)
        dim = len(cell.coefficient.domain)
        parts = [cell.correctors[k : k + dim] for k in range(0, len(cell.correctors), dim)]
        return cls(cell.coefficient, tuple(parts), comm)

    @property
    def count(self) -> int:
        """Of functions at a node; collective."""
        return int(self.comm.allreduce(len(self.own[0]) if self.own else 0, op=MPI.MAX))

    @property
    def largest(self) -> float:
        """Of their values at the nodes of their meshes; collective."""
        own = [float(np.abs(chi.x.array).max(initial=0.0)) for part in self.own for chi in part]
        return float(self.comm.allreduce(max(own, default=0.0), op=MPI.MAX))

    def changes(self) -> list[list[tuple[fem.Function, ...]]]:
        """∂_xi χ_j at the nodes of this rank, for each of them, i first, between the same functions at all nodes; collective.

        Raises:
            SolverError: Meshes differ from node to node.
        """
        arrays = [np.stack([chi.x.array for chi in part]) for part in self.own]
        shapes = {shape for part in self.comm.allgather([array.shape for array in arrays]) for shape in part}
        if len(shapes) > 1 or not self.comm.allreduce(self._alike, op=MPI.LAND):
            raise SolverError("correctors at different x are on different meshes: their slopes in x are not known")
        table = np.empty((len(self.coefficient.nodes), *shapes.pop()))
        for rank, part in enumerate(self.comm.allgather(arrays)):
            table[rank :: self.comm.size] = np.reshape(part, (-1, *table.shape[1:]))
        flat = SlowCoefficient(self.coefficient.domain, self.coefficient.nodes, table.reshape(len(table), -1, 1))
        mine = self.coefficient.nodes[self.comm.rank :: self.comm.size]
        slopes = flat.gradient(mine).reshape(len(mine), -1, *table.shape[1:])
        found = []
        for part, own in zip(self.own, slopes, strict=True):
            along = []
            for values in own:
                made = [fem.Function(part[0].function_space) for _ in part]
                for function, value in zip(made, values, strict=True):
                    function.x.array[:] = value
                along.append(tuple(made))
            found.append(along)
        return found

    def second(self, equation: Equation) -> NodalCorrectors:
        """χ_ij for i ≤ j, and the ω_l; collective.

        Raises:
            SolverError: The linear solver did not converge, or meshes differ from node to node.
        """
        rank, size, star = self.comm.rank, self.comm.size, self.coefficient
        mine = star.nodes[rank::size]
        given = zip(mine, star.values[rank::size], star.gradient(mine), self.own, self.changes(), strict=True)
        found: list[tuple[fem.Function, ...]] = []

        def solve() -> None:
            for place, effective, slopes, part, changes in given:
                with closing(SecondCells(equation, part, effective, place)) as cell:
                    found.append((*cell.pairs(), *cell.slow_changes(changes, slopes)))

        together(self.comm, solve)
        return replace(self, own=tuple(found))

    def samples(self, cell: Sequence[tuple[float, float]]) -> Samples:
        """On a grid of the cell, the same on every rank; collective."""
        at = Product.of(uniform(cell, COUNTS[len(cell)].mean))
        jets = {}
        for k, functions in enumerate(self.own):
            jets[self.comm.rank + k * self.comm.size] = [jets_on(derivatives(chi, 1), at) for chi in functions]
        every = {k: jet for part in self.comm.allgather(jets) for k, jet in part.items()}
        table = np.array([every[k] for k in range(len(every))])  # (N, d, 1 + d, m)
        return Samples.of(self.coefficient, at.points(), table[:, :, 0], table[:, :, 1:])

    def at(self, slow: Product, fast: Product) -> list[Array]:
        """At points of which each rank has its own, (n,) for each function; collective."""
        if self.comm.allreduce(2 * np.prod(fast.shape) < len(fast), op=MPI.LAND):
            return list(self._between(slow, fast.numbers(), self._expanded(fast.grid())))
        # Few at a time: every function at every node is as many numbers as there are functions and nodes, at each point.
        found = [np.empty((self.count, 0))]
        for begin in range(0, self.comm.allreduce(len(fast), op=MPI.MAX), _AT_ONCE):
            piece = slice(begin, begin + _AT_ONCE)
            at = fast.points(piece)
            chosen = np.arange(begin, begin + len(at))
            found.append(self._between(slow.taken(chosen), np.arange(len(at)), self._expanded(at)))
        return list(np.concatenate(found, axis=1))

    def _expanded(self, points: Array) -> Array:
        """Coefficients of the polynomials of x at points y of each rank, (*counts, functions, n); collective."""
        each = self.comm.allgather(points)
        every = Product.of(np.concatenate(each))
        mine = np.array(self._values(every)).reshape(-1, self.count, len(every))
        parts = self.comm.alltoall(np.split(mine, np.cumsum([len(part) for part in each])[:-1], axis=2))
        nodes = self.coefficient.nodes
        table = np.empty((len(nodes), *parts[0].shape[1:]))
        for rank, part in enumerate(parts):
            table[rank :: self.comm.size] = part
        return SlowCoefficient(self.coefficient.domain, nodes, table).expansion()

    def _values(self, points: Product) -> list[Array]:
        """Of all functions of this rank, one node after the other; places are looked for once where meshes are alike."""
        if self._alike:
            return values_on([chi for part in self.own for chi in part], points) if self.own else []
        return [values for part in self.own for values in values_on(part, points)]

    @cached_property
    def _alike(self) -> bool:
        places = [part[0].function_space.tabulate_dof_coordinates() for part in self.own]
        return all(np.array_equal(places[0], other) for other in places[1:])

    def _between(self, slow: Product, number: npt.NDArray[np.integer], series: Array) -> Array:
        """(functions, n): at x of the one, of the columns of the other that are named."""
        basis = [
            chebyshev.chebvander((2 * axis - low - high) / (high - low), count - 1)
            for axis, (low, high), count in zip(slow.axes, self.coefficient.domain, series.shape, strict=False)
        ]
        found = np.empty((series.shape[-2], len(slow)))
        for begin in range(0, len(slow), _AT_ONCE):
            piece = slice(begin, begin + _AT_ONCE)
            values = series[..., number[piece]]
            for polynomials, index in zip(basis, slow.index, strict=True):
                values = np.einsum("i...n,ni->...n", values, polynomials[index[piece]])
            found[:, piece] = values
        return found
