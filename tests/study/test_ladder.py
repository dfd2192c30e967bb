"""Reconstructions of a run, from its file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mpi4py import MPI

import pytest

from hybrid.study.files import from_data
from hybrid.study.run import run

PLANE: dict[str, Any] = {
    "kind": "elliptic", "domain": [[0, 1], [0, 1]], "eps": 0.25, "f": "1 + x0",
    "a": "(1 + x0 + x1**2/2)*(2 + sin(2*pi*y0)*cos(2*pi*y1))",
    "fem": {"cells_per_period": 8, "homogenized_cells": 24, "cell_cells": 12},
    "pinn": {"preset": "fast"},
}  # fmt: skip


def ladder(data: dict[str, Any], comm: MPI.Comm, out: Path) -> dict[str, Any]:
    found: dict[str, Any] = run(from_data(data, "test", "test"), comm, out=out, cache=False, figures=False)["ladder"]
    return found


@pytest.mark.mpi
def test_a_slow_factor(comm: MPI.Comm, tmp_path: Path) -> None:
    found = ladder(PLANE, comm, Path(comm.bcast(str(tmp_path))))
    assert not found["why"]
    for path in ("fem", "pinn"):
        errors = found[path]
        assert errors["first"] < 0.5 * errors["u0"]
        assert errors["layers"] < 0.2 * errors["u0"]
        assert errors["second"] < 0.1 * errors["u0"]
        assert errors["second_h1"] < 0.08 * errors["u0_h1"]
    assert found["pinn"]["second"] == pytest.approx(found["fem"]["second"], rel=1e-2)


@pytest.mark.mpi
def test_a_slow_dependency_of_any_kind(comm: MPI.Comm, tmp_path: Path) -> None:
    found = ladder(
        PLANE | {"a": "exp((1 + x0/2)*sin(2*pi*y0) + cos(2*pi*(y0 + y1))/2)"}, comm, Path(comm.bcast(str(tmp_path)))
    )
    assert not found["why"]
    for path in ("fem", "pinn"):
        errors = found[path]
        assert errors["layers"] < 0.4 * errors["first"]
        assert errors["second_h1"] < 0.5 * errors["first_h1"]
    assert found["pinn"]["second"] == pytest.approx(found["fem"]["second"], rel=1e-2)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"a": "(1 + abs(x0 - 0.4))*(2 + sin(2*pi*y0))"}, "finite elements and networks: a: its dependency on x is not smooth"),
        ({"a": "(1 + sqrt(x0))*(2 + sin(2*pi*y0))"}, "finite elements and networks: a: its slow part has slopes that are not"),
        (
            {"a": "exp(sin(2*pi*y0) + cos(2*pi*(y0 - 2*y1))/2)", "f": "1 + sqrt(1 - x0)"},
            "finite elements and networks: f: not finite a little outside of the domain",
        ),
        (
            {"a": "(1.01 - x0)*exp(sin(2*pi*y0) + cos(2*pi*(y0 - 2*y1))/2)"},
            "finite elements and networks: a: not positive a little outside of the domain",
        ),
        ({"a": "(1 + x0)*(2 + step(sin(2*pi*y0)))"}, "networks: a: it jumps"),
    ],
)  # fmt: skip
def test_where_it_ends_and_why(tmp_path: Path, change: dict[str, str], why: str) -> None:
    data = PLANE | change | {"pinn": {"preset": "fast", "hidden": [60], "points": 16}}
    found = ladder(data, MPI.COMM_SELF, tmp_path)
    assert found["why"].startswith(why)
    if "1.01 - x0" not in data["a"]:  # that asks for more than 60 features
        assert found["fem"]["first"] == pytest.approx(found["pinn"]["first"], rel=0.05)
    assert "layers" not in found["pinn"] or found["pinn"]["layers"] is None
