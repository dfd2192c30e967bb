"""Bounds of errors against references: never below the true error, and near it where everything is solved well."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mpi4py import MPI

import numpy as np
import pytest

from hybrid import EllipticProblem, InputError, SolverError, cli, fem, pinn
from hybrid.bounds import certify, true_errors
from hybrid.bounds.fields import CellFields
from hybrid.bounds.slow import OfFiniteElements, friedrichs, hardy
from hybrid.fluxes import Torus, matrix_on
from hybrid.pinn import LastLayer
from hybrid.symbols import cos, exp, parse, pi, sin, x, y

COMM = MPI.COMM_SELF


@pytest.mark.parametrize(
    ("a", "eps", "jumps"),
    [
        ("2 + 1.5*sin(2*pi*y0)", 0.11, False),
        ("1 + 9*step(sin(2*pi*y0))", 0.2, True),
        ("(1 + x0)/(2 + sin(2*pi*y0))", 0.1, False),
    ],
)
def test_on_a_line_the_bound_is_the_error(a: str, eps: float, jumps: bool) -> None:
    """Of cut periods, jumps, and products with a function of x, too."""
    problem = EllipticProblem(domain=[(0, 1)], eps=eps, a=parse(a, (*x[:1], *y[:1]), "a"), f=exp(x[0]))
    cell = fem.solve_cell(problem, COMM, estimate=False)
    v = fem.solve_homogenized(problem, cell.coefficient, COMM, cells=128)
    found = certify(problem, v, cell.correctors, cell.coefficient, COMM)
    u = fem.solve_multiscale(problem, COMM, degree=4, cells_per_period=64)
    energy, in_l2 = true_errors(found.reconstruction, u.function)
    assert 1e-3 < energy < 0.3
    assert found.energy_bound == pytest.approx(energy, rel=2e-2 if jumps else 1e-4)
    assert found.l2_bound == pytest.approx(in_l2, rel=2e-2 if jumps else 1e-4)


def test_on_a_line_networks_may_depend_on_x() -> None:
    problem = EllipticProblem(domain=[(0, math.pi)], eps=1 / 8, a=2 + sin(x[0]) + sin(2 * pi * y[0]) / 2,
                              f=sin(x[0]))  # fmt: skip
    chi = pinn.solve_cell(problem, hidden=(200,), points=20, optimizer=LastLayer())
    p = pinn.solve_homogenized(problem, chi.coefficient, hidden=(60,), points=80, optimizer=LastLayer())
    found = certify(problem, p, chi.correctors, np.eye(1), COMM)
    u = fem.solve_multiscale(problem, COMM, degree=3, cells_per_period=16)
    energy, in_l2 = true_errors(found.reconstruction, u.function)
    assert found.energy_bound == pytest.approx(energy, rel=1e-3)
    assert found.l2_bound == pytest.approx(in_l2, rel=1e-3)


@pytest.mark.slow  # its twin is examples/bounds.py
def test_the_paper_in_the_plane(paper: EllipticProblem) -> None:
    """At a larger ε."""
    problem = EllipticProblem(domain=paper.domain, eps=1 / 4, a=paper.a, f=paper.f)
    cell = fem.solve_cell(problem, COMM, degree=3, cells=16, estimate=False)
    p = pinn.solve_homogenized(problem, cell.coefficient, hidden=(200,), points=24, optimizer=LastLayer())
    found = certify(problem, p, cell.correctors, cell.coefficient, COMM)
    u = fem.solve_multiscale(problem, COMM, cells_per_period=16)
    energy, in_l2 = true_errors(found.reconstruction, u.function)
    assert 0.02 < energy < 0.04
    assert energy < found.energy_bound < 1.12 * energy
    assert in_l2 < found.l2_bound
    assert found.exact
    assert found.quadrature < 1e-3 * found.absolute
    assert set(found.up_to) == {"quadrature", "rounding"}


@pytest.mark.slow
@pytest.mark.parametrize(("periods", "effectivity"), [(8, 1.2), (16, 1.2)])
def test_the_paper_by_finite_elements(paper: EllipticProblem, periods: int, effectivity: float) -> None:
    problem = EllipticProblem(domain=paper.domain, eps=1 / periods, a=paper.a, f=paper.f)
    cell = fem.solve_cell(problem, COMM)
    v = fem.solve_homogenized(problem, cell.coefficient, COMM, cells=64)
    found = certify(problem, v, cell.correctors, cell.coefficient, COMM)
    energy, _ = true_errors(found.reconstruction, fem.solve_multiscale(problem, COMM).function)
    assert energy < found.energy_bound < effectivity * energy


@pytest.mark.parametrize("seed", [6, *(pytest.param(k, marks=pytest.mark.slow) for k in range(100) if k != 6)])
def test_no_true_error_is_above_its_bound(seed: int, random_medium: Callable[[int], tuple[object, int]]) -> None:
    """Random media; correctors and u_0 that are good, coarse, badly trained, or for another medium."""
    a, dim = random_medium(seed)
    periods = 2 if dim == 3 or seed % 2 == 0 else 4
    f = sin(x[0]) + cos(x[1]) * (1 + seed % 7)
    problem = EllipticProblem(domain=[(0, 1)] * dim, eps=1 / periods, a=a, f=f)
    rng = np.random.default_rng(seed)
    coarse = seed % 3
    cells = ((4, 24), (3, 4), (1, 4))[coarse] if dim == 2 else ((2, 4), (1, 4), (1, 4))[coarse]
    cell = fem.solve_cell(problem, COMM, degree=cells[0], cells=cells[1], estimate=False)
    star = np.asarray(cell.coefficient) * (1 + 0.1 * (seed % 4 == 3) * rng.random())
    correctors: tuple[object, ...] = cell.correctors
    if seed % 6 == 0 and dim == 2:
        correctors = pinn.solve_cell(problem, hidden=(30,), points=12, optimizer=LastLayer(), seed=seed).correctors
    u0: object = fem.solve_homogenized(problem, star, COMM, degree=2, cells=16)
    if seed % 2 == 0:
        u0 = pinn.solve_homogenized(problem, star, hidden=(40,), points=14 if dim == 2 else 8, optimizer=LastLayer())
    found = certify(problem, u0, correctors, star, COMM)
    u = fem.solve_multiscale(problem, COMM, degree=3 if dim == 2 else 2, cells_per_period=24 if dim == 2 else 8)
    energy, in_l2 = true_errors(found.reconstruction, u.function)
    own = (u.error_estimate or 0.0) if dim == 2 else 0.02
    assert energy <= (found.energy_bound + own) * (1 + own)
    assert in_l2 <= (found.l2_bound + own) * (1 + own)
    assert found.energy_bound < 40 * energy


def test_the_constants(comm: MPI.Comm) -> None:
    """Friedrichs and Hardy for functions that are near to equality, and the smallest eigenvalue of a."""
    domain = [(0.0, 1.0), (0.0, 2.0)]
    axes = [(np.arange(400) + 0.5) / 400, (np.arange(800) + 0.5) / 400]
    one, other = np.sin(np.pi * axes[0]), np.sin(np.pi * axes[1] / 2)
    phi = np.multiply.outer(one, other)
    slope = math.pi**2 * (1 + 1 / 4) * (phi**2).sum()
    assert friedrichs(domain) ** 2 == pytest.approx((phi**2).sum() / slope, rel=1e-12)
    assert 0.3 < (phi**2 / hardy(domain, axes)).sum() / slope < 1
    a = exp(2 * sin(2 * pi * y[0]) * cos(2 * pi * y[1]))
    equation = EllipticProblem(domain=[(0, 1)] * 2, eps=1 / 8, a=a, f=1).cell_problems()
    cell = CellFields.of(equation, np.zeros((2, 9, 9)))
    lowest = np.linalg.eigvalsh(matrix_on(equation, Torus((1.0, 1.0), (200, 200)).points()))[:, 0].min()
    assert 0.6 * lowest < cell.lowest < lowest


def test_a_spline_of_finite_elements_vanishes_where_they_do(paper: EllipticProblem) -> None:
    v = fem.solve_homogenized(paper, 2 * np.eye(2), COMM, cells=24)
    slow = OfFiniteElements(v.function, paper.domain)
    jet = slow.jet([np.array([0.0, 0.3, 1.0]), np.array([0.0, 0.4, 1.0])])
    edges = np.abs(jet.value[[0, 2]]).max(), np.abs(jet.value[:, [0, 2]]).max()
    assert max(edges) < 1e-15 * jet.value[1, 1]
    h = 1e-5
    up, down = (slow.jet([np.array([0.3 + s * h]), np.array([0.4])]) for s in (1, -1))
    assert jet.slope[0, 1, 1] == pytest.approx((up.value - down.value).item() / (2 * h), rel=1e-6)
    assert jet.hessian[:, 0, 1, 1] == pytest.approx(((up.slope - down.slope) / (2 * h)).ravel(), rel=1e-5)


def test_what_has_no_bound_says_so(paper: EllipticProblem) -> None:
    for changes, where in (
        ({"a": 1 + 9 * parse("step(sin(2*pi*y0))", y[:2], "a")}, "jumps"), ({"a": paper.a + x[0]}, "depends on x"),
        ({"eps": 0.13}, "whole ones"),
    ):  # fmt: skip
        data = {"domain": [(0, 1), (0, 1)], "eps": 1 / 8, "a": paper.a, "f": 1} | changes
        problem = EllipticProblem(**data)
        with pytest.raises(InputError, match=where):
            certify(problem, None, (), np.eye(2), COMM)  # type: ignore[arg-type]


def test_no_mesh_that_resolves_the_scale_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = 'kind = "elliptic"\ndomain = [[0, 1], [0, 1]]\neps = 0.0009765625\na = "2 + sin(2*pi*y0)*cos(2*pi*y1)"\nf = "1"\n'
    (tmp_path / "fine.toml").write_text(text)
    asked: list[Any] = []

    def certified(case: Any, *_: object, **__: object) -> None:
        asked.append(case.problem.eps)
        raise SolverError("far enough")

    monkeypatch.setattr("hybrid.study.certifying.certify", certified)
    for command, code in (("certify", 1), ("run", 2)):  # a run has no memory for its reference
        with pytest.raises(SystemExit) as ended:
            cli.main([command, str(tmp_path / "fine.toml")])
        assert ended.value.code == code
    assert asked == [1 / 1024]


@pytest.mark.mpi
def test_the_command_leaves_a_certificate(comm: MPI.Comm, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    out = Path(comm.bcast(str(tmp_path)))
    with pytest.raises(SystemExit) as ended:
        cli.main(["certify", "elliptic-1d", "--path", "fem", "--out", str(out / "line")])
    assert ended.value.code == 0
    if comm.rank == 0:
        found = json.loads((out / "line" / "certificate.json").read_text())
        assert found.keys() >= {"eps", "path", "energy_bound", "l2_bound", "a_lower", "a_upper", "up_to", "seconds"}
        assert found["a_lower"][0][0] <= math.sqrt(15) / 2 <= found["a_upper"][0][0]
        assert 0 < found["l2_bound"] < found["energy_bound"] < 0.1
        assert "not proved, quadrature" in capfd.readouterr().out
    with pytest.raises(SystemExit) as ended:
        cli.main(["certify", "reaction-diffusion-10", "--path", "both"])
    assert ended.value.code == 2
    if comm.rank == 0:
        lines = capfd.readouterr().err.splitlines()
        assert len(lines) == 2
        assert "elliptic problems" in lines[0]
        assert "allowed are pinn, fem" in lines[1]
