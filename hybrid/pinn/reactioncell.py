"""The cell problem of reaction-diffusion by a network: N, r*, and how far both may be off."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Unpack

import numpy as np
import numpy.typing as npt
import sympy
import torch
from torch import Tensor

from hybrid.physics import ReactionDiffusionProblem
from hybrid.pinn import sampling
from hybrid.pinn.cellchecks import check_points, check_problem, check_shape
from hybrid.pinn.cellgrids import MOST, resolved_counts
from hybrid.pinn.cellrows import gauge, mean_weight, periodic_rows
from hybrid.pinn.cellrungs import MEMORY, SPEED, cost, dominant, enough, prime
from hybrid.pinn.cellunits import Unit, length_unit, power
from hybrid.pinn.embedding import AffineEmbedding, PeriodicEmbedding, Together
from hybrid.pinn.field import Field
from hybrid.pinn.gaussnewton import VariableProjection
from hybrid.pinn.given import check_networks
from hybrid.pinn.inputs import PeriodicWaves
from hybrid.pinn.jumps import BendEmbedding, cell_axes, cell_points, has_curves
from hybrid.pinn.ladder import Arguments
from hybrid.pinn.network import VALUE, Embedding, Network, laplacian
from hybrid.pinn.optimizer import History
from hybrid.pinn.optimizers import LastLayer
from hybrid.pinn.rows import Rows
from hybrid.pinn.training import Training
from hybrid.pinn.training import train as train_network
from hybrid.symbols import coordinates, evaluate
from hybrid.trust import Estimate
from hybrid.waves import spectra

Array = npt.NDArray[np.float64]

_QUADRATURE = {1: 512, 2: 128, 3: 30}


@dataclass(frozen=True)
class ReactionCellSolution:
    """The corrector N and the homogenized reaction r*.

    Attributes:
        coefficient: r*.
        correctors: N, mean zero; one, in a tuple as elsewhere.
        history: Of the training.
        seconds: Wall time.
        error_estimates: Of the relative L2 error of N, from the Fourier coefficients of the equation's residual.
        trust: The estimated relative errors of "coefficient" and "N".
    """

    coefficient: float
    correctors: tuple[Field, ...]
    history: History
    seconds: float
    error_estimates: tuple[float, ...] | None = None
    trust: Mapping[str, Estimate] = field(default_factory=dict)

    @property
    def networks(self) -> tuple[Network, ...]:
        """The network behind N."""
        return (self.correctors[0].network,)


def cell_networks(
    problem: ReactionDiffusionProblem, *, seed: int = 0, hidden: Sequence[int] = (12, 12),
    periodicity: str = "embedding", scale: float = 1.0, frequencies: Sequence[Sequence[int]] | None = None,
) -> tuple[Network, ...]:  # fmt: skip
    """The untrained network of `solve_cell`. Where r jumps it is given φ|φ| of the interfaces φ = 0, so that its second
    derivatives may jump there too."""
    check_problem(problem, ReactionDiffusionProblem)
    check_shape(hidden, scale, periodicity)
    embedding: Embedding = AffineEmbedding([(0.0, p) for p in problem.period])
    if periodicity == "embedding":
        embedding = PeriodicEmbedding(problem.period)
        if frequencies is not None:
            embedding = PeriodicWaves(problem.period, frequencies)
        if problem.r.has(sympy.Heaviside):
            embedding = Together(embedding, BendEmbedding(problem))
    return (Network(embedding, hidden, 1, seed, scale=scale),)


def solve_cell(
    problem: ReactionDiffusionProblem,
    *,
    seed: int = 0,
    hidden: Sequence[int] = (12, 12),
    periodicity: str = "embedding",
    points: int | Sequence[int] = 128,
    oversampling: int = 2,
    weights: Sequence[float] = (1 / 3, 1 / 3, 1 / 3),
    scale: float = 1.0,
    frequencies: Sequence[Sequence[int]] | None = None,
    networks: Sequence[Network] | None = None,
    train: bool = True,
    **training: Unpack[Training],
) -> ReactionCellSolution:
    """Train N on -D ΔN = -r in Y, N periodic with mean 0 (paper, equation (23)); r* is the mean of r N over Y.

    Args:
        problem: Gives D, r and the period.
        seed: Of the initial weights.
        hidden: Widths of the hidden layers.
        periodicity: "embedding", "oversampling" or "penalty", as for the elliptic `solve_cell`.
        points: Collocation points along each side of the cell, or for each direction.
        oversampling: Layers of points outside the cell.
        weights: w_1, w_2, w_3 of the equation, the periodic condition and the oversampled points.
        scale: Factor on the initial hidden weights.
        frequencies: Of the waves among the inputs of the network, for each direction; the first one by default.
        networks: A network to start from, of which a copy is trained; a new one by default (`cell_networks`).
        train: Whether to train it at all.
        **training: See `hybrid.pinn.training.train`.

    Raises:
        InputError: An argument that is not allowed.
        SolverError: The training diverged.
    """
    check_problem(problem, ReactionDiffusionProblem)
    check_shape(hidden, scale, periodicity)
    check_points(points, problem.dim, periodicity, oversampling, weights)
    start = time.perf_counter()
    dim, exact = problem.dim, periodicity == "embedding"
    if networks is None:
        networks = cell_networks(
            problem, seed=seed, hidden=hidden, periodicity=periodicity, scale=scale, frequencies=frequencies
        )
    else:
        networks = check_networks(networks, 1, dim, [1], dim)
        if train:
            networks = copy.deepcopy(networks)
            if hasattr(training.get("progress"), "follow"):
                training["progress"].follow(networks)  # type: ignore[union-attr]
    (network,) = networks
    history = History("given network")
    if train and problem.r == 0:
        with torch.no_grad():
            network.weights[-1].zero_()
        history = History("none: r is zero, and so is N", [0.0])
    elif train:
        rows = [gauge(torch.zeros(1, dim, dtype=torch.float64), 1)]
        if exact:
            jumps = problem.r.has(sympy.Heaviside)
            at, weight = cell_points(problem, points) if jumps else sampling.periodic_grid(problem.period, points)
        else:
            assert isinstance(points, int)
            at = sampling.uniform_grid([(0.0, p) for p in problem.period], points)
            weight = mean_weight(weights[0], len(at))
            rows += periodic_rows(problem.period, periodicity, points, oversampling, weights, 1)
        coefficients = torch.zeros(2 + dim, len(at), dtype=torch.float64)
        coefficients[-1] = problem.D
        rows.append(Rows([(at, coefficients)], reaction_at(problem, at)[:, None], laplacian(dim), weight))
        unit = _unit(problem)
        unit.times(network, -1)
        history = train_network(network, unit.rows(rows), **training)
        unit.times(network)
    solution = _finish(problem, network, history, exact=exact)
    comm = training.get("comm")
    if comm is not None and comm.size > 1:  # what is decided by it is to be decided alike
        solution = replace(solution, trust=comm.bcast(solution.trust))
    return replace(solution, seconds=time.perf_counter() - start)


def reaction_at(problem: ReactionDiffusionProblem, points: Tensor) -> Tensor:
    """r at points of the cell, (n,)."""
    value = evaluate(problem.r, coordinates(problem.fast, points), "torch")
    return torch.as_tensor(value, dtype=torch.float64).expand(len(points))


def _unit(problem: ReactionDiffusionProblem) -> Unit:
    """Of N, which is a length squared times r by D, and of r."""
    points, _ = sampling.periodic_grid(problem.period, 16, 0.4142135)
    size = power(float(reaction_at(problem, points).abs().max()))
    return Unit(length_unit(problem.period) ** 2 * size / power(problem.D), size)


def _finish(
    problem: ReactionDiffusionProblem, network: Network, history: History, *, exact: bool
) -> ReactionCellSolution:
    dim = problem.dim
    jumps = problem.r.has(sympy.Heaviside)
    wide = [0] * dim if jumps else _bandwidths(problem)
    counts = resolved_counts(wide, _QUADRATURE[dim], MOST[dim])
    if jumps:
        factor = {1: 1, 2: 4 if has_curves(problem) else 2, 3: 2 if has_curves(problem) else 1}[dim]
        counts = tuple(factor * n for n in counts)
    axes, shares = _axes(problem, counts, jumps=jumps)
    grid, weight = sampling.product(axes), sampling.product(shares).prod(1)
    value = network.evaluate(grid, VALUE)[0, :, 0]
    r = reaction_at(problem, grid)
    if jumps or not exact:
        mean = float(weight @ value)
        r_star = float(weight @ (r * (value - mean)))
    else:
        mean = float(value.mean())
        r_star = float((r * (value - value.mean())).mean())
    solution = ReactionCellSolution(r_star, (Field(network, 0, dim, shift=-mean),), history, 0.0)
    if not exact:
        none = Estimate(None, "no estimate: the network is not exactly periodic")
        return replace(solution, trust={"coefficient": none, "N": none})
    if problem.r == 0:
        zero = Estimate(0.0 if float(value.abs().max()) == 0 else None, "r is zero, and so are N and r*")
        return replace(solution, error_estimates=(0.0,), trust={"coefficient": zero, "N": zero})
    found = _errors(problem, network, axes, shares, r_star, jumps=jumps)
    how = "Fourier coefficients of N against those of -r / (D |k|^2)"
    if jumps and has_curves(problem):
        coarse = _axes(problem, [2 * n // 3 for n in counts], jumps=True)
        other = _errors(problem, network, *coarse, r_star, jumps=True)
        found = max(found[0], other[0]) + abs(found[0] - other[0]), max(found[1], other[1]) + abs(found[1] - other[1])
        how += "; two quadratures"
    trust = {"coefficient": Estimate(found[0], how), "N": Estimate(found[1], how)}
    return replace(solution, error_estimates=(found[1],) if math.isfinite(found[1]) else None, trust=trust)


def _bandwidths(problem: ReactionDiffusionProblem) -> list[int]:
    found = spectra([problem.r], problem.fast, problem.period)
    return [max((k for k, _ in each), default=0) for each in found]


def _axes(
    problem: ReactionDiffusionProblem, counts: Sequence[int], *, jumps: bool
) -> tuple[list[Tensor], list[Tensor]]:
    if jumps:
        return cell_axes(problem, counts)
    sides = [sampling.periodic_grid([p], n, 0.0) for p, n in zip(problem.period, counts, strict=True)]
    return [at[:, 0] for at, _ in sides], [weight for _, weight in sides]


def _errors(
    problem: ReactionDiffusionProblem, network: Network, axes: Sequence[Tensor], shares: Sequence[Tensor], r_star: float,
    *, jumps: bool,
) -> tuple[float, float]:  # fmt: skip
    """The relative errors of r* and of N: of each wave that the grid resolves, and a bound for all others."""
    shape = [len(axis) for axis in axes]
    grid, weight = sampling.product(list(axes)), sampling.product(list(shares)).prod(1)
    value = network.evaluate(grid, VALUE)[0, :, 0]
    value = value - weight @ value
    r = reaction_at(problem, grid)
    highest = [max(n // 4 if jumps else (n - 1) // 2, 1) for n in shape]
    waves = [torch.arange(-k, k + 1, dtype=torch.float64) * 2 * math.pi / p for k, p in zip(highest, problem.period)]
    phases = [torch.exp(1j * wave[:, None] * axis) for wave, axis in zip(waves, axes, strict=True)]

    def transform(values: Tensor) -> Tensor:
        table = values.reshape(shape).to(torch.complex128)
        for i, (phase, share) in enumerate(zip(phases, shares, strict=True)):
            table = torch.tensordot(phase.conj() * share, table, dims=([1], [i])).movedim(0, i)
        return table

    def rest(values: Tensor, table: Tensor) -> float:
        """The size of what is not in the waves."""
        for i, phase in enumerate(phases):
            table = torch.tensordot(phase, table, dims=([0], [i])).movedim(0, i)
        return math.sqrt(float(weight @ (values - table.real.reshape(-1)).square()))

    square = torch.stack(torch.meshgrid(*waves, indexing="ij")).square().sum(0)
    square[tuple(highest)] = math.inf
    of_r, of_n = transform(r), transform(value)
    exact = -of_r / (problem.D * square)
    smallest = min((2 * math.pi * (k + 1) / p) ** 2 for k, p in zip(highest, problem.period, strict=True))
    unseen = rest(r, of_r)
    tail = unseen / (problem.D * smallest)
    size = math.sqrt(float(exact.abs().square().sum()))
    off = math.sqrt(float((of_n - exact).abs().square().sum())) + rest(value, of_n) + tail
    star = -float((of_r.abs().square() / (problem.D * square)).sum())
    return (abs(r_star - star) + unseen * tail) / abs(star) + 1e-15, off / size


def cell_rungs(
    problem: ReactionDiffusionProblem, arguments: Arguments, budget: float = 60.0
) -> Iterator[dict[str, Any]]:
    """Keyword arguments of `solve_cell`, the cheapest first: those given, then with the waves and points that r asks for.

    Args:
        problem: Gives r.
        arguments: Those of a preset.
        budget: Of nominal seconds for one of them, see `hybrid.pinn.cellrungs.cell_rungs`.
    """
    yield dict(arguments)
    if arguments.get("periodicity", "embedding") != "embedding" or problem.r == 0:
        return
    dim, frozen = problem.dim, isinstance(arguments.get("optimizer"), LastLayer)
    found = spectra([problem.r], problem.fast, problem.period, 1e-5)
    waves = tuple(dominant(spectrum) or (1,) for spectrum in found)
    if problem.r.has(sympy.Heaviside):
        waves, counts = ((1,),) * dim, [{1: 200, 2: 48, 3: 16}[dim]] * dim
    else:
        counts = []
        for spectrum in found:
            step = math.gcd(*(k for k, _ in spectrum)) if spectrum else 1
            highest = max((k for k, _ in spectrum), default=0) // step
            counts.append(prime(max(24, min(round(2.2 * highest), 700)), step))
    widths = {1: (200, 400, 800), 2: (800, 1500, 2500), 3: (1500, 3000)}[dim]
    for width in widths:
        hidden = width if frozen else max(width // 5, 60)
        points = enough(counts, 3 * (width if frozen else width * (1 + sum(map(len, waves))) // 2))
        rung = {**arguments, "frequencies": waves, "hidden": (hidden,), "points": points}
        if not frozen and isinstance(arguments.get("optimizer"), VariableProjection):
            rung["optimizer"] = VariableProjection(steps=12)
        flops, memory = cost(problem, rung)
        if flops / SPEED > budget or memory > MEMORY:
            return
        yield rung
