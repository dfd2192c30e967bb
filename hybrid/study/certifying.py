"""Bounds of errors of reconstructions: in a run, beside its reference or without one, and by themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mpi4py import MPI

import numpy as np
import numpy.typing as npt
import torch

import hybrid
from hybrid import bounds, comparison, store
from hybrid.bounds.scope import checked
from hybrid.comparison.transfer import Comparable
from hybrid.failures import InputError, SolverError
from hybrid.fem.reference import Reference
from hybrid.parallel import on_root
from hybrid.physics import Problem
from hybrid.study.case import Case
from hybrid.study.parts import CertificateRecord
from hybrid.study.record import finite
from hybrid.study.settings import fem_settings, network_settings
from hybrid.study.table import coefficient_of

_NAMES = {"fem": "finite elements", "pinn": "networks"}


def certificate(
    problem: Problem, path: str, u0: Comparable, cell: Any, comm: MPI.Comm, reference: Reference | None = None
) -> CertificateRecord:
    """The bound for one path; collective.

    Args:
        problem: As in `hybrid.bounds.certify`.
        path: "fem" or "pinn".
        u0: Its homogenized solution.
        cell: Its cell solution.
        comm: The ranks.
        reference: u_ε, where there is one to say what the true errors are.
    """
    correctors = cell.correctors
    if path == "fem" and checked(problem).flux.depends_on:  # on a line
        correctors = comparison.lines_of(problem, cell, comm)
    found = bounds.certify(problem, u0, correctors, cell.coefficient, comm)
    sides: Sequence[npt.NDArray[np.float64] | None] = (None, None) if cell.bounds is None else cell.bounds
    lower, upper = (None if side is None else side.tolist() for side in sides)
    truth: dict[str, float] = {}
    if reference is not None:
        energy, in_l2 = bounds.true_errors(found.reconstruction, reference.function)
        truth = {"true_energy": energy, "true_l2": in_l2, "effectivity": found.energy_bound / energy}
    return CertificateRecord(
        eps=problem.eps, path=path, energy_bound=found.energy_bound, l2_bound=found.l2_bound, a_lower=lower, a_upper=upper,
        up_to=found.up_to, seconds=found.seconds, **truth,
    )  # fmt: skip


def certificates(
    problem: Problem, paths: Mapping[str, tuple[Comparable, Any]], comm: MPI.Comm, reference: Reference | None,
    warn: Callable[[str], object],
) -> dict[str, CertificateRecord]:  # fmt: skip
    """Those of both paths, from their homogenized and cell solutions; what has none is warned of. Collective.

    Raises:
        SolverError: There is none by any path, and no reference.
    """
    found: dict[str, CertificateRecord] = {}
    for path, both in paths.items():
        try:
            found[path] = certificate(problem, path, *both, comm, reference)
        except (InputError, SolverError) as failed:
            warn(f"no bound for {_NAMES[path]}: {failed}")
    if not found and reference is None:
        raise SolverError("no bound by either path, and no reference: nothing says how far the solutions are off")
    return found


def certify(
    case: Case, comm: MPI.Comm, *, path: str = "pinn", preset: str | None = None, seed: int | None = None,
    out: Path | None = None,
) -> CertificateRecord:  # fmt: skip
    """Solve the cell problems and the homogenized equation by one path, bound the error of what is made of them, and leave
    ``certificate.json`` in a folder; collective.

    Args:
        case: What to solve.
        comm: The ranks.
        path: "pinn" or "fem".
        preset: Of the networks.
        seed: Of the networks.
        out: The folder; ``results/NAME`` if None.

    Raises:
        InputError: Settings that do not go together, or a problem that there is no bound for.
        SolverError: A solver or a training failed.
    """
    out = Path("results") / case.problem.name if out is None else out
    on_root(comm, lambda: store.prepare(out))
    problem = case.problem
    if path == "fem":
        elements = fem_settings(case)
        cell = hybrid.fem.solve_cell(problem, comm, **elements.cell.arguments())
        u0: Comparable = hybrid.fem.solve_homogenized(
            problem, cell.coefficient, comm, **elements.homogenized.arguments()
        )
        found = certificate(problem, path, u0, cell, comm)
    else:
        torch.set_num_threads(1)
        _, networks = network_settings(case, preset, seed)
        chi = hybrid.pinn.solve_cell(problem, comm=comm, **networks["cell"].arguments())
        p = hybrid.pinn.solve_homogenized(problem, chi.coefficient, comm=comm, **networks["homogenized"].arguments())
        found = certificate(problem, path, p, chi, comm)
    plain, _ = finite(found.model_dump(exclude_none=True))
    on_root(comm, lambda: store.write_json(out / "certificate.json", plain))
    return found


def lines_of(found: CertificateRecord) -> list[str]:
    """For the terminal."""
    lines = [
        f"eps = {found.eps:.6g}, {_NAMES[found.path]}: the reconstruction is off by {found.energy_bound:.3e} in energy and "
        f"{found.l2_bound:.3e} in L2 at the most, relative"
    ]
    if found.effectivity is not None:
        lines.append(
            f"  the reference says {found.true_energy:.3e} and {found.true_l2:.3e}: effectivity {found.effectivity:.2f}"
        )
    if found.a_lower is not None and found.a_upper is not None:
        lines.append(f"  a* is between {coefficient_of(found.a_lower)} and {coefficient_of(found.a_upper)}")
    return lines + [f"  not proved, {what}: {text}" for what, text in found.up_to.items()]
