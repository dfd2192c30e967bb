"""Physics-informed neural networks: the cell problems and the homogenized equation, by torch."""

from hybrid.pinn.cell import CellSolution, cell_networks, solve_cell
from hybrid.pinn.field import Field
from hybrid.pinn.homogenized import Solution, homogenized_networks, solve_homogenized
from hybrid.pinn.multiscale import multiscale_networks, solve_multiscale
from hybrid.pinn.network import Network
from hybrid.pinn.optimizers import LBFGS, Adam, History, LastLayer, LevenbergMarquardt
from hybrid.pinn.presets import PRESETS, preset
from hybrid.pinn.projection import VariableProjection

__all__ = [
    "LBFGS", "PRESETS", "Adam", "CellSolution", "Field", "History", "LastLayer", "LevenbergMarquardt", "Network",
    "Solution", "VariableProjection",
    "cell_networks", "homogenized_networks", "multiscale_networks", "preset", "solve_cell", "solve_homogenized",
    "solve_multiscale",
]  # fmt: skip
