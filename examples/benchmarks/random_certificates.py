"""Random smooth media, badly solved on purpose: is a true error ever above its guaranteed bound, or a* outside its interval?

    python examples/benchmarks/random_certificates.py --count 100 --out results/certificates        half an hour
    python examples/benchmarks/random_certificates.py --out results/certificates --table            the table of what is there

Every problem is drawn from its own seed: dimension, contrast to 100, matrices, on a line an a that depends on x and ε that cuts
periods, and how both paths solve it: well, on coarse meshes, with few features, after three steps of training, with a wrong a*.
True errors are measured with a mesh that resolves ε, and one half as fine: they are known to three times the difference and to
1e-11. On a line they are those from the solution in closed form. a* is compared with harmonic means and with a spectral method.
What has run is in OUT/runs.jsonl and is not run again.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import hybrid

from mpi4py import MPI  # isort: skip

from oracles import integrated, panels, slope_of, smooth_cell
from sympy import Expr

from hybrid import EllipticProblem, fem, pinn
from hybrid.bounds import certify, true_errors
from hybrid.pinn import LastLayer, LevenbergMarquardt
from hybrid.symbols import coordinates, cos, evaluate, exp, pi, sin, x, y

COMM = MPI.COMM_SELF
FLOOR = 1e-9
"""What the oracles of a* are good to, relative."""
TRUTH = 1e-11
"""What rounding leaves of the errors, relative."""


@dataclass(frozen=True)
class _Finely:
    """The reference: degree, cells in each period; and how meshes and networks of each quality are.

    Attributes:
        cells: Degree and cells of the cell problems, from good to bad.
        side: Cells of the homogenized equation.
        points: Of networks.
    """

    degree: int
    per_period: int
    cells: tuple[tuple[int, int], ...]
    side: tuple[int, ...]
    points: int


_FINELY = {
    1: _Finely(4, 64, ((4, 64), (2, 16), (1, 6)), (128, 16, 4), 40),
    2: _Finely(3, 24, ((4, 24), (3, 4), (1, 4)), (32, 16, 4), 16),
    3: _Finely(2, 8, ((2, 4), (1, 4), (1, 4)), (12, 8, 4), 8),
}


def medium(rng: np.random.Generator, dim: int, matrix: bool) -> tuple[Any, float]:
    """A smooth a of contrasts to 100, exp of a trigonometric polynomial or a turned matrix of two of them; and the contrast."""

    def scalar(largest: float) -> Expr:
        waves = [
            (rng.integers(-2, 3, dim), rng.uniform(-1, 1), rng.uniform(0, 2 * math.pi)) for _ in range(2 if dim > 2 else 4)
        ]  # fmt: skip
        size = math.log(largest) / 2 / sum(abs(c) for _, c, _ in waves)
        return exp(sum(size * c * cos(2 * pi * sum(int(n) * y[i] for i, n in enumerate(k)) + s) for k, c, s in waves))

    contrast = 10 ** rng.uniform(0.2, 2)
    if not matrix or dim == 1:
        return scalar(contrast), contrast
    one, other, angle = scalar(contrast / 2 + 1), scalar(contrast / 2 + 1), rng.uniform(0, math.pi)
    c, s = math.cos(angle), math.sin(angle)
    rows = [[one * c * c + other * s * s, (one - other) * c * s], [(one - other) * c * s, one * s * s + other * c * c]]
    return ([[*rows[0], 0], [*rows[1], 0], [0, 0, one]] if dim == 3 else rows), contrast


def draw(seed: int) -> tuple[EllipticProblem, str]:
    """The problem of a seed, and what it is."""
    rng = np.random.default_rng([1947, seed])
    dim = int(rng.choice([1, 1, 1, 2, 2, 2, 2, 2, 2, 3]))
    matrix, slow = bool(rng.random() < 0.4), bool(rng.random() < 0.4)
    a, contrast = medium(rng, dim, matrix)
    kind = f"{dim}D"
    if dim == 1 and slow:
        a, kind = (1 + x[0] * rng.uniform(0, 2)) * a + x[0], "1D, a(x, y)"
    elif dim > 1 and matrix:
        kind = f"{dim}D, matrix"
    eps = 1 / (rng.uniform(2.5, 12) if dim == 1 else rng.integers(2, 3 if dim == 3 else 5))
    f = sin(x[0] * rng.uniform(0, 9)) + rng.uniform(-1, 2) + (cos(x[1] * rng.uniform(0, 9)) if dim > 1 else 0)
    problem = EllipticProblem(domain=[(0, 1)] * dim, eps=float(eps), a=a, f=f)
    return problem, f"{kind}|contrast {contrast:.3g}, eps {eps:.3g}"


def solved(problem: EllipticProblem, rng: np.random.Generator) -> tuple[dict[str, Any], str, Any, Any, str]:
    """Cell problems by both paths; which of them is certified; a* as it is used; u_0; and how all that was made."""
    finely, slow = _FINELY[problem.dim], bool(problem.flux.depends_on)
    degree, cells = finely.cells[quality := int(rng.integers(3))]
    elements = fem.solve_cell(problem, COMM, degree=degree, cells=cells, estimate=False)
    trained = bool(rng.random() < 0.3) and not slow
    features = int(rng.integers(6, 200))
    networks = pinn.solve_cell(
        problem, hidden=(8, 8) if trained else (features,), points=finely.points, seed=int(rng.integers(1000)),
        optimizer=LevenbergMarquardt(steps=3) if trained else LastLayer(),
    )  # fmt: skip
    found = {"fem": elements, "pinn": networks}
    path = "pinn" if slow or rng.random() < 0.5 else "fem"
    how = [f"chi fem P{degree} {cells}" if path == "fem" else f"chi net {'3 steps' if trained else features}"]
    star: Any = found[path].coefficient
    if rng.random() < 0.25 and not slow:
        star = np.asarray(star) * (1 + 0.3 * rng.random())
        how.append("a* wrong")
    if rng.random() < 0.5:
        side = finely.side[quality]
        u0: Any = fem.solve_homogenized(problem, star, COMM, degree=2, cells=side)
        how.append(f"u0 fem P2 {side}")
    else:
        count = int(rng.integers(6, 80))
        u0 = pinn.solve_homogenized(problem, star, hidden=(count,), points=finely.points, optimizer=LastLayer())
        how.append(f"u0 net {count}")
    return found, path, star, u0, ", ".join(how)


def exact(problem: EllipticProblem) -> np.ndarray | None:
    """a* by a method that shares nothing with the package; None in space, and where it depends on x."""
    if problem.dim == 3 or problem.flux.depends_on:
        return None
    matrix = problem.flux.matrix
    if problem.dim == 1:
        at = coordinates(problem.fast, np.arange(2**14)[:, None] / 2**14)
        return np.array([[1 / float(np.mean(1 / evaluate(matrix[0, 0], at)))]])

    def a(y0: np.ndarray, y1: np.ndarray) -> np.ndarray:
        at = coordinates(problem.fast, np.stack([y0.ravel(), y1.ravel()], axis=1))
        return np.array([
            [np.broadcast_to(evaluate(matrix[i, j], at), y0.size).reshape(y0.shape) for j in range(2)] for i in range(2)
        ])  # fmt: skip

    return smooth_cell(a, 128)


def true(problem: EllipticProblem, made: Any, coarser: int) -> tuple[float, float]:
    """The relative errors of a reconstruction in energy and L2; on a line from the solution in closed form, as finite elements
    lose more digits there than bounds and errors are apart."""
    finely = _FINELY[problem.dim]
    if problem.dim > 1:
        cells = finely.per_period // coarser
        u = fem.solve_multiscale(problem, COMM, degree=finely.degree, cells_per_period=cells, estimate=False)
        return true_errors(made, u.function)
    x_, weight = panels(0.0, 1.0, made.ends[1:-1].tolist(), coarser * problem.eps / finely.per_period)
    at = {problem.slow[0]: x_, problem.fast[0]: np.mod(x_ / problem.eps, 1.0)}
    a, f = (np.broadcast_to(evaluate(e, at), x_.shape) for e in (problem.flux.matrix[0, 0], problem.f))
    force = integrated(f, weight)
    strain = ((force / a * weight).sum() / (weight / a).sum() - force) / a
    r = made.on([x_.ravel()]).reshape(x_.shape)
    u, off = integrated(strain, weight), strain - slope_of(r, weight)
    sizes = [math.sqrt((weight * square).sum()) for square in (a * off**2, a * strain**2, (u - r) ** 2, u**2)]
    return sizes[0] / sizes[1], sizes[2] / sizes[3]


def outside(one: np.ndarray, other: np.ndarray) -> float:
    """How far a matrix is above another one in some direction, relative; negative where it is below it in all."""
    return float(-np.linalg.eigvalsh(other - one).min() / np.linalg.norm(other, 2))


def tried(seed: int) -> dict[str, Any]:
    """One problem: bounds, true errors, how well these are known, and how far a* is outside of intervals."""
    start, (problem, what) = time.perf_counter(), draw(seed)
    row: dict[str, Any] = {"seed": seed, "kind": what.split("|")[0], "what": what.split("|")[1]}
    try:
        found, path, star, u0, row["how"] = solved(problem, np.random.default_rng([1985, seed]))
        certificate = certify(problem, u0, found[path].correctors, star, COMM)
        measured = [true(problem, certificate.reconstruction, coarser) for coarser in (1, 2)]
        row["bounds"] = [certificate.energy_bound, certificate.l2_bound]
        row["true"] = list(measured[0])
        row["known"] = [3 * abs(one - other) for one, other in zip(*measured, strict=True)]
        intervals = [cell.bounds for cell in found.values() if cell.bounds is not None]
        row["widths"] = [float(np.linalg.norm(high - low, 2) / np.linalg.norm(low, 2)) for low, high in intervals]
        gaps = [outside(one[0], other[1]) for one in intervals for other in intervals]
        if intervals and (truth := exact(problem)) is not None:
            gaps += [gap for low, high in intervals for gap in (outside(low, truth), outside(truth, high))]
        row["outside"] = max(gaps, default=None)
    except (hybrid.InputError, hybrid.SolverError) as error:
        row["failed"] = f"{type(error).__name__}: {error}"
    return row | {"seconds": time.perf_counter() - start}


def is_wrong(row: dict[str, Any]) -> bool:
    """A true error above its bound by more than it is known to, or an a* outside of its interval."""
    if "failed" in row:
        return False
    above = any(t - k > b * (1 + TRUTH) for t, k, b in zip(row["true"], row["known"], row["bounds"], strict=True))
    return above or (row["outside"] is not None and row["outside"] > FLOOR)


def table(rows: list[dict[str, Any]]) -> Iterator[str]:
    """By kind: runs, those above or outside, how far bounds are above the errors, widths of a*'s intervals, seconds."""
    yield "| kind | runs | failed | wrong | error / bound, energy: largest | median | L2: largest | true error: least, most |"
    yield "|---|---:|---:|---:|---:|---:|---:|---|"
    for kind in [*sorted({row["kind"] for row in rows}), "all"]:
        mine = [row for row in rows if kind in {row["kind"], "all"}]
        ran = [row for row in mine if "failed" not in row]
        energy, in_l2 = ([row["true"][i] / row["bounds"][i] for row in ran] or [math.nan] for i in (0, 1))
        errors = [row["true"][0] for row in ran] or [math.nan]
        yield (
            f"| {kind} | {len(mine)} | {len(mine) - len(ran)} | {sum(map(is_wrong, ran))} | {max(energy):.4f} | "
            f"{np.median(energy):.3f} | {max(in_l2):.4f} | {min(errors):.1e}, {max(errors):.1e} |"
        )
    gaps = [row["outside"] for row in rows if row.get("outside") is not None]
    widths = [width for row in rows for width in row.get("widths", ())]
    yield ""
    yield (
        f"a\\*: {len(widths)} intervals, widths {min(widths, default=math.nan):.0e} to {max(widths, default=math.nan):.0e}; "
        f"outside by {max(gaps, default=math.nan):.0e} at the most, relative (negative: inside)."
    )


def main() -> int:
    """Run what has not run yet; the table; 1 if a bound is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("results/certificates"))
    parser.add_argument("--table", action="store_true", help="only the table of what is there")
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    path = chosen.out / "runs.jsonl"
    rows = [json.loads(text) for text in path.read_text().splitlines()] if path.exists() else []
    done = {row["seed"] for row in rows}
    for seed in range(chosen.first, chosen.first + chosen.count) if not chosen.table else ():
        if seed not in done:
            rows.append(tried(seed))
            with path.open("a") as file:
                file.write(json.dumps(rows[-1]) + "\n")
            print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    print(*table(rows), sep="\n")
    for row in rows:
        if "failed" in row or is_wrong(row):
            print(f"{'failed' if 'failed' in row else 'WRONG'}: {json.dumps(row)}")
    return int(any(map(is_wrong, rows)))


if __name__ == "__main__":
    sys.exit(main())
