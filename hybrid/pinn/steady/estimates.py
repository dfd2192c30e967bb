"""How far a function is from the solution of the homogenized equation, from its own residual.

The residual r = f + ∂_i( a*_ij ∂_j p ) - c p is taken at uniform points, which are between the points of the training and more
of them. What p lacks, δ = u_0 - p, solves -∂_i( a*_ij ∂_j δ ) + c δ = r; it is computed there by differences
(`hybrid.pinn.steady.sines`), on these points and on every second of them, and the larger of the two norms counts: a residual
that the points do not resolve looks different on the two. Where p is not zero on the boundary, δ has values there; by the
maximum principle they add at most the largest of them.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from hybrid.equation import Equation
from hybrid.media.interpolated import SlowCoefficient
from hybrid.pinn.functions.field import Field, evaluated
from hybrid.pinn.functions.network import VALUE
from hybrid.pinn.leastsquares.system import contract
from hybrid.pinn.sizes import BOXES
from hybrid.pinn.steady.operators import Medium, flux_of, operator_at, reaction_at
from hybrid.pinn.steady.sines import SineGrid, solve
from hybrid.pinn.steady.spectrum import chebyshev_degrees, spectrum_of
from hybrid.product import Product
from hybrid.symbols import numpy_function
from hybrid.trust import Estimate

Array = npt.NDArray[np.float64]


def solution_estimate(equation: Equation, field: Field, points: int, hard: bool) -> Estimate:
    """Of ‖u_0 - p‖ / ‖u_0‖, without finite elements.

    Args:
        equation: Gives Ω and f.
        field: p.
        points: Of the training, along each side.
        hard: Whether p is zero on the boundary exactly.
    """
    band = spectrum_of(equation).band
    grid = estimate_grid(equation.domain, points, band)
    if band > max(grid.cells):  # less than three points for half a wave
        return Estimate(None, f"f or a*(x) oscillates too fast for the {max(grid.cells)} points a side of the estimate")
    at = torch.tensor(grid.points())
    coefficients, operators = operator_at(equation, at)
    (jet,) = map(torch.from_numpy, evaluated([field], Product.of(at.numpy()), operators))
    with np.errstate(all="ignore"):
        source = numpy_function(equation.source)(at.numpy())
    residual = (source - contract(coefficients, jet[..., None])[:, 0].numpy()).reshape(grid.shape)
    if not np.isfinite(residual).all():
        return Estimate(None, "the residual of the equation is not finite everywhere")
    lacking = _solved(equation, grid, residual)
    # Not ‖p + δ‖: where p is off by many times itself, the little that δ is off by is more than u_0.
    size = grid.norm(_solved(equation, grid, source.reshape(grid.shape)))
    coarse = grid.coarse()
    error = max(grid.norm(lacking), coarse.norm(_solved(equation, coarse, grid.halved(residual))))
    if not hard:
        volume = float(np.prod([high - low for low, high in equation.domain]))
        error += volume**0.5 * on_boundary(field, equation.domain, max(grid.cells))
    how = f"what the residual at {' × '.join(map(str, grid.shape))} other points makes of the solution"
    return Estimate(error / size if size else None, how if size else "the solution is zero")


def solution_degrees(equation: Equation, band: float, tolerance: float) -> tuple[int, ...]:
    """Along each side, how many Chebyshev polynomials the solution by differences is made of.

    Args:
        equation: Gives Ω and f.
        band: The largest frequency of f and a*(x), see `hybrid.pinn.steady.spectrum`.
        tolerance: The relative size of what may be left out.
    """
    grid = estimate_grid(equation.domain, 0, band)
    while True:
        with np.errstate(all="ignore"):
            source = np.asarray(numpy_function(equation.source)(grid.points())).reshape(grid.shape)
        source = np.where(np.isfinite(source), source, 0.0)  # a singularity at a point says nothing about degrees
        degrees = chebyshev_degrees(grid, _solved(equation, grid, source, tolerance / 10), tolerance)
        # Where nearly all polynomials matter that the points could tell apart, there may be more.
        finer = tuple(
            2 * n if 2 * d > n < BOXES[equation.dim].estimate[1] else n
            for n, d in zip(grid.cells, degrees, strict=True)
        )
        if finer == grid.cells:
            return degrees
        grid = SineGrid(grid.box, finer)


def _solved(equation: Equation, grid: SineGrid, right: Array, tolerance: float = 1e-3) -> Array:
    """The equation by differences, for another right-hand side."""
    c = None if equation.reaction is None else reaction_at(equation, grid.points()).reshape(grid.shape)
    return solve(grid, _on_cells(flux_of(equation), grid), right, tolerance=tolerance, reaction=c)


def _on_cells(a: Medium, grid: SineGrid) -> Array:
    if not isinstance(a, SlowCoefficient):
        return a
    values = a(grid.middles())
    return ((values + values.swapaxes(-1, -2)) / 2).reshape(*grid.cells, *values.shape[1:])


def estimate_grid(box: Sequence[Sequence[float]], points: int, band: float = 0.0) -> SineGrid:
    """Uniform, about twice as fine in the middle of the box as the points of the training, with five points for half a wave of
    the fastest frequency (scaled to a side from -1 to 1) if they are not too many; an even number of cells."""
    dim = len(box)
    fewest, most = BOXES[dim].estimate
    cells = min(max(fewest, 2 * points + 2, round(3 * band)), max(most, points + 2))
    return SineGrid(tuple((float(low), float(high)) for low, high in box), (cells + cells % 2,) * dim)


def on_boundary(field: Field, box: Sequence[Sequence[float]], count: int) -> float:
    """The largest value on the boundary."""
    largest = 0.0
    axes = [np.linspace(low, high, count) for low, high in box]
    for i, side in itertools.product(range(len(box)), (0, 1)):
        face = [np.array([box[i][side]]) if k == i else axis for k, axis in enumerate(axes)]
        points = np.stack([g.ravel() for g in np.meshgrid(*face, indexing="ij")], axis=1)
        largest = max(largest, float(field.jet(torch.tensor(points), VALUE)[0].abs().max()))
    return largest
