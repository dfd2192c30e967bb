"""What goes into the record of a run: coefficients, how far they are apart, and where the numbers come from."""

from __future__ import annotations

import math
import platform
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from mpi4py import MPI
from petsc4py import PETSc

import numpy as np
import sympy
import torch

import dolfinx

import hybrid
from hybrid.fem.cells.cellsolution import CellSolution
from hybrid.fem.dirichlet import Solution
from hybrid.fem.settings import FemSettings
from hybrid.media.interpolated import SlowCoefficient, relative_change
from hybrid.study.case import Case
from hybrid.study.presets import Networks
from hybrid.study.record import Provenance, Request, SolveRecord

Coefficient = Any
"""a*, an array; a*(x), a `SlowCoefficient`; or r*, a number."""


def plain(coefficient: Coefficient) -> Any:
    """A homogenized coefficient as JSON: a d×d list, a number, or {x, values} at its nodes."""
    if isinstance(coefficient, SlowCoefficient):
        return {"x": coefficient.nodes.tolist(), "values": coefficient.values.tolist()}
    return np.asarray(coefficient).tolist()


def relative_difference(found: Coefficient, exact: Coefficient) -> float:
    """‖found - exact‖ / ‖exact‖; in L2(Ω) where it depends on x: e_a."""
    if isinstance(exact, SlowCoefficient):
        unit, weight = np.polynomial.legendre.leggauss(40)
        axes = [(low + high) / 2 + (high - low) / 2 * unit for low, high in exact.domain]
        points = np.stack([g.ravel() for g in np.meshgrid(*axes, indexing="ij")], axis=1)
        weights = np.ones(1)
        for _ in exact.domain:
            weights = np.multiply.outer(weights, weight).ravel()
        one, other = found(points), exact(points)
        squares = [float((weights * (a**2).sum(axis=(1, 2))).sum()) for a in (one - other, other)]
        return float(np.sqrt(squares[0] / squares[1]))
    one, other = np.asarray(found), np.asarray(exact)
    size, off = float(np.linalg.norm(other)), float(np.linalg.norm(one - other))
    return off / size if size > 0 else (0.0 if off == 0 else math.inf)


def effective_difference(found: Coefficient, exact: Coefficient) -> float:
    """What the difference of two coefficients can change in a solution, relative: `hybrid.media.interpolated.relative_change`.

    Where they depend on x the largest over a grid; for r* the relative difference.
    """
    if not isinstance(exact, SlowCoefficient):
        if np.ndim(exact) == 0:
            return relative_difference(found, exact)
        return relative_change(np.asarray(found) - np.asarray(exact), exact)
    axes = [low + (high - low) * (np.arange(33) + 0.5) / 33 for low, high in exact.domain]
    points = np.stack([g.ravel() for g in np.meshgrid(*axes, indexing="ij")], axis=1)
    values = exact(points)
    return relative_change(found(points) - values, values)


def settled(found: Any) -> dict[str, Any]:
    """The degree, cells and steps of the best of the attempts of a homogenized solve; none where the first was enough."""
    if len(found.attempts) < 2:
        return {}
    best = min(found.attempts, key=lambda a: math.inf if a["error_estimate"] is None else a["error_estimate"])
    return {name: best[name] for name in ("degree", "cells", "tolerance") if name in best}


_CLOSE = 1e-2
"""Constant coefficients that differ by less make the errors of a mesh differ by a few hundredths of themselves."""


def are_close(found: Coefficient, exact: Coefficient) -> bool:
    """Whether a mesh that is good enough for one coefficient is for the other one too; not said where they depend on x."""
    return not isinstance(exact, SlowCoefficient) and effective_difference(found, exact) < _CLOSE


def solve_of(found: Solution) -> SolveRecord:
    """What a solve took, with its refinements."""
    return SolveRecord(dofs=found.dofs, iterations=found.iterations, seconds=found.seconds)


def cell_solve_of(found: CellSolution) -> SolveRecord:
    """What the cell problems took; of those that depend on x the unknowns of one."""
    space = found.correctors[0].function_space if found.correctors else None
    dofs = None if space is None else int(space.dofmap.index_map.size_global * space.dofmap.index_map_bs)
    return SolveRecord(dofs=dofs, seconds=found.seconds)


def petsc_options() -> dict[str, str]:
    """The user's options for our solvers."""
    ours = ("reference_", "cell_", "homogenized_")
    return {k: v for k, v in sorted(PETSc.Options().getAll().items()) if k.startswith(ours)}


def provenance(
    case: Case,
    comm: MPI.Comm,
    networks: Networks,
    elements: FemSettings,
    key: str,
    assumed: Sequence[str],
    request: Request,
) -> Provenance:
    """Where the numbers come from."""
    return Provenance(
        versions={
            "hybrid": hybrid.__version__, "python": platform.python_version(), "dolfinx": dolfinx.__version__,
            "petsc": ".".join(map(str, PETSc.Sys.getVersion())), "torch": torch.__version__, "numpy": np.__version__,
            "sympy": sympy.__version__, "mpi": MPI.Get_library_version().split("\n")[0].strip(),
        },
        ranks=comm.size,
        threads=torch.get_num_threads(),
        device=networks["cell"].device or "cpu",
        seed=request.seed,
        problem_hash=case.problem.digest,
        key=key,
        petsc_options=petsc_options(),
        settings={
            "fem": asdict(elements),
            "pinn": {part: {k: str(v) for k, v in one.arguments().items()} for part, one in networks.items()},
        },
        assumptions=[*case.assumptions, *assumed],
        finished=time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        request=request,
    )  # fmt: skip
