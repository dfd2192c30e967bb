"""One case from the equation to e1…e5, or to bounds of errors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from mpi4py import MPI

import hybrid
from hybrid import store
from hybrid.fem.cache import ReferenceCache
from hybrid.parallel import machines, on_root
from hybrid.study import results
from hybrid.study.adaptation import adaptation
from hybrid.study.case import Case
from hybrid.study.extras import Extras
from hybrid.study.limits import check_reference, check_size
from hybrid.study.progress import Reporter
from hybrid.study.record import (
    FORMAT,
    Record,
)
from hybrid.study.repeat import request_of
from hybrid.study.scope import check_scope
from hybrid.study.settings import fem_settings, network_settings
from hybrid.study.shared import Shared
from hybrid.study.stages import Run, say_what_is_not_resolved
from hybrid.study.table import table_of


def run(
    case: Case,
    comm: MPI.Comm,
    *,
    preset: str | None = None,
    seed: int | None = None,
    out: Path | None = None,
    resume: bool = False,
    seeds: int = 1,
    reference_tol: float | None = None,
    cache: bool = True,
    figures: bool = True,
    quiet: bool = False,
    shared: Shared | None = None,
    extras: Sequence[Extras] = (),
) -> dict[str, Any]:
    """Solve a case by finite elements and by networks, compare, and leave results, figures and fields in a folder.

    Args:
        case: What to solve.
        comm: The ranks that share the finite elements, and the collocation points of the larger trainings.
        preset: "accurate", "fast" or one of the extras'; the case's own if None.
        seed: Of the networks; the case's own if None.
        out: The folder; ``results/NAME`` if None.
        resume: Take what an earlier run of the same problem and settings has left there.
        seeds: With more than one the networks are trained from so many seeds, counting up, for the spread of the errors.
        reference_tol: Refine the reference until its estimated relative L2 error is at most this.
        cache: Take the reference from the cache, or put it there (`hybrid.fem.cache`).
        figures: Whether to leave figures and fields, and values on grids for them.
        quiet: Whether only the log is told what goes on.
        shared: What this run has in common with others of the caller's.
        extras: Presets of the caller's, with what they add to a run.

    Returns:
        The contents of ``results.json``.

    Raises:
        InputError: Settings that do not go together, or a folder that cannot be written.
        SolverError: A solver or a training failed; what was computed before is in ``results.json``.
    """
    chosen, networks = network_settings(case, preset, seed, [extra.preset for extra in extras])
    check_scope(case)
    elements, adapted = fem_settings(case, reference_tol), adaptation(case, reference_tol, networks=chosen.adapts)
    nodes = machines(comm)
    check_size(case, elements, networks, nodes)
    out = Path("results") / case.problem.name if out is None else out
    on_root(comm, lambda: store.prepare(out))
    request = request_of(case, chosen, networks, seeds, reference_tol)
    key = store.key_of(
        FORMAT, hybrid.__version__, case.problem.digest, elements, networks, results.petsc_options(),
        chosen.key(case), seeds, adapted, case.certify, case.layers, case.reference, *(("direct",) if case.direct else ()),
    )  # fmt: skip
    done = comm.bcast(Record.read(out / "results.json") if comm.rank == 0 else None)
    reporter = Reporter(comm.rank, out / "log.txt", quiet=quiet)
    with _naming(out), closing(reporter):
        if resume and done is not None and done.is_complete and done.provenance.key == key:
            reporter.say(f"{case.problem.name}: already done, from {out / 'results.json'}")
            reporter.show(table_of(case, done))
            say_what_is_not_resolved(reporter, done)
            return done.plain()
        references = {
            "cache": ReferenceCache(warn=reporter.warn) if cache else None,
            "report": lambda text: reporter.say(f"    {text}"),
            "check": lambda cells: check_reference(case, elements.reference, cells, nodes),
        }
        own = [extra for extra in extras if extra.preset == chosen]
        shared = None if own else shared  # they watch every training
        found = Run(
            case, comm, chosen, elements, networks, adapted, request, key, out, resume, reporter, references, shared
        )
        return found.all(seeds, own, figures=figures).plain()


@contextmanager
def _naming(out: Path) -> Iterator[None]:
    """A full disk does not say where it was."""
    try:
        yield
    except OSError as error:
        if error.filename is not None or error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, str(out)) from error
