"""A coefficient that jumps: a checkerboard of 1 and 10, whose a* is the geometric mean √10 in every direction.

Gradients are infinite where four squares meet. Meshes refine there by themselves, until bounds from below and above meet.
"""

import hybrid
from hybrid.symbols import pi, sin, y

from mpi4py import MPI  # isort: skip

from sympy import Heaviside

problem = hybrid.EllipticProblem(
    domain=[(0, 1), (0, 1)],
    eps=1 / 8,
    a=1 + 9 * Heaviside(sin(2 * pi * y[0]) * sin(2 * pi * y[1])),
    f=1,
)

cell = hybrid.fem.solve_cell(problem, MPI.COMM_WORLD, tol=1e-4)

lower, upper = cell.bounds
print("a* is between", lower[0, 0], "and", upper[0, 0])
print("a* =", cell.coefficient[0, 0])
