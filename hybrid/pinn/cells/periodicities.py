"""How correctors are made periodic: by the first layer of the network, or by terms of the loss (paper, section 4.1).

Known before torch is there, which methods load.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, final

from hybrid.equation import Equation
from hybrid.failures import InputError, named
from hybrid.pinn.cells.cellchecks import check_counts, is_whole
from hybrid.pinn.sizes import Cells

if TYPE_CHECKING:
    from torch import Tensor

    from hybrid.pinn.functions.network import Embedding

    Pairs = list[tuple[tuple[Tensor, Tensor], float]]


class Periodicity(ABC):
    """Of the correctors.

    Attributes:
        name: In settings.
        exact: Whether they are periodic whatever the network's weights.
        weights: How many weights of terms there have to be.
        layered: Whether points outside the cell count; not where a depends on x.
        slow_share: Points along y for each one along x, where a depends on x.
    """

    name: ClassVar[str]
    exact: ClassVar[bool] = False
    weights: ClassVar[int] = 2
    layered: ClassVar[bool] = False
    slow_share: ClassVar[int] = 5

    def check(self, points: Any, dim: int, oversampling: Any = 0, weights: Any = (1.0, 1.0, 1.0)) -> None:
        """Of the collocation.

        Raises:
            InputError: With the argument.
        """
        check_counts(points, dim)
        if isinstance(points, Sequence):
            raise InputError("points", f"{points}; one for each direction goes with periodicity = 'embedding' only")
        fine = isinstance(weights, Sequence) and self.weights <= len(weights) <= 3
        if not (fine and all(isinstance(w, float | int) and math.isfinite(w) and w >= 0 for w in weights)):
            raise InputError("weights", f"{weights!r}; {self.weights} numbers that are not negative are allowed")
        self.check_layers(oversampling, points)

    def check_slow(self) -> None:
        """Where a depends on x.

        Raises:
            InputError: It does not go with that.
        """
        if self.layered:
            raise InputError("periodicity", f"{self.name!r}, but a depends on x; allowed are embedding, penalty")

    def check_layers(self, layers: Any, points: Any) -> None:
        """Of points outside the cell, for so many along each side of it.

        Raises:
            InputError: There are not so many points inside.
        """
        fine = is_whole(layers) and layers >= 0 and (points is None or layers < points - 2)
        if self.layered and not fine:
            what = f"{layers!r} layers for {points} points a side; allowed are fewer than points - 2"
            raise InputError("oversampling", what)

    def usual(self, sizes: Cells) -> int:
        """Points along each side, where none are asked for."""
        return sizes.open_points

    def inputs(self, equation: Equation, frequencies: Sequence[Sequence[int]] | None) -> Embedding:
        """What the network is made of in y."""
        from hybrid.pinn.functions.embedding import AffineEmbedding  # loads torch

        return AffineEmbedding(equation.cell)

    def collocation(
        self, equation: Equation, points: int | Sequence[int], weights: Sequence[float]
    ) -> tuple[Tensor, Tensor]:
        """Points of the cell and the weights of their equations."""
        from hybrid.pinn.cells.cellrows import mean_weight  # loads torch
        from hybrid.pinn.leastsquares import sampling

        assert isinstance(points, int)
        at = sampling.uniform_grid(equation.cell, points)
        return at, mean_weight(weights[0], len(at))

    @abstractmethod
    def pairs(self, equation: Equation, count: int | Sequence[int], layers: int, weights: Sequence[float]) -> Pairs:
        """Points and their images, where χ is to be the same, and the weight of each lot: terms of the loss (12)."""


@final
class Embedded(Periodicity):
    """The network is a function of sines and cosines."""

    name, exact, slow_share = "embedding", True, 2

    def check(self, points: Any, dim: int, oversampling: Any = 0, weights: Any = (1.0, 1.0, 1.0)) -> None:
        """Points alone matter."""
        check_counts(points, dim)

    def usual(self, sizes: Cells) -> int:
        """Points along each side, where none are asked for."""
        return sizes.points

    def inputs(self, equation: Equation, frequencies: Sequence[Sequence[int]] | None) -> Embedding:
        """Waves: the first of each direction, or these."""
        from hybrid.pinn.functions.embedding import PeriodicEmbedding  # loads torch
        from hybrid.pinn.functions.inputs import PeriodicWaves

        if frequencies is None:
            return PeriodicEmbedding(equation.period)
        return PeriodicWaves(equation.period, frequencies)

    def collocation(
        self, equation: Equation, points: int | Sequence[int], weights: Sequence[float]
    ) -> tuple[Tensor, Tensor]:
        """A rule for periodic functions."""
        from hybrid.pinn.leastsquares import sampling  # loads torch

        return sampling.periodic_grid(equation.period, points)

    def pairs(self, equation: Equation, count: int | Sequence[int], layers: int, weights: Sequence[float]) -> Pairs:
        """None."""
        return []


@final
class Penalized(Periodicity):
    """The loss (12) without oversampling: opposite faces."""

    name = "penalty"

    def pairs(self, equation: Equation, count: int | Sequence[int], layers: int, weights: Sequence[float]) -> Pairs:
        """The upper faces and the lower ones."""
        from hybrid.pinn.leastsquares import sampling  # loads torch

        assert isinstance(count, int)
        return [(sampling.periodic_pairs(equation.period, count), weights[1])]


@final
class Oversampled(Periodicity):
    """And layers of points outside of the cell."""

    name, weights, layered = "oversampling", 3, True

    def pairs(self, equation: Equation, count: int | Sequence[int], layers: int, weights: Sequence[float]) -> Pairs:
        """Opposite faces, and points outside with their images inside."""
        from hybrid.pinn.leastsquares import sampling  # loads torch

        assert isinstance(count, int)
        return [
            (sampling.periodic_pairs(equation.period, count), weights[1]),
            (sampling.oversampling_pairs(equation.period, count, layers), weights[2]),
        ]


_KNOWN: Mapping[str, Periodicity] = {one.name: one for one in (Embedded(), Oversampled(), Penalized())}
PERIODICITIES = tuple(_KNOWN)


def periodicity_of(name: str | None) -> Periodicity:
    """By its name in settings; the exact one where there is none.

    Raises:
        InputError: It is not known.
    """
    return named("periodicity", "embedding" if name is None else name, _KNOWN)
