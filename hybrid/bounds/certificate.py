"""A guaranteed bound of the error of a reconstruction, without a fine mesh and without a fine solve (Prager and Synge 1947).

For r = 0 on ∂Ω and any τ with -div τ = f - ρ, φ = u_ε - r has

    ∫ ∇φ·a∇φ = ∫ ∇φ·(τ - a∇r) + ∫ ρ φ,    so that    ‖a^½ ∇φ‖ ≤ ‖a^-½ (τ - a∇r)‖ + a_min^-½ ‖w ρ‖

with ‖φ/w‖ ≤ ‖∇φ‖. r and τ are those of `hybrid.bounds.terms` (Repin, Samrowski, Sauter 2014 have such for homogenization).
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from mpi4py import MPI

import numpy as np
import numpy.typing as npt

from dolfinx import fem

from hybrid.bounds.line import LineReconstruction
from hybrid.bounds.reconstruction import Reconstruction
from hybrid.bounds.scope import checked
from hybrid.bounds.sizes import SIZES
from hybrid.bounds.slow import OfFiniteElements, OfNetwork, Slow, friedrichs, hardy
from hybrid.bounds.twoscale import Piece, Rule, contracted, gram, pieces
from hybrid.clock import clock
from hybrid.comparison.transfer import Comparable, function_of, on_points
from hybrid.fem.meshes.fitted import domain_planes
from hybrid.fluxes import Torus
from hybrid.lines import Line
from hybrid.parallel import on_root
from hybrid.physics import Problem
from hybrid.pinn.functions.field import Field
from hybrid.symbols import coordinates, evaluate

Array = npt.NDArray[np.float64]

_ROUNDING = 1e-14
"""Of the sum of the sizes of what is added up."""


@dataclass(frozen=True)
class Certificate:
    """How far a reconstruction r may be from u_ε at the most, relative to u_ε.

    Attributes:
        energy_bound: Of ‖a^½ ∇(u_ε - r)‖ / ‖a^½ ∇u_ε‖.
        l2_bound: Of ‖u_ε - r‖ / ‖u_ε‖.
        absolute: ‖a^½ ∇(u_ε - r)‖ itself.
        flux: The part of `absolute` from τ - a∇r.
        balance: That from ρ.
        quadrature: The part of `absolute` that is there for the quadrature in x, estimated from a coarser one.
        rounding: That for rounding.
        exact: Whether means over the cell are exact but for frequencies of a and a⁻¹ below 1e-13; None where there are none.
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
    exact: bool | None
    seconds: float
    reconstruction: Reconstruction | LineReconstruction

    @property
    def up_to(self) -> dict[str, str]:
        """What is not proved, in words."""
        cell = {
            True: "; means over the cell are exact for the frequencies of a and 1/a above 1e-13 of the largest",
            False: "; means over the cell on one grid, as a is too steep for one that resolves it",
            None: "",
        }[self.exact]
        return {
            "quadrature": f"integrals over x by polynomials on panels, with as much again as a coarser rule differs: "
            f"{self.quadrature:.1e} of the bound {self.absolute:.3e}{cell}",
            "rounding": f"{self.rounding:.1e} of it is for rounding; no interval arithmetic",
        }


def certify(
    problem: Problem,
    u0: Comparable,
    correctors: Sequence[fem.Function | Field | Line],
    coefficient: npt.ArrayLike,
    comm: MPI.Comm,
) -> Certificate:
    """Bound the errors of the reconstruction from u_0 and the χ_j, of `hybrid.bounds.terms`: r = u_0 + ε χ_j(x/ε) ∂_j u_0 with
    what makes it zero on ∂Ω, layers in the plane.

    What is given need not be exact: what is wrong makes the bound larger, and never wrong. Collective.

    Args:
        problem: An elliptic one; a is symmetric, depends on y alone and does not jump, and ε cuts Ω into whole periods.
        u0: The homogenized solution, by networks or finite elements, zero on the boundary.
        correctors: The χ_j of either path, periodic; on a line a `Line` of finite elements where it depends on x.
        coefficient: a* of either path, (d, d).
        comm: The ranks; one of them computes.

    Raises:
        InputError: A problem of another kind.
        SolverError: u_0 does not vanish on the boundary.
    """
    start = clock()
    equation = checked(problem)
    if equation.is_line:
        return _on_a_line(problem, u0, correctors, start)
    domain, function = equation.domain, function_of(u0)
    slow: Slow = OfNetwork(function, domain) if isinstance(function, Field) else OfFiniteElements(function, domain)
    counts = [SIZES[equation.dim].correctors if s in equation.medium.matrix.free_symbols else 1 for s in equation.fast]
    points = Torus(equation.period, counts).points()
    values = np.stack([on_points(chi, points).reshape(counts) for chi in correctors])
    star = np.asarray(coefficient, dtype=float)
    star = (star + star.T) / 2
    return on_root(
        comm, lambda: _Bound(problem, Reconstruction.of(equation, slow, values, star)).certificate(start)
    )  # fmt: skip


