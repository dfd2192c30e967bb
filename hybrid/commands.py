"""The commands about many runs, `hybrid init` and `hybrid sweep`; `hybrid.cli` has the others, and puts them together."""

from __future__ import annotations

import re
import signal
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from mpi4py import MPI

import typer

from hybrid.failures import Faults, InputError
from hybrid.parallel import on_root

if TYPE_CHECKING:
    from hybrid.study.extras import Extras

TEMPLATES = "hybrid.sweep.templates"


def init(
    what: Annotated[
        str, typer.Argument(metavar="[WHAT]", help="elliptic, reaction-diffusion, jumps, or sweep.")
    ] = "elliptic",
    to: Annotated[Path | None, typer.Option("--to", help="The file; WHAT.toml by default.")] = None,
) -> None:
    """Write a commented file to begin with, which runs as it is. A file that is there already stays as it is."""
    known = sorted(
        entry.name.removesuffix(".toml") for entry in files(TEMPLATES).iterdir() if entry.name.endswith(".toml")
    )
    faults, path = Faults(), Path(f"{what}.toml") if to is None else to
    if what not in known:
        faults.note(InputError("init", f"{what!r}; allowed are {', '.join(known)}"))
    if path.suffix != ".toml":
        faults.note(InputError("--to", f"{path}; the name of a problem file ends in .toml"))
    faults.report()
    text = files(TEMPLATES).joinpath(f"{what}.toml").read_text(encoding="utf-8")

    def write() -> None:
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError:
            raise InputError(str(path), "is there already; give another name by --to") from None
        except OSError as error:
            raise InputError(str(path), f"cannot be written ({error.strerror})") from None

    on_root(MPI.COMM_WORLD, write)
    print(f"{path}: now `hybrid {'sweep' if what == 'sweep' else 'run'} {path}`")


def sweep(
    what: Annotated[Path, typer.Argument(metavar="FILE.toml", help="A sweep file (see `hybrid init sweep`).")],
    out: Annotated[Path | None, typer.Option(help="Folder of the sweep; results/NAME by default.")] = None,
    seeds: Annotated[
        int | None, typer.Option(min=1, max=10_000, help="So many seeds, 0, 1, …, for each run of the file.")
    ] = None,
    shard: Annotated[
        str, typer.Option(metavar="K/N", help="Only the K-th of N parts, for a job array; all may share the folder.")
    ] = "1/1",
    workers: Annotated[
        int | None, typer.Option(help="Processes; as many as cores by default. Under mpiexec its ranks do the runs.")
    ] = None,
    retry: Annotated[bool, typer.Option("--retry", help="Do runs again that have failed.")] = False,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Keep no references: runs that share one solve it each.")
    ] = False,
) -> None:
    """Do all runs of a sweep file, and make a table of them; where it was interrupted, the same command goes on."""
    comm, faults = MPI.COMM_WORLD, Faults()
    part = _shard(shard, faults)
    if out is not None and str(out) in {"", "."}:
        faults.note(InputError("--out", "give a folder of its own"))
    if workers is not None and comm.size > 1:
        faults.note(InputError("--workers", "is for processes without mpiexec; leave it out"))

    from hybrid.paper.cases import case  # loads SymPy
    from hybrid.paper.preset import PAPER
    from hybrid.sweep.executors import Executor, Pool, Ranks
    from hybrid.sweep.files import read

    executor: Executor | None = None
    with faults.noted():
        plan = read(what, seeds=seeds, cases=case, presets=(PAPER,))
    with faults.noted():
        if comm.size == 1:
            executor = Pool(workers)
    if not faults.found:
        with faults.noted():
            executor = Ranks(comm, plan.ranks_per_run) if comm.size > 1 or plan.ranks_per_run > 1 else executor
    faults.report()

    from hybrid.sweep.run import run  # the input is accepted; torch and DOLFINx are for those who do the runs

    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    run(plan, comm, out=out, executor=executor, shard=part, retry=retry, cache=not no_cache, extras=_extras)


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
        faults.note(InputError("--shard", f"{text!r}; allowed is K/N with K from 1 to N, 3/16 for instance"))
        return 1, 1
    return int(found[1]), int(found[2])
