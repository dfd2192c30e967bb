"""What goes into `results.json`: coefficients, provenance, and files that stay until better ones are there."""

from __future__ import annotations

import platform
import time
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
from hybrid.coefficient import SlowCoefficient
from hybrid.study.cases import Case
from hybrid.study.monitor import significant

Coefficient = Any
"""a*, an array; a*(x), a `SlowCoefficient`; or r*, a number."""


def plain(coefficient: Coefficient) -> Any:
    """A homogenized coefficient as JSON: a d×d list, a number, or {x, values} at its nodes."""
    if isinstance(coefficient, SlowCoefficient):
        return {"x": coefficient.nodes.tolist(), "values": coefficient.values.tolist()}
    return np.asarray(coefficient).tolist()


def relative_difference(found: Coefficient, exact: Coefficient) -> float:
    """‖found - exact‖ / ‖exact‖; in L2(Ω) where it depends on x: the paper's e_a."""
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
    return float(np.linalg.norm(one - other) / np.linalg.norm(other))


def petsc_options() -> dict[str, str]:
    """The user's options for our solvers."""
    ours = ("reference_", "cell_", "homogenized_")
    return {k: v for k, v in sorted(PETSc.Options().getAll().items()) if k.startswith(ours)}


def provenance(
    case: Case, comm: MPI.Comm, networks: dict[str, Any], elements: dict[str, Any], key: str, assumed: tuple[str, ...]
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
        "device": networks["cell"].get("device", "cpu"),
        "seed": networks["cell"]["seed"],
        "problem_hash": case.problem.digest,
        "key": key,
        "petsc_options": petsc_options(),
        "settings": {"fem": elements, "pinn": {part: {k: str(v) for k, v in a.items()} for part, a in networks.items()}},
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


def write(out: Path, results: dict[str, Any]) -> None:
    """Write what there is; a complete result of an earlier run stays until this one is complete."""
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
