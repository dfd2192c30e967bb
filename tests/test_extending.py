"""A physics that the package does not have, from its file to e1 … e5: docs/extending.md, run as it stands."""

from __future__ import annotations

from mpi4py import MPI  # isort: skip

import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from hybrid.failures import InputError
from hybrid.physics import base
from hybrid.symbols import pi, sin, y

PAGE = Path(__file__).parents[1] / "docs" / "extending.md"


def blocks(language: str) -> list[str]:
    """The page's code."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def screened(comm: MPI.Comm, tmp_path: Path) -> Iterator[Any]:
    """The page's class, registered."""
    path = tmp_path / "screened.py"
    path.write_text(blocks("python")[0], encoding="utf-8")
    spec = importlib.util.spec_from_file_location("screened", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["screened"] = module
    spec.loader.exec_module(module)
    yield module.ScreenedProblem
    del sys.modules["screened"], base._KINDS["screened"]


def exact(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """-u''/2 + 10 u = 1, u(0) = u(1) = 0."""
    rate = np.sqrt(20.0)
    return np.asarray((1 - np.cosh(rate * (x - 0.5)) / np.cosh(rate / 2)) / 10)


@pytest.mark.mpi
@pytest.mark.usefixtures("screened")
def test_a_new_physics_runs_from_its_file_to_its_errors(comm: MPI.Comm, tmp_path: Path) -> None:
    from hybrid.study.files import read
    from hybrid.study.run import run

    folder = comm.bcast(tmp_path)
    path = folder / "mine.toml"
    if comm.rank == 0:
        path.write_text(blocks("toml")[0])
    comm.Barrier()
    results = run(read(path), comm, preset="fast", out=folder / "out", cache=False)
    assert results["resolved"], results["unresolved"]
    for side in ("fem", "pinn"):
        assert results["homogenized"][side][0][0] == pytest.approx(0.5, rel=1e-8)
    errors = results["errors"]
    assert errors["e3"] < 1e-8
    assert errors["e1"] == pytest.approx(errors["e4"], rel=1e-6)
    assert errors["e4"] == pytest.approx(0.0159, abs=5e-5)
    assert 0 < errors["e5"] < errors["e4"]
    at = np.linspace(0, 1, results["samples"]["points"])
    for name in ("v", "w", "p"):
        assert np.array(results["samples"][name]) == pytest.approx(exact(at), abs=1e-6)  # rounded to six digits there


def test_its_errors_fall_with_eps(comm: MPI.Comm, screened: Any) -> None:
    from hybrid import comparison, fem

    found = []
    for count in (8, 16, 32):
        problem = screened(domain=[(0, 1)], eps=1 / count, a=1 / (2 + sin(2 * pi * y[0])), c=10, f=1)
        u = fem.solve_multiscale(problem, comm, cells_per_period=16)
        v = fem.solve_homogenized(problem, [[0.5]], comm, cells=64)
        found.append(comparison.errors(u, v=v)["e4"])
    orders = np.log2(np.array(found[:-1]) / found[1:])
    assert orders == pytest.approx(1, abs=0.1)


def test_its_fields_are_checked(screened: Any) -> None:
    with pytest.raises(InputError, match="c: not positive"):
        screened(domain=[(0, 1)], eps=0.1, a=1, c=-1, f=1)
