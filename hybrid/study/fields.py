"""Fields for ParaView."""

from __future__ import annotations

from pathlib import Path

from dolfinx import fem, io

from hybrid import pinn
from hybrid.comparison import to_space
from hybrid.comparison.transfer import Comparable, from_values
from hybrid.fem import CellSolution, Solution


def write_fields(
    out: Path, u: Solution, v: Solution, w: Solution, p: pinn.Solution, r: fem.Function, cell: CellSolution,
    chi: pinn.CellSolution,
) -> None:  # fmt: skip
    """Write ``solutions.bp`` (u_eps, v, w, p, r on the reference mesh) and ``correctors.bp`` (on the cell); collective."""
    space = u.function.function_space
    solutions: dict[str, Comparable] = {"u_eps": u, "v": v, "w": w, "p": p, "r": r}
    _write(out / "solutions.bp", {name: to_space(s, space) for name, s in solutions.items()})
    functions = {f"chi_{j}_fem": c for j, c in enumerate(cell.correctors, 1)}
    for j, field in enumerate(chi.correctors, 1):
        functions[f"chi_{j}_network"] = from_values(field.values, cell.correctors[0].function_space, field.dim)
    _write(out / "correctors.bp", functions)


def _write(path: Path, functions: dict[str, fem.Function]) -> None:
    for name, function in functions.items():
        function.name = name
    mesh = next(iter(functions.values())).function_space.mesh
    with io.VTXWriter(mesh.comm, path, list(functions.values()), engine="BP4") as writer:
        writer.write(0.0)
