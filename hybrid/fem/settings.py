"""The settings of the three finite element solves, and what they are where nothing else is asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hybrid.media.regions import Regions
from hybrid.physics import Problem
from hybrid.settings import Settings


@dataclass(frozen=True, repr=False)
class ReferenceSettings(Settings):
    """Of `hybrid.fem.solve_multiscale`, which says what they mean."""

    degree: int
    cells_per_period: int
    shape: str = "simplex"
    reference_tol: float | None = None


@dataclass(frozen=True, repr=False)
class MeshSettings(Settings):
    """Of `hybrid.fem.solve_cell` and `hybrid.fem.solve_homogenized`, which say what they mean."""

    degree: int
    cells: int
    shape: str = "simplex"
    tol: float | None = None
    budget: int | None = None


@dataclass(frozen=True, repr=False)
class CellSettings(MeshSettings):
    """Of the cell problems: with the width of the bounds of a*."""

    a_tol: float | None = None


@dataclass(frozen=True)
class FemSettings:
    """Of the three."""

    reference: ReferenceSettings
    cell: CellSettings
    homogenized: MeshSettings


@dataclass(frozen=True)
class _Start:
    """Where to begin.

    Attributes:
        steady: Without time.
        in_time: With it.
        slow: Of each cell problem, where a depends on x.
        on_mesh: Degrees of the reference and of the cell problems on the mesh of a medium: at the least, and how far above that
            of its cells.
    """

    steady: FemSettings
    in_time: FemSettings
    slow: CellSettings
    on_mesh: tuple[tuple[int, int], tuple[int, int]]


_CELL, _BRICKS = CellSettings(4, 32), CellSettings(4, 8, "box")
_STARTS = {
    1: _Start(  # a line costs nothing, and e3 is to be the network's
        FemSettings(ReferenceSettings(3, 16), _CELL, MeshSettings(3, 256)),
        FemSettings(ReferenceSettings(3, 12), _CELL, MeshSettings(4, 256)),
        slow=_CELL, on_mesh=((4, 4), (1, 1)),
    ),
    2: _Start(
        FemSettings(ReferenceSettings(3, 16), _CELL, MeshSettings(3, 64)),
        FemSettings(ReferenceSettings(2, 12), _CELL, MeshSettings(3, 48)),
        slow=_CELL, on_mesh=((4, 4), (1, 1)),
    ),
    3: _Start(
        FemSettings(ReferenceSettings(3, 6, "box"), _BRICKS, MeshSettings(4, 12, "box")),
        FemSettings(ReferenceSettings(2, 6, "box"), _BRICKS, MeshSettings(2, 16, "box")),
        slow=CellSettings(3, 6, "box"), on_mesh=((1, 1), (1, 2)),  # 125 cell problems
    ),
}  # fmt: skip
"""By dimension. In space hexahedra: at the same accuracy they have a fraction of the unknowns that tetrahedra have."""


def usual(problem: Problem) -> FemSettings:
    """Where to begin with a problem."""
    start = _STARTS[problem.dim]
    found = start.steady if problem.multiscale().time is None else start.in_time
    if isinstance(problem.flux, Regions):  # the mesh as it is: degrees are compared with lower ones
        mesh = problem.flux.mesh
        degrees = [max(least, mesh.degree + more) for least, more in zip(*start.on_mesh, strict=True)]
        return replace(
            found,
            reference=replace(found.reference, degree=degrees[0], cells_per_period=mesh.across),
            cell=replace(found.cell, degree=degrees[1], cells=mesh.across),
        )
    return replace(found, cell=start.slow) if problem.flux.depends_on else found
