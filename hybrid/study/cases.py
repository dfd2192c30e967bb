"""The paper's cases: the problem, the numbers printed in its tables, and what it leaves open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hybrid.errors import InputError
from hybrid.problems import EllipticProblem
from hybrid.symbols import cos, pi, sin, x, y

PAPER = "Leung, Lin, Zhang (2021), NH-PINN"


@dataclass(frozen=True)
class Case:
    """A problem with what surrounds it.

    Attributes:
        problem: The equation; its name is the case's name.
        title: One line for lists and tables.
        paper: Numbers of the paper by the names used in `results.json`, e.g. ``{"e1": 0.082994}``.
        assumptions: What the paper leaves open and was chosen here.
        fem: Settings of the finite elements, by the names of a problem file's [fem] table.
        pinn: Settings of the networks, by the names of its [pinn] table.
    """

    problem: EllipticProblem
    title: str
    paper: Mapping[str, float] = field(default_factory=dict)
    assumptions: tuple[str, ...] = ()
    fem: Mapping[str, Any] = field(default_factory=dict)
    pinn: Mapping[str, Any] = field(default_factory=dict)


def _elliptic_2d() -> Case:
    return Case(
        EllipticProblem(
            domain=[(0, 1), (0, 1)],
            eps=1 / 8,
            a=2 + sin(2 * pi * y[0]) * cos(2 * pi * y[1]),
            f=sin(x[0]) + cos(x[1]),
            name="elliptic-2d",
        ),
        "2D elliptic equation (section 5.2)",
        paper={
            "e1": 0.082994, "e2": 0.0212534, "e3": 0.076604, "e4": 0.021316,
            "chi_1": 0.072034, "chi_2": 0.071396, "classical": 0.900758,
        },
        assumptions=(
            "The text writes sin(x1) + cos(x2) with indices from 1; here these are x0 and x1.",
            "The paper's reference mesh is not stated; here it is refined until its own error does not matter.",
        ),
    )  # fmt: skip


_CASES = {"elliptic-2d": _elliptic_2d}


def names() -> list[str]:
    """The names that `case` knows."""
    return list(_CASES)


def case(name: str) -> Case:
    """A case by its name.

    Raises:
        InputError: No such case.
    """
    if name not in _CASES:
        raise InputError(name, f"no such case or file; cases are {', '.join(_CASES)}, and a problem file ends in .toml")
    return _CASES[name]()
