"""What is solved. Problems are data: symbolic coefficients and a box, without any discretization."""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sympy
from sympy import Expr, ImmutableMatrix, Symbol

from hybrid.errors import InputError
from hybrid.symbols import evaluate, t, x, y

__all__ = ["EllipticProblem", "Problem", "ReactionDiffusionProblem"]


@dataclass(frozen=True)
class Problem:
    """What all problems have: a box Ω, the scale ε, and the period of the coefficient in y = x/ε.

    Args:
        domain: One (low, high) for each of the d = 1, 2, 3 dimensions.
        eps: The scale ε > 0.
        period: The period in y; one number, or one for each dimension. The cell is Y = Π [0, period_i].
        name: What the problem is called in tables and folders.
    """

    domain: Sequence[Sequence[float]]
    eps: float
    period: Any = field(default=1.0, kw_only=True)
    name: str = field(default="problem", kw_only=True)

    def _put(self, **values: object) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def _check_geometry(self) -> None:
        self._put(domain=_check_domain(self.domain), eps=_positive(self.eps, "eps"))
        periods = self.period if isinstance(self.period, Sequence) else (self.period,) * self.dim
        if len(periods) != self.dim:
            raise InputError("period", f"{len(periods)} periods for {self.dim} dimensions; give one, or one for each")
        self._put(period=tuple(_positive(p, "period") for p in periods))
        if min(self.periods) < 0.1:
            raise InputError(
                "eps", f"{self.eps:g}: a period is more than ten times the domain; this is no multiscale problem"
            )

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
    def periods(self) -> tuple[float, ...]:
        """How many periods of the coefficient the domain holds in each direction."""
        return tuple((high - low) / (self.eps * p) for (low, high), p in zip(self.domain, self.period, strict=True))

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


