"""From a case's tables and a preset to the keyword arguments of the solvers."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hybrid.failures import Faults, InputError
from hybrid.fem.cost import bytes_per_dof, unknowns
from hybrid.pinn.cells.cellchecks import check_cell, check_formulation, outputs_for_each
from hybrid.pinn.cells.cellpieces import points_between
from hybrid.pinn.optimizers.gaussnewton import LevenbergMarquardt, VariableProjection
from hybrid.pinn.optimizers.kinds import LastLayer
from hybrid.pinn.presets import OPTIMIZERS
from hybrid.separation import separated
from hybrid.study.case import Case
from hybrid.study.presets import Preset, preset_named
from hybrid.study.schema import tolerance
from hybrid.waves import cells_to_see

_FEM: Mapping[str, Any] = {
    "cells": "simplex", "degree": 3, "cells_per_period": 16, "cell_degree": 4, "cell_cells": 32, "homogenized_degree": 3,
    "homogenized_cells": 64,
}  # fmt: skip
_CUBE: Mapping[str, Any] = {
    "cells": "box", "degree": 3, "cells_per_period": 6, "cell_degree": 4, "cell_cells": 8, "homogenized_degree": 4,
    "homogenized_cells": 12,
}  # fmt: skip
_STEADY: Mapping[int, Mapping[str, Any]] = {
    1: {**_FEM, "homogenized_cells": 256},  # a line costs nothing, and e3 is to be the network's
    2: _FEM,
    3: _CUBE,
}
_EVOLVING: Mapping[int, Mapping[str, Any]] = {
    1: {**_FEM, "cells_per_period": 12, "homogenized_degree": 4, "homogenized_cells": 256},
    2: {**_FEM, "degree": 2, "cells_per_period": 12, "homogenized_cells": 48},
    3: {**_CUBE, "degree": 2, "homogenized_degree": 2, "homogenized_cells": 16},
}
"""The [fem] table by dimension, without time and with it. In space hexahedra: at the same accuracy they have a fraction of the
unknowns that tetrahedra have."""


def fem_arguments(case: Case, reference_tol: float | None = None) -> dict[str, dict[str, Any]]:
    """Keyword arguments for "reference", "cell" and "homogenized"; the command's word wins over the file's.

    Raises:
        InputError: A tolerance that is not between 0 and 1.
    """
    defaults = dict((_EVOLVING if case.problem.multiscale().time else _STEADY)[case.problem.dim])
    if case.problem.dim == 3 and case.problem.flux.depends_on:
        defaults |= {"cell_degree": 3, "cell_cells": 6}  # 125 of them
    table = defaults | dict(case.fem)
    if "cells_per_period" not in case.fem:
        table["cells_per_period"] = _seeing_cells(case, defaults)
    if reference_tol is not None:
        table["reference_tol"] = tolerance(reference_tol, "--reference-tol")
    refined = {key: table[key] for key in ("reference_tol",) if key in table}
    shape = {"shape": table["cells"]}
    adapted = adaptation(case, reference_tol)

    def climbing(part: str) -> dict[str, Any]:
        """Until when the meshes of a part are refined; not at all where the file has settled them."""
        rough = case.problem.flux.interfaces and "tol" not in case.fem
        settled = any(f"fem.{name}" in adapted.fixed for name in _OF_MESHES[part])
        # Where a jumps, a* is asked for to three digits: its mesh then refines towards corners.
        tolerance = max(adapted.fem, COARSE) if part == "cell" and rough else adapted.fem
        return {"tol": None if settled else tolerance, "budget": budget_of(case, part)}

    return {
        "reference": {"degree": table["degree"], "cells_per_period": table["cells_per_period"], **shape, **refined},
        "cell": {"degree": table["cell_degree"], "cells": table["cell_cells"], **shape, **climbing("cell")},
        "homogenized": {
            "degree": table["homogenized_degree"], "cells": table["homogenized_cells"], **shape, **climbing("homogenized"),
        },
    }  # fmt: skip


def _seeing_cells(case: Case, defaults: Mapping[str, Any]) -> int:
    """Cells per period of the first reference: as many as it takes to see the waves of the coefficient, if there is room."""
    usual: int = defaults["cells_per_period"]
    needed = cells_to_see(case.problem.multiscale())
    size = unknowns([n * needed for n in case.problem.periods], case.fem.get("degree", defaults["degree"]))
    return max(usual, needed) if size <= budget_of(case, "reference") else usual


COARSE = 1e-3
"""Tolerance of a* where a jumps."""
UNKNOWNS, FACTORIZED = 2_000_000, 300_000
"""That meshes may come to have by themselves."""


@dataclass(frozen=True)
class Adaptation:
    """How far a run may raise resolutions by itself, and until when.

    What a problem file sets itself is kept: with `fem.cell_cells`, `pinn.hidden` and so on that part is solved as it says,
    unless the table has a `tol` too.

    Attributes:
        fem: Tolerance of functions and coefficients by finite elements, relative.
        pinn: Of those by networks.
        unknowns: The most that a finite element solve may come to have.
        seconds: The nominal cost (at 5 · 10⁹ operations a second) of the largest training.
        reference: Whether the reference is refined until it can measure the errors.
        networks: Whether larger networks are tried.
        fixed: The names of settings, as in a problem file, that keep parts as they are.
    """

    fem: float
    pinn: float
    unknowns: int
    seconds: float
    reference: bool
    networks: bool
    fixed: tuple[str, ...] = ()


_OF_NETWORKS = ("hidden", "optimizer", "steps", "points", "formulation", "periodicity", "oversampling", "boundary")
_OF_MESHES = {
    "reference": ("degree", "cells_per_period", "reference_tol"),
    "cell": ("cell_degree", "cell_cells"),
    "homogenized": ("homogenized_degree", "homogenized_cells"),
}


def adaptation(case: Case, reference_tol: float | None = None, *, networks: bool = True) -> Adaptation:
    """What a case's tables say about it; `networks`: whether the preset lets networks grow."""
    fem, pinn, dim = case.fem, case.pinn, case.problem.dim
    settled = tuple(f"pinn.{name}" for name in _OF_NETWORKS if name in pinn and "tol" not in pinn)
    meshes = tuple(f"fem.{n}" for names in _OF_MESHES.values() for n in names if n in fem and "tol" not in fem)
    own = {f"fem.{name}" for name in _OF_MESHES["reference"]}
    return Adaptation(
        fem=fem.get("tol", 1e-6 if dim < 3 else 1e-4),
        pinn=pinn.get("tol", 1e-4),
        unknowns=fem.get("budget", UNKNOWNS),
        seconds=pinn.get("budget", 60.0),
        reference=not own & set(meshes) and reference_tol is None,
        networks=networks and not settled,
        fixed=(*meshes, *settled),
    )


