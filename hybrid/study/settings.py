"""From a case's tables and a preset to the keyword arguments of the solvers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hybrid.errors import InputError
from hybrid.pinn.optimizers import OPTIMIZERS, LastLayer
from hybrid.pinn.presets import preset as preset_arguments
from hybrid.study.cases import Case

_FEM_DEFAULTS = {
    "degree": 3, "cells_per_period": 16, "cell_degree": 4, "cell_cells": 32, "homogenized_degree": 3,
    "homogenized_cells": 64,
}  # fmt: skip


def fem_arguments(case: Case) -> dict[str, dict[str, Any]]:
    """Keyword arguments for "reference", "cell" and "homogenized"."""
    table = _FEM_DEFAULTS | dict(case.fem)
    return {
        "reference": {"degree": table["degree"], "cells_per_period": table["cells_per_period"]},
        "cell": {"degree": table["cell_degree"], "cells": table["cell_cells"]},
        "homogenized": {"degree": table["homogenized_degree"], "cells": table["homogenized_cells"]},
    }


def pinn_arguments(case: Case, preset: str | None, seed: int | None) -> tuple[str, dict[str, dict[str, Any]]]:
    """The name of the preset, and keyword arguments for "cell" and "homogenized"; the command's words win over the file's.

    Raises:
        InputError: Settings that do not go together.
    """
    table: Mapping[str, Any] = case.pinn
    name = preset or table.get("preset", "accurate")
    chosen = seed if seed is not None else table.get("seed", 0)
    parts = {}
    for part in ("cell", "homogenized"):
        arguments = preset_arguments(name, part, case.problem.dim) | {"seed": chosen}
        arguments |= {key: table[key] for key in ("hidden", "points", "device") if key in table}
        if "optimizer" in table:
            arguments["optimizer"] = OPTIMIZERS[table["optimizer"]]()
        if "steps" in table:
            if isinstance(arguments["optimizer"], LastLayer):
                raise InputError("pinn.steps", "last-layer least squares takes one step; leave steps out")
            arguments["optimizer"] = replace(arguments["optimizer"], steps=table["steps"])
        parts[part] = arguments
    if "oversampling" in table:
        if table.get("periodicity", "oversampling") != "oversampling":
            raise InputError("pinn.oversampling", f"does not go with periodicity = {table['periodicity']!r}")
        parts["cell"] |= {"periodicity": "oversampling", "oversampling": table["oversampling"]}
    if "periodicity" in table:
        parts["cell"]["periodicity"] = table["periodicity"]
    if "boundary" in table:
        parts["homogenized"]["boundary"] = table["boundary"]
    points, layers = parts["cell"]["points"], parts["cell"].get("oversampling", 0)
    if layers and layers >= points - 2:
        raise InputError(
            "pinn.oversampling", f"{layers} layers for {points} points a side; allowed are fewer than points - 2"
        )
    if table.get("device") == "cuda":
        import torch

        if not torch.cuda.is_available():
            raise InputError("pinn.device", "'cuda', but torch sees no CUDA device here; allowed is 'cpu'")
    return name, parts


def kind_of(arguments: Mapping[str, Any]) -> str:
    """In words, what is trained: frozen features and trained networks are different things."""
    if isinstance(arguments["optimizer"], LastLayer):
        return "frozen random hidden layers, last layer by least squares"
    return f"all layers trained ({type(arguments['optimizer']).__name__})"
