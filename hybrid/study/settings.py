"""From a case's tables and a preset to the settings of the solvers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from hybrid.failures import Faults, InputError
from hybrid.fem.cost import unknowns
from hybrid.fem.settings import CellSettings, FemSettings, MeshSettings, ReferenceSettings, usual
from hybrid.media.regions import Regions
from hybrid.physics import Problem
from hybrid.pinn.cells.cellchecks import check_cell
from hybrid.pinn.cells.formulations import formulation_of
from hybrid.pinn.cells.periodicities import periodicity_of
from hybrid.pinn.optimizers.kinds import LastLayer
from hybrid.pinn.presets import OPTIMIZERS
from hybrid.pinn.settings import NetworkSettings
from hybrid.study.adaptation import COARSE, adaptation, budget_of, settled
from hybrid.study.case import Case
from hybrid.study.limits import check_size
from hybrid.study.options import FemOptions, PinnOptions
from hybrid.study.presets import OWN, Networks, Preset, preset_named
from hybrid.study.scope import check_no_reference
from hybrid.waves import cells_to_see


def fem_settings(case: Case, reference_tol: float | None = None) -> FemSettings:
    """The settings of the finite elements; the command's word wins over the file's.

    Raises:
        InputError: A tolerance that is not between 0 and 1; a degree too low for the mesh of a medium; settings of a reference
            that there is not.
    """
    if reference_tol is not None and not 0 < reference_tol < 1:
        raise InputError("--reference-tol", f"{reference_tol!r}; {FemOptions.allowed('reference_tol')}")
    check_no_reference(case, reference_tol)
    given, start = case.fem, usual(case.problem)
    if given.a_tol is not None and not _has_bounds(case.problem):
        raise InputError(
            "fem.a_tol", "a* has bounds in elliptic problems whose a depends on y alone, and in space does not jump"
        )
    _check_degrees(case)
    degree, shape = given.degree or start.reference.degree, given.cells or start.reference.shape
    cells = given.cells_per_period or _seeing_cells(case, degree, start.reference.cells_per_period)
    allowed = adaptation(case, reference_tol).fem
    # Where a jumps, a* is asked for to three digits: its mesh then refines towards corners.
    rough = bool(case.problem.flux.interfaces) and given.tol is None

    def mesh(part: str, degree: int, cells: int, tolerance: float) -> MeshSettings:
        """Refined until the tolerance, but not where the file has settled it."""
        kept = any(settled(case, part))
        return MeshSettings(degree, cells, shape, None if kept else tolerance, budget_of(case, part))

    cell = mesh(
        "cell", given.cell_degree or start.cell.degree, given.cell_cells or start.cell.cells,
        max(allowed, COARSE) if rough else allowed,
    )  # fmt: skip
    return FemSettings(
        ReferenceSettings(degree, cells, shape, reference_tol or given.reference_tol),
        CellSettings(**cell.arguments(), a_tol=given.a_tol),
        mesh(
            "homogenized", given.homogenized_degree or start.homogenized.degree,
            given.homogenized_cells or start.homogenized.cells, allowed,
        ),
    )  # fmt: skip


def _has_bounds(problem: Problem) -> bool:
    equation = problem.cell_problems()
    jumps = equation.dim == 3 and bool(equation.flux.interfaces)
    return equation.driven_by_fluxes and not equation.flux.depends_on and not jumps


def _check_degrees(case: Case) -> None:
    """On the mesh of a medium errors are estimated from elements of lower degrees, of which there has to be one.

    Raises:
        InputError: There is none.
    """
    flux, faults = case.problem.flux, Faults()
    if isinstance(flux, Regions):
        least = flux.mesh.degree + 1
        kind = "curved" if flux.mesh.degree > 1 else "straight"
        for name in ("degree", "cell_degree"):
            if (getattr(case.fem, name) or least) < least:
                what = f"{getattr(case.fem, name)}; on the {kind} cells of {flux.mesh.path.name} it has to be {least} or more"
                faults.note(InputError(f"fem.{name}", what))
    faults.report()


def _seeing_cells(case: Case, degree: int, least: int) -> int:
    """Cells per period of the first reference: as many as it takes to see the waves of the coefficient, if there is room."""
    needed = cells_to_see(case.problem.multiscale())
    size = unknowns([n * needed for n in case.problem.periods], degree)
    return max(least, needed) if size <= budget_of(case, "reference") else least


def network_settings(
    case: Case, preset: str | None = None, seed: int | None = None, presets: Sequence[Preset] = ()
) -> tuple[Preset, Networks]:
    """The preset, and the settings of the networks that it trains; the command's words win over the file's.

    Args:
        case: With its [pinn] table.
        preset: The command's word.
        seed: The command's word.
        presets: Those that there are beside our own.

    Raises:
        InputError: Settings that do not go together.
    """
    faults, given = Faults(), case.pinn
    found = preset_named(preset or given.preset or "accurate", presets)
    if found not in OWN and not case.has_reference:
        what = (
            f"'none', but the preset {found.name} comes with experiments that measure with one; take accurate or fast"
        )
        faults.note(InputError("reference", what))
    parts = dict(found.settings(case))
    closed = [key for key in found.fixed if getattr(given, key) is not None]
    what = f"does not go with the preset {found.name}, which is {found.origin}; leave it out"
    faults.note(*(InputError(f"pinn.{key}", what) for key in closed))
    given = given.model_copy(update=dict.fromkeys(closed))
    for part, start in parts.items():
        with faults.noted():
            parts[part] = _trained_as(given, replace(start, seed=given.seed or 0 if seed is None else seed))
    parts = _conditioned(case.problem, given, parts, faults)
    if given.device == "cuda":
        import torch  # only where it is asked for: it takes two seconds

        if not torch.cuda.is_available():
            faults.note(InputError("pinn.device", "'cuda', but torch sees no CUDA device here; allowed is 'cpu'"))
    faults.report()
    return found, parts


def _trained_as(given: PinnOptions, start: NetworkSettings) -> NetworkSettings:
    """With the file's sizes, optimizer and steps."""
    found = replace(
        start,
        hidden=given.hidden or start.hidden,
        points=given.points or start.points,
        device=given.device or start.device,
    )
    if given.optimizer is not None:
        found = replace(found, optimizer=OPTIMIZERS[given.optimizer](), precision=None)
    if given.steps is None:
        return found
    if isinstance(found.optimizer, LastLayer):
        raise InputError("pinn.steps", "last-layer least squares takes one step; leave steps out")
    return replace(found, optimizer=replace(found.optimizer, steps=given.steps))  # type: ignore[type-var]


