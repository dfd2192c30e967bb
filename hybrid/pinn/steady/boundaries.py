"""How solutions are made zero on ∂Ω: by a factor, or by a term of the loss. Known before torch is there, which methods load."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, final

from hybrid.failures import named

if TYPE_CHECKING:
    from hybrid.pinn.functions.bubble import Bubble
    from hybrid.pinn.leastsquares.rows import Rows

Box = Sequence[Sequence[float]]


class Boundary(ABC):
    """Of an equation on Ω.

    Attributes:
        name: In settings.
        exact: Whether u = 0 there whatever the network's weights.
    """

    name: ClassVar[str]
    exact: ClassVar[bool]

    @abstractmethod
    def factor(self, box: Box) -> Bubble | None:
        """φ of u = φ N, if there is one."""

    @abstractmethod
    def rows(self, box: Box, count: int | Sequence[int], share: float) -> list[Rows]:
        """What the boundary adds to the rows of the equation, with a share of the weight."""


@final
class Hard(Boundary):
    """u = φ N with φ = 0 on ∂Ω."""

    name, exact = "hard", True

    def factor(self, box: Box) -> Bubble | None:
        """The product of all distances."""
        from hybrid.pinn.functions.bubble import Bubble  # loads torch

        return Bubble(tuple((low, high) for low, high in box))

    def rows(self, box: Box, count: int | Sequence[int], share: float) -> list[Rows]:
        """Nothing."""
        return []


@final
class Penalty(Boundary):
    """The second term of the paper's loss (3)."""

    name, exact = "penalty", False

    def factor(self, box: Box) -> Bubble | None:
        """None."""
        return None

    def rows(self, box: Box, count: int | Sequence[int], share: float) -> list[Rows]:
        """u = 0 at the points of a uniform mesh on the boundary."""
        import torch

        from hybrid.pinn.cells.cellrows import mean_weight
        from hybrid.pinn.functions.network import VALUE
        from hybrid.pinn.leastsquares import sampling
        from hybrid.pinn.leastsquares.rows import Rows

        edge = sampling.boundary_points(box, count)
        one, zero = torch.ones(1, len(edge), dtype=torch.float64), torch.zeros(len(edge), 1, dtype=torch.float64)
        return [Rows([(edge, one)], zero, VALUE, mean_weight(share, len(edge)))]


_KNOWN: Mapping[str, Boundary] = {one.name: one for one in (Hard(), Penalty())}
BOUNDARIES = tuple(_KNOWN)


def boundary_of(name: str) -> Boundary:
    """By its name in settings.

    Raises:
        InputError: It is not known.
    """
    return named("boundary", name, _KNOWN)