def budget_of(case: Case, part: str) -> int:
    """Unknowns that a part may come to have; where interfaces have corners or curves every mesh is factorized, twice."""
    factorized = part == "cell" and case.problem.flux.interfaces and case.problem.dim == 2
    return int(case.fem.get("budget", FACTORIZED if factorized else UNKNOWNS))


def pinn_arguments(
    case: Case, preset: str | None, seed: int | None, presets: Sequence[Preset] = ()
) -> tuple[Preset, dict[str, dict[str, Any]]]:
    """The preset, and keyword arguments for "cell", "homogenized" and what else it trains; the command's words win over the
    file's. `presets` are those that there are beside our own.

    Raises:
        InputError: Settings that do not go together.
    """
    table, faults = dict(case.pinn), Faults()
    found = preset_named(preset or table.get("preset", "accurate"), presets)
    chosen = seed if seed is not None else table.get("seed", 0)
    parts = found.arguments(case)
    for key in found.fixed:
        if table.pop(key, None) is not None:
            what = f"does not go with the preset {found.name}, which is {found.origin}; leave it out"
            faults.note(InputError(f"pinn.{key}", what))
    for arguments in parts.values():
        arguments |= {"seed": chosen}
        arguments |= {key: table[key] for key in ("hidden", "points", "device") if key in table}
        if "optimizer" in table:
            arguments["optimizer"] = OPTIMIZERS[table["optimizer"]]()
            arguments.pop("precision", None)
        if "steps" in table:
            if isinstance(arguments["optimizer"], LastLayer):
                faults.note(InputError("pinn.steps", "last-layer least squares takes one step; leave steps out"))
            else:
                arguments["optimizer"] = replace(arguments["optimizer"], steps=table["steps"])
    _conditions(case, table, parts, faults)
    if table.get("device") == "cuda":
        import torch  # only where it is asked for: it takes two seconds

        if not torch.cuda.is_available():
            faults.note(InputError("pinn.device", "'cuda', but torch sees no CUDA device here; allowed is 'cpu'"))
    faults.report()
    return found, parts


