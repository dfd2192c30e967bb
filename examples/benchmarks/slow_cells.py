"""Cell problems of a(x, y) in the plane by networks of frozen features: a last layer for each node of x against one for all x.

    python examples/benchmarks/slow_cells.py [--only WORD] [--out slow_cells.md]

For each coefficient the first network of either kind that `hybrid.pinn.cell_rungs` offers to the preset fast, one after the
other in one process: seconds, and how far χ and a*(x) may be off by their own estimates. Takes a minute on one core.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import hybrid
from hybrid.pinn import preset
from hybrid.symbols import parse, x, y

MEDIA = {
    "grows": "2 + x1*sin(2*pi*y0)*cos(2*pi*y1) + x0",
    "moves": "2 + sin(2*pi*(y0 - 2*x0))*cos(2*pi*y1)",
    "front": "2 + sin(2*pi*y0)*cos(2*pi*y1)/(1 + exp(-20*(x0 - 0.5)))",
    "steep": "exp(3*(x0 - 0.5)*sin(2*pi*y0) + 2*x1*cos(2*pi*y1))",
}


def measured(problem: hybrid.EllipticProblem) -> list[str]:
    """A row of the table for either kind."""
    rungs = list(hybrid.pinn.cell_rungs(problem, preset("fast", "cell", problem)))
    chosen = {
        "node by node": next(rung for rung in rungs if "slow_nodes" in rung),
        "all x at once": next(rung for rung in rungs if "slow_points" in rung),
    }
    rows = []
    for name, rung in chosen.items():
        start = time.perf_counter()
        found = hybrid.pinn.solve_cell(problem, **rung)
        seconds = time.perf_counter() - start
        chi = max(found.trust[f"chi_{j}"].error or float("nan") for j in (1, 2))
        star = found.trust["coefficient"].error or float("nan")
        size = f"{rung['hidden'][-1]}" + (
            f" × {' × '.join(map(str, rung['slow_nodes']))}" if "slow_nodes" in rung else ""
        )
        rows.append(f"{name} | {size} | {seconds:.1f} | {chi:.0e} | {star:.0e}")
    return rows


def main() -> None:
    """Print the table as it grows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="coefficients with this word in their name")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    lines = ["| a(x, y) | last layer | features | seconds | χ off by | a*(x) off by |", "|---|---|---:|---:|---:|---:|"]
    print("\n".join(lines), flush=True)
    for name, text in MEDIA.items():
        if given.only not in name:
            continue
        problem = hybrid.EllipticProblem(
            domain=[(0, 1), (0, 1)], eps=1 / 8, a=parse(text, (*x[:2], *y[:2]), name), f=1, name=name
        )
        for row in measured(problem):
            lines.append(f"| {text} | {row} |")
            print(lines[-1], flush=True)
    if given.out is not None:
        given.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
