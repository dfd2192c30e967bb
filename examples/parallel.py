"""The same script on one rank and on several, with the same a*: finite elements share the mesh.

    python examples/parallel.py            or            mpiexec -n 2 python examples/parallel.py

A network this small is trained by every rank for itself; `hybrid run` trains it on one, and the larger ones on all.
"""

import hybrid
from hybrid.symbols import cos, pi, sin, y

from mpi4py import MPI  # isort: skip

comm = MPI.COMM_WORLD
problem = hybrid.EllipticProblem(
    domain=[(0, 1), (0, 1)],
    eps=1 / 8,
    a=2 + sin(2 * pi * y[0]) * cos(2 * pi * y[1]),
    f=1,
)

cell = hybrid.fem.solve_cell(problem, comm)

if comm.rank == 0:
    print(f"a* on {comm.size} rank(s):", cell.coefficient[0, 0])
