"""What follows from correctors that depend on x too: a*(x), and how far it and they may be off."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import sympy
import torch
from torch import Tensor

from hybrid.equation import Equation
from hybrid.media.interpolated import ProductCoefficient, SlowCoefficient, relative_change, slow_nodes
from hybrid.pinn.cells.cellbounds import distances, subgrid_difference
from hybrid.pinn.cells.cellgrids import cell_bandwidths, resolved_counts
from hybrid.pinn.cells.cellrows import matrix_at, tensor_at
from hybrid.pinn.cells.cellsolution import CellSolution, correctors_of, jets_of, relative_to
from hybrid.pinn.cells.slowgrids import nodes_for, probes
from hybrid.pinn.functions.field import Field
from hybrid.pinn.functions.network import Network, gradient_only, hessian_operators
from hybrid.pinn.leastsquares import sampling
from hybrid.pinn.optimizers.base import History
from hybrid.pinn.sizes import CELLS
from hybrid.trust import Estimate

Array = npt.NDArray[np.float64]


def finish_slow(equation: Equation, networks: Sequence[Network], history: History, *, exact: bool) -> CellSolution:
    """a*(x) at its nodes, and bounds at other x."""
    coefficient, slopes, means = _means(equation, networks, exact=exact)
    correctors = []
    for j, (network, output) in enumerate(correctors_of(networks, equation.dim)):
        mean = SlowCoefficient(coefficient.domain, coefficient.nodes, means[:, j, None, None])
        correctors.append(Field(network, output, 2 * equation.dim, known=SlowShift(mean)))
    names = ("coefficient", *(f"chi_{j + 1}" for j in range(equation.dim)))
    if not exact:
        why = "no estimate: the networks are not exactly periodic"
        trust = {name: Estimate(None, why) for name in names}
        return CellSolution(coefficient, tuple(correctors), history, 0.0, None, slopes, trust=trust)
    a_error, errors = _bounds(equation, networks, coefficient)
    how = "bounds from the equation's residual in H^-1 and the interpolation in x, both at x between the nodes"
    trust = {name: Estimate(float(error), how) for name, error in zip(names, (a_error, *errors), strict=True)}
    estimates = tuple(map(float, errors)) if np.isfinite(errors).all() else None
    return CellSolution(coefficient, tuple(correctors), history, 0.0, estimates, slopes, trust=trust)


def _means(equation: Equation, networks: Sequence[Network], *, exact: bool) -> tuple[SlowCoefficient, Array, Array]:
    """a*(x) at Chebyshev nodes, its derivative there from the mixed derivatives of the networks, and the means of the χ_j.

    Args:
        equation: Gives a.
        networks: The χ_j.
        exact: Whether they are exactly periodic; a* is then taken from the energy (see `hybrid.pinn.solve_cell`).

    Returns:
        a*; ∂_k a*_ij at its nodes, (n, d, d, d) with k first; the means of χ_j over the cell, (n, d).
    """
    dim = equation.dim
    nodes = slow_nodes(equation.domain, nodes_for(equation))
    networks = [copy.deepcopy(network).cpu() for network in networks]
    fast, _ = sampling.periodic_grid(equation.period, CELLS[dim].slow_means, 0.0)
    varying = [k for k, s in enumerate(equation.slow) if s in equation.medium.matrix.free_symbols]
    operators = hessian_operators(2 * dim, [(k, dim + i) for k in varying for i in range(dim)])
    unit = torch.eye(dim, dtype=torch.float64)[:, :, None]
    values, slopes, means = [], [], []
    for node in nodes:
        joint = torch.cat([torch.tensor(node).expand(len(fast), dim), fast], dim=1)
        jet = torch.cat([network.evaluate(joint, operators) for network in networks], dim=2)
        strain = jet[1 + dim : 1 + 2 * dim].permute(0, 2, 1) + unit  # (k, j, n)
        changes = jet[1 + 2 * dim :].unflatten(0, (len(varying), dim)).permute(0, 1, 3, 2)
        a = matrix_at(equation, lambda e, joint=joint: tensor_at(equation, e, joint)).permute(1, 2, 0)  # type: ignore[misc]
        test = strain if exact else unit.expand(strain.shape)

        def mean(left: Tensor, middle: Tensor, right: Tensor) -> Tensor:
            return torch.einsum("kin,kln,ljn->ij", left, middle, right) / len(fast)

        slope = torch.zeros(dim, dim, dim, dtype=torch.float64)
        for k, change in zip(varying, changes, strict=True):
            steep = matrix_at(
                equation,
                lambda e, k=k, joint=joint: tensor_at(equation, sympy.diff(e, equation.slow[k]), joint),  # type: ignore[misc]
            )
            slope[k] = mean(test, steep.permute(1, 2, 0), strain) + mean(test, a, change)
            if exact:
                slope[k] += mean(change, a, strain)
        values.append(mean(test, a, strain).numpy())
        slopes.append(slope.numpy())
        means.append(jet[0].mean(0).numpy())
    coefficient = SlowCoefficient(tuple(equation.domain), nodes, np.stack(values))  # type: ignore[arg-type]
    return coefficient, np.stack(slopes), np.stack(means)


def _bounds(equation: Equation, networks: Sequence[Network], coefficient: SlowCoefficient) -> tuple[float, Array]:
    """Relative, of a*(x) the largest, of the χ_j in the mean square over x."""
    dim, at = equation.dim, probes(equation)
    # A coarser grid than for a function of y alone, as there are many x.
    counts = resolved_counts(cell_bandwidths(equation, at), CELLS[dim].slow_bounds, CELLS[dim].slow_bounds_most)
    fast, _ = sampling.periodic_grid(equation.period, counts, 0.0)
    worst, sizes, values = 0.0, np.zeros(dim), np.zeros(dim)
    for x in at:
        joint = torch.cat([torch.tensor(x).expand(len(fast), dim), fast], dim=1)
        jet = jets_of(networks, joint, gradient_only(2 * dim), dim)
        strains = jet[1 + dim :].permute(2, 1, 0) + torch.eye(dim, dtype=torch.float64)[:, None, :]
        a = matrix_at(equation, lambda e, joint=joint: tensor_at(equation, e, joint))  # type: ignore[misc]
        density = torch.einsum("kni,nij,lnj->nkl", strains, a, strains).numpy()
        energy = density.mean(0)
        found = distances(equation.period, counts, a, strains)
        off = relative_change(energy - coefficient(x[None])[0], energy)
        off += relative_change(np.diag([d.energy for d in found]) + subgrid_difference(density, counts), energy)
        worst = max(worst, off)
        value = jet[0].numpy()
        sizes += value.var(axis=0)
        values += [d.value**2 for d in found]
    own = np.sqrt(sizes / len(at))
    return worst + coefficient.truncation, np.sqrt(values / len(at)) / relative_to(own, equation)


def finish_product(
    equation: Equation, g: sympy.Expr, solution: CellSolution, networks: Sequence[Network]
) -> CellSolution:
    """a*(x) = g(x) b*, and the correctors of b as functions of x and y."""
    dim, star = equation.dim, solution.coefficient
    assert isinstance(star, np.ndarray)
    coefficient = ProductCoefficient.of(equation.domain, (g, star))
    correctors = tuple(
        Field(network, output, 2 * dim, shift=corrector.shift)
        for corrector, (network, output) in zip(solution.correctors, correctors_of(networks, dim), strict=True)
    )
    slopes = coefficient.gradient(coefficient.nodes)
    return replace(solution, coefficient=coefficient, correctors=correctors, slopes=slopes, bounds=None)


@dataclass(frozen=True)
class SlowShift:
    """Minus the mean over the cell, as a `Jet` of (x, y); values only."""

    mean: SlowCoefficient

    def __call__(self, points: Tensor, operators: Tensor) -> Tensor:
        """The jet (1, n, 1).

        Raises:
            NotImplementedError: Derivatives were asked for.
        """
        if operators.shape[-1]:
            raise NotImplementedError("derivatives of a corrector in both variables")
        dim = len(self.mean.domain)
        return -torch.as_tensor(self.mean(points[:, :dim].numpy()))[:, 0, 0][None, :, None]
