"""Many coefficients at once: networks with frozen features share their hidden layer, so each one more costs a least squares.

Layers a = 2 + t sin(2πy), for which a* = √(4 - t²).
"""

import numpy as np

import hybrid
from hybrid.symbols import pi, sin, y

contrasts = np.linspace(0, 1.8, 31)
problems = [hybrid.EllipticProblem(domain=[(0, 1)], eps=1 / 8, a=2 + t * sin(2 * pi * y[0]), f=1) for t in contrasts]

found = hybrid.pinn.solve_cells(problems, hidden=(200,), points=400, optimizer=hybrid.pinn.LastLayer(), seed=0)

a = np.array([solution.coefficient[0, 0] for solution in found])
print("a* of the last:", a[-1])
print("largest error of", len(a), "coefficients:", np.abs(a - np.sqrt(4 - contrasts**2)).max())
