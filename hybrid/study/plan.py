"""What to ask a cluster for: the predicted size, memory and time of a reference."""

from __future__ import annotations

from hybrid.failures import InputError
from hybrid.fem import cost
from hybrid.fem.meshes.counts import cell_counts
from hybrid.study.case import Case
from hybrid.study.settings import fem_settings

_CELLS = {
    1: {"simplex": "intervals", "box": "intervals"},
    2: {"simplex": "triangles", "box": "quadrilaterals"},
    3: {"simplex": "tetrahedra", "box": "hexahedra"},
}
_INDICES = 2**31
"""PETSc as it is installed here counts unknowns with 32 bits."""


def plan(case: Case, ranks: int) -> tuple[cost.Cost, list[str]]:
    """Predict what the reference of a problem takes, with the estimate of its error.

    Args:
        case: The problem and its [fem] table.
        ranks: How many share the work.

    Returns:
        The cost, and what there is to say about it.

    Raises:
        InputError: There is time in the equation.
    """
    if case.problem.multiscale().time is not None:
        raise InputError("kind", "plans are made for equations without time; time steps cannot be told beforehand")
    settings = fem_settings(case).reference
    counts = cell_counts(case.problem, settings.cells_per_period)
    found = cost.predicted(counts, settings.degree, settings.shape, ranks)
    notes = [
        f"Measured on {cost.table()['machine']}, one thread a rank; time goes with the memory bandwidth of each rank."
    ]
    if ranks > 2:
        notes.append(
            f"With 2 ranks measured, {ranks} are taken to share the work as well as these; a cluster's network is not known."
        )
    if found.dofs >= _INDICES:
        notes.append(
            "More unknowns than 32-bit indices count: this takes a PETSc and a DOLFINx built with 64-bit ones."
        )
    if found.dofs < 2000 * ranks:
        notes.append(
            "So few unknowns for each rank that waiting for each other will take most of the time: use fewer ranks."
        )
    return found, notes


def lines_of(case: Case, found: cost.Cost, ranks: int) -> list[str]:
    """The plan, for people."""
    settings = fem_settings(case).reference
    shape = _CELLS[case.problem.dim][settings.shape]
    counts = " × ".join(map(str, cell_counts(case.problem, settings.cells_per_period)))
    each = f", {size(found.memory / ranks)} on each of {ranks} ranks" if ranks > 1 else ""
    steps = ", ".join(f"{name} {duration(value)}" for name, value in found.seconds.items())
    return [
        f"{case.problem.name}: reference at eps = {case.problem.eps:.6g}",
        f"  mesh      {counts} cells ({shape}), degree {settings.degree}",
        f"  unknowns  {found.dofs:,}",
        f"  memory    {size(found.memory)}{each}",
        f"  time      {duration(sum(found.seconds.values()))} ({steps})",
    ]


def size(count: float) -> str:
    """Bytes, readable."""
    for unit in ("MiB", "GiB", "TiB"):
        count /= 1024 if unit != "MiB" else 2**20
        if count < 1024 or unit == "TiB":
            break
    return f"{count:.3g} {unit}"


def duration(seconds: float) -> str:
    """Seconds, readable."""
    if seconds < 120:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
