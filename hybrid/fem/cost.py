"""What a solve with multigrid costs in memory and time, from measurements: `examples/benchmarks/calibrate.py` makes them."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TABLE = Path(__file__).with_name("cost.json")
"""For each dimension, shape of the cells and degree, on one and on two ranks: bytes and seconds for each unknown."""


@dataclass(frozen=True)
class Cost:
    """What a solve takes.

    Attributes:
        dofs: Unknowns.
        memory: Bytes, all ranks together at their peak, with what a process holds before it begins.
        seconds: Wall time of "mesh" (with numbering the unknowns), "assembly", "setup" and "solve"; and of "estimate", where
            there are solves on coarser meshes.
    """

    dofs: int
    memory: float
    seconds: Mapping[str, float]


@functools.cache
def table() -> dict[str, Any]:
    """The measurements, and on what machine."""
    return json.loads(TABLE.read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def unknowns(counts: Sequence[float], degree: int) -> int:
    """Degrees of freedom of Lagrange elements on a box with so many cells along its sides."""
    return math.prod(round(n * degree) + 1 for n in counts)


def predicted(counts: Sequence[float], degree: int, shape: str, ranks: int, *, estimate: bool = True) -> Cost:
    """The cost of a solve on a uniform mesh of a box.

    One rank and two are measured; with more the memory for each unknown is that of two, and the time is that of two divided up.

    Args:
        counts: Mesh cells along each side.
        degree: Polynomial degree of the elements.
        shape: Of the cells, one of `hybrid.fem.meshes.box.SHAPES`.
        ranks: How many share the work.
        estimate: With two solves on coarser meshes, for the estimate of the error.
    """
    dofs = unknowns(counts, degree)
    memory = dofs * bytes_per_dof(len(counts), degree, shape, ranks) + ranks * table()["idle"]
    measured = _entry(len(counts), degree, shape, ranks)["seconds"]
    share = dofs / max(ranks / 2, 1.0)
    seconds = {step: share * value for step, value in measured.items() if step != "compare"}
    if estimate:
        coarser = sum(unknowns([n / q for n in counts], degree) for q in (2, 4)) / dofs
        seconds["estimate"] = coarser * sum(seconds.values()) + (1 + coarser) * share * measured["compare"]
    return Cost(dofs, memory, seconds)


def bytes_per_dof(dim: int, degree: int, shape: str, ranks: int = 1) -> float:
    """Bytes that a solve holds for each unknown at its peak; for degrees above four by the entries in a row of the matrix."""
    return float(_entry(dim, degree, shape, ranks)["bytes"])


def _entry(dim: int, degree: int, shape: str, ranks: int) -> Mapping[str, Any]:
    shape = "simplex" if dim == 1 else shape
    known = min(degree, 4)
    entry = table()["solves"][f"{dim}d {shape} {known}"][str(min(ranks, 2))]
    more = ((degree + 2) / (known + 2)) ** dim
    return {"bytes": more * entry["bytes"], "seconds": {k: more * v for k, v in entry["seconds"].items()}}
