"""Fields for ParaView."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path
from typing import Any

from dolfinx import fem, io

from hybrid.comparison.transfer import nodes, with_values
from hybrid.pinn.functions.field import evaluated
from hybrid.pinn.functions.network import VALUE


def write_fields(out: Path, solutions: dict[str, fem.Function], cell: Any, chi: Any) -> None:
    """Write ``solutions.bp``, on the reference mesh, and ``correctors.bp``, on the cell; collective."""
    comm = next(iter(solutions.values())).function_space.mesh.comm
    size = sum(16 * f.function_space.dofmap.index_map.size_global for f in solutions.values())
    free = comm.bcast(shutil.disk_usage(out).free if comm.rank == 0 else None)
    if free < 2 * size:  # ADIOS2 ends the whole process when a disk is full
        raise OSError(errno.ENOSPC, "no space left for the fields", str(out))
    _write(out / "solutions.bp", solutions)
    if getattr(cell, "nodes", None) is not None:
        return  # one set of correctors for each x, on meshes of single ranks
    functions = {f"chi_{j}_fem": c for j, c in enumerate(cell.correctors, 1)}
    space = cell.correctors[0].function_space
    for j, jet in enumerate(evaluated(chi.correctors, nodes(space), VALUE), 1):
        functions[f"chi_{j}_network"] = with_values(jet[0], space)
    _write(out / "correctors.bp", functions)


def _write(path: Path, functions: dict[str, fem.Function]) -> None:
    for name, function in functions.items():
        function.name = name
    mesh = next(iter(functions.values())).function_space.mesh
    with io.VTXWriter(mesh.comm, path, list(functions.values()), engine="BP4") as writer:
        writer.write(0.0)
