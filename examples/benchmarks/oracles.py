"""What random problems have as answers, by NumPy alone: nothing here is shared with what it is to check.

- 1D: -(a u')' = f integrates in closed form, u' = (c - F)/a, with a(x, x/ε) and with a*(x), the harmonic mean over the cell.
- Layers in 2D and 3D: with f = g(x_0) Π sin(k π x_i / L) the solution is U(x_0) Π sin(…), and U solves an ordinary differential
  equation, here by piecewise polynomials of degree 10 between all places where something jumps.
- Cells in 2D: Fourier's Galerkin method; checkerboards in closed form (Mortola, Steffé 1985; Craster, Obnosov
  2001).
- Reaction-diffusion in 1D: sine series, and the matrix exponential by eigenvectors.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.polynomial import legendre

Array = npt.NDArray[np.float64]
Function = Callable[[Array], Array]
TwoScale = Callable[[Array, Array], Array]
"""Of x and of y, which broadcast."""

_NODES, _WEIGHTS = legendre.leggauss(12)


def panels(low: float, high: float, breaks: Sequence[float], size: float) -> tuple[Array, Array]:
    """Gauss's points and weights, (panels, 12), on pieces no longer than `size` that no break cuts."""
    ends = [low, *sorted(b for b in set(breaks) if low < b < high), high]
    edges = [low]
    for a, b in itertools.pairwise(ends):
        if b - a > 1e-13 * (high - low):
            count = max(1, int(np.ceil((b - a) / size)))
            edges += list(a + (b - a) * np.arange(1, count + 1) / count)
    left, right = np.array(edges[:-1])[:, None], np.array(edges[1:])[:, None]
    return (left + right) / 2 + (right - left) / 2 * _NODES, (right - left) / 2 * _WEIGHTS


def _antiderivative() -> Array:
    """From values at the nodes to integrals from -1 to the nodes, (12, 12)."""
    to_series = np.linalg.inv(legendre.legvander(_NODES, len(_NODES) - 1))
    integrals = [legendre.legval(_NODES, legendre.legint(row, lbnd=-1)) for row in np.eye(len(_NODES))]
    return np.stack(integrals, axis=1) @ to_series


_INTEGRALS = _antiderivative()


def integrated(values: Array, weights: Array) -> Array:
    """The integral from the left end to every point, (panels, 12)."""
    half = weights.sum(1, keepdims=True) / 2
    inner = half * (values @ _INTEGRALS.T)
    whole = (values * weights).sum(1)
    return inner + np.concatenate([[0.0], np.cumsum(whole)[:-1]])[:, None]


def line(
    a: TwoScale, f: Function, length: float, eps: float, jumps: Sequence[float], slow_jumps: Sequence[float] = (),
    fine: int = 24,
) -> dict[str, Any]:  # fmt: skip
    """-(a(x, x/ε) u')' = f on [0, length], u = 0 at the ends; a has period 1 in y and jumps at `jumps` of the cell.

    "coefficient" is a*(x) as a function of places, (n,) -> (n,).
    """
    periods = np.arange(-1, length / eps + 1)
    breaks = [eps * (n + j) for n in periods for j in (0.0, *jumps)] + list(slow_jumps)
    x, w = panels(0.0, length, breaks, eps / fine)
    force = integrated(f(x), w)

    def solved(coefficient: Array) -> tuple[Array, Array]:
        """u and u'."""
        c = (force / coefficient * w).sum() / (w / coefficient).sum()
        slope = (c - force) / coefficient
        return integrated(slope, w), slope

    y, share = panels(0.0, 1.0, jumps, 1 / (4 * fine))
    flat, part = y.ravel(), share.ravel()
    star = np.empty_like(x)
    chi = np.empty_like(x)
    at = np.mod(x / eps, 1.0)
    for row in range(len(x)):  # every x has a cell of its own
        inverse = 1 / np.broadcast_to(a(x[row][:, None], flat[None]), (x.shape[1], flat.size))
        star[row] = 1 / (inverse @ part)
        primitive = np.stack([integrated(v.reshape(y.shape), share).ravel() for v in inverse])
        corrector = star[row][:, None] * primitive - flat
        corrector -= (corrector @ part)[:, None]
        chi[row] = [np.interp(s, flat, v) for s, v in zip(at[row], corrector)]
    u, _ = solved(a(x, at) + 0 * x)
    u0, slope = solved(star)

    def norm(v: Array) -> float:
        return float(np.sqrt((v**2 * w).sum()))

    def harmonic(places: Array) -> Array:
        return np.array([1 / ((1 / (a(np.array([[s]]), flat[None]) + 0 * flat))[0] @ part) for s in places])

    return {
        "e4": norm(u0 - u) / norm(u),
        "e5": norm(u0 + eps * chi * slope - u) / norm(u),
        "coefficient": harmonic,
    }