def _conditions(case: Case, table: Mapping[str, Any], parts: dict[str, dict[str, Any]], faults: Faults) -> None:
    """Formulation, periodicity and boundary conditions, where the file asks for other ones than the preset's."""
    cell, evolving = case.problem.cell_problems(), case.problem.multiscale().time is not None
    for key, wrong in (("formulation", not cell.driven_by_fluxes), ("boundary", evolving)):
        if key in table and wrong:
            faults.note(InputError(f"pinn.{key}", "is for elliptic problems; leave it out"))
    if "formulation" in table:
        parts["cell"]["formulation"] = table["formulation"]
    if "oversampling" in table:
        if table.get("periodicity", "oversampling") != "oversampling":
            what = f"does not go with periodicity = {table['periodicity']!r}"
            faults.note(InputError("pinn.oversampling", what))
        parts["cell"] |= {"periodicity": "oversampling", "oversampling": table["oversampling"]}
    if "periodicity" in table:
        parts["cell"]["periodicity"] = table["periodicity"]
    if "boundary" in table:
        parts["homogenized"]["boundary"] = table["boundary"]
    oversampled = parts["cell"].get("periodicity") == "oversampling"
    if oversampled and case.problem.flux.depends_on:
        what = "'oversampling', but a depends on x; allowed are embedding, penalty"
        faults.note(InputError("pinn.periodicity", what))
    if cell.driven_by_fluxes:
        chosen = parts["cell"].get("formulation", "strong"), parts["cell"].get("periodicity", "embedding")
        with faults.noted():
            check_cell(cell)
            try:
                check_formulation(cell, *chosen)
            except InputError as error:
                where = error.where if error.where in {"a", "r"} else f"pinn.{error.where}"
                raise InputError(where, error.what) from None
    points, layers = parts["cell"]["points"], parts["cell"].get("oversampling", 2)
    if oversampled and layers >= points - 2:
        what = f"{layers} layers for {points} points a side; allowed are fewer than points - 2"
        faults.note(InputError("pinn.oversampling", what))


def check_settings(
    case: Case,
    preset: str | None = None,
    seed: int | None = None,
    reference_tol: float | None = None,
    nodes: int = 1,
    presets: Sequence[Preset] = (),
) -> None:
    """Refuse settings that a run would refuse, all of them at once and before anything heavy is loaded.

    Raises:
        InputError: Settings that do not go together, or need more memory than `nodes` machines like this one have.
    """
    faults = Faults()
    elements: dict[str, dict[str, Any]] = {}
    networks: dict[str, dict[str, Any]] = {}
    with faults.noted():
        _, networks = pinn_arguments(case, preset, seed, presets)
    with faults.noted():
        elements = fem_arguments(case, reference_tol)
    if elements:
        with faults.noted():
            check_size(case, elements, networks, nodes)
    faults.report()