def _conditioned(problem: Problem, given: PinnOptions, parts: Networks, faults: Faults) -> dict[str, NetworkSettings]:
    """With formulation, periodicity and boundary conditions, where the file asks for other ones than the preset's."""
    equation, evolving = problem.cell_problems(), problem.multiscale().time is not None
    for key, wrong in (("formulation", not equation.driven_by_fluxes), ("boundary", evolving)):
        if getattr(given, key) is not None and wrong:
            faults.note(InputError(f"pinn.{key}", "is for elliptic problems; leave it out"))
    cell, homogenized = parts["cell"], parts["homogenized"]
    asked = given.periodicity
    if given.oversampling is not None:
        if asked is not None and not periodicity_of(asked).layered:
            faults.note(InputError("pinn.oversampling", f"does not go with periodicity = {asked!r}"))
        cell = replace(cell, oversampling=given.oversampling)
        asked = asked or "oversampling"
    cell = replace(cell, formulation=given.formulation or cell.formulation, periodicity=asked or cell.periodicity)
    homogenized = replace(homogenized, boundary=given.boundary or homogenized.boundary)
    sides = periodicity_of(cell.periodicity)
    if equation.flux.depends_on:
        with _in_table(faults):
            sides.check_slow()
    if equation.driven_by_fluxes:
        with _in_table(faults):
            check_cell(equation)
            formulation_of(cell.formulation).check(equation, sides)
    if isinstance(cell.points, int):
        with _in_table(faults):
            sides.check_layers(cell.oversampling or 2, cell.points)
    return {**parts, "cell": cell, "homogenized": homogenized}


@contextmanager
def _in_table(faults: Faults) -> Iterator[None]:
    """Note a fault of a solver's argument as one of the [pinn] table."""
    with faults.noted():
        try:
            yield
        except InputError as error:
            where = error.where if error.where in {"a", "r"} else f"pinn.{error.where}"
            raise InputError(where, error.what) from None


def check_settings(
    case: Case, preset: str | None = None, seed: int | None = None, reference_tol: float | None = None, nodes: int = 1,
    presets: Sequence[Preset] = (), *, reference: bool = True,
) -> None:  # fmt: skip
    """Refuse settings that a run would refuse, all of them at once and before anything heavy is loaded; one without u_ε, where
    `reference` is false.

    Raises:
        InputError: Settings that do not go together, or need more memory than `nodes` machines like this one have.
    """
    faults = Faults()
    meshes: FemSettings | None = None
    networks: Networks = {}
    with faults.noted():
        _, networks = network_settings(case, preset, seed, presets)
    with faults.noted():
        meshes = fem_settings(case, reference_tol)
    if meshes is not None:
        with faults.noted():
            check_size(case, meshes, networks, nodes, reference=reference)
    faults.report()
