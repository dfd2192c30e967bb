"""Correctors by networks and what follows from them: means over the cell, a*, and how far both may be off."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hybrid.equation import Equation
from hybrid.fluxes import two_sided
from hybrid.media.interpolated import SlowCoefficient, relative_change
from hybrid.pinn.cells.cellbounds import ROUNDING, Distance, distances, subgrid_difference
from hybrid.pinn.cells.cellfluxes import energy_operands, fitted_fluxes, means, trained_fluxes
from hybrid.pinn.cells.cellgrids import KINKS, cell_bandwidths, resolved_counts
from hybrid.pinn.cells.cellquadrature import has_curves, quadrature, two_quadratures
from hybrid.pinn.cells.cellrows import matrix_at, tensor_at
from hybrid.pinn.functions.field import Field
from hybrid.pinn.functions.network import Network, gradient_only
from hybrid.pinn.functions.smooth import MUCH, jets_on
from hybrid.pinn.leastsquares import sampling
from hybrid.pinn.optimizers.base import History
from hybrid.pinn.sizes import CELLS
from hybrid.product import Product
from hybrid.trust import Estimate

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class CellSolution:
    """The correctors χ_1 … χ_d, by one network with d outputs or by d networks, and the homogenized coefficient.

    Attributes:
        coefficient: a*, (d, d), or a*(x).
        correctors: The χ_j, mean zero; functions of y, or of (x, y) where a depends on x.
        history: Of the training.
        seconds: Wall time.
        error_estimates: Of the relative L2 errors of the χ_j (exact periodicity only), see `hybrid.pinn.cells.cellbounds`;
            where a jumps by Poincaré's inequality, from the flux of the first-order form.
        bounds: Of a* from below and above, (2, d, d): [lower, upper], in the order of quadratic forms, for exact periodicity
            and an a of y alone: the energies of fluxes without divergence and of the correctors. The error of the quadrature
            is in them.
        slopes: ∂_k a*_ij at the nodes of a*(x), (n, d, d, d) with k first.
        trust: The estimated relative errors of "coefficient", as of quadratic forms, and of "chi_1", …; where a corrector
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
    at = Product.of(points.numpy())
    jets = {network: torch.from_numpy(jets_on(network, at, operators, MUCH)) for network in networks}
    return torch.stack([jets[network][..., output] for network, output in correctors_of(networks, dim)], dim=2)


def relative_to(own: Array, equation: Equation) -> Array:
    """What the errors of correctors of these norms are relative to: to themselves, but to the largest one where they vanish,
    and to the period where all of them do."""
    period = max(equation.period)
    scale = max(own) if max(own) > 1e-8 * period else period
    return np.where((own > 1e-6 * scale) & ~np.array(vanishing(equation)), own, scale)


def vanishing(equation: Equation) -> list[bool]:
    """Of each χ_j whether it is zero, as no a_ij depends on y_i."""
    a, fast = equation.medium.matrix, equation.fast
    return [all(fast[i] not in a[i, j].free_symbols for i in range(equation.dim)) for j in range(equation.dim)]


