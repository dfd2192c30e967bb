"""What fits into the memory of machines like this one, said before anything is computed."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping, Sequence

from hybrid.failures import Faults, InputError
from hybrid.fem.cost import bytes_per_dof, unknowns
from hybrid.fem.settings import FemSettings, MeshSettings, ReferenceSettings
from hybrid.pinn.cells.cellpieces import points_between
from hybrid.pinn.cells.formulations import formulation_of
from hybrid.pinn.optimizers.gaussnewton import LevenbergMarquardt, VariableProjection
from hybrid.pinn.optimizers.kinds import LastLayer
from hybrid.pinn.settings import NetworkSettings
from hybrid.separation import separated
from hybrid.study.case import Case


def check_size(
    case: Case, meshes: FemSettings, networks: Mapping[str, NetworkSettings], nodes: int = 1, *, reference: bool = True
) -> None:
    """Refuse what cannot fit into the memory of `nodes` machines like this one, before anything is computed; u_ε, where
    `reference` says that it is solved for.

    Raises:
        InputError: With the number of unknowns and the memory.
    """
    dim, faults = case.problem.dim, Faults()
    if reference and case.has_reference:
        with faults.noted():
            check_reference(case, meshes.reference, meshes.reference.cells_per_period, nodes)
    for settings, where in ((meshes.cell, "fem.cell_cells"), (meshes.homogenized, "fem.homogenized_cells")):
        with faults.noted():
            _check_mesh(where, [float(settings.cells)] * dim, settings, nodes)
    with faults.noted():
        for part, network in networks.items():
            _check_network(case, part, network, _memory())
    faults.report()


def check_reference(case: Case, settings: ReferenceSettings, cells_per_period: int, nodes: int = 1) -> None:
    """Refuse a reference that cannot fit into the memory of `nodes` machines like this one.

    Raises:
        InputError: With the number of unknowns and the memory.
    """
    sides = [n * cells_per_period for n in case.problem.periods]
    _check_mesh("eps and fem.cells_per_period", sides, settings, nodes)


def _check_mesh(where: str, sides: Sequence[float], settings: ReferenceSettings | MeshSettings, nodes: int) -> None:
    count = unknowns(sides, settings.degree)
    needed, memory = count * bytes_per_dof(len(sides), settings.degree, settings.shape), nodes * _memory()
    if needed > memory or count > 2**31:
        text = f"{_gigabytes(needed)} at the least; there are {_gigabytes(memory)}"
        raise InputError(where, f"a mesh of {count:.2g} unknowns, which need {text}")


def _check_network(case: Case, part: str, settings: NetworkSettings, memory: float) -> None:
    problem, dim, points = case.problem, case.problem.dim, settings.points
    cell = problem.cell_problems()
    assert isinstance(points, int)  # as in files and presets
    form = formulation_of(settings.formulation)
    outputs = (settings.stages or dim) * form.outputs(dim)
    widths = [2 * dim, *settings.hidden, outputs]
    in_time = problem.multiscale().time is not None and part != "cell" and settings.stages is None
    rows = float(points) ** (dim + in_time) * outputs
    if part == "cell" and cell.flux.interfaces:  # every piece between interfaces has points of its own
        rows = float(points_between(cell, points) * outputs)
    # A product g(x) b(y) is solved for b alone.
    if part == "cell" and cell.flux.depends_on and separated(cell) is None:
        rows *= max(points // 2, 4) ** dim
    parameters = float(sum(a * b for a, b in itertools.pairwise(widths)))
    last = max(widths) * (outputs if form.flux else 1)
    columns = last if isinstance(settings.optimizer, LastLayer) else parameters
    jacobian = isinstance(settings.optimizer, LastLayer | LevenbergMarquardt | VariableProjection)
    needed = 8 * (parameters + 5 * rows * max(widths) + (2 * columns * (rows + columns) if jacobian else 0.0))
    if needed > memory:
        text = f"about {_gigabytes(needed)}; there are {_gigabytes(memory)}"
        raise InputError("pinn.hidden and pinn.points", f"training the {part} network needs {text}")


def _memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _gigabytes(count: float) -> str:
    return f"{count / 2**30:.3g} GiB"
