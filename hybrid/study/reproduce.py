"""The whole paper: every case in order, the baselines, and the page that shows them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mpi4py import MPI

from hybrid import store
from hybrid.parallel import on_root
from hybrid.physics import EllipticProblem
from hybrid.study.baselines import baselines
from hybrid.study.cases import case, names
from hybrid.study.coarse import coarse_mesh_study
from hybrid.study.page import write_page
from hybrid.study.progress import Reporter
from hybrid.study.run import run

SEEDS = 3
"""From how many seeds the networks of `accurate` and `fast` are trained, for the spread of their errors."""
BASELINES = ("elliptic-1d", "elliptic-2d")


def reproduce(
    comm: MPI.Comm,
    *,
    presets: Sequence[str] = ("accurate",),
    out: Path = Path("results/reproduction"),
    chosen: Sequence[str] | None = None,
    seeds: int = SEEDS,
    cache: bool = True,
) -> Path:
    """Run the paper's cases with presets and write the page; what was done before is not done again.

    Args:
        comm: The ranks.
        presets: Of "accurate", "fast", "paper".
        out: The folder: PRESET/CASE/ for the runs, index.html, tables.md and tables.csv.
        chosen: Names of cases; all by default.
        seeds: How many seeds "accurate" and "fast" are trained from.
        cache: Take references from the cache, and put them there.

    Returns:
        The page.

    Raises:
        InputError: A folder that cannot be written.
        SolverError: A solver or a training failed; what is done stays.
    """
    start = time.perf_counter()
    cases = list(names() if chosen is None else chosen)
    on_root(comm, lambda: store.prepare(out))
    reporter = Reporter(comm.rank, out / "log.txt")
    try:
        work = [(preset, name) for preset in presets for name in cases]
        for count, (preset, name) in enumerate(work, 1):
            reporter.say(f"[{count} of {len(work)}, {_minutes(start)}] {name}, preset {preset}", style="bold")
            many = seeds if preset != "paper" and not name.endswith("-literal") else 1
            run(case(name), comm, preset=preset, out=out / preset / name, resume=True, seeds=many, cache=cache)
        if "accurate" in presets:
            _extras(comm, cases, out, reporter)
        page = on_root(comm, lambda: write_page(out))
        reporter.say(f"{_minutes(start)} in all; the page is {page.resolve()}", style="bold")
        return page
    finally:
        reporter.close()


def _extras(comm: MPI.Comm, cases: Sequence[str], out: Path, reporter: Reporter) -> None:
    """What belongs to no preset: the direct baselines and the coarse-mesh study of section 2.2."""
    for name in BASELINES:
        problem: Any = case(name).problem
        if name in cases and problem.kind == "elliptic":
            assert isinstance(problem, EllipticProblem)
            reporter.say(f"direct baselines, {name}", style="bold")
            baselines(problem, comm, out / "baselines" / f"{name}.json", reporter)
    path = out / "baselines" / "coarse-mesh.json"
    with reporter.stage("coarse-mesh P1 (section 2.2)"):
        found = coarse_mesh_study(comm)
    if comm.rank == 0:
        store.write_json(path, found)


def _minutes(start: float) -> str:
    seconds = round(time.perf_counter() - start)
    return f"{seconds // 60} min {seconds % 60:02d} s"
