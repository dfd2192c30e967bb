"""The `hybrid` command. What it needs to refuse its input is light; functions import the rest when the input is accepted."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from mpi4py import MPI

import typer

import hybrid
from hybrid import commands
from hybrid.asked import Asked, check_preset, chosen_case
from hybrid.exits import guarded
from hybrid.failures import Faults, InputError
from hybrid.machine import keep_memory
from hybrid.paper.titles import TITLES, check_name
from hybrid.parallel import machines, on_root

if TYPE_CHECKING:
    from hybrid.study.case import Case

app = typer.Typer(
    add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Homogenization by finite elements and by neural networks, measured against each other. Runs under mpiexec too.",
)  # fmt: skip

Trained = Annotated[
    str | None,
    typer.Option(
        help="accurate: every layer trained. fast: frozen random hidden layers, last layer by least squares. "
        "paper: what the text states, by Adam, with its experiments; slow."
    ),
]
NoCache = Annotated[
    bool,
    typer.Option(
        "--no-cache", help="Solve the reference, and keep it nowhere; else it is in $HYBRID_CACHE or ~/.cache/hybrid."
    ),
]


def _version(wanted: bool) -> None:
    if wanted:
        print(f"hybrid {hybrid.__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


@app.command()
def cases() -> None:
    """List the paper's cases."""
    for name, title in TITLES.items():
        print(f"{name:32} {title}")


@app.command()
def run(
    what: Annotated[
        str | None, typer.Argument(metavar="CASE|FILE.toml", help="A case (see `hybrid cases`) or a problem file.")
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option("--from", metavar="results.json", help="Repeat the run that has left this; other options win."),
    ] = None,
    preset: Trained = None,
    seed: Annotated[
        int | None, typer.Option(min=0, max=2**31 - 1, help="Seed of the networks' initial weights.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for results; results/NAME by default.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Take what an earlier run has left in the folder.")] = False,
    reference_tol: Annotated[
        float | None,
        typer.Option(metavar="TOL", help="Refine the reference until its estimated relative error is at most this."),
    ] = None,
    seeds: Annotated[
        int | None, typer.Option(min=1, max=10_000, help="Train the networks from so many seeds, for the spread.")
    ] = None,
    no_cache: NoCache = False,
) -> None:
    """Solve a case or a problem file by both paths and compare: e1 to e5, figures, fields, results.json.

    PETSc options may follow after --, for the prefixes reference_, cell_ and homogenized_:
    hybrid run elliptic-2d -- -reference_ksp_monitor
    """
    comm, faults, words = MPI.COMM_WORLD, Faults(), Faults()
    check_preset(preset, words)
    asked = Asked.of(what, source, preset, seed, reference_tol)
    known, nodes = None if words.found else asked.preset, machines(comm)

    def check(case: Case) -> None:
        """The file's settings together with the command's words, which win."""
        from hybrid.paper.preset import PAPER  # loads SymPy
        from hybrid.study.settings import check_settings

        check_settings(case, known, asked.seed, asked.reference_tol, nodes, (PAPER,))

    with faults.noted():
        chosen = asked.read(check)
    faults.note(*words.found)
    if out is not None and str(out) in {"", "."}:
        faults.note(InputError("--out", "give a folder of its own; a run leaves a dozen files there"))
    faults.report()
    folder = Path("results") / chosen.problem.name if out is None else out

    from hybrid.store import prepare  # loads NumPy

    on_root(comm, lambda: prepare(folder))

    from hybrid.paper.extras import EXTRAS  # the input is accepted: now torch, DOLFINx and matplotlib
    from hybrid.study.run import run as run_case

    signal.signal(signal.SIGPIPE, signal.SIG_IGN)  # PETSc would end the run when nobody reads what it prints
    run_case(
        chosen, comm, preset=asked.preset, seed=asked.seed, out=out, resume=resume, seeds=seeds or asked.seeds,
        reference_tol=asked.reference_tol, cache=not no_cache, extras=EXTRAS,
    )  # fmt: skip


