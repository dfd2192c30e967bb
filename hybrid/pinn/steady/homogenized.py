"""The homogenized equation by a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as default
from functools import partial
from typing import Unpack

import torch
from torch import Tensor

from hybrid.clock import clock
from hybrid.equation import Equation
from hybrid.failures import InputError
from hybrid.media.interpolated import SlowCoefficient
from hybrid.parallel import on_root
from hybrid.pinn.cells.cellrows import mean_weight
from hybrid.pinn.functions.embedding import AffineEmbedding
from hybrid.pinn.functions.field import Field, Jet
from hybrid.pinn.functions.network import Network
from hybrid.pinn.functions.separable import SeparableNetwork
from hybrid.pinn.leastsquares import sampling
from hybrid.pinn.leastsquares.rows import Rows, behind_factor
from hybrid.pinn.leastsquares.system import contract
from hybrid.pinn.leastsquares.units import unit_of
from hybrid.pinn.optimizers.base import History
from hybrid.pinn.optimizers.given import positive_counts, started
from hybrid.pinn.optimizers.kinds import LastLayer
from hybrid.pinn.optimizers.training import Training
from hybrid.pinn.optimizers.training import train as train_network
from hybrid.pinn.sizes import BOXES
from hybrid.pinn.steady.boundaries import Boundary, boundary_of
from hybrid.pinn.steady.corners import corner_part
from hybrid.pinn.steady.edges import edge_part
from hybrid.pinn.steady.estimates import solution_estimate
from hybrid.pinn.steady.operators import flux_of, largest_flux, operator_at
from hybrid.pinn.steady.sectors import SectorPart, sector_part
from hybrid.pinn.steady.strengths import fit_last_layer, fit_strengths
from hybrid.symbols import numpy_function
from hybrid.trust import Estimate


@dataclass(frozen=True)
class Solution:
    """p, the network's solution of the homogenized equation.

    Attributes:
        field: The function.
        history: Of the training.
        seconds: Wall time.
        networks: What was trained: the field's network, or one for each step in time.
        trust: The estimated relative L2 error of p, under "solution".
    """

    field: Field
    history: History
    seconds: float
    networks: tuple[Network, ...] = ()
    trust: Mapping[str, Estimate] = default(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.networks:
            object.__setattr__(self, "networks", (self.field.network,))


def solve_homogenized(
    equation: Equation,
    *,
    seed: int = 0,
    hidden: Sequence[int] = (24, 24),
    boundary: str = "hard",
    corners: bool | None = None,
    points: int | Sequence[int] | None = None,
    weights: Sequence[float] = (0.5, 0.5),
    scale: float = 1.0,
    waves: Sequence[Sequence[float]] = (),
    separable: Sequence[int] = (),
    networks: Sequence[Network] | None = None,
    train: bool = True,
    **training: Unpack[Training],
) -> Solution:
    """Train p on -∂_i( a*_ij ∂_j p ) + c p = f in Ω, p = 0 on ∂Ω (paper, equations (11) and (15)).

    Args:
        equation: With a*, constant or a*(x).
        seed: Of the initial weights.
        hidden: Widths of the hidden layers.
        boundary: "hard" (p = φ N with φ = 0 on ∂Ω) or "penalty" (the paper's loss (3)).
        corners: Take what is known of the singular part at corners and edges off (2D, and 3D for a diagonal a*); by default
            behind a hard boundary. For an a* that is not diagonal, or depends on x, the strengths of the corners' functions
            (`hybrid.pinn.steady.sectors`) are found with the last layer.
        points: Collocation points along each side of Ω; a number, or one for each direction.
        weights: w_1, w_2 of the equation and, with a penalty, the boundary.
        scale: Factor on the initial hidden weights.
        waves: Plane waves among the inputs of the network, see `hybrid.pinn.functions.embedding.AffineEmbedding`.
        separable: How many functions of each coordinate a separable network has (`hybrid.pinn.functions.separable`), in place
            of `hidden`, `scale` and `waves`; none by default.
        networks: The network to start from, in a tuple; a new one by default (`homogenized_networks`). A copy is trained.
        train: Whether to train it at all.
        **training: See `hybrid.pinn.optimizers.training.train`.

    Raises:
        InputError: An unknown kind of boundary condition, an equation of another kind, or a number that is not positive.
        SolverError: The training diverged.
    """
    start = clock()
    dim, box = equation.dim, equation.domain
    count = BOXES[dim].points if points is None else points
    positive_counts(points=count, hidden=hidden, separable=separable)
    sides = boundary_of(boundary)
    _check(equation, count, separable)
    a = flux_of(equation)
    corners = sides.exact if corners is None else corners
    factor = sides.factor(box)
    parts = sector_part(box, a) if corners else None
    known: Jet | None = None
    if corners and parts is None and not isinstance(a, SlowCoefficient):
        known = (edge_part if dim == 3 else corner_part)(box, a, numpy_function(equation.source))
    if networks is None:
        networks = homogenized_networks(
            equation, seed=seed, hidden=hidden, scale=scale, waves=waves, separable=separable
        )
    else:
        networks = started(networks, 1, training.get("progress"))
    (network,) = networks
    at, _ = _points(equation, factor, count)
    units = units_of(equation, at)
    rows = partial(_rows, equation, sides, count=count, weights=weights, units=units)
    comm = training.get("comm")
    history = History("given network")
    if parts is None:
        if train:
            history = train_network(network, rows(known), **training)
    else:
        columns = _columns(equation, parts, at, units)
        if train:
            if not isinstance(training.get("optimizer"), LastLayer):
                strengths = on_root(comm, lambda: _first_strengths(equation, rows(None), columns))
                known = replace(parts, strengths=tuple(units[1] * s for s in strengths))
            history = train_network(network, rows(known), **training)
            last = on_root(comm, lambda: fit_last_layer(network, rows(None), columns))
            with torch.no_grad():
                network.weights[-1].copy_(last)
        strengths = on_root(comm, lambda: fit_strengths(network, rows(None), columns))
        known = replace(parts, strengths=tuple(units[1] * s for s in strengths))
    p = Field(network, 0, dim, factor, known, unit=units[1])
    most = count if isinstance(count, int) else max(count)
    estimate = on_root(comm, lambda: solution_estimate(equation, p, most, sides.exact))
    return Solution(p, history, clock() - start, trust={"solution": estimate})


def _check(equation: Equation, count: int | Sequence[int], separable: Sequence[int]) -> None:
    """What goes together."""
    if not isinstance(count, int) and len(count) != equation.dim:
        raise InputError("points", f"{len(count)} numbers for {equation.dim} directions")
    if separable and len(separable) != equation.dim:
        raise InputError("separable", f"{len(separable)} numbers for {equation.dim} directions")
    if equation.flux.interfaces:
        raise InputError(
            "coefficient", "it jumps in x, where the solution has a kink that the strong form does not see"
        )


def _columns(equation: Equation, parts: SectorPart, points: Tensor, units: tuple[float, float]) -> Tensor:
    """What the equation makes of the corners' functions, (n, functions)."""
    coefficients, operators = operator_at(equation, points)
    return contract(coefficients * (units[1] / units[0]), parts.jets(points, operators))


def _first_strengths(equation: Equation, rows: list[Rows], columns: Tensor) -> tuple[float, ...]:
    """By frozen features, so that the training has a smooth rest to learn."""
    network = Network(AffineEmbedding(equation.domain), (600,), 1, 0)
    with torch.no_grad():
        network.weights[-1].copy_(fit_last_layer(network, rows, columns))
    return fit_strengths(network, rows, columns)


def homogenized_networks(
    equation: Equation, *, seed: int = 0, hidden: Sequence[int] = (24, 24), scale: float = 1.0,
    waves: Sequence[Sequence[float]] = (), separable: Sequence[int] = (),
) -> tuple[Network, ...]:  # fmt: skip
    """The untrained network, in a tuple, of `solve_homogenized`."""
    if separable:
        return (SeparableNetwork(equation.domain, separable, 1, seed),)
    return (Network(AffineEmbedding(equation.domain, waves), hidden, 1, seed, scale=scale),)


def _points(equation: Equation, factor: Jet | None, count: int | Sequence[int]) -> tuple[Tensor, Tensor | None]:
    """Of the collocation, with the weights of a quadrature rule behind a factor."""
    if factor is None:
        return sampling.uniform_grid(equation.domain, count), None
    return sampling.clustered_grid(equation.domain, count)


def units_of(equation: Equation, points: Tensor) -> tuple[float, float]:
    """Units of f and of p: the network is trained on numbers near one, whatever the scales of a*, f and Ω."""
    source = float(source_at(equation, points).abs().max())
    medium = largest_flux(equation)
    side = min(high - low for low, high in equation.domain)
    return unit_of(source), unit_of(source / medium * side * side)


def _rows(
    equation: Equation, sides: Boundary, known: Jet | None, *, count: int | Sequence[int],
    weights: Sequence[float], units: tuple[float, float],
) -> list[Rows]:  # fmt: skip
    """-a*:∇²(φN) = f + a*:∇²s at the points, and N = 0 on the boundary where there is no φ."""
    factor = sides.factor(equation.domain)
    points, weight = _points(equation, factor, count)
    weight = mean_weight(weights[0], len(points)) if weight is None else weight
    target = source_at(equation, points)
    coefficients, operators = operator_at(equation, points)
    if known is not None:
        target = target - contract(coefficients, known(points, operators))
    target, coefficients = target / units[0], coefficients * (units[1] / units[0])
    if factor is not None:
        coefficients = behind_factor(coefficients, factor(points, operators), operators)
    edge = sides.rows(equation.domain, count, weights[1])
    return [Rows([(points, coefficients)], target, operators, weight), *edge]


def source_at(equation: Equation, points: Tensor) -> Tensor:
    """f at the points, (n, d) -> (n, 1).

    Raises:
        InputError: It is not finite everywhere.
    """
    target = torch.tensor(numpy_function(equation.source)(points.numpy()))[:, None]
    if not bool(target.isfinite().all()):
        worst = points[int((~target[:, 0].isfinite()).nonzero()[0, 0])].tolist()
        raise InputError("f", f"not a finite number at the collocation point {worst}")
    return target
