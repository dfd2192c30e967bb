"""a* of the paper's 2D medium (section 5.2) by finite elements and by networks, which answer the same question.

-∇·(a (e_k + ∇χ_k)) = 0 in the periodic cell, a*_ij = mean of a_ij + a_ik ∂_k χ_j.
"""

import hybrid
from hybrid.symbols import cos, pi, sin, x, y

from mpi4py import MPI  # isort: skip

import numpy as np

problem = hybrid.EllipticProblem(
    domain=[(0, 1), (0, 1)],
    eps=1 / 8,
    a=2 + sin(2 * pi * y[0]) * cos(2 * pi * y[1]),
    f=sin(x[0]) + cos(x[1]),
)

fem = hybrid.fem.solve_cell(problem, MPI.COMM_WORLD)
nn = hybrid.pinn.solve_cell(problem, seed=0, **hybrid.pinn.preset("fast", "cell", problem))

print("a* by finite elements:", fem.coefficient.round(10).tolist())
print("a* by networks:       ", nn.coefficient.round(10).tolist())
print("largest difference:", np.abs(nn.coefficient - fem.coefficient).max())