@app.command()
def reproduce(
    preset: Annotated[str, typer.Option(help="accurate, fast, paper (hours), or all of them.")] = "accurate",
    out: Annotated[Path, typer.Option(help="Folder for results and the page.")] = Path("results/reproduction"),
    only: Annotated[
        list[str] | None, typer.Option("--case", help="Only this case; may be given more than once.")
    ] = None,
    no_cache: NoCache = False,
) -> None:
    """Run all of the paper's cases and write a page with its tables and figures; what is done is not done again."""
    from hybrid.study.options import preset_names  # loads SymPy

    comm, faults = MPI.COMM_WORLD, Faults()
    check_preset(preset, faults, "all")
    for name in only or ():
        with faults.noted():
            check_name(name)
    if str(out) in {"", "."}:
        faults.note(InputError("--out", "give a folder of its own"))
    faults.report()

    from hybrid.store import prepare  # loads NumPy

    on_root(comm, lambda: prepare(out))

    from hybrid.paper.reproduce import reproduce as reproduce_all  # torch, DOLFINx and matplotlib

    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    presets = preset_names() if preset == "all" else (preset,)
    reproduce_all(comm, presets=presets, out=out, chosen=only or None, cache=not no_cache)


@app.command()
def certify(
    what: Annotated[
        str, typer.Argument(metavar="CASE|FILE.toml", help="A case (see `hybrid cases`) or a problem file.")
    ],
    path: Annotated[
        str, typer.Option(help="pinn: of the networks' reconstruction. fem: of the finite elements'.")
    ] = "pinn",
    preset: Trained = None,
    seed: Annotated[
        int | None, typer.Option(min=0, max=2**31 - 1, help="Seed of the networks' initial weights.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for certificate.json; results/NAME by default.")] = None,
) -> None:
    """Bound the error of a reconstruction of u_eps, guaranteed, without solving for u_eps: certificate.json."""
    comm, faults, words = MPI.COMM_WORLD, Faults(), Faults()
    check_preset(preset, words)
    known = None if words.found else preset

    def check(case: Case) -> None:
        from hybrid.bounds.scope import checked  # loads SymPy
        from hybrid.study.settings import check_settings

        checked(case.problem)
        check_settings(case, known, seed, reference=False)

    with faults.noted():
        chosen = chosen_case(what, check)
    faults.note(*words.found)
    if path not in {"pinn", "fem"}:
        faults.note(InputError("--path", f"{path!r}; allowed are pinn, fem"))
    if out is not None and str(out) in {"", "."}:
        faults.note(InputError("--out", "give a folder of its own"))
    faults.report()

    from hybrid.study.certifying import certify as certify_case  # torch and DOLFINx
    from hybrid.study.certifying import lines_of

    print(*lines_of(certify_case(chosen, comm, path=path, preset=preset, seed=seed, out=out)), sep="\n")


@app.command()
def plan(
    what: Annotated[
        str, typer.Argument(metavar="CASE|FILE.toml", help="A case (see `hybrid cases`) or a problem file.")
    ],
    ranks: Annotated[int, typer.Option(min=1, max=10**6, help="How many MPI ranks share the work.")] = 1,
) -> None:
    """Predict the size, memory and time of a reference, without computing anything."""
    chosen = chosen_case(what)

    from hybrid.study.plan import lines_of  # loads SymPy
    from hybrid.study.plan import plan as plan_for

    found, notes = plan_for(chosen, ranks)
    print(*lines_of(chosen, found, ranks), *notes, sep="\n")


app.command()(commands.schema)
app.command()(commands.init)
app.command()(commands.sweep)
app.command()(commands.report)


def _petsc_options(arguments: list[str]) -> None:
    """Put what follows -- into PETSc's options.

    Raises:
        InputError: Something that is not an option.
    """
    if not arguments[0].startswith("-"):
        raise InputError(
            "after --", f"{arguments[0]!r} is not a PETSc option; they start with -, e.g. -reference_ksp_monitor"
        )

    from petsc4py import PETSc  # only where it is asked for

    PETSc.Options().insertString(" ".join(arguments))


def main(arguments: list[str] | None = None) -> None:
    """Run the command and exit: 0 done, 2 bad input (a line for each fault on stderr), 1 a solver or training failed."""
    words = sys.argv[1:] if arguments is None else arguments
    keep_memory()
    own, petsc = (words[: words.index("--")], words[words.index("--") + 1 :]) if "--" in words else (words, [])
    sys.exit(guarded(lambda: _answer(own, petsc)))


def _answer(own: list[str], petsc: list[str]) -> object:
    if petsc:
        _petsc_options(petsc)
    if MPI.COMM_WORLD.rank:  # one rank speaks
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
    return app(own or ["--help"], standalone_mode=False, prog_name="hybrid")


if __name__ == "__main__":
    main()
