"""A guaranteed bound of the error of a reconstruction, without a fine mesh and without a fine solve (Prager and Synge 1947).

For r = 0 on ∂Ω and any τ with -div τ = f - ρ, φ = u_ε - r has

    ∫ ∇φ·a∇φ = ∫ ∇φ·(τ - a∇r) + ∫ ρ φ,    so that    ‖a^½ ∇φ‖ ≤ ‖a^-½ (τ - a∇r)‖ + a_min^-½ ‖w ρ‖

with ‖φ/w‖ ≤ ‖∇φ‖. r and τ are those of `hybrid.bounds.terms` (Repin, Samrowski, Sauter 2014 have such for homogenization).
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

from mpi4py import MPI

import numpy as np
import numpy.typing as npt

from dolfinx import fem

from hybrid.bounds.fields import COUNTS, CellFields
from hybrid.bounds.slow import OfFiniteElements, OfNetwork, Slow, friedrichs, hardy
from hybrid.bounds.terms import Cutoff, Products, products
from hybrid.bounds.twoscale import Line, contracted, gram, moments
from hybrid.comparison.transfer import Comparable, function_of, on_points
from hybrid.equation import Equation
from hybrid.failures import InputError
from hybrid.fluxes import Torus
from hybrid.parallel import on_root
from hybrid.physics import Problem
from hybrid.pinn.functions.field import Field
from hybrid.symbols import coordinates, evaluate

Array = npt.NDArray[np.float64]

_NODES = {1: ((20, 32), (16, 26)), 2: ((12, 22), (10, 18)), 3: ((7, 12), (6, 10))}
"""Points of a panel, and of one at the boundary: for the number, and for what its quadrature may be off by."""
_POWERS = {1: (1, 12), 2: (1, 8), 3: (1, 4)}
"""Of the cutoff: as steep as its polynomials can be integrated."""
_ROUNDING = 1e-14
"""Of the sum of the sizes of what is added up."""


@dataclass(frozen=True)
class Certificate:
    """How far a reconstruction may be from u_ε at the most, relative to u_ε.

    Attributes:
        energy_bound: Of ‖a^½ ∇(u_ε - r)‖ / ‖a^½ ∇u_ε‖.
        l2_bound: Of ‖u_ε - r‖ / ‖u_ε‖.
        absolute: ‖a^½ ∇(u_ε - r)‖ itself.
        flux: The part of `absolute` from τ - a∇r.
        balance: That from ρ.
        quadrature: The part of `absolute` that is there for the quadrature in x, estimated from a coarser one.
        rounding: That for rounding.
        exact: Whether means over the cell are exact but for frequencies of a and a⁻¹ below 1e-13.
        seconds: Wall time.
        reconstruction: r.
    """

    energy_bound: float
    l2_bound: float
    absolute: float
    flux: float
    balance: float
    quadrature: float
    rounding: float
    exact: bool
    seconds: float
    reconstruction: Reconstruction

    @property
    def up_to(self) -> dict[str, str]:
        """What is not proved, in words."""
        cell = (
            "means over the cell are exact for the frequencies of a and 1/a above 1e-13 of the largest"
            if self.exact
            else "means over the cell by two grids, as a is too steep for one that resolves it"
        )
        return {
            "quadrature": f"integrals over x by polynomials on panels, with as much again as a coarser rule differs: "
            f"{self.quadrature:.1e} of the bound {self.absolute:.3e}; {cell}",
            "rounding": f"{self.rounding:.1e} of it is for rounding; no interval arithmetic",
        }


@dataclass(frozen=True)
class Reconstruction:
    """r = u_0 + ε η χ_j(x/ε) ∂_j u_0."""

    equation: Equation
    slow: Slow
    cell: CellFields
    cutoff: Cutoff

    @property
    def steps(self) -> list[float]:
        """ε times the cell."""
        return [self.equation.eps * p for p in self.equation.period]

    def on(self, axes: Sequence[Array]) -> Array:
        """Its values on a tensor grid of coordinates, (n_1, …)."""
        eta, _ = self.cutoff.on(axes, self.equation.domain, self.steps)
        jet = self.slow.jet(axes)
        chi = self.cell.at([axis / self.equation.eps for axis in axes])
        return np.asarray(jet.value + self.equation.eps * eta * (chi * jet.slope).sum(axis=0))


def certify(problem: Problem, u0: Comparable, correctors: Sequence[fem.Function | Field], coefficient: npt.ArrayLike,
            comm: MPI.Comm) -> Certificate:  # fmt: skip
    """Bound the errors of u_0 + ε η χ_j(x/ε) ∂_j u_0, with η = 1 but in the last period before the boundary, where it falls to zero.

    What is given need not be exact: what is wrong makes the bound larger, and never wrong. Collective.

    Args:
        problem: An elliptic one; a is symmetric, depends on y alone and does not jump, and ε cuts Ω into whole periods.
        u0: The homogenized solution, by networks or finite elements, zero on the boundary.
        correctors: The χ_j of either path, periodic.
        coefficient: a* of either path, (d, d).
        comm: The ranks; one of them computes.

    Raises:
        InputError: A problem of another kind.
        SolverError: u_0 does not vanish on the boundary.
    """
    start = time.perf_counter()
    equation = checked(problem)
    domain, function = equation.domain, function_of(u0)
    slow: Slow = OfNetwork(function, domain) if isinstance(function, Field) else OfFiniteElements(function, domain)
    counts = [COUNTS[equation.dim] if s in equation.medium.matrix.free_symbols else 1 for s in equation.fast]
    points = Torus(equation.period, counts).points()
    values = np.stack([on_points(chi, points).reshape(counts) for chi in correctors])
    star = np.asarray(coefficient, dtype=float)
    return on_root(comm, lambda: _Bound(equation, problem, slow, values, star).certificate(start))


def checked(problem: Problem) -> Equation:
    """The cell problems of a problem that bounds are found for.

    Raises:
        InputError: It is another one.
    """
    equation, multiscale = problem.cell_problems(), problem.multiscale()
    if not equation.driven_by_fluxes or multiscale.time is not None or multiscale.reaction is not None:
        raise InputError("kind", f"{problem.kind!r}; bounds of errors are found for elliptic problems")
    if equation.flux.depends_on:
        raise InputError("a", "it depends on x; bounds of errors are found for an a of y alone")
    if equation.flux.interfaces:
        raise InputError("a", "it jumps; bounds of errors are found for an a without jumps")
    for (low, high), p in zip(equation.domain, equation.period, strict=True):
        Line.of(low, high, equation.eps * p, 1, 1)
    return equation


class _Bound:
    """What it takes to compute one."""

    def __init__(self, equation: Equation, problem: Problem, slow: Slow, correctors: Array, star: Array) -> None:
        self.equation, self.problem, self.slow, self.star = equation, problem, slow, (star + star.T) / 2
        self.cell = CellFields.of(equation, correctors)
        self.dim, self.eps = equation.dim, equation.eps
        self.fast = self.cell.on_grid([low / equation.eps for low, _ in equation.domain])
        self.inverse = np.linalg.inv(self.fast.a)
        # η is about 1 - exp(-n t): steep enough for what it costs to turn χ_j off against what it costs to be without.
        size, slope = (self.fast.chi**2).sum(), (self.fast.slopes**2).sum()
        least, most = _POWERS[self.dim]
        powers = [int(np.clip(round(p * math.sqrt(slope / max(size, 1e-300))), least, most)) for p in equation.period]
        self.reconstruction = Reconstruction(equation, slow, self.cell, Cutoff(powers))

    def certificate(self, start: float) -> Certificate:
        """The bound, from two quadratures."""
        fine, rough = (self._integrals(*nodes) for nodes in _NODES[self.dim])
        off = np.abs(fine - rough)
        flux2, rho2, size2, power, value2, source2, rounding = fine
        margin = _ROUNDING * rounding
        lowest = self.cell.lowest
        flux, balance = math.sqrt(flux2 + off[0] + margin), math.sqrt((rho2 + off[1]) / lowest)
        plain = math.sqrt(max(flux2, 0.0)) + math.sqrt(max(rho2, 0.0) / lowest)
        rounded = math.sqrt(max(flux2, 0.0) + margin) - math.sqrt(max(flux2, 0.0))
        bound = flux + balance
        # ‖u_ε‖ in energy from below: by the triangle, and as (f, r) = ∫ ∇u_ε·a∇r.
        energy = math.sqrt(size2 + off[2] + margin)
        least = max(math.sqrt(max(size2 - off[2] - margin, 0.0)) - bound, (abs(power) - off[3]) / energy, 0.0)
        in_l2 = friedrichs(self.equation.domain) / math.sqrt(lowest) * bound
        smallest = max(math.sqrt(max(value2 - off[4], 0.0)) - in_l2, least**2 / math.sqrt(source2 + off[5]))
        return Certificate(
            _ratio(bound, least), _ratio(in_l2, smallest), bound, flux, balance, max(bound - plain - rounded, 0.0), rounded,
            self.cell.exact, time.perf_counter() - start, self.reconstruction,
        )  # fmt: skip

    def _integrals(self, inner: int, outer: int) -> Array:
        """∫ of |a^-½ (τ - a∇r)|², (w ρ)², ∇r·a∇r, f r, r², f², and the sum of the sizes of all that is added up in the first and
        third."""
        equation = self.equation
        steps = self.reconstruction.steps
        lines = [Line.of(low, high, step, inner, outer) for (low, high), step in zip(equation.domain, steps, strict=True)]
        axes = [line.nodes for line in lines]
        eta, slopes = self.reconstruction.cutoff.on(axes, equation.domain, steps)
        jet = self.slow.jet(axes)
        terms = products(jet, eta, slopes, self.fast, self.star, self.eps)
        source = self._source(axes)
        rho = source + np.einsum("ij,ij...->...", self.star, jet.hessian)
        plain = _weights(lines)
        flux, rounding = self._flux(lines, terms)
        stress = np.einsum("nij,mjn->min", self.fast.a, terms.strains)
        energies = gram(lines, terms.slow, self._grids(terms.strains), self._grids(stress))
        squares = gram(lines, terms.weights, self._grids(terms.values[:, None]), self._grids(terms.values[:, None]))
        tables = [moments(n, line.table.shape[1]) for n, line in zip(self.cell.torus.counts, lines, strict=True)]
        power = sum(
            contracted(lines, tables, source * c, v.reshape(self.cell.torus.counts))
            for c, v in zip(terms.weights, terms.values, strict=True)
        )
        return np.array([
            flux, (plain * hardy(equation.domain, axes) * rho**2).sum(), energies.sum(), power, squares.sum(),
            (plain * source**2).sum(), rounding + np.abs(energies).sum(),
        ])  # fmt: skip

    def _flux(self, lines: Sequence[Line], terms: Products) -> tuple[float, float]:
        """∫ |a^-½ (τ - a∇r)|², and the sum of the sizes of what is added up. In one dimension τ is known up to a constant."""
        off = terms.fluxes - np.einsum("nij,mjn->min", self.fast.a, terms.strains)
        slow = terms.slow
        if self.dim == 1:
            off = np.concatenate([off, np.ones((1, *off.shape[1:]))])
            slow = np.concatenate([slow, np.ones((1, *slow.shape[1:]))])
        dual = np.einsum("nij,mjn->min", self.inverse, off)
        table = gram(lines, slow, self._grids(off), self._grids(dual))
        if self.dim > 1:
            return float(table.sum()), float(np.abs(table).sum())
        inner, mixed, own = table[:-1, :-1].sum(), table[-1, :-1].sum(), table[-1, -1]
        return float(inner - mixed**2 / own), float(np.abs(table[:-1]).sum())

    def _grids(self, rows: Array) -> Array:
        return rows.reshape(*rows.shape[:-1], *self.cell.torus.counts)

    def _source(self, axes: Sequence[Array]) -> Array:
        points = np.stack([g.ravel() for g in np.meshgrid(*axes, indexing="ij")], axis=1)
        (load,) = self.problem.multiscale().loads
        values = np.broadcast_to(evaluate(load.source, coordinates(self.equation.slow, points)), len(points))
        return np.asarray(values, dtype=float).reshape([len(axis) for axis in axes])


def _weights(lines: Sequence[Line]) -> Array:
    found = np.ones(())
    for line in lines:
        found = np.multiply.outer(found, line.weights)
    return found


def _ratio(one: float, other: float) -> float:
    return one / other if other > 0 else math.inf


