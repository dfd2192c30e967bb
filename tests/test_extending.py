"""A physics that the package does not have, from its file to e1 … e5: what docs/extending.md tells."""

from __future__ import annotations

from mpi4py import MPI  # isort: skip

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import sympy
from sympy import ImmutableMatrix

from hybrid.averages import cell_mean
from hybrid.checks import check_coefficient, check_finite, check_not_zero
from hybrid.equation import Equation, Load
from hybrid.errors import InputError
from hybrid.media.constant import Constant, homogenized_flux
from hybrid.media.expression import Expression
from hybrid.physics import Problem, base, register
from hybrid.physics.base import Array, Effective, Notation
from hybrid.physics.fields import Formula, Tensor


@dataclass(frozen=True)
class ScreenedProblem(Problem):
    """-∇·(a(x/ε) ∇u_ε) + c(x/ε) u_ε = f in a box, u_ε = 0 on its boundary: diffusion of what is absorbed on its way."""

    kind = "screened"
    fields: ClassVar = {
        "a": Tensor("the diffusion a(y)", fast=True),
        "c": Formula("the absorption c(y)", fast=True),
        "f": Formula("the source f(x)", slow=True),
    }
    notation = Notation("screened equation", "a", "chi_{j}", r"\chi_{j}")

    a: Any
    c: Any
    f: Any

    def check(self) -> None:
        """a and c are positive and periodic, f is finite and not zero."""
        check_coefficient(self, self.a, "a")
        check_coefficient(self, ImmutableMatrix(self.c * sympy.eye(self.dim)), "c")
        check_finite(self, self.f, "f")
        check_not_zero({"f": self.f})

    @property
    def medium(self) -> Expression:
        """a."""
        return Expression(self.a)

    def multiscale(self) -> Equation:
        """-∇·(a(x/ε) ∇u_ε) + c(x/ε) u_ε = f."""
        return self.equation(self.medium, (Load(self.f),), reaction=Expression.scalar(self.c))

    def cell_problems(self) -> Equation:
        """-∇·(a ∇χ_k) = ∇·(a e_k): c is of lower order and has no corrector of order ε."""
        return self.equation(self.medium, tuple(Load(flux=k) for k in range(self.dim)), periodic=True)

    def effective(self, energies: Effective) -> Effective:
        """a*."""
        return energies

    def homogenized(self, effective: Any) -> Equation:
        """-∇·(a* ∇u_0) + <c> u_0 = f."""
        mean, _ = cell_mean(self.c, self.fast, self.period)
        return self.equation(homogenized_flux(effective, self.dim), (Load(self.f),), reaction=Constant.of(mean))

    def reconstruct(self, jet: Array, correctors: Sequence[Array]) -> Array:
        """u_0 + ε χ_j(x/ε) ∂_j u_0."""
        return np.asarray(jet[0] + sum(self.eps * chi * slope for chi, slope in zip(correctors, jet[1:], strict=True)))


FILE = """
kind = "screened"
domain = [[0, 1]]
eps = 0.05
a = "1 / (2 + sin(2*pi*y0))"
c = "10 + 5*cos(2*pi*y0)"
f = "1"
"""


@pytest.fixture(autouse=True)
def screened() -> Iterator[None]:
    """Registered for these tests."""
    register(ScreenedProblem)
    yield
    del base._KINDS[ScreenedProblem.kind]


def exact(x: Array) -> Array:
    """-u''/2 + 10 u = 1, u(0) = u(1) = 0: 1/a has the mean 2, c the mean 10."""
    rate = np.sqrt(20.0)
    return np.asarray((1 - np.cosh(rate * (x - 0.5)) / np.cosh(rate / 2)) / 10)


@pytest.mark.mpi
def test_a_new_physics_runs_from_its_file_to_its_errors(tmp_path: Path) -> None:
    from hybrid.study.files import read
    from hybrid.study.run import run

    comm = MPI.COMM_WORLD
    folder = comm.bcast(tmp_path)
    path = folder / "mine.toml"
    if comm.rank == 0:
        path.write_text(FILE)
    comm.Barrier()
    results = run(read(path), comm, preset="fast", out=folder / "out", cache=False)
    assert results["resolved"], results["unresolved"]
    for side in ("fem", "pinn"):
        assert results["homogenized"][side][0][0] == pytest.approx(0.5, rel=1e-8)
    errors = results["errors"]
    assert errors["e3"] < 1e-6
    assert errors["e1"] == pytest.approx(errors["e4"], rel=1e-3)
    assert 0 < errors["e5"] < errors["e4"] < 0.02
    at = np.linspace(0, 1, results["samples"]["points"])
    for name in ("v", "w", "p"):
        assert np.array(results["samples"][name]) == pytest.approx(exact(at), abs=1e-6)


def test_its_errors_fall_with_eps(comm: MPI.Comm) -> None:
    """u_ε is u_0 up to order ε."""
    from hybrid import comparison, fem

    found = []
    for count in (8, 16, 32):
        problem = ScreenedProblem(
            domain=[(0, 1)], eps=1 / count, a=1 / (2 + sympy.sin(2 * sympy.pi * sympy.Symbol("y0", real=True))),
            c=10, f=1,
        )  # fmt: skip
        u = fem.solve_multiscale(problem, comm, cells_per_period=16)
        v = fem.solve_homogenized(problem, [[0.5]], comm, cells=64)
        found.append(comparison.errors(u, v=v)["e4"])
    orders = np.log2(np.array(found[:-1]) / found[1:])
    assert orders == pytest.approx(1, abs=0.1)


def test_its_fields_are_checked() -> None:
    with pytest.raises(InputError, match="c: not positive"):
        ScreenedProblem(domain=[(0, 1)], eps=0.1, a=1, c=-1, f=1)
