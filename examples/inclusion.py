"""a* of a cell with a mesh of one's own, by Gmsh: a disc of radius 1/4 that conducts ten times as well as the matrix.

The mesh names its regions, and each is given its coefficient. Its cells are curved along the disc.
"""

from pathlib import Path

import hybrid

from mpi4py import MPI  # isort: skip

cell = hybrid.fem.read_mesh(Path(__file__).parents[1] / "meshes" / "inclusion-2d.msh", MPI.COMM_WORLD)
a = hybrid.fem.piecewise(cell, {"matrix": 1, "inclusion": 10})
found = hybrid.fem.solve_cell_on_mesh(cell.mesh, [(0, 1), (0, 1)], a, degree=3)

print("a* =", found.coefficient[0, 0])
