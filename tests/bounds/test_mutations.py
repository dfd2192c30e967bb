"""Mutations of r and τ: each term in turn dropped, turned round, or one per cent too large, and something notices.

A term that is changed by itself breaks one of the identities that make a bound a bound: E = ∇r, -div τ = -div(A ∇u_0), r = what
is drawn, r = 0 on ∂Ω. A function that is changed wherever it stands (a potential, a layer's flux) leaves the bound valid: what
notices is its size.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from mpi4py import MPI

import numpy as np
import pytest

from hybrid import EllipticProblem, fem
from hybrid.bounds.certificate import _Bound
from hybrid.bounds.reconstruction import Reconstruction
from hybrid.comparison import on_points
from hybrid.fluxes import Torus
from hybrid.symbols import cos, pi, sin, x, y

sys.path.insert(0, str(Path(__file__).parent))
from reconstructions import Sines, made_of_noise, zone_of

FACTORS = (0.0, -1.0, 1.01)
STENCIL = ((1, 3 / 4), (2, -3 / 20), (3, 1 / 60))
Terms = tuple[np.ndarray, np.ndarray, np.ndarray]


def _terms(made: Reconstruction, at: np.ndarray) -> Terms:
    """What ∇r, τ and r are sums of at a point: (d, M), (d, M), (K,)."""
    terms, _, _ = made.products(zone_of(made, at))
    slow = np.array([s.item() for s in terms.slow])
    values = [c.item() * v.item() for c, v in zip(terms.weights, terms.values, strict=True)]
    return slow * np.stack(terms.strains)[:, :, 0].T, slow * np.stack(terms.fluxes)[:, :, 0].T, np.array(values)


class Identities:
    """By how much the identities are broken at a point where each term is multiplied by a factor."""

    def __init__(self, made: Reconstruction, at: np.ndarray) -> None:
        dim, h = len(at), 1e-3 * made.equation.eps
        here = [at[i : i + 1] for i in range(dim)]
        self.strain, self.flux, self.value = _terms(made, at)
        self.drawn = made.on(here).item()
        self.balance = float((made.star * made.slow.jet(here).hessian.reshape(dim, dim)).sum())
        self.slope, self.divergence = np.zeros((dim, len(self.value))), np.zeros(self.flux.shape[1])
        for i in range(dim):
            for k, share in STENCIL:
                up, down = (_terms(made, at + s * k * h * np.eye(dim)[i]) for s in (1, -1))
                self.slope[i] += share * (up[2] - down[2]) / h
                self.divergence += share * (up[1][i] - down[1][i]) / h

    def broken(self, strain: np.ndarray, flux: np.ndarray, value: np.ndarray) -> float:
        """The largest of the three, from factors for the terms."""
        return max(
            float(np.abs(self.slope @ value - self.strain @ strain).max()), abs(float(self.divergence @ flux) - self.balance),
            abs(float(self.value @ value) - self.drawn),
        )  # fmt: skip

    def sizes(self) -> Iterator[tuple[str, int, float]]:
        """Every term of every sum, and how much it is there."""
        yield from (("strain", m, float(np.abs(self.strain[:, m]).max())) for m in range(self.strain.shape[1]))
        yield from (("flux", m, float(np.abs(self.flux[:, m]).max())) for m in range(self.flux.shape[1]))
        yield from (("value", k, abs(float(self.value[k]))) for k in range(len(self.value)))


@pytest.mark.parametrize(("dim", "periods", "count"), [(2, 5, 40), (3, 3, 40)])
def test_every_term_changed_by_itself_breaks_an_identity(dim: int, periods: int, count: int) -> None:
    """In a corner of the box, where layers of two faces, or a cutoff in all directions, are at work."""
    made = made_of_noise(dim, periods)
    rng = np.random.default_rng(1)
    points = [Identities(made, rng.uniform(0.1, 0.9, dim) / periods) for _ in range(2)]
    ones = {name: np.ones(getattr(points[0], name).shape[-1]) for name in ("strain", "flux", "value")}
    assert max(point.broken(**ones) for point in points) < 1e-6
    changed = 0
    for name, number, size in points[0].sizes():
        if size == 0:  # the term is one of the other sum
            continue
        changed += 1
        for factor in FACTORS:
            factors = {key: own.copy() for key, own in ones.items()}
            factors[name][number] = factor
            assert max(point.broken(**factors) for point in points) > 3e-6, (name, number, factor)
    assert changed == count


@functools.cache
def _good() -> tuple[EllipticProblem, Reconstruction]:
    """With correctors that are solved well, and u_0 for which ρ = 0."""
    a = 2 + sin(2 * pi * y[0]) * cos(2 * pi * y[1])
    star = 1.935359234812
    f = 2 * star * pi**2 * sin(pi * x[0]) * sin(pi * x[1])
    problem = EllipticProblem(domain=[(0, 1)] * 2, eps=1 / 3, a=a, f=f)
    cell = fem.solve_cell(problem, MPI.COMM_SELF, degree=3, cells=16, estimate=False)
    points = Torus((1.0, 1.0), (24, 24)).points()
    values = np.stack([on_points(chi, points).reshape(24, 24) for chi in cell.correctors])
    return problem, Reconstruction.of(problem.multiscale(), Sines((1, 1)), values, star * np.eye(2))


def _bound(made: Reconstruction) -> float:
    return _Bound(_good()[0], made).certificate(0.0).energy_bound


@functools.cache
def _unchanged() -> float:
    return _bound(_good()[1])


Change = Callable[[Reconstruction, float], Reconstruction]


def _layers(name: str) -> Change:
    return lambda made, c: replace(
        made, layers=[replace(layer, **{name: c * getattr(layer, name)}) for layer in made.layers]
    )


MUTANTS: dict[str, Change] = {
    "potentials of the cell": lambda made, c: replace(made, cell=replace(made.cell, psi=c * made.cell.psi)),
    "second order of the cell": lambda made, c: replace(made, cell=replace(made.cell, second=c * made.cell.second)),
    "potentials of the layers": _layers("potential"),
    "second order in the layers": _layers("second"),
    "the coefficient": lambda made, c: replace(made, star=c * made.star),
}


@pytest.mark.parametrize(
    ("name", "factor"),
    [
        pytest.param(name, c, marks=[] if (name, c) == ("potentials of the layers", 0.0) else pytest.mark.slow)
        for name in MUTANTS for c in (0.0, -1.0)
    ],
)  # fmt: skip
def test_a_function_changed_everywhere_widens_the_bound(name: str, factor: float) -> None:
    """And leaves it a bound: r is the same, so that its error is."""
    assert _bound(MUTANTS[name](_good()[1], factor)) > 1.005 * _unchanged()


@pytest.mark.parametrize("name", ["value", "tail"])
@pytest.mark.parametrize("factor", FACTORS)
def test_a_layer_changed_does_not_vanish_on_the_boundary(name: str, factor: float) -> None:
    made = made_of_noise(2, 3)
    axes = [np.linspace(0, 1, 31)] * 2
    for number in range(4):
        layers = list(made.layers)
        layers[number] = replace(layers[number], **{name: factor * getattr(layers[number], name)})
        values = replace(made, layers=layers).on(axes)
        edges = max(np.abs(np.take(values, end, axis=axis)).max() for axis in (0, 1) for end in (0, -1))
        assert edges > 1e-8 * np.abs(values).max()
