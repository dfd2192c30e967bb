"""The same result, to the last bit, on any number of ranks."""

from __future__ import annotations

from mpi4py import MPI

import pytest
import torch

from hybrid import EllipticProblem
from hybrid.pinn import LBFGS, Adam, LastLayer, LevenbergMarquardt, VariableProjection, solve_cell, solve_homogenized
from hybrid.pinn.leastsquares.shares import Shares
from hybrid.pinn.leastsquares.system import System
from hybrid.pinn.optimizers.base import Optimizer
from hybrid.pinn.optimizers.dampedsteps import NormalModel, ResidualModel
from hybrid.symbols import y


@pytest.mark.mpi
@pytest.mark.parametrize("count", [1, 2, 5, 12])
def test_totals_do_not_depend_on_the_ranks(comm: MPI.Comm, count: int) -> None:
    generator = torch.Generator().manual_seed(count)
    tensors = torch.randn(count, 7, 3, generator=generator, dtype=torch.float64).exp()
    alone, together = Shares(None, count), Shares(comm, count)
    assert [k for own in comm.allgather(together.own) for k in own] == list(range(count))
    expected = alone.total(tensors)
    found = together.total(tensors[k] for k in together.own)
    assert torch.equal(found, expected)
    gathered = together.gathered([tensors[k] for k in together.own])
    assert torch.equal(torch.stack(gathered), tensors)
    assert together.agreed(torch.tensor([float(comm.rank)])) == 0


@pytest.mark.mpi
@pytest.mark.parametrize(
    "optimizer",
    [
        LevenbergMarquardt(steps=4), VariableProjection(steps=3), LastLayer(), Adam(steps=5), LBFGS(steps=10),
    ],
    ids=lambda o: o.name,
)  # fmt: skip
def test_a_training_does_not_depend_on_the_ranks(comm: MPI.Comm, paper: EllipticProblem, optimizer: Optimizer) -> None:
    size = {"hidden": (8, 10), "points": 48, "optimizer": optimizer}
    together, alone = solve_cell(paper, comm=comm, **size), solve_cell(paper, **size)
    assert together.history.loss == alone.history.loss
    for one, other in zip(together.networks[0].parameters(), alone.networks[0].parameters(), strict=True):
        assert torch.equal(one, other)


@pytest.mark.mpi
def test_a_training_too_small_to_be_shared_is_the_same_everywhere(comm: MPI.Comm, paper: EllipticProblem) -> None:
    solution = solve_cell(paper, comm=comm, hidden=(6,), points=10, optimizer=LevenbergMarquardt(steps=3))
    weights = [p.detach().tolist() for p in solution.networks[0].parameters()]
    assert comm.bcast(weights) == weights
    assert comm.bcast(solution.history.loss) == solution.history.loss


def test_both_forms_of_a_step_are_the_same() -> None:
    generator = torch.Generator().manual_seed(0)
    for rows, columns in ((30, 12), (12, 30)):
        jacobian = torch.randn(rows, columns, generator=generator, dtype=torch.float64)
        residual = torch.randn(rows, generator=generator, dtype=torch.float64)
        normal = NormalModel(jacobian.T @ residual, jacobian.T @ jacobian, 1e-3).step(0.1)
        dual = ResidualModel(residual, jacobian.clone(), 1e-3).step(0.1)
        assert normal is not None
        assert dual is not None
        assert (normal[0] - dual[0]).abs().max() < 1e-12
        assert normal[1] == pytest.approx(dual[1], rel=1e-12)
        moved = residual + jacobian @ normal[0]
        assert normal[1] == pytest.approx(float(residual @ residual - moved @ moved), rel=1e-10)


def test_more_parameters_than_residuals_train_in_the_space_of_the_residuals(paper: EllipticProblem) -> None:
    solution = solve_cell(paper, hidden=(24, 24), points=12, optimizer=LevenbergMarquardt(steps=30))
    assert solution.history.loss[-1] < 1e-6 * solution.history.loss[0]
    assert sum(p.numel() for p in solution.networks[0].parameters()) > 2 * 12**2 + 2


def test_every_residual_is_in_one_share(paper: EllipticProblem) -> None:
    from hybrid.pinn import cell_networks
    from hybrid.pinn.cells.cellrows import cell_rows
    from hybrid.pinn.cells.periodicities import periodicity_of

    rows = cell_rows(paper.cell_problems(), periodicity_of("oversampling"), 41, 2, (0.3, 0.3, 0.4))
    equations = System(cell_networks(paper, hidden=(5,), periodicity="oversampling")[0], rows)
    assert equations.shares.count == 4
    assert equations.residuals().numel() == equations.count == sum(part.target.numel() for part in rows)
    whole = sum(float((part.target**2 * part.weight[:, None]).sum()) for part in rows)
    with torch.no_grad():
        equations.network.weights[-1].zero_()
    assert equations.loss() == pytest.approx(whole / 2, rel=1e-12)


@pytest.mark.mpi
@pytest.mark.parametrize("optimizer", [LastLayer(), VariableProjection(steps=2)], ids=lambda o: o.name)
def test_strengths_of_corners_do_not_depend_on_the_ranks(comm: MPI.Comm, optimizer: Optimizer) -> None:
    problem = EllipticProblem(domain=[(0, 1), (0, 1)], eps=0.1, a=1 + 0 * y[0], f=1)
    size = {"hidden": (30,), "points": 36, "optimizer": optimizer}
    together, alone = (solve_homogenized(problem, [[2, 0.5], [0.5, 1]], comm=c, **size) for c in (comm, None))
    assert together.trust == alone.trust
    points = [[0.3, 0.4], [0.01, 0.02]]
    assert (together.field.values(points) == alone.field.values(points)).all()
