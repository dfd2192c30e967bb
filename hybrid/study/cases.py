"""The paper's cases: the problem, the numbers printed in its tables, and what it leaves open."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from hybrid.physics import EllipticProblem, ReactionDiffusionProblem
from hybrid.study.titles import TITLES, check_name
from hybrid.study.titles import names as names
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

    problem: EllipticProblem | ReactionDiffusionProblem
    title: str
    paper: Mapping[str, float] = field(default_factory=dict)
    assumptions: tuple[str, ...] = ()
    fem: Mapping[str, Any] = field(default_factory=dict)
    pinn: Mapping[str, Any] = field(default_factory=dict)


def _elliptic_1d() -> Case:
    return Case(
        EllipticProblem(
            domain=[(0, math.pi)], eps=1 / 8, a=sin(2 * pi * y[0]) / 2 + 2, f=sin(x[0]), name="elliptic-1d"
        ),
        TITLES["elliptic-1d"],
        paper={"classical": 0.987471},
        assumptions=(
            "The paper solves this problem by the classical PINN only; the rest is the method of section 5.3.",
        ),
    )


def _elliptic_2d() -> Case:
    return Case(
        EllipticProblem(
            domain=[(0, 1), (0, 1)],
            eps=1 / 8,
            a=2 + sin(2 * pi * y[0]) * cos(2 * pi * y[1]),
            f=sin(x[0]) + cos(x[1]),
            name="elliptic-2d",
        ),
        TITLES["elliptic-2d"],
        paper={
            "e1": 0.082994, "e2": 0.0212534, "e3": 0.076604, "e4": 0.021316, "chi_1": 0.072034, "chi_2": 0.071396,
            "chi_1_without": 0.326963, "chi_2_without": 0.312961, "classical": 0.900758, "transfer": 0.909675,
        },
        assumptions=(
            "The text writes sin(x1) + cos(x2) with indices from 1; here these are x0 and x1.",
            "The paper's reference mesh is not stated; here it is refined until its own error does not matter.",
        ),
    )  # fmt: skip


def _elliptic_1d_slow() -> Case:
    return Case(
        EllipticProblem(
            domain=[(0, math.pi)], eps=1 / 8, a=sin(2 * pi * y[0]) / 2 + sin(x[0]) + 2, f=sin(x[0]),
            name="elliptic-1d-slow",
        ),
        TITLES["elliptic-1d-slow"],
        paper={
            "e1": 0.005819, "e2": 0.007668, "e3": 0.003665, "e4": 0.006201, "e_a": 0.010304, "classical": 0.980968,
            "transfer": 1.005152,
        },
    )  # fmt: skip


_SECTION_54 = (
    "Initial value and final time are not given; here u(x, 0) = 0.01 sin x and T = 1 (as one public re-implementation has).",
)
_REACTION = {
    10: {
        "e1": 0.012388, "e2": 0.0012916, "e3": 0.012448, "e4": 0.0012917, "N": 0.053309, "classical": 0.774558,
        "transfer": 0.265721,
    },
    50: {
        "e1": 0.018582, "e2": 0.011637, "e3": 0.022184, "e4": 0.0116435, "N": 0.057602, "classical": 1.000237,
        "transfer": 0.506884,
    },
}  # fmt: skip


def _reaction_diffusion(count: int, literal: bool) -> Case:
    name = f"reaction-diffusion-{count}" + "-literal" * literal
    if literal:
        reading = "Read literally: r(y) = cos(y) on the cell [0, 2π], with means instead of integrals over the cell."
    else:
        reading = (
            "Section 5.4 writes r(x/ε) = cos(x/ε), the appendix has the cell [0, 1]: here r(y) = cos(2πy), which is "
            "periodic there. The other reading is the case with -literal."
        )
    return Case(
        ReactionDiffusionProblem(
            domain=[(-math.pi, math.pi)], eps=1 / count, D=2.0, r=cos(y[0]) if literal else cos(2 * pi * y[0]),
            f=sin(2 * pi * x[0]), u0=sin(x[0]) / 100, T=1.0, period=2 * math.pi if literal else 1.0,
            name=name,
        ),
        TITLES[name],
        paper=_REACTION[count],
        assumptions=(reading, *_SECTION_54),
    )  # fmt: skip


_CASES: dict[str, Callable[[], Case]] = {
    "elliptic-1d": _elliptic_1d,
    "elliptic-2d": _elliptic_2d,
    "elliptic-1d-slow": _elliptic_1d_slow,
    **{
        f"reaction-diffusion-{count}{'-literal' * literal}": partial(_reaction_diffusion, count, literal)
        for literal in (False, True)
        for count in (10, 50)
    },
}


def case(name: str) -> Case:
    """A case by its name.

    Raises:
        InputError: No such case.
    """
    check_name(name)
    return _CASES[name]()
