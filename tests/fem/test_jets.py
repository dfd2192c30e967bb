"""Slopes and second derivatives of finite element functions, on any number of ranks."""

from __future__ import annotations

from mpi4py import MPI

import numpy as np
import pytest

from dolfinx import fem

from hybrid.fem.jets import derivatives, jets_on
from hybrid.fem.meshes.box import SHAPES, box
from hybrid.product import Product

pytestmark = pytest.mark.mpi

BOX = [(0.0, 1.0), (-1.0, 2.0), (0.0, 0.5)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dim", [1, 2, 3])
def test_exact_for_polynomials_of_the_elements(comm: MPI.Comm, dim: int, shape: str) -> None:
    """Of u = Σ (i + 1) x_i² + x_0 x_last; outside of the mesh by Taylor's polynomial."""
    u = fem.Function(fem.functionspace(box(comm, BOX[:dim], [5, 4, 3][:dim], shape), ("Lagrange", 2)))
    u.interpolate(lambda x: sum((i + 1) * x[i] ** 2 for i in range(dim)) + x[0] * x[dim - 1])
    low, high = np.array(BOX[:dim]).T
    at = low + (high - low) * np.random.default_rng(comm.rank).uniform(-0.1, 1.1, (60, dim))
    jet = jets_on(derivatives(u, 2), Product.of(at))
    hessian = np.diag(2.0 * np.arange(1, dim + 1))
    hessian[0, dim - 1] += 1
    hessian[dim - 1, 0] += 1
    slopes = at @ hessian
    exact = [(at * slopes).sum(axis=1) / 2, *slopes.T]
    exact += [np.full(len(at), hessian[i, j]) for i in range(dim) for j in range(i, dim)]
    np.testing.assert_allclose(jet, exact, atol=1e-11)


@pytest.mark.parametrize("shape", SHAPES)
def test_slopes_of_smooth_functions_converge(comm: MPI.Comm, shape: str) -> None:
    """With order 2 at least, for quadratic elements."""
    off = []
    for count in (8, 16):
        u = fem.Function(fem.functionspace(box(comm, BOX[:2], [count, 3 * count], shape), ("Lagrange", 2)))
        u.interpolate(lambda x: np.sin(3 * x[0]) * np.exp(x[1]))
        x = u.function_space.tabulate_dof_coordinates().T
        exact = 3 * np.cos(3 * x[0]) * np.exp(x[1])
        off.append(comm.allreduce(float(np.abs(derivatives(u, 1)[1].x.array - exact).max(initial=0.0)), op=MPI.MAX))
    assert off[1] < off[0] / 3.5