def finish(
    equation: Equation, networks: Sequence[Network], history: History, *, exact: bool, flux: bool,
    jet_of: Evaluation | None = None,
) -> CellSolution:  # fmt: skip
    """Means over the cell: the shift to mean zero, a*, and the bounds on the errors.

    Args:
        equation: Gives a, a function of y alone.
        networks: The correctors.
        history: Of their training.
        exact: Whether they are exactly periodic.
        flux: Whether they hold the potentials of the fluxes too.
        jet_of: Evaluates them otherwise.
    """
    dim = equation.dim
    if equation.medium.interfaces:
        return _finish_jumps(equation, networks, history, flux=flux)
    wide = cell_bandwidths(equation)
    counts = resolved_counts(wide, CELLS[dim].means, CELLS[dim].most)
    points, weight = sampling.periodic_grid(equation.period, counts, 0.0)
    operators = gradient_only(dim)
    jet = jets_of(networks, points, operators, dim) if jet_of is None else jet_of(networks, points, operators)
    value, share = jet[0].numpy(), weight.numpy()
    a = matrix_at(equation, lambda e: tensor_at(equation, e, points))
    strains = jet[1:].permute(2, 1, 0) + torch.eye(dim, dtype=torch.float64)[:, None, :]  # (k, n, i)
    table = strains.permute(0, 2, 1).numpy()  # (k, i, n)
    if exact:
        coefficient = np.einsum("kin,nkl,ljn,n->ij", *energy_operands(table, a.numpy()), share, optimize=True)
    else:
        coefficient = np.einsum("nik,kjn,n->ij", a.numpy(), table.transpose(1, 0, 2), share, optimize=True)
    mean = share @ value
    correctors = _fields(networks, mean)
    if not exact:
        return CellSolution(coefficient, correctors, history, 0.0, trust=_none(dim))
    found, rough, how = _of_grid(equation.period, counts, a, strains, wide)
    size = np.sqrt(share @ (value - mean) ** 2)
    sides = two_sided(equation, value.T.reshape(dim, *counts))
    solution = CellSolution(coefficient, correctors, history, 0.0, bounds=np.stack([sides.lower, sides.upper]))
    return _estimated(equation, solution, found, rough, size, how)


def _finish_jumps(equation: Equation, networks: Sequence[Network], history: History, *, flux: bool) -> CellSolution:
    """From two quadratures that respect the interfaces, and fluxes: trained with the correctors, or fitted."""
    sizes, curved, longest = CELLS[equation.dim], has_curves(equation), max(equation.period) / (2 * math.pi)
    rules = two_quadratures(equation, sizes.means * (4 if curved else 1))
    if flux:
        fluxes = trained_fluxes(rules[0], networks)
    else:
        fluxes = fitted_fluxes(quadrature(equation, sizes.fit[0] * (sizes.curved_fit if curved else 1)), networks)
    fine, rough = (means(rule, fluxes) for rule in rules)
    gaps = np.maximum(fine.gap, rough.gap) + np.abs(fine.gap - rough.gap)
    found = [Distance(float(gap), longest * math.sqrt(float(gap) / fine.lowest)) for gap in gaps]
    kind = "trained with the correctors" if flux else "by least squares"
    how = f"two-sided bounds, with fluxes without divergence {kind}; two quadratures"
    sides, again = np.stack([fine.lower, fine.energy]), np.stack([rough.lower, rough.energy])
    apart = np.linalg.norm(sides - again, 2, axis=(1, 2)) * [-1.0, 1.0]
    bounds = sides + apart[:, None, None] * np.eye(equation.dim)
    solution = CellSolution(
        fine.energy, _fields(networks, fine.value), history, 0.0, bounds=(bounds + bounds.swapaxes(1, 2)) / 2
    )
    return _estimated(equation, solution, found, np.abs(fine.energy - rough.energy), fine.size, how)


def _fields(networks: Sequence[Network], mean: Array) -> tuple[Field, ...]:
    dim = len(mean)
    return tuple(
        Field(network, output, dim, shift=-float(mean[j]))
        for j, (network, output) in enumerate(correctors_of(networks, dim))
    )


def _estimated(
    equation: Equation, solution: CellSolution, found: Sequence[Distance], rough: Array, size: Array, how: str
) -> CellSolution:
    """With its estimates, from the distances of the correctors, the error of the quadrature of a*, and the sizes of the χ_k."""
    coefficient = solution.coefficient
    assert isinstance(coefficient, np.ndarray)
    energies = np.array([d.energy for d in found])
    errors = np.array([d.value for d in found]) / relative_to(size, equation)
    rough = rough + ROUNDING * np.abs(coefficient).max()
    # The energies of the errors form a matrix that is at most their trace, or its diagonal d times over.
    total = len(energies) * relative_change(np.diag(energies), coefficient) + relative_change(rough, coefficient)
    trust = {"coefficient": Estimate(total, how)}
    trust |= {f"chi_{j + 1}": Estimate(float(error), how) for j, error in enumerate(errors)}
    estimates = tuple(map(float, errors)) if np.isfinite(errors).all() else None
    return replace(solution, error_estimates=estimates, trust=trust)


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
