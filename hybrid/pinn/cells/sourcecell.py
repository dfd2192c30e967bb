"""Cell problems whose load is a source, by a network: N, <f N>, and how far both may be off."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Unpack

import numpy as np
import numpy.typing as npt
import sympy
import torch
from torch import Tensor

from hybrid.clock import clock
from hybrid.equation import Equation
from hybrid.pinn.cells.cellchecks import check_load, check_shape
from hybrid.pinn.cells.cellgrids import resolved_counts
from hybrid.pinn.cells.cellquadrature import cell_axes, cell_points, has_curves
from hybrid.pinn.cells.cellrows import gauge, periodic_rows
from hybrid.pinn.cells.cellrungs import MEMORY, SPEED, cost, dominant, enough, prime
from hybrid.pinn.cells.cellsolution import CellSolution
from hybrid.pinn.cells.cellunits import Unit, length_unit, power
from hybrid.pinn.cells.jumps import BendEmbedding
from hybrid.pinn.cells.periodicities import periodicity_of
from hybrid.pinn.functions.embedding import Together
from hybrid.pinn.functions.field import Field
from hybrid.pinn.functions.network import VALUE, Network, laplacian
from hybrid.pinn.leastsquares import sampling
from hybrid.pinn.leastsquares.rows import Rows
from hybrid.pinn.optimizers.base import History
from hybrid.pinn.optimizers.gaussnewton import VariableProjection
from hybrid.pinn.optimizers.given import check_networks
from hybrid.pinn.optimizers.kinds import LastLayer
from hybrid.pinn.optimizers.ladder import Arguments
from hybrid.pinn.optimizers.training import Training
from hybrid.pinn.sizes import CELLS
from hybrid.symbols import coordinates, evaluate
from hybrid.trust import Estimate
from hybrid.waves import spectra

Array = npt.NDArray[np.float64]


def cell_networks(
    equation: Equation, *, seed: int = 0, hidden: Sequence[int] = (12, 12),
    periodicity: str = "embedding", scale: float = 1.0, frequencies: Sequence[Sequence[int]] | None = None,
) -> tuple[Network, ...]:  # fmt: skip
    """The untrained network of `solve_cell`. Where f jumps it is given φ|φ| of the interfaces φ = 0, so that its second
    derivatives may jump there too."""
    check_load(equation)
    sides = periodicity_of(periodicity)
    check_shape(hidden, scale)
    embedding = sides.inputs(equation, frequencies)
    if sides.exact and equation.source.has(sympy.Heaviside):
        embedding = Together(embedding, BendEmbedding(equation))
    return (Network(embedding, hidden, 1, seed, scale=scale),)


def solve_cell(
    equation: Equation,
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
) -> CellSolution:
    """Train N on -D ΔN = f in Y, N periodic with mean 0 (paper, equation (23), where f = -r).

    Args:
        equation: On the cell, with one load.
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
        **training: See `hybrid.pinn.optimizers.training.train`.

    Raises:
        InputError: An argument that is not allowed.
        SolverError: The training diverged.
    """
    check_load(equation)
    sides = periodicity_of(periodicity)
    check_shape(hidden, scale)
    sides.check(points, equation.dim, oversampling, weights)
    start = clock()
    dim, exact = equation.dim, sides.exact
    if networks is None:
        networks = cell_networks(
            equation, seed=seed, hidden=hidden, periodicity=periodicity, scale=scale, frequencies=frequencies
        )
    else:
        networks = check_networks(networks, 1, dim, [1], dim)
        if train:
            networks = copy.deepcopy(networks)
            if hasattr(training.get("progress"), "follow"):
                training["progress"].follow(networks)  # type: ignore[union-attr]
    (network,) = networks
    history = History("given network")
    if train and equation.source == 0:
        with torch.no_grad():
            network.weights[-1].zero_()
        history = History("none: the load is zero, and so is N", [0.0])
    elif train:
        rows = [gauge(torch.zeros(1, dim, dtype=torch.float64), 1)]
        rows += periodic_rows(sides.pairs(equation, points, oversampling, weights), 1)
        if exact and equation.source.has(sympy.Heaviside):
            at, weight = cell_points(equation, points)
        else:
            at, weight = sides.collocation(equation, points, weights)
        coefficients = torch.zeros(2 + dim, len(at), dtype=torch.float64)
        coefficients[-1] = equation.diffusion
        rows.append(Rows([(at, coefficients)], -source_at(equation, at)[:, None], laplacian(dim), weight))
        history = _unit(equation).train(network, rows, training)
    solution = _finish(equation, network, history, exact=exact)
    comm = training.get("comm")
    if comm is not None and comm.size > 1:  # what is decided by it is to be decided alike
        solution = replace(solution, trust=comm.bcast(solution.trust))
    return replace(solution, seconds=clock() - start)


def source_at(equation: Equation, points: Tensor) -> Tensor:
    """f at points of the cell, (n,)."""
    value = evaluate(equation.source, coordinates(equation.fast, points), "torch")
    return torch.as_tensor(value, dtype=torch.float64).expand(len(points))


def _unit(equation: Equation) -> Unit:
    """Of N, which is a length squared times f by D, and of f."""
    points, _ = sampling.periodic_grid(equation.period, 16, 0.4142135)
    size = power(float(source_at(equation, points).abs().max()))
    return Unit(length_unit(equation.period) ** 2 * size / power(equation.diffusion), size)


def _finish(equation: Equation, network: Network, history: History, *, exact: bool) -> CellSolution:
    dim = equation.dim
    jumps = equation.source.has(sympy.Heaviside)
    wide = [0] * dim if jumps else _bandwidths(equation)
    counts = resolved_counts(wide, CELLS[dim].means, CELLS[dim].most)
    if jumps:
        factor = CELLS[dim].curved if has_curves(equation) else CELLS[dim].cut
        counts = tuple(factor * n for n in counts)
    axes, shares = _axes(equation, counts, jumps=jumps)
    grid, weight = sampling.product(axes), sampling.product(shares).prod(1)
    value = network.evaluate(grid, VALUE)[0, :, 0]
    f = source_at(equation, grid)
    if jumps or not exact:
        mean = float(weight @ value)
        energy = float(weight @ (f * (value - mean)))
    else:
        mean = float(value.mean())
        energy = float((f * (value - value.mean())).mean())
    solution = CellSolution(np.array([[energy]]), (Field(network, 0, dim, shift=-mean),), history, 0.0)
    if not exact:
        none = Estimate(None, "no estimate: the network is not exactly periodic")
        return replace(solution, trust={"coefficient": none, "N": none})
    if equation.source == 0:
        zero = Estimate(0.0 if float(value.abs().max()) == 0 else None, "the load is zero, and so are N and <f N>")
        return replace(solution, error_estimates=(0.0,), trust={"coefficient": zero, "N": zero})
    found = _errors(equation, network, axes, shares, energy, jumps=jumps)
    how = "Fourier coefficients of N against those of f / (D |k|^2)"
    if jumps and has_curves(equation):
        coarse = _axes(equation, [2 * n // 3 for n in counts], jumps=True)
        other = _errors(equation, network, *coarse, energy, jumps=True)
        found = max(found[0], other[0]) + abs(found[0] - other[0]), max(found[1], other[1]) + abs(found[1] - other[1])
        how += "; two quadratures"
    trust = {"coefficient": Estimate(found[0], how), "N": Estimate(found[1], how)}
    return replace(solution, error_estimates=(found[1],) if math.isfinite(found[1]) else None, trust=trust)


def _bandwidths(equation: Equation) -> list[int]:
    found = spectra([equation.source], equation.fast, equation.period)
    return [max((k for k, _ in each), default=0) for each in found]


def _axes(equation: Equation, counts: Sequence[int], *, jumps: bool) -> tuple[list[Tensor], list[Tensor]]:
    if jumps:
        return cell_axes(equation, counts)
    sides = [sampling.periodic_grid([p], n, 0.0) for p, n in zip(equation.period, counts, strict=True)]
    return [at[:, 0] for at, _ in sides], [weight for _, weight in sides]


def _errors(
    equation: Equation, network: Network, axes: Sequence[Tensor], shares: Sequence[Tensor], energy: float,
    *, jumps: bool,
) -> tuple[float, float]:  # fmt: skip
    """The relative errors of <f N> and of N: of each wave that the grid resolves, and a bound for all others."""
    shape = [len(axis) for axis in axes]
    grid, weight = sampling.product(list(axes)), sampling.product(list(shares)).prod(1)
    value = network.evaluate(grid, VALUE)[0, :, 0]
    value = value - weight @ value
    f = source_at(equation, grid)
    highest = [max(n // 4 if jumps else (n - 1) // 2, 1) for n in shape]
    waves = [torch.arange(-k, k + 1, dtype=torch.float64) * 2 * math.pi / p for k, p in zip(highest, equation.period)]
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
    of_f, of_n = transform(f), transform(value)
    exact = of_f / (equation.diffusion * square)
    smallest = min((2 * math.pi * (k + 1) / p) ** 2 for k, p in zip(highest, equation.period, strict=True))
    unseen = rest(f, of_f)
    tail = unseen / (equation.diffusion * smallest)
    size = math.sqrt(float(exact.abs().square().sum()))
    off = math.sqrt(float((of_n - exact).abs().square().sum())) + rest(value, of_n) + tail
    star = float((of_f.abs().square() / (equation.diffusion * square)).sum())
    return (abs(energy - star) + unseen * tail) / abs(star) + 1e-15, off / size


def cell_rungs(equation: Equation, arguments: Arguments, budget: float = 60.0) -> Iterator[dict[str, Any]]:
    """Keyword arguments of `solve_cell`, the cheapest first: those given, then with the waves and points that f asks for.

    Args:
        equation: On the cell, with one load.
        arguments: Those of a preset.
        budget: Of nominal seconds for one of them, see `hybrid.pinn.cells.cellrungs.cell_rungs`.
    """
    yield dict(arguments)
    if not periodicity_of(arguments.get("periodicity")).exact or equation.source == 0:
        return
    dim, frozen = equation.dim, isinstance(arguments.get("optimizer"), LastLayer)
    found = spectra([equation.source], equation.fast, equation.period, 1e-5)
    waves = tuple(dominant(spectrum) or (1,) for spectrum in found)
    if equation.source.has(sympy.Heaviside):
        waves, counts = ((1,),) * dim, [CELLS[dim].ladder.source_jumps] * dim
    else:
        counts = []
        for spectrum in found:
            step = math.gcd(*(k for k, _ in spectrum)) if spectrum else 1
            highest = max((k for k, _ in spectrum), default=0) // step
            counts.append(prime(max(24, min(round(2.2 * highest), 700)), step))
    for width in CELLS[dim].ladder.source:
        hidden = width if frozen else max(width // 5, 60)
        points = enough(counts, 3 * (width if frozen else width * (1 + sum(map(len, waves))) // 2))
        rung = {**arguments, "frequencies": waves, "hidden": (hidden,), "points": points}
        if not frozen and isinstance(arguments.get("optimizer"), VariableProjection):
            rung["optimizer"] = VariableProjection(steps=12)
        flops, memory = cost(equation, rung)
        if flops / SPEED > budget or memory > MEMORY:
            return
        yield rung
