"""Bounds of a* from any correctors: closed forms, and functions that are no correctors at all."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from hybrid import EllipticProblem
from hybrid.equation import Equation
from hybrid.fluxes import Torus, grids, matrix_on, two_sided
from hybrid.symbols import cos, pi, sin, y


def _cell(a: object, dim: int, **more: object) -> Equation:
    return EllipticProblem(domain=[(0, 1)] * dim, eps=1 / 8, a=a, f=1, **more).cell_problems()


def _laminate(dim: int, *, exact: bool = True) -> tuple[Equation, np.ndarray, np.ndarray]:
    """1/a = 1 + cos(2π y_0)/2: χ_0 = sin(2π y_0)/(4π), a* = diag(1, 2/√3, …)."""
    equation = _cell(1 / (1 + cos(2 * pi * y[0]) / 2), dim)
    torus = Torus(equation.period, (32, *(4,) * (dim - 1)))
    chi = np.zeros((dim, *torus.counts))
    chi[0] = (np.sin(2 * np.pi * torus.points()[:, 0]) / (4 * np.pi)).reshape(torus.counts) * exact
    return equation, chi, np.diag([1.0, *(2 / math.sqrt(3),) * (dim - 1)])


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_exact_correctors_leave_rounding(dim: int) -> None:
    equation, chi, star = _laminate(dim)
    found = two_sided(equation, chi)
    assert found.exact
    assert np.linalg.eigvalsh(found.upper - star).min() > 0
    assert np.linalg.eigvalsh(star - found.lower).min() > 0
    assert np.abs(found.upper - found.lower).max() < 5e-12


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_without_correctors_there_are_means_of_voigt_and_reuss(dim: int) -> None:
    """In one dimension a flux without divergence is constant, and so the lower bound exact whatever the corrector."""
    equation, chi, star = _laminate(dim, exact=False)
    found = two_sided(equation, chi)
    assert found.upper == pytest.approx(2 / math.sqrt(3) * np.eye(dim), abs=3e-12)
    assert np.diag(found.lower)[0] == pytest.approx(
        1.0, abs=3e-12
    )  # layers: the flux across them is their harmonic mean
    assert np.linalg.eigvalsh(star - found.lower).min() > -1e-13


def test_a_flux_is_its_mean_and_a_curl_and_a_gradient() -> None:
    for dim, counts in ((2, (10, 12)), (3, (6, 8, 9))):
        torus = Torus((1.0, 2.0, 0.5)[:dim], counts)
        flux = np.random.default_rng(dim).standard_normal((dim, *counts))
        series = torus.cut(torus.series(flux), [2] * dim)
        curl = torus.curl(torus.potential(series))
        assert np.abs((torus.wave * curl).sum(axis=0)).max() < 1e-13
        rest = series - curl
        rest[(slice(None), *(0,) * dim)] = 0
        assert np.abs(torus.curl(torus.potential(rest))).max() < 1e-13


@pytest.mark.parametrize("seed", [1, 3, *(pytest.param(k, marks=pytest.mark.slow) for k in range(4, 102))])
def test_all_bounds_of_a_random_medium_hold_for_all_others(
    seed: int, random_medium: Callable[[int], tuple[object, int]]
) -> None:
    """Each lower bound is below each upper one: those of good correctors, of noise, and of none."""
    a, dim = random_medium(seed)
    equation = _cell(a, dim)
    torus = Torus(equation.period, {2: (48, 48), 3: (12, 12, 12)}[dim])
    rng = np.random.default_rng(seed)
    smooth = torus.values(torus.cut(torus.series(rng.standard_normal((dim, *torus.counts))), [2] * dim)) / 10
    found = [two_sided(equation, chi) for chi in (0 * smooth, smooth, rng.standard_normal(smooth.shape) / 50)]
    found.append(two_sided(equation, _solved(equation, torus)))
    gaps = [np.linalg.eigvalsh(one.upper - other.lower).min() for one in found for other in found]
    assert min(gaps) > 0
    assert np.linalg.norm(found[-1].upper - found[-1].lower, 2) < (1e-4 if dim == 2 else 0.3)


def _solved(equation: Equation, torus: Torus) -> np.ndarray:
    """Correctors by conjugate gradients among trigonometric polynomials, an arithmetic of its own."""
    dim, a = equation.dim, matrix_on(equation, torus.points())
    bands = [(n - 1) // 2 for n in torus.counts]

    def times(strain: np.ndarray) -> np.ndarray:
        flux = np.einsum("nij,jn->in", a, strain.reshape(dim, -1)).reshape(strain.shape)
        series = torus.cut(torus.series(flux), bands)
        return np.asarray((torus.wave * series).sum(axis=0) * -1j)

    found = []
    for k in range(dim):
        unit = np.zeros((dim, *torus.counts))
        unit[k] = 1.0
        chi, residual = np.zeros(torus.counts, dtype=complex), -times(unit)
        direction = residual / torus.square
        size = np.vdot(residual, direction).real
        for _ in range(200):
            if size < 1e-24:
                break
            image = times(torus.values(torus.gradient(direction)))
            step = size / np.vdot(direction, image).real
            chi, residual = chi + step * direction, residual - step * image
            ahead = residual / torus.square
            size, before = np.vdot(residual, ahead).real, size
            direction = ahead + size / before * direction
        found.append(torus.values(chi))
    return np.stack(found)


def test_what_the_grid_cannot_hold_has_a_margin() -> None:
    """a* = √(4 - t²) across layers of 2 + t sin, whose inverse is a narrow peak."""
    for t in (1.9, 1.9999999):
        equation = _cell(2 + t * sin(2 * pi * y[0]), 1)
        found = two_sided(equation, np.zeros((1, 64)))
        assert found.lower[0, 0] < math.sqrt(4 - t * t) < found.upper[0, 0]
    assert grids(equation, (64,))[2] is False
