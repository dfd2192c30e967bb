"""Cell problems of the second order for a(x, y) by one network, whose last layer is a polynomial of x."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from hybrid.drift import Samples
from hybrid.equation import Equation
from hybrid.grids import COUNTS, uniform
from hybrid.media.interpolated import SlowCoefficient
from hybrid.pinn.cells.cellsolution import CellSolution, jets_of
from hybrid.pinn.cells.lastlayers import last_layers
from hybrid.pinn.cells.secondcells import check_smooth
from hybrid.pinn.cells.slowgrids import degrees
from hybrid.pinn.cells.slowsolution import SlowShift
from hybrid.pinn.functions.embedding import PeriodicEmbedding
from hybrid.pinn.functions.field import Field
from hybrid.pinn.functions.network import VALUE, gradient_only
from hybrid.pinn.functions.polynomial import PolynomialNetwork
from hybrid.pinn.leastsquares import sampling
from hybrid.pinn.optimizers.kinds import LastLayer
from hybrid.pinn.sizes import CELLS
from hybrid.separation import frozen_at

Array = npt.NDArray[np.float64]


def samples(equation: Equation, cell: CellSolution, points: Array | None = None) -> Samples:
    """Of the correctors, by networks of x and y, at nodes that do for them; by default on a grid of the cell."""
    dim, star = equation.dim, _thinned(equation, cell)
    at = uniform(equation.cell, COUNTS[dim].mean) if points is None else points
    table = []
    for node in star.nodes:
        joint = torch.tensor(np.hstack([np.broadcast_to(node, at.shape), at]))
        jet = jets_of(cell.networks, joint, gradient_only(2 * dim), dim)
        table.append(torch.cat([jet[:1], jet[1 + dim :]]).permute(2, 0, 1).numpy())
    found = np.array(table)
    return Samples.of(star, at, found[:, :, 0], found[:, :, 1:])


def solve_slow_second(equation: Equation, cell: CellSolution, *, seed: int = 0) -> tuple[Field, ...]:
    """χ_ij for i ≤ j and the ω_l, functions of (x, y), periodic in y and of mean zero; for i ≠ j the mean of χ_ij and χ_ji.

        -∇·(a ∇χ_ij) = a_ij + a_ik ∂_k χ_j + ∂_k(a_ki χ_j) - a*_ij
        -∇·(a ∇ω_l) = ∂_xi (σ_li - a*_il) + ∂_i (a_ij ∂_xj χ_l),   σ_l = a (e_l + ∇χ_l)

    The loads are sampled at nodes of x, between which ∂_x is that of a polynomial.

    Args:
        equation: The cell problems, of a smooth a(x, y).
        cell: Their solutions.
        seed: Of the features.

    Raises:
        InputError: a jumps, or has infinite slopes.
    """
    check_smooth(equation)
    features, count = CELLS[equation.dim].beyond.second
    points, weight = sampling.periodic_grid(equation.period, count)
    given = samples(equation, cell, points.numpy())
    star = given.coefficient
    network = _network(equation, cell, star, features, seed)
    fast = network.of_fast()
    frozen = [frozen_at(equation, node) for node in star.nodes]
    solved = last_layers(frozen, fast, points, weight, LastLayer(), targets=_targets(equation, given))
    layers = [layer for layer, _ in solved]
    network.interpolate(layers)
    with torch.no_grad():
        hidden = fast.hidden_jet(fast.embedding.jet(points, VALUE), VALUE)[0].mean(0)
        means = torch.stack([layer @ hidden for layer in layers]).numpy()
    shifts = [SlowShift(SlowCoefficient(star.domain, star.nodes, own[:, None, None])) for own in means.T]
    return tuple(Field(network, k, 2 * equation.dim, known=shift) for k, shift in enumerate(shifts))


_FLOOR = 1e-7
"""Of the expansion of a(x, y) in x: what is of second order in ε needs no more of it."""


def _thinned(equation: Equation, cell: CellSolution) -> SlowCoefficient:
    """a*(x) at nodes that do for a and the correctors, which may depend on x where a* does not."""
    assert isinstance(cell.coefficient, SlowCoefficient)
    return cell.coefficient.thinned([degree + 3 for degree in degrees(equation, _FLOOR)])


def _network(
    equation: Equation, cell: CellSolution, star: SlowCoefficient, features: int, seed: int
) -> PolynomialNetwork:
    """With the inputs of the correctors', where these are of y alone."""
    dim, known = equation.dim, cell.networks[0]
    embedding = known.fast if isinstance(known, PolynomialNetwork) else PeriodicEmbedding(equation.period)
    return PolynomialNetwork(star.domain, star.counts, embedding, (features,), dim * (dim + 1) // 2 + dim, seed)


def _targets(equation: Equation, given: Samples) -> Sequence[torch.Tensor]:
    """Of ∇·(a ∇u) for each node, (m, outputs)."""
    dim, star, a, divergence = equation.dim, given.coefficient, given.medium(equation), given.divergence(equation)
    flux = given.fluxes(a)
    pairs = [(i, j) for i in range(dim) for j in range(i, dim)]
    # ∂_i (a_ik χ_l), k after l
    transport = np.einsum("iknm,nlim->nlkm", a, given.slopes) + np.einsum("knm,nlm->nlkm", divergence, given.values)
    excess = flux - star.values[..., None]  # (σ_l)_k - a*_lk
    loads = excess + transport
    found = [(loads[:, i, j] + loads[:, j, i]) / -2 for i, j in pairs]
    changes, steep = given.along(given.values), given.along(given.slopes)
    mean = np.einsum("niil->nl", star.gradient(star.nodes))
    omega = np.einsum("nilim->nlm", given.along(flux)) - mean[..., None]
    omega += np.einsum("jnm,njlm->nlm", divergence, changes) + np.einsum("ijnm,njlim->nlm", a, steep)
    found += [-omega[:, k] for k in range(dim)]
    return [torch.tensor(one) for one in np.stack(found, axis=2)]
