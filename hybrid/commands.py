"""The commands about files, many runs and pages; `hybrid.cli` has the others, and puts them together."""

from __future__ import annotations

import json
import re
import signal
import sys
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from mpi4py import MPI

import typer

from hybrid.failures import Faults, InputError
from hybrid.parallel import launched, on_root

if TYPE_CHECKING:
    from hybrid.study.extras import Extras

TEMPLATES = "hybrid.sweep.templates"


def init(
    kind: Annotated[
        str, typer.Argument(metavar="[KIND]", help="elliptic, reaction-diffusion, jumps, or sweep.")
    ] = "elliptic",
) -> None:
    """Print a commented file to begin with, which runs as it is: hybrid init sweep > sweep.toml"""
    known = sorted(
        entry.name.removesuffix(".toml") for entry in files(TEMPLATES).iterdir() if entry.name.endswith(".toml")
    )
    if kind not in known:
        raise InputError("init", f"{kind!r}; allowed are {', '.join(known)}")
    print(files(TEMPLATES).joinpath(f"{kind}.toml").read_text(encoding="utf-8"), end="")


def schema(
    kind: Annotated[
        str | None, typer.Argument(metavar="[KIND]", help="Of problems, or sweep; every kind of problem without it.")
    ] = None,
) -> None:
    """Print the JSON Schema of problem files or of sweep files, by which editors complete and check them.

    hybrid schema > problem.schema.json, and `#:schema problem.schema.json` in the first line of a problem file.
    """
    from hybrid.study.jsonschema import schema as of_problems  # loads SymPy
    from hybrid.sweep.jsonschema import schema as of_sweeps

    print(json.dumps(of_sweeps() if kind == "sweep" else of_problems(kind), indent=2, ensure_ascii=False))


def sweep(
    what: Annotated[Path, typer.Argument(metavar="FILE.toml", help="A sweep file (see `hybrid init sweep`).")],
    out: Annotated[Path | None, typer.Option(help="Folder of the sweep; results/NAME by default.")] = None,
    seeds: Annotated[
        int | None, typer.Option(min=1, max=10_000, help="So many seeds, 0, 1, …, for each run of the file.")
    ] = None,
    shard: Annotated[
        str, typer.Option(metavar="I/N", help="Only the I-th of N parts, for a job array; all may share the folder.")
    ] = "1/1",
    jobs: Annotated[
        int | None, typer.Option(help="Processes; as many as cores by default. Under mpiexec its ranks do the runs.")
    ] = None,
    retry: Annotated[bool, typer.Option("--retry", help="Do runs again that have failed.")] = False,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Keep no references: runs that share one solve it each.")
    ] = False,
) -> None:
    """Do all runs of a sweep file, and make a table and a page of them; interrupted, the same command goes on."""
    comm, faults = MPI.COMM_WORLD, Faults()
    part = _shard(shard, faults)
    if out is not None and str(out) in {"", "."}:
        faults.note(InputError("--out", "give a folder of its own"))
    apart = comm.size == 1 and not launched()
    if jobs is not None and not apart:
        faults.note(InputError("--jobs", "is for processes without mpiexec; leave it out"))

    from hybrid.paper.cases import case  # loads SymPy
    from hybrid.paper.preset import PAPER
    from hybrid.sweep.executors import Executor, Pool, Ranks
    from hybrid.sweep.files import read

    executor: Executor | None = None
    with faults.noted():
        plan = read(what, seeds=seeds, cases=case, presets=(PAPER,))
    with faults.noted():
        if apart:
            executor = Pool(jobs)
    if not faults.found:
        with faults.noted():
            executor = executor if apart and plan.ranks_per_run == 1 else Ranks(comm, plan.ranks_per_run)
    faults.report()

    from hybrid.sweep.run import run  # the input is accepted; torch and DOLFINx are for those who do the runs

    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    table = run(plan, comm, out=out, executor=executor, shard=part, retry=retry, cache=not no_cache, extras=_extras)
    on_root(comm, lambda: _draw(Path("results") / plan.name if out is None else out, len(table) - len(plan.keys)))


def _draw(folder: Path, lacking: int) -> None:
    """The page of a sweep that is all there; what goes wrong with it takes nothing from the runs."""
    if lacking:
        print(f"a page of what is there: hybrid report {folder}")
        return

    from hybrid.report import report as write  # loads matplotlib

    try:
        print(f"the page is {write(folder)}")
    except Exception as error:
        why = " ".join(str(error).split()) or type(error).__name__
        print(f"hybrid: warning: no page ({why}); hybrid report {folder} tries again", file=sys.stderr)


def _extras() -> Sequence[Extras]:
    from hybrid.paper.extras import EXTRAS

    return EXTRAS


def report(
    what: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a run or of a sweep, complete or not.")],
) -> None:
    """Make one page, index.html, of a run or a sweep, with its tables and figures; the figures also as PNG and PDF."""
    from hybrid.report import report as write  # loads SymPy, and matplotlib where there is something to show

    page = on_root(MPI.COMM_WORLD, lambda: write(what))
    print(f"the page is {page}")


def _shard(text: str, faults: Faults) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
    if found is None or not 1 <= int(found[1]) <= int(found[2]):
        faults.note(InputError("--shard", f"{text!r}; allowed is I/N with I from 1 to N, 3/16 for instance"))
        return 1, 1
    return int(found[1]), int(found[2])
