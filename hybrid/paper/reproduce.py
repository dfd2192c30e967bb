"""The whole paper: every case in order, the baselines, and the page that shows them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from mpi4py import MPI

from hybrid import store
from hybrid.paper.beside import beside
from hybrid.paper.cases import names, paper_case
from hybrid.paper.experiment import Apart
from hybrid.paper.experiments import EXPERIMENTS
from hybrid.paper.extras import EXTRAS
from hybrid.paper.page import write_page
from hybrid.paper.preset import PAPER
from hybrid.parallel import on_root
from hybrid.study.progress import Reporter
from hybrid.study.run import run

SEEDS = 3
"""From how many seeds the networks of `accurate` and `fast` are trained, for the spread of their errors."""


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
        # What belongs to no preset is done with the main one.
        apart = [e for e in EXPERIMENTS if isinstance(e, Apart)] if "accurate" in presets else []
        with beside(comm, cases, out / "baselines", reporter) if apart else nullcontext():
            work = [(preset, name) for preset in presets for name in cases]
            for count, (preset, name) in enumerate(work, 1):
                reporter.say(f"[{count} of {len(work)}, {_minutes(start)}] {name}, preset {preset}", style="bold")
                _run(comm, preset, name, out / preset / name, seeds, cache)
        for experiment in apart:
            experiment.run(comm, cases, out / "baselines", reporter)
        page = on_root(comm, lambda: write_page(out))
        reporter.say(f"{_minutes(start)} in all; the page is {page.resolve()}", style="bold")
        return page
    finally:
        reporter.close()


def _run(comm: MPI.Comm, preset: str, name: str, out: Path, seeds: int, cache: bool) -> None:
    shown = paper_case(name)
    many = 1 if preset == PAPER.name or shown.literal_of else seeds
    run(shown.case, comm, preset=preset, out=out, resume=True, seeds=many, cache=cache, extras=EXTRAS)


def _minutes(start: float) -> str:
    seconds = round(time.perf_counter() - start)
    return f"{seconds // 60} min {seconds % 60:02d} s"
