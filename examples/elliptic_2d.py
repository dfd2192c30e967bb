"""The paper's 2D elliptic study (section 5.2) by the Python API, from the coefficient to e1…e5 and a figure.

    python examples/elliptic_2d.py            or            mpiexec -n 2 python examples/elliptic_2d.py

Every rank trains the same small networks here, which is the simplest thing to write; `hybrid run` trains on one rank.
"""

import hybrid
from hybrid.symbols import cos, pi, sin, x, y

from mpi4py import MPI  # isort: skip

import numpy as np
import torch

comm = MPI.COMM_WORLD
torch.set_num_threads(1)

# -∇·(a(x/ε) ∇u) = f in the unit square, u = 0 on its boundary
problem = hybrid.EllipticProblem(
    domain=[(0, 1), (0, 1)],
    eps=1 / 8,
    a=2 + sin(2 * pi * y[0]) * cos(2 * pi * y[1]),
    f=sin(x[0]) + cos(x[1]),
)

# The reference, on a mesh that resolves ε
u_eps = hybrid.fem.solve_multiscale(problem, comm, degree=3, cells_per_period=16)

# Homogenization twice: cell problems → a* → homogenized equation
fem = hybrid.fem.solve_cell(problem, comm)
nn = hybrid.pinn.solve_cell(problem, seed=0)
v = hybrid.fem.solve_homogenized(problem, fem.coefficient, comm)  # FEM, FEM
w = hybrid.fem.solve_homogenized(problem, nn.coefficient, comm)  # network, FEM
p = hybrid.pinn.solve_homogenized(problem, nn.coefficient, seed=0)  # network, network
r = hybrid.comparison.first_order(problem, p.field, nn.correctors, u_eps.function.function_space)

errors = hybrid.comparison.errors(u_eps, v=v, w=w, p=p, r=r)
line = np.column_stack([np.linspace(0, 1, 801), np.full(801, 0.5)])
values = {name: hybrid.comparison.on_points(s, line) for name, s in {"u_eps": u_eps, "v": v, "p": p, "r": r}.items()}

if __name__ == "__main__" and comm.rank == 0:
    import matplotlib.pyplot as plt

    print("a*: FEM", fem.coefficient.round(9).tolist(), "network", nn.coefficient.round(9).tolist())
    for name in ("e1", "e2", "e3", "e4", "e5"):
        print(f"{name} = {errors[name]:.3g}")
    for name in ("v", "p", "r"):
        plt.plot(line[:, 0], values[name] - values["u_eps"], label=rf"${name} - u_\varepsilon$", lw=1)
    plt.xlabel("$x_0$ (at $x_1 = 1/2$)")
    plt.ylabel("error")
    plt.legend()
    plt.savefig("elliptic_2d.png", dpi=150)
