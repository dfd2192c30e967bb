"""Do the recorded numbers still come out? Runs again what was recorded and compares.

    python examples/reproduction/check.py                          preset accurate, all cases: minutes
    python examples/reproduction/check.py --preset paper elliptic-2d   hours

Exit code 0: every number agrees; 1: some do not, each with a line. Tolerances are relative, and follow from what a number
is: errors of homogenization do not depend on how a network was trained; those of a network depend on rounding, which differs
between processors, more the longer it trains.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import hybrid  # noqa: F401  (orders the imports of MPI and DOLFINx)

from mpi4py import MPI  # isort: skip

from hybrid.paper.cases import case, names
from hybrid.paper.extras import EXTRAS
from hybrid.paper.recorded import stored
from hybrid.study.run import run

FEM, NETWORK, TINY = 1e-6, 0.5, 1e-6
"""Relative tolerances of finite element errors and of a network's errors; errors below TINY are only asked to stay below it."""


def compare(recorded: Mapping[str, Any], again: dict[str, Any]) -> Iterator[str]:
    """One line for each number that does not agree."""
    for name, old in recorded["errors"].items():
        new = again["errors"].get(name)
        tolerance = FEM if name.startswith("e4") else _tolerance(recorded, name)
        if new is None or not (abs(new - old) <= tolerance * old or max(new, old) <= TINY):
            yield f"{recorded['case']}, {recorded['preset']}: {name} was {old:.6g} and is {new}"
    for name in ("classical", "transfer"):
        if name in recorded:
            old, new = recorded[name]["error"], again[name]["error"]
            if not abs(new - old) <= 0.1 * old:
                yield f"{recorded['case']}, {recorded['preset']}: {name} was {old:.6g} and is {new:.6g}"


def _tolerance(recorded: Mapping[str, Any], name: str) -> float:
    """Where the network adds nothing to the error of homogenization, its error is as sharp as that."""
    added = recorded["errors"]["e3"] / recorded["errors"]["e4"]
    return NETWORK if name.startswith("e3") or added > 0.01 else 0.01


def main() -> int:
    """Run again and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", help="all by default")
    parser.add_argument("--preset", default="accurate", choices=("accurate", "fast", "paper"))
    chosen = parser.parse_args()
    different = []
    for name in chosen.cases or names():
        recorded = stored().run(chosen.preset, name)
        if recorded is None:
            print(f"{name}: nothing recorded for preset {chosen.preset}")
            continue
        with tempfile.TemporaryDirectory() as folder:
            again = run(case(name), MPI.COMM_WORLD, preset=chosen.preset, out=Path(folder), extras=EXTRAS)
        different += compare(recorded, again)
    print("\n".join(different) or "every recorded number agrees")
    return int(bool(different))


if __name__ == "__main__":
    sys.exit(main())
