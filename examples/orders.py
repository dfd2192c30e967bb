"""How fast the error of homogenization falls with ε: a sweep in a loop. In L2 it is of first order, ‖u_0 - u_ε‖ = O(ε)."""

import hybrid
from hybrid.symbols import pi, sin, y

from mpi4py import MPI  # isort: skip

import numpy as np

comm, scales, found = MPI.COMM_WORLD, [1 / 8, 1 / 16, 1 / 32, 1 / 64], []
for eps in scales:
    problem = hybrid.EllipticProblem(domain=[(0, 1)], eps=eps, a=1 / (2 + sin(2 * pi * y[0])), f=1)
    cell = hybrid.fem.solve_cell(problem, comm)
    u_eps = hybrid.fem.solve_multiscale(problem, comm, cells_per_period=16)
    v = hybrid.fem.solve_homogenized(problem, cell.coefficient, comm)
    found.append(hybrid.comparison.errors(u_eps, v=v)["e4"])
    print(f"eps = {eps:.4f}: e4 =", found[-1])

slope, _ = np.polyfit(np.log(scales), np.log(found), 1)
print("order:", slope)
