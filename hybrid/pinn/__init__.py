"""Physics-informed neural networks: the cell problems and the homogenized equation, by torch."""

from hybrid.pinn.cell import CellSolution, cell_network, solve_cell
from hybrid.pinn.field import Field
from hybrid.pinn.homogenized import Solution, homogenized_network, solve_homogenized
from hybrid.pinn.network import Network
from hybrid.pinn.optimizers import LBFGS, Adam, History, LastLayer, LevenbergMarquardt
from hybrid.pinn.presets import PRESETS, preset

__all__ = [
    "LBFGS", "PRESETS", "Adam", "CellSolution", "Field", "History", "LastLayer", "LevenbergMarquardt", "Network",
    "Solution", "cell_network", "homogenized_network", "preset", "solve_cell", "solve_homogenized",
]  # fmt: skip
