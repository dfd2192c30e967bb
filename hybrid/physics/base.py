"""What a physics says of itself: its fields, its three equations, and the algebra between them.

A problem is data, symbolic coefficients and a box, without any discretization. Its class is the physics: one file, registered
by the `kind` that problem files name. Everything else, both back ends, files, tables and figures, asks only what is here.
"""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import sympy

from hybrid.displacement import Displacement
from hybrid.drift import Drift
from hybrid.equation import Equation, Evolution, Load
from hybrid.faces import Face
from hybrid.failures import InputError
from hybrid.geometry import Geometry
from hybrid.lines import Line
from hybrid.media.base import Coefficient, Medium
from hybrid.media.interpolated import SlowCoefficient
from hybrid.physics.fields import Field

Array = npt.NDArray[np.float64]
Effective = Array | SlowCoefficient


@dataclass(frozen=True)
class Notation:
    """How a physics writes what it has.

    Attributes:
        title: Of its equation, for lists.
        coefficient: The letter of what oscillates; its homogenized value has a star.
        corrector: The name of a corrector in results, and what it is in LaTeX: with {j} where there are several.
        latex: The same in LaTeX.
    """

    title: str
    coefficient: str
    corrector: str
    latex: str


@dataclass(frozen=True)
class NextOrder:
    """What follows the first order in ε.

    Attributes:
        equation: Of U, the homogenized solution with its next orders: what the boundary does to u_ε moves, as it is seen from
            afar, the faces of the box.
        functions: The second-order cell functions, in the order in which `Problem.second_order` takes them.
    """

    equation: Equation
    functions: tuple[Line, ...]


