"""Reconstructions of u_ε where a(x, y) is no product, by finite elements: their errors in L2 and orders in ε from 1/4 to 1/32.

    python examples/benchmarks/slow_orders.py [--only WORD] [--scales N] [--out slow_orders.md]

Cell problems, layers and drift are solved for once for each coefficient: they do not know ε. Takes three minutes on one core.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import hybrid
from hybrid import comparison, fem
from hybrid.symbols import parse, x, y

from mpi4py import MPI  # isort: skip

MEDIA = {
    "grows": "2 + x0 + (0.8 + 0.6*x1)*sin(2*pi*y0 + 1) + (0.3 + 0.4*x0*x1)*cos(2*pi*(y0 + y1))",
    "turns": "exp((0.5 + 0.8*x1)*sin(2*pi*y0 + 1 + sin(2*pi*y1)) + (0.4 + 0.5*x0)*cos(2*pi*y1 + 4*pi*y0))",
    "strong": "exp(2*x0 + x0*x1 + (1 + x1/2)*sin(2*pi*y0) + (1 - x0/3)*sin(2*pi*y1) + 0.9*sin(2*pi*(y0 + y1)))",
}
COMM = MPI.COMM_WORLD


def measured(text: str, scales: list[float]) -> list[dict[str, float]]:
    """The errors of all reconstructions, for each ε."""
    a = parse(text, (*x[:2], *y[:2]), "a")
    f = parse("1 + sin(2*x0) + cos(x1)", x[:2], "f")
    problems = [hybrid.EllipticProblem(domain=[(0, 1), (0, 1)], eps=eps, a=a, f=f) for eps in scales]
    cell = fem.solve_cell(problems[0], COMM, degree=4, cells=12, estimate=False)
    layers = fem.solve_layers(problems[0], cell, COMM)
    drift, second = fem.drift(problems[0], cell, COMM), fem.solve_second(problems[0], cell, COMM)
    v = fem.solve_homogenized(problems[0], cell.coefficient, COMM, cells=64, estimate=False)
    found = []
    for problem in problems:
        u = fem.solve_multiscale(problem, COMM, degree=3, cells_per_period=10, estimate=False)
        equation, displacement = problem.moved(cell.coefficient, {layer.face: layer.tail for layer in layers}, drift)
        moved = fem.solve(equation, COMM, cells=64, estimate=False)
        assert isinstance(moved, fem.Solution)
        correctors = comparison.NodalCorrectors.of(cell, COMM)
        terms = comparison.Terms(v, correctors, moved, second, layers, displacement)
        functions = comparison.reconstructions(problem, u.function.function_space, terms)
        found.append({name: l2 for name, (l2, _) in comparison.relative_errors(u, functions).items()})
    return found


def main() -> None:
    """Print the table as it grows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="coefficients with this word in their name")
    parser.add_argument("--scales", type=int, default=4, help="how many ε, from 1/4 on")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    scales = [2.0 ** -(k + 2) for k in range(given.scales)]
    names = comparison.RUNGS
    lines = [f"| a(x, y) | ε | {' | '.join(names)} |", "|---|---|" + "---:|" * len(names)]
    print("\n".join(lines), flush=True)
    for name, text in MEDIA.items():
        if given.only not in name:
            continue
        errors = measured(text, scales)
        rows = [
            f"| {text} | 1/{1 / eps:.0f} | {' | '.join(f'{one[n]:.2e}' for n in names)} |"
            for eps, one in zip(scales, errors)
        ]
        span = math.log2(scales[0] / scales[-1]) or 1.0
        orders = [math.log2(errors[0][n] / errors[-1][n]) / span for n in names]
        rows.append(f"| {text} | order | {' | '.join(f'{order:.2f}' for order in orders)} |")
        lines += rows
        print("\n".join(rows), flush=True)
    if given.out is not None:
        given.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
