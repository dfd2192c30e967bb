"""Section 2.2: coarse linear elements see the mean of the coefficient."""

from __future__ import annotations

from mpi4py import MPI

import pytest

from hybrid.paper.experiments.coarse import coarse_mesh_study, problem, solve_linear

pytestmark = pytest.mark.mpi


def test_coarse_meshes_are_wrong_by_nine_seventeenths(comm: MPI.Comm) -> None:
    found = coarse_mesh_study(comm, (16, 32, 1600, 3200))
    assert found["coefficient"] == pytest.approx(4.0, rel=1e-6)
    assert found["errors"][:2] == pytest.approx([9 / 17, 9 / 17], abs=2e-3)
    assert found["errors"][2] / found["errors"][3] == pytest.approx(4.0, rel=0.1)  # of second order once it sees a


def test_the_integrals_of_the_coefficient_are_exact(comm: MPI.Comm) -> None:
    """One cell of the mesh holds whole periods, so that a is its mean, 8.5, and the nodal values are those of -8.5 u'' = f."""
    chosen = problem(eps=0.05)
    solution = solve_linear(chosen, comm, 20)
    dofs = solution.function.function_space.tabulate_dof_coordinates()[:, 0]
    import numpy as np

    assert solution.function.x.array == pytest.approx(np.sin(dofs) / 8.5, abs=1e-7)
