"""A medium that changes slowly, a(x, x/ε): its a*(x) is a function, here with a closed form (paper, section 5.3).

One network of (x, y) solves the cell problems of all x; finite elements solve them at Chebyshev nodes and interpolate.
"""

import hybrid
from hybrid.symbols import pi, sin, x, y

from mpi4py import MPI  # isort: skip

import numpy as np

problem = hybrid.EllipticProblem(
    domain=[(0, np.pi)],
    eps=1 / 8,
    a=2 + sin(x[0]) + sin(2 * pi * y[0]) / 2,
    f=sin(x[0]),
)

fem = hybrid.fem.solve_cell(problem, MPI.COMM_WORLD)
nn = hybrid.pinn.solve_cell(problem, seed=0, **hybrid.pinn.preset("fast", "cell", problem))

at = np.linspace(0, np.pi, 101)[:, None]
exact = np.sqrt((2 + np.sin(at)) ** 2 - 1 / 4)[:, :, None]  # the harmonic mean of a over a period
off = [np.abs(found.coefficient(at) - exact).max() for found in (fem, nn)]
print("finite elements and networks are off by", *off)
print("at most:", max(off))
