"""Coefficients a(x, y) = g(x) b(y): the correctors do not depend on x at all, and a*(x) = g(x) b*."""

from __future__ import annotations

import functools

import numpy as np
import sympy

from hybrid.problems import EllipticProblem
from hybrid.symbols import evaluate


@functools.lru_cache(maxsize=32)
def separated(problem: EllipticProblem) -> tuple[sympy.Expr, EllipticProblem] | None:
    """g, which is one at some x, and the problem with b in place of a; None where a is not such a product.

    Whether it is one is seen from its values at seeded points, to rounding.
    """
    if not problem.depends_on_slow:
        return None
    dim, generator = problem.dim, np.random.default_rng(7)
    low, high = np.asarray(problem.domain).T
    x = low + (high - low) * np.vstack([np.full(dim, 0.4142135), generator.random((24, dim))])
    y = generator.random((64, dim)) * np.asarray(problem.period)
    joint = dict(
        zip((*problem.slow, *problem.fast), np.hstack([np.repeat(x, 64, 0), np.tile(y, (25, 1))]).T, strict=True)
    )
    table = np.empty((25, 64, dim, dim))
    with np.errstate(all="ignore"):
        for i in range(dim):
            for j in range(dim):
                table[..., i, j] = np.broadcast_to(evaluate(problem.matrix[i, j], joint), 25 * 64).reshape(25, 64)
    trace = np.trace(table, axis1=2, axis2=3)
    factor = trace[:, 0] / trace[0, 0]
    off = np.abs(table - factor[:, None, None, None] * table[0]).max(axis=(1, 2, 3))
    if not (off <= 1e-13 * np.abs(table).max(axis=(1, 2, 3))).all():
        return None
    here = dict(zip(problem.slow, map(sympy.Float, x[0].tolist()), strict=True))
    there = dict(zip(problem.fast, map(sympy.Float, y[0].tolist()), strict=True))
    g = problem.matrix.trace().subs(there) / sympy.Float(float(trace[0, 0]))
    base = EllipticProblem(
        problem.domain, problem.eps, problem.matrix.subs(here), problem.f, period=problem.period, name=problem.name
    )
    return g, base
