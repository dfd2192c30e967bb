"""Three dimensions: a problem file from end to end, and what the shape of the cells changes (nothing but the cost)."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

from mpi4py import MPI

import numpy as np
import pytest

from hybrid import comparison, fem
from hybrid.study.files import from_data
from hybrid.study.run import run
from hybrid.study.settings import fem_settings

pytestmark = pytest.mark.mpi

CUBE = {
    "kind": "elliptic", "domain": [[0, 1], [0, 1], [0, 1]], "eps": 0.5, "a": "2 + sin(2*pi*y0)*cos(2*pi*y1)*cos(2*pi*y2)",
    "f": "sin(x0) + cos(x1)",
    "fem": {
        "degree": 2, "cells_per_period": 6, "cell_degree": 3, "cell_cells": 6, "homogenized_degree": 2, "homogenized_cells": 8,
    },
    "pinn": {"preset": "fast", "hidden": [300], "points": 10},
}  # fmt: skip
A_STAR = 1.97873050  # by a spectral method (examples/benchmarks/spectral.py)


def test_a_file_from_end_to_end(comm: MPI.Comm, tmp_path: Path) -> None:
    out = Path(comm.bcast(str(tmp_path)))
    results = run(from_data(CUBE, "test", "cube"), comm, out=out)
    errors = results["errors"]
    expected = {"e1": 0.0262754, "e2": 0.0263158, "e3": 0.00128246, "e4": 0.0263169, "e5": 0.0152381}
    assert {name: errors[name] for name in expected} == pytest.approx(expected, rel=1e-4)  # on any number of ranks
    assert np.array(results["homogenized"]["fem"]) == pytest.approx(A_STAR * np.eye(3), abs=2e-6)
    assert np.array(results["homogenized"]["pinn"]) == pytest.approx(A_STAR * np.eye(3), abs=2e-4)
    assert results["grid"] == 41
    if comm.rank == 0:
        assert (out / "results.json").stat().st_size < 500_000
        on_disk = json.loads((out / "results.json").read_text())
        assert on_disk["samples"]["plane"] == 0.5
        assert on_disk["samples"]["cell"]["plane"] == 0.375
        figures = [f"{name}.png" for name in ("solutions", "errors", "correctors", "training")]
        for name in (*figures, "solutions.bp", "correctors.bp"):
            assert (out / name).exists(), name
    comm.Barrier()


def test_layers_by_a_matrix(comm: MPI.Comm) -> None:
    """Layers across x0: a* has the harmonic mean there, √(4 - 1), and the arithmetic one along them."""
    data = CUBE | {"a": [["2 + sin(2*pi*y0)", 0, 0], [0, "2 + sin(2*pi*y0)", 0.5], [0, 0.5, "3"]]}
    case = from_data(data, "test", "layers")
    found = fem.solve_cell(case.problem, comm, **fem_settings(case).cell.arguments(), estimate=False)
    exact = [[math.sqrt(3.0), 0, 0], [0, 2, 0.5], [0, 0.5, 3]]
    assert found.coefficient == pytest.approx(np.array(exact), abs=1e-5)


def test_the_error_of_homogenization_falls_with_eps(comm: MPI.Comm) -> None:
    case = from_data(CUBE, "test", "cube")
    v = fem.solve_homogenized(case.problem, A_STAR * np.eye(3), comm, degree=2, cells=12, shape="box")
    found = []
    for eps in (1 / 2, 1 / 4):
        problem = replace(case.problem, eps=eps)
        u = fem.solve_multiscale(problem, comm, **fem_settings(case).reference.arguments(), estimate=False)
        found.append(comparison.errors(u, v=v)["e4"])
    assert found == pytest.approx([0.0263, 0.0132], rel=5e-3)


@pytest.mark.long
def test_the_shape_of_the_cells_changes_no_error(comm: MPI.Comm) -> None:
    """e4 of the square at ε = 1/4, as in DESIGN's table."""
    square = {"domain": [[0, 1], [0, 1]], "eps": 0.25, "a": "2 + sin(2*pi*y0)*cos(2*pi*y1)", "f": "sin(x0) + cos(x1)"}
    for shape in ("simplex", "box"):
        elements = {"cells": shape, "cells_per_period": 12, "homogenized_cells": 32, "cell_cells": 16}
        case = from_data({"kind": "elliptic", **square, "fem": elements}, "test", shape)
        settings = fem_settings(case)
        u = fem.solve_multiscale(case.problem, comm, **settings.reference.arguments())
        cell = fem.solve_cell(case.problem, comm, **settings.cell.arguments(), estimate=False)
        v = fem.solve_homogenized(case.problem, cell.coefficient, comm, **settings.homogenized.arguments())
        assert u.error_estimate is not None
        assert u.error_estimate < 1e-5
        assert comparison.errors(u, v=v)["e4"] == pytest.approx(0.022963, abs=3e-6)
