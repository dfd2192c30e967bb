"""What the paper lacks: the direct approach, solved well. Networks for the multiscale equation itself, by three formulations,
with and without the fast frequency among their inputs, every layer trained by a second-order optimizer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mpi4py import MPI

import hybrid
from hybrid import fem, pinn, store
from hybrid.comparison import grid, on_points
from hybrid.parallel import on_root
from hybrid.physics import EllipticProblem
from hybrid.pinn import LevenbergMarquardt
from hybrid.study.monitor import relative, thinned
from hybrid.study.progress import Reporter

NAMES = {
    "strong": "strong form (classical PINN)",
    "first-order": "first-order system",
    "ritz": "energy (Ritz) form",
}
_SIZES: dict[int, dict[str, Any]] = {
    1: {"hidden": (16, 16), "points": 1200, "steps": 150},
    2: {"hidden": (16, 16), "points": 96, "steps": 60},
}
"""Hidden widths, collocation points along each side and steps, by dimension."""
_RITZ_POINTS = {1: 1200, 2: 144}
"""The energy is a sum of squares plus a constant that points too far apart let the network undercut: 18 for each period."""


def baselines(
    problem: EllipticProblem, comm: MPI.Comm, path: Path, reporter: Reporter, *, seed: int = 0, **sizes: Any
) -> dict[str, Any]:
    """Solve the multiscale problem directly by each formulation; the results are kept in a file and not computed twice.

    Args:
        problem: An elliptic problem.
        comm: The ranks; the networks are trained on rank 0.
        path: The file.
        reporter: Tells the person who waits.
        seed: Of the initial weights.
        **sizes: ``hidden``, ``points`` and ``steps``, where they are to differ from the defaults.

    Returns:
        The rows under "rows": relative L2 errors against the reference on a grid, seconds, parameters, and what was trained.
    """
    size = _SIZES[problem.dim] | sizes
    key = store.key_of("baselines", hybrid.__version__, problem.digest, size, _RITZ_POINTS, seed)
    done = comm.bcast(store.read_json(path) if comm.rank == 0 else None)
    if done is not None and done.get("key") == key:
        reporter.say(f"  direct baselines of {problem.name}: already done")
        return done
    u = fem.solve_multiscale(problem, comm, degree=3, cells_per_period=16, estimate=False)
    where = grid(problem.domain, 2001 if problem.dim == 1 else 101)
    exact = on_points(u, where)
    rows = []
    for fast in (False, True):
        for formulation, name in NAMES.items():
            title = f"direct: {name}" + ", fast frequency" * fast

            def task(formulation: str = formulation, fast: bool = fast) -> dict[str, Any]:
                ritz = formulation == "ritz"
                points = max(size["points"], _RITZ_POINTS[problem.dim]) if ritz and not sizes else size["points"]
                # The energy's constant hides its progress from a relative tolerance.
                optimizer = LevenbergMarquardt(steps=size["steps"], tolerance=1e-4 if ritz else 0.02)
                solution = pinn.solve_multiscale(
                    problem, formulation=formulation, fast_features=fast, seed=seed, hidden=size["hidden"],
                    points=points, optimizer=optimizer, progress=reporter.step,
                )  # fmt: skip
                return {
                    "formulation": formulation, "fast_frequency": fast, "points": points,
                    "error": relative(solution.field.values(where), exact), "seconds": solution.seconds,
                    "parameters": sum(p.numel() for p in solution.networks[0].parameters()),
                    "stopped": solution.history.stopped, **thinned(solution.history.loss, 100),
                }  # fmt: skip

            with reporter.stage(title):
                rows.append(on_root(comm, task))
    found = {
        "key": key, "case": problem.name, "eps": problem.eps, "seed": seed, "optimizer": "levenberg-marquardt",
        "kind": "all layers trained, hard boundary conditions", **{k: v for k, v in size.items() if k != "hidden"},
        "hidden": list(size["hidden"]), "rows": rows,
    }  # fmt: skip
    if comm.rank == 0:
        store.write_json(path, found)
    return found
