"""The examples, each run as it stands: the last number that it prints against one that is known otherwise."""

from __future__ import annotations

import math
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mpi4py import MPI

import numpy as np
import pytest

import hybrid
from hybrid.paper.recorded import stored

ROOT = Path(__file__).resolve().parents[1]


def laminate(eps: float = 1 / 8) -> float:
    """e4 of (1/(2 + sin(2πx/ε)) u')' = -1 in [0, 1]: from u' = (2 + sin) (c - x), beside u_0 = x (1 - x)."""
    x = np.linspace(0, 1, 80_001)
    slope = 2 + np.sin(2 * np.pi * x / eps)

    def integral(values: np.ndarray) -> np.ndarray:
        return np.concatenate([[0], np.cumsum((values[1:] + values[:-1]) / 2)]) * (x[1] - x[0])

    ones, moments = integral(slope), integral(slope * x)
    u = moments[-1] / ones[-1] * ones - moments
    return float(np.linalg.norm(x * (1 - x) - u) / np.linalg.norm(u))


def recorded() -> float:
    """The first order of the paper's 2D problem by networks trained in every layer: for exact correctors it is the same."""
    return float(stored().runs["accurate", "elliptic-2d"]["ladder"]["pinn"]["first"])


def recorded_below() -> float:
    """e5 / e4 of the same, of the best reconstruction."""
    errors = stored().runs["accurate", "elliptic-2d"]["errors"]
    return float(errors["e5"] / errors["e4"])


KNOWN: dict[str, tuple[Callable[[], float] | float, float]] = {
    "elliptic_2d": (0, 1e-9),  # two methods for one number
    "slow": (0, 1e-8),  # from the harmonic mean, which is a* in 1D
    "checkerboard": (
        math.sqrt(10),
        1e-3,
    ),  # the geometric mean: Keller's theorem, as a and 1/a are the same but for a shift
    "reaction_diffusion": (-1 / (8 * math.pi**2 * 2), 1e-10),  # N = -cos(2πy) / (4π²D)
    "matrix": (math.sqrt(3) / 2 - 1, 1e-9),  # layers: a*_01 = <a_01/a_00> / <1/a_00>, where <1/(2 + sin)> = 1/√3
    "inclusion": (
        1.3829337942,
        1e-5,
    ),  # the same disc with half the mesh size and degree 4 (tests/fem/test_inclusions.py)
    "discs": (1.3829337942, 1e-5),  # the same
    "perforated": (0.6716275553, 1e-5),  # likewise
    "correctors": (recorded, 1e-5),
    "below_e4": (recorded_below, 1e-4),
    "orders": (1, 0.02),  # u_0 - u_ε = O(ε) in L2
    "sweep": (1, 0.02),  # likewise
    "many": (0, 1e-8),  # from the harmonic mean
    "own_equation": (0, 1e-6),  # from the solution that f was made for; cubics on 64 x 64 squares
    "from_file": (laminate, 1e-6),
    "bounds": (1.1, 0.1),  # a bound is not below the error, and this one is sharp
}
"""The number, and how far an example may be off."""


@pytest.fixture
def last_number(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[[str], tuple[float | None, dict[str, Any]]]:
    """Runs an example in a folder of its own: what it prints last, where it prints anything, and what it has named."""
    monkeypatch.chdir(tmp_path)

    def run(name: str) -> tuple[float | None, dict[str, Any]]:
        named = runpy.run_path(str(ROOT / "examples" / f"{name}.py"))
        words = capfd.readouterr().out.split()
        return float(words[-1]) if words else None, named

    return run


LONG = {"discs"}
"""Those with a shorter twin: that of discs is inclusion."""


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow) if n in LONG else n for n in KNOWN])
def test_its_number(last_number: Callable[[str], tuple[float | None, dict[str, Any]]], name: str) -> None:
    known, allowed = KNOWN[name]
    expected = known if isinstance(known, float | int) else known()
    assert last_number(name)[0] == pytest.approx(expected, abs=allowed, rel=0)


@pytest.mark.mpi
def test_the_same_on_any_number_of_ranks(
    comm: MPI.Comm, last_number: Callable[[str], tuple[float | None, dict[str, Any]]]
) -> None:
    found, named = last_number("parallel")
    assert (found is None) == (comm.rank > 0)
    if found is not None:
        alone = hybrid.fem.solve_cell(named["problem"], MPI.COMM_SELF).coefficient[0, 0]
        assert found == pytest.approx(alone, rel=1e-12)
        assert found == pytest.approx(1.935359234812, rel=1e-10)  # by a spectral method


def test_there_is_one_for_each_line_of_the_readme() -> None:
    scripts = {path.stem for path in (ROOT / "examples").glob("*.py")}
    assert scripts == {*KNOWN, "parallel"}
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [name for name in scripts if f"(examples/{name}.py)" not in text] == []
