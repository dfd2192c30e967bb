"""The paper's 2D problem (section 5.2) from the coefficient to e1 … e5, the last one with correctors, u_0 + ε χ_j ∂_j u_0.

e4 is what homogenization itself costs, e1 what it costs by networks; with correctors they come below both.
"""

import hybrid
from hybrid.symbols import cos, pi, sin, x, y

from mpi4py import MPI  # isort: skip

comm = MPI.COMM_WORLD
problem = hybrid.EllipticProblem(
    domain=[(0, 1), (0, 1)],
    eps=1 / 8,
    a=2 + sin(2 * pi * y[0]) * cos(2 * pi * y[1]),
    f=sin(x[0]) + cos(x[1]),
)
cell_settings, settings = (hybrid.pinn.preset("fast", part, problem) for part in ("cell", "homogenized"))

u_eps = hybrid.fem.solve_multiscale(problem, comm, degree=3, cells_per_period=8)  # the reference, which resolves ε
fem = hybrid.fem.solve_cell(problem, comm)
nn = hybrid.pinn.solve_cell(problem, seed=0, **cell_settings)
v = hybrid.fem.solve_homogenized(problem, fem.coefficient, comm)  # finite elements for both
w = hybrid.fem.solve_homogenized(problem, nn.coefficient, comm)  # a* by networks, then finite elements
p = hybrid.pinn.solve_homogenized(problem, nn.coefficient, seed=0, **settings)  # networks for both
r = hybrid.comparison.first_order(problem, p.field, nn.correctors, u_eps.function.function_space)

errors = hybrid.comparison.errors(u_eps, v=v, w=w, p=p, r=r)
for name in ("e1", "e2", "e3", "e4", "e5"):
    print(name, "=", errors[name])
