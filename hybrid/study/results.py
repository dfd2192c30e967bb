"""What goes into `results.json`: coefficients, provenance, and files that stay until better ones are there."""

from __future__ import annotations

import math
import platform
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mpi4py import MPI
from petsc4py import PETSc

import numpy as np
import sympy
import torch

import dolfinx

import hybrid
from hybrid import store
from hybrid.fem.settings import FemSettings
from hybrid.media.interpolated import SlowCoefficient, relative_change
from hybrid.study.case import Case
from hybrid.study.monitor import significant
from hybrid.study.presets import Networks

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


def petsc_options() -> dict[str, str]:
    """The user's options for our solvers."""
    ours = ("reference_", "cell_", "homogenized_")
    return {k: v for k, v in sorted(PETSc.Options().getAll().items()) if k.startswith(ours)}


def provenance(
    case: Case, comm: MPI.Comm, networks: Networks, elements: FemSettings, key: str, assumed: tuple[str, ...]
) -> dict[str, Any]:
    """Where the numbers come from."""
    return {
        "versions": {
            "hybrid": hybrid.__version__, "python": platform.python_version(), "dolfinx": dolfinx.__version__,
            "petsc": ".".join(map(str, PETSc.Sys.getVersion())), "torch": torch.__version__, "numpy": np.__version__,
            "sympy": sympy.__version__, "mpi": MPI.Get_library_version().split("\n")[0].strip(),
        },
        "ranks": comm.size,
        "threads": torch.get_num_threads(),
        "device": networks["cell"].device or "cpu",
        "seed": networks["cell"].seed,
        "problem_hash": case.problem.digest,
        "key": key,
        "petsc_options": petsc_options(),
        "settings": {
            "fem": asdict(elements),
            "pinn": {part: {k: str(v) for k, v in one.arguments().items()} for part, one in networks.items()},
        },
        "assumptions": [*case.assumptions, *assumed],
        "finished": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }  # fmt: skip


def is_complete(done: dict[str, Any] | None, key: str) -> bool:
    """Whether an earlier run has finished what is asked for."""
    if done is None:
        return False
    before, errors = done.get("provenance"), done.get("errors")
    fits = isinstance(before, dict) and before.get("key") == key and done.get("status") == "complete"
    return fits and isinstance(errors, dict) and {"e1", "e2", "e3", "e4"} <= errors.keys()


def finite(tree: Any, place: str = "") -> tuple[Any, list[str]]:
    """The tree with None in place of numbers that are not finite, which JSON does not have, and the places of those."""
    if isinstance(tree, float) and not math.isfinite(tree):
        return None, [f"{place.removeprefix('.')}: {tree}, not a finite number"]
    if isinstance(tree, dict):
        pairs = {key: finite(value, f"{place}.{key}") for key, value in tree.items()}
        return {key: value for key, (value, _) in pairs.items()}, [t for _, found in pairs.values() for t in found]
    if isinstance(tree, list | tuple):
        parts = [finite(value, f"{place}[{i}]") for i, value in enumerate(tree)]
        return [value for value, _ in parts], [text for _, found in parts for text in found]
    return tree, []


def write(out: Path, results: dict[str, Any]) -> None:
    """Write what there is; a complete result of an earlier run stays until this one is complete."""
    results, places = finite(results)
    if places:
        results["undefined"] = places
    path, beside = out / "results.json", out / "results-incomplete.json"
    if results["status"] == "complete":
        store.write_json(path, results)
        beside.unlink(missing_ok=True)
        return
    earlier = store.read_json(path)
    kept = earlier is not None and earlier.get("status") == "complete"
    store.write_json(beside if kept else path, results)


def sample(points: Any, **values: Any) -> dict[str, list[float]]:
    """Values on the points of a grid, for figures that are drawn later."""
    return {"x": significant(points), **{name: significant(v) for name, v in values.items()}}
