"""Physics-informed neural networks: the cell problems and the homogenized equation, by torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hybrid.lazy import lazily

if TYPE_CHECKING:
    from hybrid.pinn.cells.batch import solve_cells
    from hybrid.pinn.cells.cell import CellSolution
    from hybrid.pinn.doors import (
        cell_networks,
        cell_rungs,
        drift,
        homogenized_networks,
        homogenized_rungs,
        multiscale_networks,
        networks_for,
        solve,
        solve_cell,
        solve_homogenized,
        solve_layers,
        solve_multiscale,
        solve_second,
    )
    from hybrid.pinn.functions.field import Field
    from hybrid.pinn.functions.network import Network
    from hybrid.pinn.optimizers.base import History
    from hybrid.pinn.optimizers.gaussnewton import LevenbergMarquardt, VariableProjection
    from hybrid.pinn.optimizers.kinds import LBFGS, Adam, LastLayer
    from hybrid.pinn.presets import PRESETS, preset
    from hybrid.pinn.steady.homogenized import Solution

__all__ = [
    "LBFGS", "PRESETS", "Adam", "CellSolution", "Field", "History", "LastLayer", "LevenbergMarquardt", "Network",
    "Solution", "VariableProjection",
    "cell_networks", "cell_rungs", "drift", "homogenized_networks", "homogenized_rungs", "multiscale_networks",
    "networks_for", "preset",
    "solve", "solve_cell", "solve_cells", "solve_homogenized", "solve_layers", "solve_multiscale", "solve_second",
]  # fmt: skip

_HOMES = {
    "solve_cells": "cells.batch",
    "CellSolution": "cells.cell",
    "cell_networks": "doors",
    "cell_rungs": "doors",
    "drift": "doors",
    "homogenized_networks": "doors",
    "homogenized_rungs": "doors",
    "multiscale_networks": "doors",
    "networks_for": "doors",
    "solve": "doors",
    "solve_cell": "doors",
    "solve_homogenized": "doors",
    "solve_layers": "doors",
    "solve_second": "doors",
    "solve_multiscale": "doors",
    "Field": "functions.field",
    "LevenbergMarquardt": "optimizers.gaussnewton",
    "VariableProjection": "optimizers.gaussnewton",
    "Solution": "steady.homogenized",
    "Network": "functions.network",
    "History": "optimizers.base",
    "LBFGS": "optimizers.kinds",
    "Adam": "optimizers.kinds",
    "LastLayer": "optimizers.kinds",
    "PRESETS": "presets",
    "preset": "presets",
}
if not TYPE_CHECKING:  # type checkers are to refuse what is not there
    __getattr__, __dir__ = lazily(__name__, _HOMES)
