"""An error bar on u_eps that is proved, with no mesh that resolves eps: bounds of a*, and of the error of a reconstruction.

The reference is there to see how sharp the bound is; the bound does not need it.
"""

import hybrid
from hybrid.bounds import certify, true_errors
from hybrid.symbols import cos, pi, sin, x, y

from mpi4py import MPI  # isort: skip

problem = hybrid.EllipticProblem(
    domain=[(0, 1), (0, 1)],
    eps=1 / 4,
    a=2 + sin(2 * pi * y[0]) * cos(2 * pi * y[1]),
    f=sin(x[0]) + cos(x[1]),
)

cell = hybrid.fem.solve_cell(problem, MPI.COMM_WORLD, degree=3, cells=16)
lower, upper = cell.bounds
print("a* is between", lower[0, 0], "and", upper[0, 0])

v = hybrid.fem.solve_homogenized(problem, cell.coefficient, MPI.COMM_WORLD, cells=32)
found = certify(problem, v, cell.correctors, cell.coefficient, MPI.COMM_WORLD)
print("error in energy, at the most:", found.energy_bound, "- not proved:", found.up_to)

u_eps = hybrid.fem.solve_multiscale(problem, MPI.COMM_WORLD)
energy, _ = true_errors(found.reconstruction, u_eps.function)
print("bound / true error =", found.energy_bound / energy)
