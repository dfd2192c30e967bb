"""Formulations of elliptic cell problems: which rows a network is trained by, and what it has to hold for that.

Known before torch is there, which methods load.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, final

from hybrid.curls import potentials
from hybrid.equation import Equation
from hybrid.failures import InputError, named
from hybrid.pinn.cells.periodicities import Periodicity
from hybrid.separation import separated

if TYPE_CHECKING:
    from hybrid.pinn.functions.network import Network
    from hybrid.pinn.leastsquares.rows import Rows


@dataclass(frozen=True)
class Collocation:
    """Where the equations are asked for, see `hybrid.pinn.cells.cell.solve_cell`."""

    periodicity: Periodicity
    points: int | Sequence[int] | None
    oversampling: int
    weights: Sequence[float]
    slow_points: Sequence[int] | None


class Formulation(ABC):
    """A sum of squares of rows that are linear in the network.

    Attributes:
        name: In settings.
        flux: Whether the network holds potentials of the fluxes too.
        nodal: Whether a dependency on x may be dealt with node by node.
    """

    name: ClassVar[str]
    flux: ClassVar[bool] = False
    nodal: ClassVar[bool] = False

    def outputs(self, dim: int) -> int:
        """How many outputs a corrector takes."""
        return 1

    def rows_at(self, dim: int) -> int:
        """How many rows there are at a point for each output."""
        return 1

    def check(self, equation: Equation, periodicity: Periodicity) -> None:
        """Refuse what does not go together.

        Raises:
            InputError: With the reason.
        """
        if periodicity.exact:
            product = separated(equation)
            equation = equation if product is None else product[1]
        self.check_medium(equation, periodicity)

    def check_medium(self, equation: Equation, periodicity: Periodicity) -> None:
        """The same, once a factor g(x) is split off."""
        if equation.medium.depends_on:
            raise InputError("formulation", f"{self.name!r}, but a depends on x; allowed is strong")
        if not periodicity.exact:
            what = f"{self.name!r} does not go with periodicity = {periodicity.name!r}, only 'embedding'"
            raise InputError("formulation", what)

    @abstractmethod
    def rows(self, equation: Equation, networks: Sequence[Network], where: Collocation) -> list[list[Rows]]:
        """For each network."""


@final
class Strong(Formulation):
    """The equation itself, with the derivatives of a."""

    name, nodal = "strong", True

    def check_medium(self, equation: Equation, periodicity: Periodicity) -> None:
        """a may not jump."""
        if equation.medium.interfaces:
            what = "'strong' needs the derivatives of a, which jumps; allowed are first-order, energy"
            raise InputError("formulation", what)

    def rows(self, equation: Equation, networks: Sequence[Network], where: Collocation) -> list[list[Rows]]:
        """For all correctors at once, or for each."""
        from hybrid.pinn.cells.cellrows import cell_rows  # loads torch
        from hybrid.pinn.cells.slowcell import slow_cell_rows

        if equation.medium.depends_on:
            rows = slow_cell_rows(equation, where.points, where.periodicity, where.weights, where.slow_points)
        else:
            rows = cell_rows(equation, where.periodicity, where.points, where.oversampling, where.weights)
        return [rows] if len(networks) == 1 else [[part.output(j) for part in rows] for j in range(equation.dim)]


@final
class FirstOrder(Formulation):
    """σ_k = a (e_k + ∇χ_k) with div σ_k = 0 by construction, the potential of σ_k being further outputs."""

    name, flux = "first-order", True

    def outputs(self, dim: int) -> int:
        """χ_k and the potential."""
        return 1 + potentials(dim)

    def rows(self, equation: Equation, networks: Sequence[Network], where: Collocation) -> list[list[Rows]]:
        """See `hybrid.pinn.cells.cellforms.first_order_rows`."""
        from hybrid.pinn.cells.cellforms import first_order_rows, form_rows  # loads torch

        return form_rows(equation, first_order_rows, where.points, networks)


@final
class Energy(Formulation):
    """The mean of (e_k + ∇χ_k)·a(e_k + ∇χ_k), whose smallest value is a*_kk."""

    name = "energy"

    def rows_at(self, dim: int) -> int:
        """Each component of the gradient."""
        return dim

    def rows(self, equation: Equation, networks: Sequence[Network], where: Collocation) -> list[list[Rows]]:
        """See `hybrid.pinn.cells.cellforms.energy_rows`."""
        from hybrid.pinn.cells.cellforms import energy_rows, form_rows  # loads torch

        return form_rows(equation, energy_rows, where.points, networks)


_KNOWN: Mapping[str, Formulation] = {one.name: one for one in (Strong(), FirstOrder(), Energy())}
FORMULATIONS = tuple(_KNOWN)


def formulation_of(name: str | None) -> Formulation:
    """By its name in settings; the strong one where there is none.

    Raises:
        InputError: It is not known.
    """
    return named("formulation", "strong" if name is None else name, _KNOWN)
