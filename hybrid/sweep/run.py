"""A whole sweep: what is not there yet is run, and all of it is a table."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from mpi4py import MPI

import pyarrow as pa

from hybrid.parallel import on_root
from hybrid.study import load
from hybrid.sweep.executors import Executor, Job, Ranks, no_extras
from hybrid.sweep.folder import Folder
from hybrid.sweep.plan import Plan
from hybrid.sweep.progress import Watch, reporter_of

if TYPE_CHECKING:
    from hybrid.study.extras import Extras


def run(
    plan: Plan,
    comm: MPI.Comm = MPI.COMM_WORLD,
    *,
    out: Path | None = None,
    executor: Executor | None = None,
    shard: tuple[int, int] = (1, 1),
    retry: bool = False,
    cache: bool = True,
    extras: Callable[[], Sequence[Extras]] = no_extras,
) -> pa.Table:
    """Do every run of a plan that has not ended yet; collective.

    Args:
        plan: From `hybrid.sweep.files.read` or `from_data`.
        comm: The ranks.
        out: The folder; ``results/NAME`` if None. Runs that have landed there are not done again.
        executor: Who does the runs; the ranks of `comm` by default.
        shard: (k, n): only the k-th of n parts, for jobs that share the folder.
        retry: Whether runs that have failed are done again.
        cache: Whether references are kept, for other runs to find them.
        extras: Loads presets of the caller's; a function of a module, as other processes are told its name.

    Returns:
        The table, one row for each run that has ended (`hybrid.study.load`), on rank 0; an empty one on the others.

    Raises:
        InputError: The folder cannot be written, or there are fewer ranks than a run is to have.
        OSError: A file could not be written; what has landed stays.
    """
    executor = Ranks(comm, plan.ranks_per_run) if executor is None else executor
    folder = Folder(Path("results") / plan.name if out is None else out)
    on_root(comm, lambda: folder.prepare(plan.plain(), plan.text))
    agenda = plan.agenda(shard)

    def forget() -> None:
        for key in folder.landed() & {task.key for task in agenda}:
            row = folder.row(key)
            if row is None or row["status"] == "failed":
                folder.forget(key)

    if retry:
        on_root(comm, forget)
    begun = time.monotonic()
    with closing(reporter_of(comm.rank, folder.path)) as reporter:
        try:
            if aside := len(folder.landed() - set(plan.keys)):
                reporter.say(
                    f"{aside} earlier runs in {folder.path} have other settings: they stay there, in no table and page"
                )
            with Watch(folder, agenda, reporter) as watch:
                executor.run(Job(plan, agenda, folder, extras, cache), watch)
        finally:
            if comm.rank == 0:
                folder.write_tables(plan.keys)
        reporter.say(
            f"{plan.name}: {time.monotonic() - begun:.1f} s; the table is {folder.path / 'results.csv'} (and .parquet)"
        )
    return load(folder.path) if comm.rank == 0 else pa.table({})