@dataclass(frozen=True)
class EllipticProblem(Problem):
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

    a: Any
    f: Any
    matrix: ImmutableMatrix = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._check_geometry()
        matrix = _check_matrix(self.a, self.dim, (*self.slow, *self.fast))
        self._put(f=_expression(self.f, self.slow, "f"), matrix=matrix)
        self._put(a=matrix[0, 0] if self.isotropic else matrix)
        _check_coefficient(self)

    @property
    def isotropic(self) -> bool:
        """Whether a is a scalar times the identity."""
        return bool(self.matrix == self.matrix[0, 0] * sympy.eye(self.dim))

    @property
    def depends_on_slow(self) -> bool:
        """Whether a depends on x, so that there is one cell problem for every x (paper, section 5.3)."""
        return bool(self.matrix.free_symbols & set(self.slow))

    @property
    def digest(self) -> str:
        """A hash of everything that makes up the problem (not its name)."""
        text = repr((self.domain, self.eps, self.period, sympy.srepr(self.matrix), sympy.srepr(self.f)))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class ReactionDiffusionProblem(Problem):
    """∂_t u_ε - D Δu_ε + (1/ε) r(x/ε) u_ε = f(x, t) in a box, u_ε = 0 on ∂Ω, u_ε(x, 0) = u0(x) (paper, equation (20)).

    Args:
        D: The diffusion coefficient, positive.
        r: The reaction coefficient, an expression of the fast y with mean zero over the cell.
        f: The source, an expression of x and t.
        u0: The initial value, an expression of x.
        T: The final time, at which solutions are compared.

    `domain`, `eps`, `period` and `name` are those of `Problem`.

    Raises:
        InputError: With the field and what is wrong; the mean of r is not zero (solvability, equation (23)), for instance.
    """

    D: float
    r: Any
    f: Any
    u0: Any
    T: float

    def __post_init__(self) -> None:
        self._check_geometry()
        self._put(
            D=_positive(self.D, "D"), T=_positive(self.T, "T"), r=_expression(self.r, self.fast, "r"),
            f=_expression(self.f, (*self.slow, t), "f"), u0=_expression(self.u0, self.slow, "u0"),
        )  # fmt: skip
        _check_reaction(self)

    @property
    def digest(self) -> str:
        """A hash of everything that makes up the problem (not its name)."""
        numbers = (self.domain, self.eps, self.period, self.D, self.T)
        text = repr((numbers, *(sympy.srepr(e) for e in (self.r, self.f, self.u0))))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def _check_reaction(problem: ReactionDiffusionProblem) -> None:
    """Sample r over the cell: finite, periodic, and of mean zero; f and u0 finite."""
    count = {1: 512, 2: 64, 3: 24}[problem.dim]
    fast = _grid([(0.0, p) for p in problem.period], count)

    def sample(at: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            value = evaluate(problem.r, dict(zip(problem.fast, at.T, strict=True)))
        return np.broadcast_to(np.asarray(value, dtype=float), len(at))

    r = sample(fast)
    if not np.isfinite(r).all():
        raise InputError("r", "not a finite number everywhere in the cell")
    for i, period in enumerate(problem.period):
        moved = fast.copy()
        moved[:, i] += period
        if np.abs(sample(moved) - r).max() > 1e-8 * max(np.abs(r).max(), 1e-300):
            raise InputError("period", f"r does not have the period {period:.6g} in y{i}")
    if abs(r.mean()) > 1e-6 * max(np.abs(r).max(), 1e-300):
        raise InputError(
            "r", f"its mean over the cell is {r.mean():.4g}; it must be zero for the cell problem to be solvable"
        )
    slow = dict(zip(problem.slow, _grid(problem.domain, 17).T, strict=True)) | {t: problem.T / 3}
    for name, expression in (("f", problem.f), ("u0", problem.u0)):
        with np.errstate(all="ignore"):
            if not np.isfinite(evaluate(expression, slow)).all():
                raise InputError(name, "not a finite number everywhere in the domain")


def _positive(value: Any, where: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
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
        size, far = high - low, max(abs(low), abs(high))
        if not (1e-100 < size < 1e100 and size > 1e-6 * far):
            raise InputError(
                "domain", f"[{low:g}, {high:g}] is too small, too large or too far from zero to compute in"
            )
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
    eigenvalues = np.linalg.eigvalsh(a)
    lowest = eigenvalues[:, 0]
    # Zero to rounding counts as zero: against the matrix at the point, and against what is usual elsewhere.
    allowed = 1e-12 * np.maximum(eigenvalues[:, -1], min(float(np.median(eigenvalues[:, -1])), float(lowest.max())))
    if (lowest <= allowed).any():
        worst = int(np.argmin(lowest - allowed))
        what = "" if problem.isotropic else "smallest eigenvalue "
        raise InputError("a", f"not positive: {what}{lowest[worst]:.4g} at {place(points[worst])}; a must be positive")
    for i, count in itertools.product(range(d), _shifts(problem)):
        moved = points.copy()
        period = problem.period[i]
        moved[:, d + i] += count * period
        jump = np.abs(sample(moved) - a).max(axis=(1, 2))
        if not jump.max() <= 1e-5 * np.abs(a).max():
            worst = int(np.argmax(jump))
            raise InputError(
                "period", f"a does not have the period {period:.6g} in y{i}: it jumps by {jump[worst]:.3g} "
                f"from {place(points[worst])} to {count} cells further"
            )  # fmt: skip
    values = dict(zip(problem.slow, _grid(problem.domain, 17).T, strict=True))
    with np.errstate(all="ignore"):
        if not np.isfinite(evaluate(problem.f, values)).all():
            raise InputError("f", "not a finite number everywhere in the domain")
    if problem.f == 0:
        raise InputError("f", "zero everywhere: the solution is zero, and no relative error has a meaning")


def _shifts(problem: Problem) -> list[int]:
    """Over how many periods to compare a periodic coefficient with itself: to the next cell, and as far as x/ε goes."""
    reach = [bound / (problem.eps * p) for interval, p in zip(problem.domain, problem.period) for bound in interval]
    far = [round(r) for r in reach if 1 < abs(r) < 1e6]
    return sorted({1, 2, *far})


def _grid(box: Sequence[Sequence[float]], count: int, offset: float = 0.4142) -> np.ndarray:
    """Uniform points of the box, (count^d, d); by default off the lines of symmetry and never on the boundary."""
    axes = [low + (high - low) * (np.arange(count) + offset) / count for low, high in box]
    return np.stack([g.ravel() for g in np.meshgrid(*axes, indexing="ij")], axis=1)
