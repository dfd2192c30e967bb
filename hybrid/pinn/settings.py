"""The settings of networks and of their training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

from hybrid.pinn.optimizers.base import Optimizer
from hybrid.pinn.optimizers.kinds import LastLayer
from hybrid.settings import Settings


@dataclass(frozen=True, repr=False, kw_only=True)
class Shape(Settings):
    """What untrained networks are made by: of `hybrid.pinn.cell_networks`, `homogenized_networks` and `multiscale_networks`."""

    hidden: Sequence[int]
    seed: int | None = None
    scale: float | None = None
    formulation: str | None = None
    periodicity: str | None = None
    separate: bool | None = None
    frequencies: Sequence[Sequence[int]] | None = None
    medium: bool | None = None
    singular: bool | None = None
    waves: int | Sequence[Sequence[float]] | None = None
    slow_nodes: Sequence[int] | None = None
    separable: Sequence[int] | None = None
    fast_features: bool | None = None
    method: str | None = None
    stages: int | None = None
    steps: int | None = None


@dataclass(frozen=True, repr=False, kw_only=True)
class NetworkSettings(Shape):
    """Of `hybrid.pinn.solve_cell`, `solve_homogenized` and `solve_multiscale`, which say what they mean."""

    optimizer: Optimizer
    points: int | Sequence[int]
    slow_points: Sequence[int] | None = None
    oversampling: int | None = None
    weights: Sequence[float] | None = None
    boundary: str | None = None
    corners: bool | None = None
    precision: str | None = None
    device: str | None = None

    @property
    def shape(self) -> Shape:
        """Of the networks."""
        return Shape(**{one.name: getattr(self, one.name) for one in fields(Shape)})

    @property
    def how(self) -> str:
        """In words, what is trained: frozen features and trained networks are different things."""
        form = f"; {self.formulation} formulation" if self.formulation else ""
        if self.slow_nodes and not isinstance(self.optimizer, LastLayer):
            optimizer = type(self.optimizer).__name__
            return f"all layers trained ({optimizer}) in the middle of the domain, the last one at each node of x{form}"
        if self.slow_nodes:
            return f"frozen random hidden layers, last layer by least squares at each node of x{form}"
        if not isinstance(self.optimizer, LastLayer):
            return f"all layers trained ({type(self.optimizer).__name__}){form}"
        hidden = "frozen random functions of each coordinate" if self.separable else "frozen random hidden layers"
        return f"{hidden}, last layer by least squares{form}"