def check_size(case: Case, elements: Mapping[str, Any], networks: Mapping[str, Any], nodes: int = 1) -> None:
    """Refuse what cannot fit into the memory of `nodes` machines like this one, before anything is computed.

    Raises:
        InputError: With the number of unknowns and the memory.
    """
    dim, faults = case.problem.dim, Faults()
    with faults.noted():
        check_reference(case, elements, elements["reference"]["cells_per_period"], nodes)
    for part, where in (("cell", "fem.cell_cells"), ("homogenized", "fem.homogenized_cells")):
        with faults.noted():
            _check_mesh(where, [float(elements[part]["cells"])] * dim, elements[part], nodes)
    with faults.noted():
        _check_networks(case, networks, _memory())
    faults.report()


def _check_networks(case: Case, networks: Mapping[str, Any], memory: float) -> None:
    dim = case.problem.dim
    # A product g(x) b(y) is solved for b alone.
    cell = case.problem.cell_problems()
    slow = cell.flux.depends_on and separated(cell) is None
    for part, arguments in networks.items():
        formulation = arguments.get("formulation", "strong")
        outputs = arguments.get("stages", dim) * outputs_for_each(formulation, dim)
        widths = [2 * dim, *arguments["hidden"], outputs]
        in_time = case.problem.multiscale().time is not None and part != "cell" and "stages" not in arguments
        rows = float(arguments["points"]) ** (dim + in_time) * outputs
        if part == "cell" and case.problem.flux.interfaces:  # every piece between interfaces has points of its own
            rows = float(points_between(case.problem.cell_problems(), arguments["points"]) * outputs)
        if part == "cell" and slow:
            rows *= max(arguments["points"] // 2, 4) ** dim
        parameters = float(sum(a * b for a, b in itertools.pairwise(widths)))
        last = max(widths) * (outputs if formulation == "first-order" else 1)
        columns = last if isinstance(arguments["optimizer"], LastLayer) else parameters
        jacobian = isinstance(arguments["optimizer"], LastLayer | LevenbergMarquardt | VariableProjection)
        needed = 8 * (parameters + 5 * rows * max(widths) + (2 * columns * (rows + columns) if jacobian else 0.0))
        if needed > memory:
            text = f"about {_gigabytes(needed)}; there are {_gigabytes(memory)}"
            raise InputError("pinn.hidden and pinn.points", f"training the {part} network needs {text}")


def check_reference(case: Case, elements: Mapping[str, Any], cells_per_period: int, nodes: int = 1) -> None:
    """Refuse a reference that cannot fit into the memory of `nodes` machines like this one.

    Raises:
        InputError: With the number of unknowns and the memory.
    """
    sides = [n * cells_per_period for n in case.problem.periods]
    _check_mesh("eps and fem.cells_per_period", sides, elements["reference"], nodes)


def _check_mesh(where: str, sides: Sequence[float], arguments: Mapping[str, Any], nodes: int) -> None:
    count = unknowns(sides, arguments["degree"])
    needed, memory = count * bytes_per_dof(len(sides), arguments["degree"], arguments["shape"]), nodes * _memory()
    if needed > memory or count > 2**31:
        text = f"{_gigabytes(needed)} at the least; there are {_gigabytes(memory)}"
        raise InputError(where, f"a mesh of {count:.2g} unknowns, which need {text}")


def _memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _gigabytes(count: float) -> str:
    return f"{count / 2**30:.3g} GiB"


def trained_how(arguments: Mapping[str, Any]) -> str:
    """In words, what is trained: frozen features and trained networks are different things."""
    optimizer = arguments["optimizer"]
    form = f"; {arguments['formulation']} formulation" if "formulation" in arguments else ""
    if isinstance(optimizer, LastLayer):
        hidden = (
            "frozen random functions of each coordinate"
            if arguments.get("separable")
            else "frozen random hidden layers"
        )
        return f"{hidden}, last layer by least squares{form}"
    return f"all layers trained ({type(optimizer).__name__}){form}"
