"""Correctors by networks and what follows from them: means over the cell, a*, and how far both may be off."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hybrid.coefficient import SlowCoefficient
from hybrid.pinn import sampling
from hybrid.pinn.cellbounds import ROUNDING, Distance, distances, subgrid_difference
from hybrid.pinn.cellforms import fitted_flux_distances, flux_distances
from hybrid.pinn.cellgrids import KINKS, MOST, cell_bandwidths, resolved_counts
from hybrid.pinn.cellrows import matrix_at, tensor_at
from hybrid.pinn.field import Field
from hybrid.pinn.jumps import cell_points, has_curves
from hybrid.pinn.network import Network, gradient_only
from hybrid.pinn.optimizer import History
from hybrid.problems import EllipticProblem
from hybrid.trust import Estimate

Array = npt.NDArray[np.float64]

_QUADRATURE = {1: 512, 2: 128, 3: 30}


@dataclass(frozen=True)
class CellSolution:
    """The correctors χ_1 … χ_d, by one network with d outputs or by d networks, and the homogenized coefficient.

    Attributes:
        coefficient: a*, (d, d), or a*(x).
        correctors: The χ_j, mean zero; functions of y, or of (x, y) where a depends on x.
        history: Of the training.
        seconds: Wall time.
        error_estimates: Of the relative L2 errors of the χ_j (exact periodicity only), see `hybrid.pinn.cellbounds`; where a
            jumps by Poincaré's inequality, from the flux of the first-order form.
        bounds: Lower and upper bounds on the a*_jj, (d, 2), where there are error estimates: a*_jj is the energy less
            ‖a^½ ∇δ_j‖², δ_j the error of χ_j. The error of the quadrature is in them.
        slopes: ∂_k a*_ij at the nodes of a*(x), (n, d, d, d) with k first.
        trust: The estimated relative errors of "coefficient", in the Frobenius norm, and of "chi_1", …; where a corrector
            vanishes its error is relative to the largest one, or to the period.
    """

    coefficient: npt.NDArray[np.float64] | SlowCoefficient
    correctors: tuple[Field, ...]
    history: History
    seconds: float
    error_estimates: tuple[float, ...] | None = None
    slopes: npt.NDArray[np.float64] | None = None
    bounds: npt.NDArray[np.float64] | None = None
    trust: Mapping[str, Estimate] = field(default_factory=dict)

    @property
    def networks(self) -> tuple[Network, ...]:
        """The networks behind the correctors."""
        return tuple(dict.fromkeys(corrector.network for corrector in self.correctors))


Evaluation = Callable[[Sequence[Network], Tensor, Tensor], Tensor]
"""Networks, points and operators to the jets of the correctors, (C, n, d)."""


def correctors_of(networks: Sequence[Network], dim: int) -> list[tuple[Network, int]]:
    """The network and its output for each corrector."""
    if len(networks) == 1:
        each = networks[0].weights[-1].shape[0] // dim
        return [(networks[0], j * each) for j in range(dim)]
    return [(network, 0) for network in networks]


def jets_of(networks: Sequence[Network], points: Tensor, operators: Tensor, dim: int) -> Tensor:
    """Jets of the correctors, (C, n, d)."""
    jets = {network: network.evaluate(points, operators) for network in networks}
    return torch.stack([jets[network][..., output] for network, output in correctors_of(networks, dim)], dim=2)


def relative_to(own: Array, period: Sequence[float]) -> Array:
    """What the errors of correctors of these norms are relative to: a χ_j may vanish, as for finite elements."""
    scale = max(own) if max(own) > 1e-8 * max(period) else max(period)
    return np.where(own > 1e-6 * scale, own, scale)


def finish(
    problem: EllipticProblem, networks: Sequence[Network], history: History, *, exact: bool, flux: bool,
    jet_of: Evaluation | None = None,
) -> CellSolution:  # fmt: skip
    """Means over the cell: the shift to mean zero, a*, and the bounds on the errors.

    Args:
        problem: Gives a, a function of y alone.
        networks: The correctors.
        history: Of their training.
        exact: Whether they are exactly periodic.
        flux: Whether they hold the potentials of the fluxes too.
        jet_of: Evaluates them otherwise.
    """
    dim = problem.dim
    evaluation = jet_of or (lambda n, at, operators: jets_of(n, at, operators, dim))
    if problem.jumps:
        count = _QUADRATURE[dim] * (4 if has_curves(problem) else 1)
        points, weight = cell_points(problem, count)
    else:
        wide = cell_bandwidths(problem)
        counts = resolved_counts(wide, _QUADRATURE[dim], MOST[dim])
        points, weight = sampling.periodic_grid(problem.period, counts, 0.0)
    jet = evaluation(networks, points, gradient_only(dim))
    value, share = jet[0].numpy(), weight.numpy()
    a = matrix_at(problem, lambda e: tensor_at(problem, e, points))
    strains = jet[1:].permute(2, 1, 0) + torch.eye(dim, dtype=torch.float64)[:, None, :]  # (k, n, i)
    table = strains.permute(0, 2, 1).numpy()  # (k, i, n)
    if exact:
        coefficient = np.einsum("kin,nkl,ljn,n->ij", *_energy(table, a.numpy()), share, optimize=True)
    else:
        coefficient = np.einsum("nik,kjn,n->ij", a.numpy(), table.transpose(1, 0, 2), share, optimize=True)
    mean = share @ value
    correctors = tuple(
        Field(network, output, dim, shift=-float(mean[j]))
        for j, (network, output) in enumerate(correctors_of(networks, dim))
    )
    if not exact:
        return CellSolution(coefficient, correctors, history, 0.0, trust=_none(dim))
    if problem.jumps:
        found, rough, how = _of_flux(problem, networks, points, weight, count, coefficient, flux=flux)
    else:
        found, rough, how = _of_grid(problem.period, counts, a, strains, wide)
    energies = np.array([d.energy for d in found])
    own = np.sqrt(share @ (value - mean) ** 2)
    errors = np.array([d.value for d in found]) / relative_to(own, problem.period)
    rough = rough + ROUNDING * np.abs(coefficient).max()
    upper = np.diag(coefficient)
    bounds = np.stack([upper - energies - np.diag(rough), upper + np.diag(rough)], axis=1)
    total = float((energies.sum() + np.linalg.norm(rough)) / np.linalg.norm(coefficient))
    trust = {"coefficient": Estimate(total, how)}
    trust |= {f"chi_{j + 1}": Estimate(float(error), how) for j, error in enumerate(errors)}
    estimates = tuple(map(float, errors)) if np.isfinite(errors).all() else None
    return CellSolution(coefficient, correctors, history, 0.0, estimates, None, bounds, trust)


def _energy(table: Array, a: Array) -> tuple[Array, Array, Array]:
    """Operands whose product is e_i + ∇χ_i times a (e_j + ∇χ_j), as einsum's "kin,nkl,ljn" wants them."""
    other = table.transpose(1, 0, 2)
    return other, a, other