def _on_a_line(
    problem: Problem, u0: Comparable, correctors: Sequence[fem.Function | Field | Line], start: float
) -> Certificate:
    """The errors themselves; collective."""
    equation, function = problem.multiscale(), function_of(u0)
    slow: Slow = (OfNetwork if isinstance(function, Field) else OfFiniteElements)(function, equation.domain)
    (chi,), (period,) = correctors, equation.period

    def r(x: Array) -> Array:
        jet = slow.jet([x])
        y = np.mod(x / equation.eps, period)
        if isinstance(chi, Line):
            values = chi.at(x, y)
        else:
            pairs = isinstance(chi, Field) and chi.dim > equation.dim
            values = on_points(chi, np.stack([x, y], axis=1) if pairs else y[:, None])
        return np.asarray(jet.value + equation.eps * values * jet.slope[0])

    made = LineReconstruction.of(equation, domain_planes(equation)[0], r)
    fine, rough = (made.errors(rule.inner) for rule in SIZES[equation.dim].rules)
    off = np.abs(fine - rough)
    (energy, in_l2, size, value), margin = fine, _ROUNDING * fine[2]
    bound = energy + off[0] + margin
    return Certificate(
        _ratio(bound, size - off[2] - margin), _ratio(in_l2 + off[1] + _ROUNDING * value, value - off[3]), bound, energy, 0.0,
        float(off[0]), margin, None, clock() - start, made,
    )  # fmt: skip


class _Bound:
    """What it takes to compute one."""

    def __init__(self, problem: Problem, reconstruction: Reconstruction) -> None:
        self.problem, self.reconstruction = problem, reconstruction
        self.equation, self.cell = reconstruction.equation, reconstruction.cell

    def certificate(self, start: float) -> Certificate:
        """The bound, from two quadratures."""
        fine, rough = (self._integrals(rule) for rule in SIZES[self.equation.dim].rules)
        off = np.abs(fine - rough)
        flux2, rho2, size2, power, value2, source2, rounding = fine
        margin, lowest = _ROUNDING * rounding, self.cell.lowest
        proved = math.sqrt(max(flux2, 0.0)) + math.sqrt(max(rho2, 0.0) / lowest)
        rounded = math.sqrt(max(flux2, 0.0) + margin) - math.sqrt(max(flux2, 0.0))
        flux, balance = math.sqrt(max(flux2, 0.0) + off[0] + margin), math.sqrt((rho2 + off[1]) / lowest)
        bound = flux + balance
        # ‖u_ε‖ in energy from below: by the triangle, and from (f, r) = ∫ ∇u_ε·a∇r.
        energy = math.sqrt(size2 + off[2] + margin)
        least = max(math.sqrt(max(size2 - off[2] - margin, 0.0)) - bound, (abs(power) - off[3]) / energy, 0.0)
        in_l2 = friedrichs(self.equation.domain) / math.sqrt(lowest) * bound
        smallest = max(math.sqrt(max(value2 - off[4], 0.0)) - in_l2, least**2 / math.sqrt(source2 + off[5]))
        return Certificate(
            _ratio(bound, least), _ratio(in_l2, smallest), bound, flux, balance, max(bound - proved - rounded, 0.0), rounded,
            self.cell.exact, clock() - start, self.reconstruction,
        )  # fmt: skip

    def _integrals(self, rule: Rule) -> Array:
        """∫ of |a^-½ (τ - a∇r)|², (w ρ)², ∇r·a∇r, f r, r², f², and the sum of the sizes of all that is added up in the first
        and third."""
        equation, made = self.equation, self.reconstruction
        depth = made.layers[0].depth if made.layers else 0
        lines = [
            pieces(low, high, step, count, rule, depth)
            for (low, high), step, count in zip(equation.domain, made.steps, self.cell.torus.counts, strict=True)
        ]
        return np.asarray(sum(self._of_zone(zone) for zone in itertools.product(*lines)))

    def _of_zone(self, zone: Sequence[Piece]) -> Array:
        """The same over a zone."""
        equation, axes = self.equation, [piece.nodes for piece in zone]
        terms, fast, jet = self.reconstruction.products(zone)
        grid = [len(piece.places) for piece in zone]

        def on_grid(rows: Sequence[Array] | Array) -> Array:
            table = np.asarray(rows)
            return table.reshape(*table.shape[:-1], *grid)

        slow, strains = np.stack(terms.slow), np.stack(terms.strains)
        stress = np.einsum("nij,mjn->min", fast.a, strains)
        off = np.stack(terms.fluxes) - stress
        dual = np.einsum("nij,mjn->min", np.linalg.inv(fast.a), off)
        table = gram(zone, slow, on_grid(off), on_grid(dual))
        energies = gram(zone, slow, on_grid(strains), on_grid(stress))
        values = on_grid(np.stack(terms.values)[:, None])
        squares = gram(zone, np.stack(terms.weights), values, values)
        source = self._source(axes)
        power = sum(
            contracted(zone, source * c, v[0]) for c, v in zip(terms.weights, values, strict=True)
        )  # fmt: skip
        rho = source + np.einsum("ij,ij...->...", self.reconstruction.star, jet.hessian)
        plain = functools.reduce(np.multiply.outer, [piece.weights for piece in zone])
        balance = (plain * hardy(equation.domain, axes) * rho**2).sum()
        sizes = np.abs(table).sum() + np.abs(energies).sum()
        return np.array([table.sum(), balance, energies.sum(), power, squares.sum(), (plain * source**2).sum(), sizes])

    def _source(self, axes: Sequence[Array]) -> Array:
        points = np.stack([g.ravel() for g in np.meshgrid(*axes, indexing="ij")], axis=1)
        (load,) = self.problem.multiscale().loads
        values = np.broadcast_to(evaluate(load.source, coordinates(self.equation.slow, points)), len(points))
        return np.asarray(values, dtype=float).reshape([len(axis) for axis in axes])


def _ratio(one: float, other: float) -> float:
    return one / other if other > 0 else math.inf
