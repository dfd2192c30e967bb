"""From a case's tables and a preset to the settings of the solvers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from hybrid.errors import Faults, InputError
from hybrid.fem.cost import unknowns
from hybrid.fem.settings import FemSettings, MeshSettings, ReferenceSettings, usual
from hybrid.physics import EllipticProblem
from hybrid.pinn.cellchecks import check_formulation, check_problem
from hybrid.pinn.optimizers import LastLayer
from hybrid.pinn.presets import OPTIMIZERS
from hybrid.pinn.presets import preset as preset_arguments
from hybrid.pinn.settings import NetworkSettings
from hybrid.study.adaptation import COARSE, adaptation, budget_of, settled
from hybrid.study.cases import Case
from hybrid.study.limits import check_size
from hybrid.study.options import FemOptions
from hybrid.study.paper import paper_settings
from hybrid.waves import cells_to_see

Networks = Mapping[str, NetworkSettings]
"""For "cell" and "homogenized", with the preset paper for "classical" too."""


def fem_settings(case: Case, reference_tol: float | None = None) -> FemSettings:
    """The settings of the finite elements; the command's word wins over the file's.

    Raises:
        InputError: A tolerance that is not between 0 and 1.
    """
    if reference_tol is not None and not 0 < reference_tol < 1:
        raise InputError("--reference-tol", f"{reference_tol!r}; {FemOptions.allowed('reference_tol')}")
    given, start = case.fem, usual(case.problem)
    degree, shape = given.degree or start.reference.degree, given.cells or start.reference.shape
    cells = given.cells_per_period or _seeing_cells(case, degree, start.reference.cells_per_period)
    allowed = adaptation(case, "", reference_tol).fem
    # Where a jumps, a* is asked for to three digits: its mesh then refines towards corners.
    rough = bool(case.problem.flux.interfaces) and given.tol is None

    def mesh(part: str, degree: int, cells: int, tolerance: float) -> MeshSettings:
        """Refined until the tolerance, but not where the file has settled it."""
        kept = any(settled(case, part))
        return MeshSettings(degree, cells, shape, None if kept else tolerance, budget_of(case, part))

    return FemSettings(
        ReferenceSettings(degree, cells, shape, reference_tol or given.reference_tol),
        mesh(
            "cell", given.cell_degree or start.cell.degree, given.cell_cells or start.cell.cells,
            max(allowed, COARSE) if rough else allowed,
        ),
        mesh(
            "homogenized", given.homogenized_degree or start.homogenized.degree,
            given.homogenized_cells or start.homogenized.cells, allowed,
        ),
    )  # fmt: skip


def _seeing_cells(case: Case, degree: int, least: int) -> int:
    """Cells per period of the first reference: as many as it takes to see the waves of the coefficient, if there is room."""
    needed = cells_to_see(case.problem)
    size = unknowns([n * needed for n in case.problem.periods], degree)
    return max(least, needed) if size <= budget_of(case, "reference") else least


def network_settings(case: Case, preset: str | None = None, seed: int | None = None) -> tuple[str, Networks]:
    """The name of the preset, and the settings of the networks; the command's words win over the file's.

    Raises:
        InputError: Settings that do not go together.
    """
    given, faults = case.pinn, Faults()
    name = preset or given.preset or "accurate"
    if name == "paper":
        if case.problem.dim == 3:
            raise InputError(
                "preset", "'paper', but the paper has no problem in 3 dimensions; allowed are accurate, fast"
            )
        stated = [key for key in ("optimizer", "formulation", "periodicity", "boundary") if key in given.given]
        what = "does not go with the preset paper, which is what the text states; leave it out"
        faults.note(*(InputError(f"pinn.{key}", what) for key in stated))
        case = replace(case, pinn=given.model_copy(update=dict.fromkeys(stated)))
    parts = {}
    for part in ("cell", "homogenized", "classical")[: 3 if name == "paper" else 2]:
        arguments = paper_settings(case.problem).arguments[part] if name == "paper" else None
        start = NetworkSettings(**(preset_arguments(name, part, case.problem) if arguments is None else arguments))
        start = replace(start, seed=given.seed or 0 if seed is None else seed)
        with faults.noted():
            start = _trained_as(case, start)
        parts[part] = start
    parts = _conditioned(case, parts, faults)
    if given.device == "cuda":
        import torch  # only where it is asked for: it takes two seconds

        if not torch.cuda.is_available():
            faults.note(InputError("pinn.device", "'cuda', but torch sees no CUDA device here; allowed is 'cpu'"))
    faults.report()
    return name, parts


def _trained_as(case: Case, start: NetworkSettings) -> NetworkSettings:
    """With the file's sizes, optimizer and steps."""
    given = case.pinn
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


def _conditioned(case: Case, parts: Networks, faults: Faults) -> dict[str, NetworkSettings]:
    """With formulation, periodicity and boundary conditions, where the file asks for other ones than the preset's."""
    given, problem = case.pinn, case.problem
    elliptic = isinstance(problem, EllipticProblem)
    for key in ("formulation", "boundary"):
        if getattr(given, key) is not None and not elliptic:
            faults.note(InputError(f"pinn.{key}", "is for elliptic problems; leave it out"))
    cell, homogenized = parts["cell"], parts["homogenized"]
    asked = given.periodicity
    if given.oversampling is not None:
        if asked not in {None, "oversampling"}:
            faults.note(InputError("pinn.oversampling", f"does not go with periodicity = {asked!r}"))
        cell = replace(cell, oversampling=given.oversampling)
        asked = asked or "oversampling"
    cell = replace(cell, formulation=given.formulation or cell.formulation, periodicity=asked or cell.periodicity)
    homogenized = replace(homogenized, boundary=given.boundary or homogenized.boundary)
    oversampled = cell.periodicity == "oversampling"
    if oversampled and problem.flux.depends_on:
        what = "'oversampling', but a depends on x; allowed are embedding, penalty"
        faults.note(InputError("pinn.periodicity", what))
    if isinstance(problem, EllipticProblem):
        with faults.noted():
            check_problem(problem, EllipticProblem)
            try:
                check_formulation(problem, cell.formulation or "strong", cell.periodicity or "embedding")
            except InputError as error:
                where = error.where if error.where in {"a", "r"} else f"pinn.{error.where}"
                raise InputError(where, error.what) from None
    points, layers = cell.points, cell.oversampling or 2
    if oversampled and isinstance(points, int) and layers >= points - 2:
        what = f"{layers} layers for {points} points a side; allowed are fewer than points - 2"
        faults.note(InputError("pinn.oversampling", what))
    return {**parts, "cell": cell, "homogenized": homogenized}


def check_settings(
    case: Case, preset: str | None = None, seed: int | None = None, reference_tol: float | None = None, nodes: int = 1
) -> None:
    """Refuse settings that a run would refuse, all of them at once and before anything heavy is loaded.

    Raises:
        InputError: Settings that do not go together, or need more memory than `nodes` machines like this one have.
    """
    faults = Faults()
    meshes: FemSettings | None = None
    networks: Networks = {}
    with faults.noted():
        _, networks = network_settings(case, preset, seed)
    with faults.noted():
        meshes = fem_settings(case, reference_tol)
    if meshes is not None:
        with faults.noted():
            check_size(case, meshes, networks, nodes)
    faults.report()
