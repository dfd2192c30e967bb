"""References that are kept, and references refined until their own error is small enough."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mpi4py import MPI
from petsc4py import PETSc

import pytest

from hybrid import EllipticProblem, InputError, ReactionDiffusionProblem, SolverError, fem
from hybrid.fem import reference as module
from hybrid.fem import solve_multiscale
from hybrid.fem.cache import ReferenceCache
from hybrid.fem.norms import relative_difference
from hybrid.fem.reference import Attempt, _next
from hybrid.symbols import cos, pi, sin, x, y

pytestmark = pytest.mark.mpi


@pytest.fixture
def line() -> EllipticProblem:
    return EllipticProblem(domain=[(0, 1)], eps=1 / 4, a=2 + sin(2 * pi * y[0]), f=1 + x[0])


@pytest.fixture
def solves(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many dofs each solve had."""
    counted: list[int] = []
    plain = module.References.__init__

    def init(self: Any, problem: Any, comm: Any, solve_on: Any, *rest: Any) -> None:
        def counting(space: Any, steps: float) -> Any:
            counted.append(space.dofmap.index_map.size_global)
            return solve_on(space, steps)

        plain(self, problem, comm, counting, *rest)

    monkeypatch.setattr(module.References, "__init__", init)
    return counted


def test_what_was_solved_is_not_solved_again(
    comm: MPI.Comm, tmp_path: Path, paper: EllipticProblem, solves: list[int]
) -> None:
    cache = ReferenceCache(Path(comm.bcast(str(tmp_path))), pytest.fail)
    first = solve_multiscale(paper, comm, degree=2, cells_per_period=4, cache=cache)
    assert len(solves) == 3
    again = solve_multiscale(paper, comm, degree=2, cells_per_period=4, cache=cache)
    assert len(solves) == 3
    assert (first.cached, again.cached) == (False, True)
    assert again.seconds == comm.bcast(first.seconds)
    for name in ("iterations", "error_estimate", "dofs", "degree", "cells_per_period"):
        assert getattr(again, name) == getattr(first, name)
    assert (again.function.x.array == first.function.x.array).all()


def test_another_question_is_another_reference(
    comm: MPI.Comm, tmp_path: Path, line: EllipticProblem, solves: list[int]
) -> None:
    cache = ReferenceCache(Path(comm.bcast(str(tmp_path))), pytest.fail)
    other = EllipticProblem(domain=[(0, 1)], eps=1 / 4, a=2 + sin(2 * pi * y[0]), f=1)
    for problem, arguments in (
        (line, {}), (other, {}), (line, {"degree": 3}), (line, {"cells_per_period": 9}), (line, {"estimate": False}),
    ):  # fmt: skip
        before = len(solves)
        solve_multiscale(problem, comm, **{"degree": 2, "cells_per_period": 8, "cache": cache} | arguments)
        assert len(solves) > before
    PETSc.Options()["reference_ksp_type"] = "cg"
    try:
        before = len(solves)
        solve_multiscale(line, comm, degree=2, cells_per_period=8, cache=cache)
        assert len(solves) > before
    finally:
        PETSc.Options().delValue("reference_ksp_type")


def test_refined_until_the_error_is_small_enough(comm: MPI.Comm, line: EllipticProblem, solves: list[int]) -> None:
    said: list[str] = []
    found = solve_multiscale(line, comm, degree=2, cells_per_period=8, reference_tol=1e-6, report=said.append)
    exact = solve_multiscale(line, comm, degree=4, cells_per_period=64, estimate=False)
    assert found.error_estimate is not None
    assert found.error_estimate <= 1e-6
    assert relative_difference(found.function, exact.function) < 2e-6
    assert len(said) == len(found.attempts) > 2
    assert [a["error_estimate"] for a in found.attempts][-2] > 1e-6
    assert f"{found.cells_per_period} cells per period, {found.dofs} dofs: error about" in said[-1]
    assert found.seconds == pytest.approx(sum(a["seconds"] for a in found.attempts))
    doubled = [a["dofs"] for a in found.attempts]
    assert len([n for n in solves if n in doubled]) == len(doubled)  # none of them a second time


def test_refining_goes_on_from_what_was_kept(
    comm: MPI.Comm, tmp_path: Path, line: EllipticProblem, solves: list[int]
) -> None:
    cache = ReferenceCache(Path(comm.bcast(str(tmp_path))), pytest.fail)
    arguments = {"degree": 2, "cells_per_period": 8, "cache": cache}
    first = solve_multiscale(line, comm, reference_tol=1e-5, **arguments)
    solves.clear()
    again = solve_multiscale(line, comm, reference_tol=1e-5, **arguments)
    assert not solves
    assert again.cached
    assert again.error_estimate == first.error_estimate
    finer = solve_multiscale(line, comm, reference_tol=1e-7, **arguments)
    assert not finer.cached
    assert [a["cached"] for a in finer.attempts][: len(first.attempts) - 1] == [True] * (len(first.attempts) - 1)
    assert solves


def test_a_mesh_that_is_too_large_is_refused(comm: MPI.Comm, line: EllipticProblem) -> None:
    def check(cells: int) -> None:
        if cells > 16:
            raise InputError("memory", "too many")

    with pytest.raises(InputError, match=r"reference_tol: 1e-09 is out of reach: 16 cells .* about .*, and 32 are too"):
        solve_multiscale(line, comm, degree=1, cells_per_period=8, reference_tol=1e-9, check=check)
    for wrong in (0.0, -1.0, float("nan"), 1.0):
        with pytest.raises(InputError, match="between 0 and 1"):
            solve_multiscale(line, comm, reference_tol=wrong)


def test_rounding_ends_it(comm: MPI.Comm, line: EllipticProblem) -> None:
    with pytest.raises(SolverError, match="error"):
        solve_multiscale(line, comm, degree=4, cells_per_period=8, reference_tol=1e-17)


def test_time_steps_are_refined_too(solves: list[int]) -> None:
    problem = ReactionDiffusionProblem(
        domain=[(0, 1)], eps=1 / 2, D=1.0, r=cos(2 * pi * y[0]), f=sin(3 * x[0]), u0=x[0] * (1 - x[0]), T=0.01
    )
    arguments = {"degree": 3, "cells_per_period": 8, "tolerance": 1e-5}
    found = fem.solve_multiscale(problem, MPI.COMM_SELF, reference_tol=1e-6, **arguments)
    assert found.error_estimate is not None
    assert found.error_estimate <= 1e-6
    exact = fem.solve_multiscale(problem, MPI.COMM_SELF, degree=4, cells_per_period=64, tolerance=1e-11, estimate=False)
    assert relative_difference(found.function, exact.function) < 2e-6


@pytest.mark.parametrize(
    ("errors", "wanted"), [((4e-6,), 16), ((1.3e-6,), 12), ((4e-6, 2e-6), 32), ((8e-6, 1.1e-6), 20), ((9.0, 1.0), 32)]
)
def test_the_next_mesh(errors: tuple[float, ...], wanted: int) -> None:
    """Twice as many cells, or fewer where the order that was seen allows it."""
    attempts = [Attempt(8 * 2**n, 0, error, 0.0, 0.0, False) for n, error in enumerate(errors)]
    assert _next(attempts, 1e-6, 0.0, 3)[0] == wanted


def test_the_next_time_step() -> None:
    last = Attempt(8, 0, 3e-6, 2.5e-6, 0.0, False)
    assert _next([last], 1e-6, 1e-9, 4) == (8, pytest.approx(1e-11))
    with pytest.raises(SolverError, match="rounding"):
        _next([last], 1e-6, 1e-13, 4)
