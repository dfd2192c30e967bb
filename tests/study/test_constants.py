"""Named constants in the expressions of problem files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hybrid.failures import InputError, each_of
from hybrid.study.files import data_of, from_data

FILE: dict[str, Any] = {
    "kind": "elliptic",
    "domain": [[0, "L"]],
    "eps": "L/8",
    "a": "2 - c**2*sin(2*pi*y0)",
    "f": "1",
    "constants": {"c": -0.5, "L": "2*pi"},
}


def test_constants_are_the_numbers_that_they_stand_for() -> None:
    plain = {**FILE, "domain": [[0, "2*pi"]], "eps": "2*pi/8", "a": "2 - (-0.5)**2*sin(2*pi*y0)"}
    del plain["constants"]
    found = from_data(FILE, "file", "name").problem
    assert found.digest == from_data(plain, "file", "name").problem.digest
    assert from_data(data_of(from_data(FILE, "file", "name")), "file", "name").problem.digest == found.digest


def test_constants_stand_in_values_by_region() -> None:
    mesh = str(Path(__file__).resolve().parents[2] / "meshes" / "inclusion-2d.msh")
    base = {"kind": "elliptic", "domain": [[0, 1], [0, 1]], "eps": 0.5, "f": "1", "mesh": mesh}
    values = {"matrix": "k", "inclusion": [["2*k", 0], [0, "k + 1"]]}
    found = from_data(base | {"a": values, "constants": {"k": 5}}, "file", "name").problem
    plain = {"matrix": 5, "inclusion": [[10, 0], [0, 6]]}
    assert found.digest == from_data(base | {"a": plain}, "file", "name").problem.digest
    with pytest.raises(InputError, match=r"constants\.q: is in no expression"):
        from_data(base | {"a": values, "constants": {"k": 5, "q": 1}}, "file", "name")


@pytest.mark.parametrize(
    ("constants", "starts"),
    [
        ({"c": 1, "L": 1, "d": 1}, ["constants.d: is in no expression"]),
        ({"c": "x0", "L": 1}, ["constants.c: unknown name 'x0'"]),
        (
            {"c": True, "L": 1, "pi": 3},
            ["constants.c: True is not a finite number", "constants.pi: no name for a constant"],
        ),
        ({"L": 1}, ["a: unknown name 'c'"]),
        (3, ["constants: must be a table"]),
    ],
)
def test_faulty_constants_are_named(constants: Any, starts: list[str]) -> None:
    with pytest.raises(InputError) as failed:
        from_data(FILE | {"constants": constants}, "file", "name")
    lines = [str(one).removeprefix("file: ") for one in each_of(failed.value)]
    for start in starts:
        assert any(line.startswith(start) for line in lines), lines