def _none(dim: int) -> dict[str, Estimate]:
    why = "no estimate: the networks are not exactly periodic"
    return {name: Estimate(None, why) for name in ("coefficient", *(f"chi_{j + 1}" for j in range(dim)))}


def _of_grid(
    period: Sequence[float], counts: Sequence[int], a: Tensor, strains: Tensor, wide: Sequence[int]
) -> tuple[list[Distance], Array, str]:
    """Distances of the correctors, the error of the quadrature of a*_ij, (d, d), and how they were found."""
    found = distances(period, counts, a, strains)
    how = "bounds from the equation's residual in H^-1, on a grid that resolves a"
    density = np.einsum("kni,nij,lnj->nkl", strains.numpy(), a.numpy(), strains.numpy(), optimize=True)
    rough = subgrid_difference(density, counts)
    kinks = max(wide) > KINKS
    if not kinks and all(2 * k <= n for k, n in zip(wide, counts, strict=True)):
        return found, rough, how
    # The residual has parts that this grid does not see: as much again as it sees more than a coarser one does.
    every = tuple(slice(None, None, 2) for _ in counts)
    keep = torch.arange(len(a)).reshape(*counts)[every].reshape(-1)
    halves = [n // 2 for n in counts]
    coarse = distances(period, halves, a[keep], strains[:, keep])
    found = [
        Distance(max(f.energy, c.energy) + abs(f.energy - c.energy), max(f.value, c.value) + abs(f.value - c.value))
        for f, c in zip(found, coarse, strict=True)
    ]
    return (
        found,
        rough,
        how.replace("a grid that resolves a", "two grids, as a " + ("has kinks" if kinks else "is steep")),
    )


def _of_flux(
    problem: EllipticProblem, networks: Sequence[Network], points: Tensor, weight: Tensor, count: int, coefficient: Array,
    *, flux: bool,
) -> tuple[list[Distance], Array, str]:  # fmt: skip
    """The same from fluxes without divergence: those that were trained with the correctors, or by least squares for them."""
    dim = problem.dim
    fewer = cell_points(problem, 2 * count // 3)
    both = [_squares(problem, networks, *at, flux=flux) for at in ((points, weight), fewer)]
    squares = np.maximum(*both) + np.abs(both[0] - both[1])
    at, share = fewer
    jet = jets_of(networks, at, gradient_only(dim), dim)
    table = (jet[1:].permute(2, 1, 0) + torch.eye(dim, dtype=torch.float64)[:, None, :]).permute(0, 2, 1).numpy()
    a = matrix_at(problem, lambda e: tensor_at(problem, e, at)).numpy()
    coarse = np.einsum("kin,nkl,ljn,n->ij", *_energy(table, a), share.numpy(), optimize=True)
    a = matrix_at(problem, lambda e: tensor_at(problem, e, points)).numpy()
    lowest = float(np.linalg.eigvalsh(a)[:, 0].min())
    longest = max(problem.period) / (2 * math.pi)
    kind = "trained with the correctors" if flux else "by least squares"
    found = [Distance(float(s), longest * math.sqrt(float(s) / lowest)) for s in squares]
    return found, np.abs(coefficient - coarse), f"bounds from fluxes without divergence, {kind}; two quadratures"


def _squares(
    problem: EllipticProblem, networks: Sequence[Network], points: Tensor, weight: Tensor, *, flux: bool
) -> Array:
    return (flux_distances if flux else fitted_flux_distances)(problem, networks, points, weight)
