"""An anisotropic medium: a matrix a(y), in layers along y0, so that a* has a closed form.

The mean of a_01 is zero, and a*_01 is not: <a_01/a_00> / <1/a_00> = √3/2 - 1, from layers whose axes turn.
"""

import hybrid
from hybrid.symbols import pi, sin, y

from mpi4py import MPI  # isort: skip

wave = sin(2 * pi * y[0])
problem = hybrid.EllipticProblem(
    domain=[(0, 1), (0, 1)],
    eps=1 / 8,
    a=[[2 + wave, wave / 2], [wave / 2, 2]],
    f=1,
)

fem = hybrid.fem.solve_cell(problem, MPI.COMM_WORLD)
nn = hybrid.pinn.solve_cell(problem, seed=0, **hybrid.pinn.preset("fast", "cell", problem))

print("a* by finite elements:", fem.coefficient.round(10).tolist())
print("a* by networks:       ", nn.coefficient.round(10).tolist())
print("a*_01 =", nn.coefficient[0, 1])