def layers(
    b: Function, c: Function, g: Function, length: float, eps: float, jumps: Sequence[float], rate: float,
    slow: Function | None = None, fine: int = 4,
) -> dict[str, float | Array]:  # fmt: skip
    """-∂_0( s b(x_0/ε) ∂_0 u ) - s c(x_0/ε) Σ_{i>0} ∂_ii u = g(x_0) Π_{i>0} sin(k_i π x_i / L), u = 0 on the boundary.

    `rate` is Σ (k_i π / L)², s the `slow` factor of x_0. The homogenized coefficient is
    s diag(harmonic mean of b, mean of c, …), with means over the cell.
    """
    slow = np.ones_like if slow is None else slow
    y, share = panels(0.0, 1.0, jumps, 1 / 256)
    harmonic = 1 / float((share / b(y)).sum())
    mean = float((share * c(y)).sum())
    periods = np.arange(-1, length / eps + 1)
    breaks = [eps * (n + j) for n in periods for j in (0.0, *jumps)]
    x, w = panels(0.0, length, breaks, eps / fine)
    at = np.mod(x / eps, 1.0)
    u = _ode(slow(x) * b(at), rate * slow(x) * c(at), g(x), w)
    u0 = _ode(slow(x) * harmonic + 0 * x, rate * slow(x) * mean + 0 * x, g(x), w)
    slope = slope_of(u0, w)
    corrector = harmonic * integrated(1 / b(y), share) - y
    corrector -= float((share * corrector).sum())
    chi = np.interp(at.ravel(), y.ravel(), corrector.ravel()).reshape(at.shape)

    def norm(v: Array) -> float:
        return float(np.sqrt((v**2 * w).sum()))

    return {
        "e4": norm(u0 - u) / norm(u),
        "e5": norm(u0 + eps * chi * slope - u) / norm(u),
        "coefficient": np.array([harmonic, mean]),
    }


_DEGREE = 10


def _shapes() -> tuple[Array, Array]:
    """Values and slopes at the nodes of a basis of each piece: the two hats, then bubbles; (degree + 1, 12)."""
    series = [[0.5, -0.5], [0.5, 0.5]]
    for k in range(2, _DEGREE + 1):
        bubble = np.zeros(k + 1)
        bubble[k], bubble[k - 2] = 1.0, -1.0
        series.append(list(bubble))
    values = np.stack([legendre.legval(_NODES, s) for s in series])
    slopes = np.stack([legendre.legval(_NODES, legendre.legder(s)) for s in series])
    return values, slopes


_VALUES, _SLOPES = _shapes()


def _ode(stiffness: Array, mass: Array, load: Array, w: Array) -> Array:
    """-(stiffness U')' + mass U = load with U = 0 at the ends; U at the points. Bubbles are eliminated piece by piece."""
    half = w.sum(1) / 2
    k = np.einsum("in,jn,pn->pij", _SLOPES, _SLOPES, stiffness * w) / half[:, None, None] ** 2
    k += np.einsum("in,jn,pn->pij", _VALUES, _VALUES, mass * w)
    f = np.einsum("in,pn->pi", _VALUES, load * w)
    inner = np.linalg.solve(k[:, 2:, 2:], np.concatenate([k[:, 2:, :2], f[:, 2:, None]], axis=2))
    ends = k[:, :2, :2] - k[:, :2, 2:] @ inner[:, :, :2]
    force = f[:, :2] - (k[:, :2, 2:] @ inner[:, :, 2:])[:, :, 0]
    n = len(w)
    total, right = np.zeros((n + 1, n + 1)), np.zeros(n + 1)
    for p in range(n):
        total[p : p + 2, p : p + 2] += ends[p]
        right[p : p + 2] += force[p]
    nodal = np.zeros(n + 1)
    nodal[1:-1] = np.linalg.solve(total[1:-1, 1:-1], right[1:-1])
    outer = np.stack([nodal[:-1], nodal[1:]], axis=1)
    bubbles = inner[:, :, 2] - np.einsum("pij,pj->pi", inner[:, :, :2], outer)
    return np.concatenate([outer, bubbles], axis=1) @ _VALUES


def slope_of(values: Array, w: Array) -> Array:
    """The derivative of a function that is smooth on every piece, from its values."""
    series = np.linalg.inv(legendre.legvander(_NODES, len(_NODES) - 1))
    derivative = np.stack([legendre.legval(_NODES, legendre.legder(row)) for row in np.eye(len(_NODES))], axis=1)
    return values @ (derivative @ series).T / (w.sum(1, keepdims=True) / 2)


