"""A mesh as the medium of a problem file: from the file to its errors, and all that is refused, at once."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mpi4py import MPI

import numpy as np
import pytest

from hybrid import InputError, pinn
from hybrid.failures import each_of
from hybrid.study.files import data_of, from_data, read
from hybrid.study.jsonschema import schema
from hybrid.study.repeat import case_of, recorded
from hybrid.study.run import run
from hybrid.study.settings import check_settings

EPS, SOFT, HARD = 0.25, 1.0, 10.0


def data(path: Path, **changes: Any) -> dict[str, Any]:
    dim = int(path.name.split("-")[1])
    own = {"kind": "elliptic", "domain": [[0, 1]] * dim, "eps": EPS, "mesh": path.name, "f": "1",
           "a": {"soft": SOFT, "hard": HARD}}  # fmt: skip
    return {key: value for key, value in (own | changes).items() if value is not None}


def exact_errors() -> tuple[float, float]:
    """e4 and e5 of (a(x/ε) u')' = -1 in [0, 1]: from a u' = c - x, beside u_0 = x (1 - x) <1/a> / 2 and χ' = a*/a - 1."""
    x = (np.arange(400_000) + 0.5) / 400_000
    inverse = np.where(np.mod(x / EPS, 1) < 0.5, 1 / SOFT, 1 / HARD)
    c = (inverse * x).mean() / inverse.mean()
    u = np.cumsum(inverse * (c - x)) / len(x)
    v = x * (1 - x) * inverse.mean() / 2
    chi = np.cumsum(inverse / inverse.mean() - 1) / len(x)  # ε χ(x/ε)
    r = v + (chi - chi.mean()) * (1 - 2 * x) * inverse.mean() / 2
    return tuple(float(np.linalg.norm(w - u) / np.linalg.norm(u)) for w in (v, r))  # type: ignore[return-value]


@pytest.mark.mpi
@pytest.mark.long
def test_a_run_from_a_file_to_its_errors(comm: MPI.Comm, layers: Callable[..., Path]) -> None:
    path = layers(1, 4)
    file = path.with_name("mine.toml")
    if comm.rank == 0:
        file.write_text(
            f'kind = "elliptic"\ndomain = [[0, 1]]\neps = {EPS}\nmesh = "{path.name}"\nf = "1"\n[a]\nsoft = 1\n2 = "10"\n'
        )
    comm.Barrier()
    out = path.with_name("out")
    results = run(read(file), comm, preset="fast", out=out)
    assert results["resolved"], results["unresolved"]
    errors = results["errors"]
    e4, e5 = exact_errors()
    assert errors["e4"] == pytest.approx(e4, rel=1e-4)
    assert results["ladder"]["pinn"]["first"] == pytest.approx(e5, rel=1e-4)
    assert errors["e5"] < e5 / 5
    assert errors["e1"] == pytest.approx(errors["e4"], rel=1e-4)
    assert errors["e3"] < 1e-6
    harmonic = 2 / (1 / SOFT + 1 / HARD)
    for side in ("fem", "pinn"):
        assert results["homogenized"][side][0][0] == pytest.approx(harmonic, rel=1e-6)
    coefficient = np.array(results["samples"]["coefficient"])
    at = np.linspace(0, 1, len(coefficient))
    clear = np.abs(np.mod(at / EPS + 0.25, 0.5) - 0.25) > 0.01
    assert (coefficient[clear] == np.where(np.mod(at / EPS, 1) < 0.5, SOFT, HARD)[clear]).all()
    if comm.rank == 0:
        assert {"solutions.png", "errors.png", "correctors.png", "training.png"} <= {p.name for p in out.iterdir()}
        record, request = recorded(out / "results.json")
        again = case_of(out / "results.json", record, request)
        assert again.problem.digest == read(file).problem.digest == record.provenance.problem_hash
        path.write_bytes(path.read_bytes().replace(b"0.25 0.0 0", b"0.26 0.0 0"))
        with pytest.raises(InputError, match=r"mesh: .* has changed since that run"):
            case_of(out / "results.json", record, request)
    comm.Barrier()


LAMINATE = np.diag([2 / (1 / SOFT + 1 / HARD), (SOFT + HARD) / 2, (SOFT + HARD) / 2])
"""a* of layers in space."""


def test_networks_in_space_bound_a_star(layers: Callable[..., Path]) -> None:
    problem = from_data(data(layers(3, 2), eps=0.5), "here", "space", folder=layers(3, 2).parent).problem
    found = pinn.solve_cell(problem, formulation="energy", hidden=(40,), points=10, optimizer=pinn.LastLayer(), seed=0)
    assert found.bounds is not None
    assert np.linalg.eigvalsh(found.bounds[1] - LAMINATE)[0] > 0
    assert np.linalg.eigvalsh(LAMINATE - found.bounds[0])[0] > 0
    assert found.coefficient == pytest.approx(LAMINATE, rel=0.3, abs=0.3)


@pytest.mark.slow
@pytest.mark.mpi
def test_a_run_in_space(comm: MPI.Comm, layers: Callable[..., Path]) -> None:
    path = layers(3, 2)
    small = {
        "fem": {"degree": 3, "cells_per_period": 4, "cell_degree": 2, "cell_cells": 4, "homogenized_degree": 3,
                "homogenized_cells": 8},
        "pinn": {"hidden": [100], "points": 14},
    }  # fmt: skip
    case = from_data(data(path, eps=0.5, **small), "here", "space", check_settings, folder=path.parent)
    results = run(case, comm, preset="fast", out=path.with_name("out"))
    assert np.array(results["homogenized"]["fem"]) == pytest.approx(LAMINATE, abs=1e-9)
    for side, sign in (("lower", -1), ("upper", 1)):
        assert np.linalg.eigvalsh(sign * (np.array(results["bounds"][side]["pinn"]) - LAMINATE))[0] > 0
    for name in ("e1", "e2", "e3", "e4", "e5"):
        assert 0 < results["errors"][name] < 0.6


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"mesh": None}, ["mesh: missing; a has values by region"]),
        ({"mesh": "none.msh"}, ["mesh: .*none.msh: no such file"]),
        ({"mesh": 3}, ["mesh: 3; allowed is the path"]),
        ({"a": "2"}, ["mesh: no field has values for its regions"]),
        ({"a": {}}, ["a: no value for soft, hard"]),
        ({"a": {"soft": -1, "steel": 1}, "eps": -1},
         ["eps: -1", "a: no value for hard", "a.soft: -1", "a.steel: .* no such region; there are soft"]),
        ({"domain": [[0, 1]] * 3}, ["mesh and a: .* a mesh in 2 dimensions, for a domain in 3"]),
        ({"period": 2}, ["mesh and a: .* the cell from 0 to 2"]),
        ({"eps": 0.3}, ["eps: 0.3: the mesh of u_eps is made of whole cells"]),
        ({"eps": 0.3, "f": "z"}, ["eps: 0.3", "f: unknown name 'z'"]),
        ({"fem": {"degree": 1, "cell_degree": 1}}, ["fem.degree: 1; on the straight cells", "fem.cell_degree: 1;"]),
        ({"pinn": {"formulation": "strong"}}, ["pinn.formulation: 'strong' needs the derivatives of a, which jumps"]),
        ({"kind": "reaction-diffusion", "a": None, "D": 1, "T": 1, "u0": "1", "r": {"soft": 1}}, ["r: it has no regions"]),
    ],
)  # fmt: skip
def test_all_faults_of_a_file_are_said(layers: Callable[..., Path], change: dict[str, Any], said: list[str]) -> None:
    path = layers(2, 4)
    with pytest.raises(InputError) as caught:
        from_data(data(path, **change), "mine.toml", "mine", check_settings, folder=path.parent)
    lines = [str(one) for one in each_of(caught.value)]
    assert len(lines) == len(said), lines
    for line, pattern in zip(lines, said, strict=True):
        assert re.match(f"(mine.toml: )?({pattern})", line), line


def test_files_fit_the_schema_and_are_written_as_they_are_read(layers: Callable[..., Path]) -> None:
    path = layers(2, 4)
    case = from_data(data(path, a={"soft": 1, "hard": [[4, 1], [1, 2]]}), "here", "n", folder=path.parent)
    written = data_of(case)
    assert written["mesh"] == str(path.resolve())
    assert written["a"] == {"soft": 1.0, "hard": [[4.0, 1.0], [1.0, 2.0]]}
    assert from_data(written, "there", "n").problem.digest == case.problem.digest
    properties = schema("elliptic")["properties"]
    assert properties["mesh"]["type"] == "string"
    assert any(one.get("type") == "object" for one in properties["a"]["anyOf"])
