"""How far a run may raise resolutions by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hybrid.study.case import Case

COARSE = 1e-3
"""Tolerance of a* where a jumps."""
UNKNOWNS, FACTORIZED = 2_000_000, 300_000
"""That meshes may come to have by themselves."""


@dataclass(frozen=True)
class Adaptation:
    """How far a run may raise resolutions by itself, and until when.

    What a problem file sets itself is kept: with `fem.cell_cells`, `pinn.hidden` and so on that part is solved as it says,
    unless the table has a `tol` too.

    Attributes:
        fem: Tolerance of functions and coefficients by finite elements, relative.
        pinn: Of those by networks.
        unknowns: The most that a finite element solve may come to have.
        seconds: The nominal cost (at 5 · 10⁹ operations a second) of the largest training.
        reference: Whether the reference is refined until it can measure the errors.
        networks: Whether larger networks are tried.
        fixed: The names of settings, as in a problem file, that keep parts as they are.
    """

    fem: float
    pinn: float
    unknowns: int
    seconds: float
    reference: bool
    networks: bool
    fixed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Asked:
    """In one dimension, in the plane or in space.

    Attributes:
        fem: The relative error that finite elements are asked for.
        correctors: How many times as much correctors may be off by, at the least.
        factorized: Whether every mesh of a cell where a jumps is factorized, twice.
    """

    fem: float
    correctors: float
    factorized: bool


ASKED = {1: Asked(1e-6, 0.0, False), 2: Asked(1e-6, 0.0, True), 3: Asked(1e-4, 10.0, False)}
_OF_NETWORKS = ("hidden", "optimizer", "steps", "points", "formulation", "periodicity", "oversampling", "boundary")
_OF_MESHES = {
    "reference": ("degree", "cells_per_period", "reference_tol"),
    "cell": ("cell_degree", "cell_cells"),
    "homogenized": ("homogenized_degree", "homogenized_cells"),
}


def adaptation(case: Case, reference_tol: float | None = None, *, networks: bool = True) -> Adaptation:
    """What a case's tables say about it; `networks`: whether the preset lets networks grow."""
    fem, pinn = case.fem, case.pinn
    kept = tuple(f"pinn.{name}" for name in _OF_NETWORKS if name in pinn.given and pinn.tol is None)
    meshes = tuple(name for part in _OF_MESHES for name in settled(case, part))
    return Adaptation(
        fem=fem.tol or ASKED[case.problem.dim].fem,
        pinn=pinn.tol or 1e-4,
        unknowns=fem.budget or UNKNOWNS,
        seconds=pinn.budget or 60.0,
        reference=reference_tol is None and not any(settled(case, "reference")),
        networks=networks and not kept,
        fixed=(*meshes, *kept),
    )


def settled(case: Case, part: str) -> Iterator[str]:
    """The settings in the file that keep the meshes of a part as they are."""
    return (f"fem.{name}" for name in _OF_MESHES[part] if name in case.fem.given and case.fem.tol is None)


def budget_of(case: Case, part: str) -> int:
    """Unknowns that a part may come to have; where interfaces have corners or curves every mesh is factorized, twice."""
    factorized = part == "cell" and case.problem.flux.interfaces and ASKED[case.problem.dim].factorized
    return case.fem.budget or (FACTORIZED if factorized else UNKNOWNS)
