"""The effect that a fast reaction of mean zero leaves, r* = <r N> with -D ΔN = -r in the cell (paper, appendix A).

∂_t u - D Δu + (1/ε) r(x/ε) u = f becomes ∂_t u_0 - D Δu_0 + r* u_0 = f; here r* = -1/(8π²D).
"""

import hybrid
from hybrid.symbols import cos, pi, sin, x, y

from mpi4py import MPI  # isort: skip

problem = hybrid.ReactionDiffusionProblem(
    domain=[(-pi, pi)],
    eps=1 / 10,
    D=2.0,
    r=cos(2 * pi * y[0]),
    f=sin(2 * pi * x[0]),
    u0=sin(x[0]) / 100,
    T=1.0,
)

fem = hybrid.fem.solve_cell(problem, MPI.COMM_WORLD)
nn = hybrid.pinn.solve_cell(problem, seed=0, **hybrid.pinn.preset("fast", "cell", problem))

print("r* by finite elements:", fem.coefficient)
print("r* by networks:", nn.coefficient)
