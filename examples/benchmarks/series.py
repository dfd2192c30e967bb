"""Homogenized equations of the paper by series: the references that the benchmarks measure errors against."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def homogenized_2d(x: Array, y: Array, a: float, terms: int = 4000) -> Array:
    """The solution of -a Δu = sin(x) + cos(y) on the unit square, u = 0 on its boundary, at the points of a grid.

    u = Σ_k g_k(y) sin(kπx), where -a (g_k'' - (kπ)² g_k) = s_k + c_k cos(y), g_k(0) = g_k(1) = 0, has a solution in closed
    form; s_k and c_k are the sine coefficients of sin(x) and of 1. The terms fall like k^-3, so that the sum is
    good to about terms^-2.5.

    Args:
        x: Coordinates, (n,).
        y: Coordinates, (m,).
        a: The coefficient.
        terms: How many.

    Returns:
        u, (n, m).
    """
    k = np.arange(1, terms + 1)[:, None]
    w = np.pi * k
    sign = np.where(k % 2 == 0, 1.0, -1.0)
    s = -2 * w * sign * np.sin(1.0) / (w**2 - 1)
    c = 2 * (1 - sign) / w

    def particular(t: Array | float) -> Array:
        return s / (a * w**2) + c * np.cos(t) / (a * (w**2 + 1))

    below, above = particular(0.0), particular(1.0)
    far = np.exp(-w)  # sinh(w t) / sinh(w) without overflow
    rise = (np.exp(-w * (1 - y)) - np.exp(-w * (1 + y))) / (1 - far**2)
    fall = (np.exp(-w * y) - np.exp(-w * (2 - y))) / (1 - far**2)
    g = particular(y[None]) - below * fall - above * rise
    return np.asarray(np.sin(w * x[None]).T @ g)


def reaction_diffusion(x: Array, r: float, terms: int = 20000) -> Array:
    """The solution at t = 1 of u_t - 2 u_xx + r u = sin(2πx) on (-π, π), u = 0 at the ends and 0.01 sin(x) at the beginning.

    u = Σ_k u_k(t) sin(k (x + π) / 2), and each u_k solves an ordinary differential equation with a constant source f_k, the
    sine coefficient of sin(2πx), that falls like 1/k; so the terms fall like k^-3.

    Args:
        x: Coordinates, (n,).
        r: r*.
        terms: How many.

    Returns:
        u, (n,).
    """
    k = np.arange(1, terms + 1) / 2
    w, length = 2 * np.pi, 2 * np.pi

    def sine(a: Array) -> Array:
        return np.sin(a * length) / a

    def cosine(a: Array) -> Array:
        return (1 - np.cos(a * length)) / a

    f = np.cos(w * np.pi) * (sine(w - k) - sine(w + k)) - np.sin(w * np.pi) * (cosine(k + w) + cosine(k - w))
    f /= length
    rate = 2 * k**2 + r
    u = f * -np.expm1(-rate) / rate
    u[1] -= 0.01 * np.exp(-rate[1])  # sin(x + π) = -sin(x)
    return np.asarray(np.sin(np.outer(x + np.pi, k)) @ u)