def smooth_cell(a: Callable[[Array, Array], Array], count: int) -> Array:
    """a* of a smooth periodic coefficient on the unit square, a(y_0, y_1) of shape (2, 2, …), by Fourier's Galerkin method."""
    grid = np.arange(count) / count
    values = a(grid[:, None] + 0 * grid[None], grid[None] + 0 * grid[:, None])
    wave = 2j * np.pi * np.fft.fftfreq(count, 1 / count)
    k = np.stack(np.meshgrid(wave, wave, indexing="ij"))
    laplacian = -(k * k).sum(0).real
    laplacian[0, 0] = 1.0

    def gradient(u: Array) -> Array:
        return np.fft.ifft2(k * np.fft.fft2(u)).real

    def minus_divergence(flux: Array) -> Array:
        return -np.fft.ifft2((k * np.fft.fft2(flux)).sum(0)).real

    def strained(strain: Array) -> Array:
        return np.einsum("ij...,j...->i...", values, strain)

    columns = []
    for unit in np.eye(2)[:, :, None, None]:
        u, direction, before = np.zeros((count, count)), np.zeros((count, count)), np.inf
        residual = -minus_divergence(strained(unit + np.zeros((2, count, count))))
        first = None
        for _ in range(4000):
            z = np.fft.ifft2(np.fft.fft2(residual) / laplacian).real
            product = float((residual * z).sum())
            first = product if first is None else first
            if product <= 1e-26 * abs(first) or product <= 0:
                break
            direction = z + product / before * direction
            image = minus_divergence(strained(gradient(direction)))
            step = product / float((direction * image).sum())
            u, residual, before = u + step * direction, residual - step * image, product
        columns.append(strained(gradient(u) + unit).mean((1, 2)))
    return np.stack(columns, axis=1)


def four_phases(a: float, b: float, c: float, d: float) -> float:
    """a*_00 of the checkerboard of quarters a, b / d, c, with a and b in one column (Craster, Obnosov 2001)."""
    ratio = (a + b) * (c + d) / ((a + d) * (b + c))
    return float(np.sqrt(ratio * (a * b * c + a * b * d + a * c * d + b * c * d) / (a + b + c + d)))


def reaction_diffusion(
    D: float, r: Function, f: Function, u0: Function, length: float, eps: float, T: float, harmonics: int,
) -> dict[str, float]:  # fmt: skip
    """u_t - D u_xx + r(x/ε) u / ε = f(x) on [0, length], u = 0 at the ends, u = u0 at t = 0; all at t = T.

    `harmonics`: how many frequencies r has (period 1, mean zero).
    """
    periods = length / eps
    modes = min(int(5 * periods * harmonics) + 200, 1600)
    count = 4 * modes
    x = length * np.arange(1, count) / count  # sine series of products are exact to rounding on this grid
    k = np.arange(1, modes + 1)
    basis = np.sin(np.pi * np.outer(x, k) / length)
    project = 2 / count * basis.T
    stiffness = np.diag(D * (np.pi * k / length) ** 2)

    def at_end(reaction: Array) -> Array:
        operator = stiffness + project @ (reaction[:, None] * basis)
        rates, vectors = np.linalg.eigh((operator + operator.T) / 2)
        load, start = vectors.T @ (project @ f(x)), vectors.T @ (project @ u0(x))
        z = rates * T
        grown = np.where(np.abs(z) > 1e-12, -np.expm1(-z) / np.where(z == 0, 1, z), 1.0) * T
        return basis @ (vectors @ (np.exp(-z) * start + grown * load))

    y = np.arange(4096) / 4096
    transform = np.fft.fft(r(y)) / len(y)
    wave = 2 * np.pi * np.fft.fftfreq(len(y), 1 / len(y))
    inner = np.where(wave == 0, 0.0, -transform / np.where(wave == 0, 1.0, D * wave**2))  # D N'' = r
    star = float((np.conj(transform) * inner).sum().real)
    corrector = np.fft.ifft(inner * len(y)).real
    u = at_end(r(np.mod(x / eps, 1.0)) / eps)
    smooth = at_end(np.full_like(x, star))
    at = np.interp(np.mod(x / eps, 1.0), np.append(y, 1.0), np.append(corrector, corrector[0]))

    def norm(v: Array) -> float:
        return float(np.sqrt((v**2).sum()))

    return {
        "e4": norm(smooth - u) / norm(u),
        "e5": norm(smooth * (1 + eps * at) - u) / norm(u),
        "coefficient": star,
    }
