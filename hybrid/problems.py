"""What is solved. Problems are data: symbolic coefficients and a box, without any discretization."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sympy
from sympy import Expr, ImmutableMatrix, Symbol

from hybrid.errors import InputError
from hybrid.symbols import evaluate, x, y

__all__ = ["EllipticProblem"]


@dataclass(frozen=True)
class EllipticProblem:
    """-∂_i( a_ij(x, x/ε) ∂_j u_ε ) = f(x) in a box Ω, u_ε = 0 on ∂Ω (paper, equations (4), (16) and (18)).

    Args:
        domain: One (low, high) for each of the d = 1, 2, 3 dimensions.
        eps: The scale ε > 0.
        a: The coefficient, a SymPy expression of slow x and fast y, or a symmetric d×d matrix of them; positive.
        f: The source, an expression of x.
        period: The period of a in y; one number, or one for each dimension. The cell is Y = Π [0, period_i].
        name: What the problem is called in tables and folders.

    Raises:
        InputError: With the field and what is wrong: a coefficient that is not positive, not symmetric or not periodic,
            a variable that does not belong, an empty domain.
    """

    domain: Sequence[Sequence[float]]
    eps: float
    a: Any
    f: Any
    period: Any = 1.0
    name: str = "problem"
    matrix: ImmutableMatrix = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        def put(name: str, value: object) -> None:
            object.__setattr__(self, name, value)

        put("domain", _check_domain(self.domain))
        put("eps", _positive(self.eps, "eps"))
        periods = self.period if isinstance(self.period, Sequence) else (self.period,) * self.dim
        if len(periods) != self.dim:
            raise InputError("period", f"{len(periods)} periods for {self.dim} dimensions; give one, or one for each")
        put("period", tuple(_positive(p, "period") for p in periods))
        put("f", _expression(self.f, self.slow, "f"))
        put("matrix", _check_matrix(self.a, self.dim, (*self.slow, *self.fast)))
        put("a", self.matrix[0, 0] if self.isotropic else self.matrix)
        _check_coefficient(self)

    @property
    def dim(self) -> int:
        """The number of dimensions, d."""
        return len(self.domain)

    @property
    def slow(self) -> tuple[Symbol, ...]:
        """The slow variables x0 … of this dimension."""
        return x[: self.dim]

    @property
    def fast(self) -> tuple[Symbol, ...]:
        """The fast variables y0 … of this dimension."""
        return y[: self.dim]

    @property
    def isotropic(self) -> bool:
        """Whether a is a scalar times the identity."""
        return bool(self.matrix == self.matrix[0, 0] * sympy.eye(self.dim))

    @property
    def depends_on_slow(self) -> bool:
        """Whether a depends on x, so that there is one cell problem for every x (paper, section 5.3)."""
        return bool(self.matrix.free_symbols & set(self.slow))

    @property
    def periods(self) -> tuple[float, ...]:
        """How many periods of the coefficient the domain holds in each direction."""
        return tuple((high - low) / (self.eps * p) for (low, high), p in zip(self.domain, self.period, strict=True))

    @property
    def digest(self) -> str:
        """A hash of everything that makes up the problem (not its name)."""
        text = repr((self.domain, self.eps, self.period, sympy.srepr(self.matrix), sympy.srepr(self.f)))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def warnings(self) -> list[str]:
        """What a user should know about this problem before reading its errors."""
        broken = [i for i, n in enumerate(self.periods) if abs(n - round(n)) > 1e-9 * max(n, 1)]
        found = []
        if broken:
            counts = ", ".join(f"{self.periods[i]:.4g} in x{i}" for i in broken)
            found.append(
                f"eps = {self.eps:.6g} does not divide the domain into whole periods ({counts}): the cut cells at the "
                "boundary add an error of order eps that depends on where they are cut, so e1, e2 and e4 need not "
                "decrease steadily as eps does"
            )
        if min(self.periods) < 2:
            found.append(f"the domain holds only {min(self.periods):.3g} periods: the scales are hardly separated")
        return found


def _positive(value: Any, where: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise InputError(where, f"{value!r} is not a number") from None
    if not (math.isfinite(number) and number > 0):
        raise InputError(where, f"{number:g} is not allowed; it must be positive and finite")
    return number


def _check_domain(domain: Any) -> tuple[tuple[float, float], ...]:
    box = []
    for interval in domain:
        try:
            low, high = map(float, interval)
        except (TypeError, ValueError):
            raise InputError("domain", f"{interval!r} is not an interval [low, high]") from None
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise InputError("domain", f"[{low:g}, {high:g}] is empty; low must be below high")
        box.append((low, high))
    if not 1 <= len(box) <= 3:
        raise InputError("domain", f"{len(box)} dimensions; 1, 2 and 3 are possible")
    return tuple(box)


def _expression(value: Any, allowed: Sequence[Symbol], where: str) -> Expr:
    try:
        expression = sympy.sympify(value, strict=True)
    except sympy.SympifyError:
        raise InputError(where, f"{value!r} is neither a number nor a SymPy expression") from None
    if expression.has(sympy.zoo, sympy.nan, sympy.oo, -sympy.oo, sympy.I):
        raise InputError(where, f"{expression} is not a finite real number")
    strange = expression.free_symbols - set(allowed)
    if strange:
        names = ", ".join(sorted(map(str, strange)))
        raise InputError(where, f"{names} may not appear here; allowed are {', '.join(map(str, allowed))}")
    return expression


def _check_matrix(a: Any, dim: int, allowed: Sequence[Symbol]) -> ImmutableMatrix:
    if isinstance(a, sympy.MatrixBase):
        rows = a.tolist()
    elif isinstance(a, Sequence) and not isinstance(a, str):
        rows = [list(row) if isinstance(row, Sequence) else [row] for row in a]
    else:
        return ImmutableMatrix(_expression(a, allowed, "a") * sympy.eye(dim))
    if len(rows) != dim or any(len(row) != dim for row in rows):
        raise InputError(
            "a", f"a matrix of shape {len(rows)}×{len(rows[0]) if rows else 0}; the domain asks for {dim}×{dim}"
        )
    matrix = ImmutableMatrix([[_expression(entry, allowed, "a") for entry in row] for row in rows])
    for i in range(dim):
        for j in range(i):
            if sympy.simplify(matrix[i, j] - matrix[j, i]) != 0:
                raise InputError("a", f"not symmetric: a[{i}][{j}] = {matrix[i, j]} but a[{j}][{i}] = {matrix[j, i]}")
    return matrix


def _check_coefficient(problem: EllipticProblem) -> None:
    """Sample a over the domain and the cell: it must be finite, positive definite, and periodic in y."""
    d = problem.dim
    count = {1: 256, 2: 32, 3: 12}[d]
    cell = [(0.0, p) for p in problem.period]
    # Extremes sit on quarters of the period, singularities between: look at both.
    fast = np.vstack([_grid(cell, count), _grid(cell, count, 0.0)])
    slow = _grid(problem.domain, {1: 17, 2: 5, 3: 3}[d] if problem.depends_on_slow else 1)
    points = np.hstack([np.repeat(slow, len(fast), axis=0), np.tile(fast, (len(slow), 1))])

    def sample(at: np.ndarray) -> np.ndarray:
        values = dict(zip((*problem.slow, *problem.fast), at.T, strict=True))
        out = np.empty((len(at), d, d))
        with np.errstate(all="ignore"):
            for i in range(d):
                for j in range(d):
                    out[:, i, j] = evaluate(problem.matrix[i, j], values)
        return out

    def place(row: np.ndarray) -> str:
        symbols = (*(problem.slow if problem.depends_on_slow else ()), *problem.fast)
        return ", ".join(f"{s} = {v:.4g}" for s, v in zip(symbols, row[-len(symbols) :], strict=True))

    a = sample(points)
    finite = np.isfinite(a).all(axis=(1, 2))
    if not finite.all():
        raise InputError("a", f"not a finite number at {place(points[np.argmin(finite)])}")
    lowest = np.linalg.eigvalsh(a)[:, 0]
    if lowest.min() <= 1e-12 * np.abs(a).max():
        worst = int(np.argmin(lowest))
        what = "" if problem.isotropic else "smallest eigenvalue "
        raise InputError("a", f"not positive: {what}{lowest[worst]:.4g} at {place(points[worst])}; a must be positive")
    for i, period in enumerate(problem.period):
        moved = points.copy()
        moved[:, d + i] += period
        jump = np.abs(sample(moved) - a).max(axis=(1, 2))
        if jump.max() > 1e-8 * np.abs(a).max():
            worst = int(np.argmax(jump))
            raise InputError(
                "period", f"a does not have the period {period:.6g} in y{i}: it jumps by {jump[worst]:.3g} "
                f"from {place(points[worst])} to the next cell"
            )  # fmt: skip
    values = dict(zip(problem.slow, _grid(problem.domain, 17).T, strict=True))
    with np.errstate(all="ignore"):
        if not np.isfinite(evaluate(problem.f, values)).all():
            raise InputError("f", "not a finite number everywhere in the domain")


def _grid(box: Sequence[Sequence[float]], count: int, offset: float = 0.4142) -> np.ndarray:
    """Uniform points of the box, (count^d, d); by default off the lines of symmetry and never on the boundary."""
    axes = [low + (high - low) * (np.arange(count) + offset) / count for low, high in box]
    return np.stack([g.ravel() for g in np.meshgrid(*axes, indexing="ij")], axis=1)
