"""Problems as problem files say them, and physics that are registered elsewhere."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import pytest

from hybrid import EllipticProblem, InputError
from hybrid.failures import each_of
from hybrid.paper.cases import case
from hybrid.paper.titles import TITLES
from hybrid.physics import base, register
from hybrid.physics.fields import Positive
from hybrid.study.files import data_of, from_data
from hybrid.study.settings import fem_settings

GOOD = data_of(case("elliptic-2d")) | {
    "fem": {"degree": 2, "cells_per_period": 20},
    "pinn": {"preset": "fast", "seed": 4},
}


@pytest.mark.parametrize("name", TITLES)
def test_cases_are_written_and_read_again(name: str) -> None:
    one = case(name)
    again = from_data(data_of(one), "here", "n")
    assert again.problem == one.problem
    assert again.problem.digest == one.problem.digest


@pytest.mark.parametrize(
    "change",
    [
        {"a": [["2 + sin(2*pi*y0)", "0.5"], ["1/2", "3e-3*max(y1*0, 1000, exp(1))"]]},
        {"a": "1 + 9*step(sin(2*pi*y0) - 0.123456789012345678)*step(-x0 + 2)", "f": "min(x0, 1) - abs(x1)**0.3"},
        {"period": [1, "1/2"], "a": "3 + cos(4*pi*y1)/sqrt(1 + x0**2)", "eps": 0.1, "name": "other"},
        {"f": 2, "fem": {"tol": 1e-3, "cells": "box"}, "pinn": {"hidden": [8, 9], "budget": 7}},
    ],
)
def test_files_are_written_and_read_again(change: dict[str, object]) -> None:
    one = from_data(GOOD | change, "here", "n")
    again = from_data(json.loads(json.dumps(data_of(one))), "here", "m")
    assert (again.problem.digest, again.problem.name) == (one.problem.digest, one.problem.name)
    assert (again.fem, again.pinn) == (one.fem, one.pinn)


@pytest.fixture
def screened() -> Iterator[None]:
    """A physics of this file: -∇·(a ∇u) + c u = f."""

    @register
    @dataclass(frozen=True)
    class Screened(EllipticProblem):
        kind = "screened"
        fields: ClassVar = {**EllipticProblem.fields, "c": Positive("the screening")}

        c: float

    yield
    base._KINDS.pop("screened")


@pytest.mark.usefixtures("screened")
def test_a_physics_of_its_own_is_read() -> None:
    data = GOOD | {"kind": "screened", "c": "2*pi"}
    case = from_data(data, "here", "n")
    assert (case.problem.kind, case.problem.c) == ("screened", 2 * math.pi)
    assert data_of(case)["c"] == 2 * math.pi
    assert fem_settings(case).reference.degree == 2
    for change, fields in (
        ({"c": -1, "a": "sin(2*pi*y0)", "T": 1}, ["a", "c", "T"]), ({"c": None}, ["c"]), ({"kind": "other"}, ["kind"]),
    ):  # fmt: skip
        with pytest.raises(InputError) as caught:
            from_data({key: one for key, one in (data | change).items() if one is not None}, "here", "n")
        assert [error.where for error in each_of(caught.value)] == [f"here: {name}" for name in fields]
