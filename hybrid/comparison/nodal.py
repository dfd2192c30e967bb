"""Correctors of finite elements that depend on x too: one at each Chebyshev node, polynomials of x between them."""

from __future__ import annotations

from dataclasses import dataclass

from mpi4py import MPI

import numpy as np
import numpy.typing as npt
from numpy.polynomial import chebyshev

from dolfinx import fem

from hybrid.fem.cells.cellsolution import CellSolution
from hybrid.fem.jets import values_on
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

    def at(self, slow: Product, fast: Product) -> list[Array]:
        """At points of which each rank has its own, (n,) for each j; collective."""
        few = 2 * np.prod(fast.shape) < len(fast)
        each = self.comm.allgather(fast.grid() if few else fast.points())
        ends = np.cumsum([len(part) for part in each])[:-1]
        every = Product.of(np.concatenate(each))
        mine = np.array([values_on(functions, every) for functions in self.own]).reshape(-1, len(slow.axes), len(every))
        parts = self.comm.alltoall(np.split(mine, ends, axis=2))
        nodes = self.coefficient.nodes
        table = np.empty((len(nodes), *parts[0].shape[1:]))
        for rank, part in enumerate(parts):
            table[rank :: self.comm.size] = part
        series = SlowCoefficient(self.coefficient.domain, nodes, table).expansion()
        number = fast.numbers() if few else np.arange(len(fast))
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
        return list(found)
