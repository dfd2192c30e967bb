"""An equation of one's own, with no physics behind it: both back ends solve any `hybrid.equation.Equation`.

-∇·(A ∇u) + c u = f in the unit square, u = 0 on its boundary, with f such that u = sin(πx) sin(2πy).
"""

import hybrid
from hybrid.equation import Equation, Load
from hybrid.media.constant import Constant
from hybrid.symbols import cos, pi, sin, x

from mpi4py import MPI  # isort: skip

import numpy as np

u = sin(pi * x[0]) * sin(2 * pi * x[1])
twisted = 2 * pi**2 * cos(pi * x[0]) * cos(2 * pi * x[1])  # ∂_0 ∂_1 u
equation = Equation(
    domain=[(0, 1), (0, 1)],
    eps=1.0,
    flux=Constant.of([[2, 1], [1, 3]]),
    reaction=Constant.of(5),
    loads=(Load((2 * pi**2 + 3 * 4 * pi**2 + 5) * u - 2 * twisted),),
)

fem = hybrid.fem.solve(equation, MPI.COMM_WORLD)
nn = hybrid.pinn.solve(equation, hidden=(600,), points=40, optimizer=hybrid.pinn.LastLayer(), seed=0)

points = hybrid.comparison.grid(equation.domain, 41)
exact = np.sin(np.pi * points[:, 0]) * np.sin(2 * np.pi * points[:, 1])
off = [np.abs(hybrid.comparison.on_points(found, points) - exact).max() for found in (fem, nn)]
print("finite elements and networks are off by", *off)
print("at most:", max(off))
