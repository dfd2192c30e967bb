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


_PLANE = FemSettings(ReferenceSettings(3, 16), CellSettings(4, 32), MeshSettings(3, 64))
_STEADY = {
    1: replace(_PLANE, homogenized=MeshSettings(3, 256)),  # a line costs nothing, and e3 is to be the network's
    2: _PLANE,
    3: FemSettings(ReferenceSettings(3, 6, "box"), CellSettings(4, 8, "box"), MeshSettings(4, 12, "box")),
}
_IN_TIME = {
    1: FemSettings(ReferenceSettings(3, 12), CellSettings(4, 32), MeshSettings(4, 256)),
    2: FemSettings(ReferenceSettings(2, 12), CellSettings(4, 32), MeshSettings(3, 48)),
    3: FemSettings(ReferenceSettings(2, 6, "box"), CellSettings(4, 8, "box"), MeshSettings(2, 16, "box")),
}
"""By dimension, without time and with. In space hexahedra: at the same accuracy they have a fraction of the unknowns that
tetrahedra have."""


def usual(problem: Problem) -> FemSettings:
    """Where to begin with a problem."""
    found = (_STEADY if problem.multiscale().time is None else _IN_TIME)[problem.dim]
    if isinstance(problem.flux, Regions):  # the mesh as it is: degrees are compared with lower ones
        mesh = problem.flux.mesh
        degrees = (4, 4) if problem.dim < 3 else (mesh.degree + 1, mesh.degree + 2)
        return replace(
            found,
            reference=replace(found.reference, degree=degrees[0], cells_per_period=mesh.across),
            cell=replace(found.cell, degree=degrees[1], cells=mesh.across),
        )
    if problem.dim == 3 and problem.flux.depends_on:
        return replace(found, cell=CellSettings(3, 6, "box"))  # 125 of them
    return found