@dataclass(frozen=True)
class Problem(Geometry):
    """What all problems have: a box Ω, the scale ε, and the period of the coefficient in y = x/ε.

    Args:
        domain: One (low, high) for each of the d = 1, 2, 3 dimensions.
        eps: The scale ε > 0.
        period: The period in y; one number, or one for each dimension. The cell is Y = Π [0, period_i].
        name: What the problem is called in tables and folders.

    A physics is a frozen dataclass of this with the fields of its own, and:

    Attributes:
        kind: What problem files call it.
        fields: Its own fields, what each may be.
        notation: Its letters.
        derivatives: The highest derivatives of u_0 that `reconstruct` takes, 0 or 1.
    """

    kind: ClassVar[str]
    fields: ClassVar[Mapping[str, Field]]
    notation: ClassVar[Notation]
    derivatives: ClassVar[int] = 1

    name: str = field(default="problem", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, allowed in self.fields.items():
            self._put(**{name: allowed.checked(getattr(self, name), name, self)})
        self.check()

    @abstractmethod
    def check(self) -> None:
        """Refuse what no single field shows: a coefficient that is not positive, a mean that is not zero.

        Raises:
            InputError: With the field and what is wrong.
        """

    @property
    @abstractmethod
    def medium(self) -> Medium:
        """What oscillates with x/ε."""

    @abstractmethod
    def multiscale(self) -> Equation:
        """The equation for u_ε."""

    @abstractmethod
    def cell_problems(self) -> Equation:
        """The equation for the correctors, one load for each."""

    @abstractmethod
    def effective(self, energies: Effective) -> Any:
        """The homogenized coefficient, from the energies that a cell solver of either path hands over.

        Args:
            energies: For loads that are fluxes the mean over Y of (e_i + ∇χ_i)·A(e_j + ∇χ_j), (d, d), as a function of x
                where A depends on it; for loads that are sources the means of f_i χ_j, (K, K).
        """

    @abstractmethod
    def homogenized(self, effective: Any) -> Equation:
        """The equation for u_0, with the homogenized coefficient of either path.

        Raises:
            InputError: What is given is no such coefficient.
            SolverError: It makes the equation singular: the cell problems were not solved well enough.
        """

    @abstractmethod
    def reconstruct(self, jet: Array, correctors: Sequence[Array]) -> Array:
        """The first-order reconstruction u_0 + ε u_1.

        Args:
            jet: u_0, and with it ∂_1 u_0, …, ∂_d u_0 where `derivatives` is 1, at n points, (1 + d, n).
            correctors: At x/ε for the same points, (n,) each.

        Returns:
            At the points, (n,).
        """

    def next_order(self, effective: Any, correctors: Sequence[Line]) -> NextOrder | None:
        """What follows the first order on a line; None where the physics does not say it.

        Args:
            effective: The homogenized coefficient.
            correctors: As functions of x and y.
        """
        return None

    def expands(self, effective: Any) -> bool:
        """Whether, in more than one dimension, the order after the first one is known: half-strip layers, `moved` and χ_ij."""
        return False

    def moved(
        self,
        effective: Any,
        tails: Mapping[Face, float | SlowCoefficient],
        drift: Array | Drift | None = None,
    ) -> tuple[Equation, Displacement | None]:
        """The equation of U in more than one dimension, where it `expands`, and what displaces the box that it is solved on.

        Args:
            effective: The homogenized coefficient.
            tails: Of the layers, as functions of x where these vary along a face.
            drift: Where the coefficient depends on x: moments of the fluxes where it is a product, else what they do to a*(x)
                (`hybrid.fem.drift`, `hybrid.pinn.drift`).
        """
        raise NotImplementedError(f"{self.kind} has no second order")

    def second_order(self, jet: Array, functions: Sequence[Array]) -> Array:
        """ε² u_2, to be added to `reconstruct`.

        Args:
            jet: U, ∂_1 U, …, ∂_d U, and ∂_ij U for i ≤ j, at n points, (C, n).
            functions: The second-order cell functions at x/ε for the same points, (n,) each.
        """
        raise NotImplementedError(f"{self.kind} has no second order")

    def equation(
        self, flux: Coefficient, loads: tuple[Load, ...], *, reaction: Coefficient | None = None,
        time: Evolution | None = None, periodic: bool = False,
    ) -> Equation:  # fmt: skip
        """An equation on this box or cell."""
        return Equation(
            self.domain, self.eps, flux, loads, reaction, time, periodic, period=self.period, digest=self.digest
        )

    def effect(self, effective: Any) -> float:
        """How much of a relative change of the homogenized coefficient is seen in u_0; all of it by default."""
        return 1.0

    @property
    def doubt(self) -> float:
        """What of u_ε, relative, is left open by the data of the problem themselves; nothing by default."""
        return 0.0

    @property
    def flux(self) -> Coefficient:
        """What multiplies slopes in the cell problems."""
        return self.cell_problems().flux

    @property
    def correctors(self) -> tuple[str, ...]:
        """The names of the correctors in results."""
        return tuple(self.notation.corrector.format(j=j) for j, _ in enumerate(self.cell_problems().loads, 1))

    @property
    def title(self) -> str:
        """One line for lists and tables."""
        slow = " with slow dependency" * bool(self.flux.depends_on)
        return f"{self.dim}D {self.notation.title}{slow}"

    @cached_property
    def digest(self) -> str:
        """A hash of everything that makes up the problem (not its name)."""
        own = [getattr(self, f.name) for f in fields(self) if f.init and f.name != "name"]
        text = repr([sympy.srepr(v) if isinstance(v, sympy.Basic) else v for v in own])
        return hashlib.sha256(f"{self.kind} {text}".encode()).hexdigest()[:16]

    def warnings(self) -> list[str]:
        """What a user should know about this problem before reading its errors."""
        broken = [i for i, n in enumerate(self.periods) if abs(n - round(n)) > 1e-9 * max(n, 1)]
        found = []
        if broken:
            counts = ", ".join(f"{self.periods[i]:.4g} in x{i}" for i in broken)
            found.append(
                f"eps = {self.eps:.6g} does not divide the domain into whole periods ({counts}): the cut cells at the "
                "boundary add an error of order eps that depends on where they are cut, so e1, e2 and e4 need not "
                "decrease steadily as eps does"
            )
        if min(self.periods) < 2:
            found.append(f"the domain holds only {min(self.periods):.3g} periods: the scales are hardly separated")
        return found


_KINDS: dict[str, type[Problem]] = {}


def register[P: type[Problem]](physics: P) -> P:
    """Let problem files name a physics; a decorator of its class."""
    _KINDS[physics.kind] = physics
    return physics


def kinds() -> Mapping[str, type[Problem]]:
    """All physics, by the `kind` of problem files."""
    return dict(_KINDS)


def of_kind(kind: Any) -> type[Problem]:
    """A physics.

    Raises:
        InputError: None is called so.
    """
    allowed = " or ".join(f"'{name}'" for name in _KINDS)
    if not isinstance(kind, str) or kind not in _KINDS:
        raise InputError("kind", f"{kind!r}; allowed is {allowed}")
    return _KINDS[kind]


def check_problem(problem: Any) -> Problem:
    """What solvers are given is a problem.

    Raises:
        InputError: It is something else.
    """
    if not isinstance(problem, Problem):
        allowed = " or ".join(f"{physics.__name__}" for physics in _KINDS.values())
        raise InputError("problem", f"a {type(problem).__name__}; allowed is a problem: {allowed}")
    return problem
