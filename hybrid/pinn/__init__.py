"""Physics-informed neural networks: the cell problems and the homogenized equation, by torch."""

from hybrid.pinn.batch import solve_cells
from hybrid.pinn.cell import CellSolution
from hybrid.pinn.doors import (
    cell_networks,
    cell_rungs,
    homogenized_networks,
    homogenized_rungs,
    multiscale_networks,
    solve_cell,
    solve_homogenized,
    solve_multiscale,
)
from hybrid.pinn.field import Field
from hybrid.pinn.gaussnewton import LevenbergMarquardt, VariableProjection
from hybrid.pinn.homogenized import Solution
from hybrid.pinn.network import Network
from hybrid.pinn.optimizer import History
from hybrid.pinn.optimizers import LBFGS, Adam, LastLayer
from hybrid.pinn.presets import PRESETS, preset

__all__ = [
    "LBFGS", "PRESETS", "Adam", "CellSolution", "Field", "History", "LastLayer", "LevenbergMarquardt", "Network",
    "Solution", "VariableProjection",
    "cell_networks", "cell_rungs", "homogenized_networks", "homogenized_rungs", "multiscale_networks", "preset", "solve_cell",
    "solve_cells", "solve_homogenized", "solve_multiscale",
]  # fmt: skip
