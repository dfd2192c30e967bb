"""a* of a perforated cell: nothing is in its hole, a disc of radius 1/4, and nothing flows through the hole's rim.

The mesh fills a part of the cell; a* is still the mean over all of it, less than the part that is filled, 0.804.
"""

from pathlib import Path

import hybrid

from mpi4py import MPI  # isort: skip

cell = hybrid.fem.read_mesh(Path(__file__).parents[1] / "meshes" / "perforated-2d.msh", MPI.COMM_WORLD)
a = hybrid.fem.piecewise(cell, {"matrix": 1})
found = hybrid.fem.solve_cell_on_mesh(cell.mesh, [(0, 1), (0, 1)], a, degree=3)

print("a* =", found.coefficient[0, 0])
