"""The paper's cases: the problem, the numbers printed in its tables, and what it leaves open."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

from hybrid.paper.titles import TITLES, check_name
from hybrid.paper.titles import names as names
from hybrid.physics import EllipticProblem, Problem, ReactionDiffusionProblem
from hybrid.study.case import Case
from hybrid.symbols import cos, pi, sin, x, y

CITATION = "Leung, Lin, Zhang (2021), NH-PINN"


@dataclass(frozen=True)
class PaperCase:
    """A case, and its place in the paper.

    Attributes:
        case: What is run.
        heading: Of its errors, in words and by section.
        table: The number of its table there; 0 for none.
        exact: The first entry of a*, or r*, where it is known in closed form or to many digits.
        literal_of: Of the literal reading of a problem the name of the case that reads it otherwise; of all others empty.
    """

    case: Case
    heading: str
    table: int = 0
    exact: float | None = None
    literal_of: str = ""

    @property
    def name(self) -> str:
        """Of the case."""
        return self.case.problem.name


def _elliptic_1d() -> PaperCase:
    case = Case(
        EllipticProblem(
            domain=[(0, math.pi)], eps=1 / 8, a=sin(2 * pi * y[0]) / 2 + 2, f=sin(x[0]), name="elliptic-1d"
        ),
        TITLES["elliptic-1d"],
        published={"classical": 0.987471},
        assumptions=(
            "The paper solves this problem by the classical PINN only; the rest is the method of section 5.3.",
        ),
    )
    return PaperCase(
        case, "1D elliptic problem without slow dependency (section 2.1)", exact=math.sqrt(2**2 - (1 / 2) ** 2)
    )


def _elliptic_2d() -> PaperCase:
    case = Case(
        EllipticProblem(
            domain=[(0, 1), (0, 1)],
            eps=1 / 8,
            a=2 + sin(2 * pi * y[0]) * cos(2 * pi * y[1]),
            f=sin(x[0]) + cos(x[1]),
            name="elliptic-2d",
        ),
        TITLES["elliptic-2d"],
        published={
            "e1": 0.082994, "e2": 0.0212534, "e3": 0.076604, "e4": 0.021316, "chi_1": 0.072034, "chi_2": 0.071396,
            "chi_1_without": 0.326963, "chi_2_without": 0.312961, "classical": 0.900758, "transfer": 0.909675,
        },
        assumptions=(
            "The text writes sin(x1) + cos(x2) with indices from 1; here these are x0 and x1.",
            "The paper's reference mesh is not stated; here it is refined until its own error does not matter.",
        ),
    )  # fmt: skip
    return PaperCase(case, "2D elliptic problem (section 5.2)", table=2, exact=1.935359234812)


def _elliptic_1d_slow() -> PaperCase:
    case = Case(
        EllipticProblem(
            domain=[(0, math.pi)], eps=1 / 8, a=sin(2 * pi * y[0]) / 2 + sin(x[0]) + 2, f=sin(x[0]),
            name="elliptic-1d-slow",
        ),
        TITLES["elliptic-1d-slow"],
        published={
            "e1": 0.005819, "e2": 0.007668, "e3": 0.003665, "e4": 0.006201, "e_a": 0.010304, "classical": 0.980968,
            "transfer": 1.005152,
        },
    )  # fmt: skip
    return PaperCase(case, "1D elliptic problem with slow dependency (section 5.3)", table=3)


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
_D = 2.0
_UNIT_CELL = (
    "Section 5.4 writes r(x/ε) = cos(x/ε), the appendix has the cell [0, 1]: here r(y) = cos(2πy), which is "
    "periodic there. The other reading is the case with -literal."
)
_LITERAL = "Read literally: r(y) = cos(y) on the cell [0, 2π], with means instead of integrals over the cell."


def _reaction_diffusion(count: int, literal: bool) -> PaperCase:
    plain = f"reaction-diffusion-{count}"
    name = f"{plain}-literal" if literal else plain
    case = Case(
        ReactionDiffusionProblem(
            domain=[(-math.pi, math.pi)], eps=1 / count, D=_D, r=cos(y[0]) if literal else cos(2 * pi * y[0]),
            f=sin(2 * pi * x[0]), u0=sin(x[0]) / 100, T=1.0, period=2 * math.pi if literal else 1.0,
            name=name,
        ),
        TITLES[name],
        published=_REACTION[count],
        assumptions=(_LITERAL if literal else _UNIT_CELL, *_SECTION_54),
    )  # fmt: skip
    part, table = {10: (1, 4), 50: (2, 5)}[count]
    heading = f"Reaction–diffusion, ε = 1/{count} (section 5.4.{part})"
    if literal:
        return PaperCase(case, heading, exact=-1 / (2 * _D), literal_of=plain)
    return PaperCase(case, heading, table, exact=-1 / (8 * math.pi**2 * _D))


_CASES: dict[str, Callable[[], PaperCase]] = {
    "elliptic-1d": _elliptic_1d,
    "elliptic-2d": _elliptic_2d,
    "elliptic-1d-slow": _elliptic_1d_slow,
    **{
        f"reaction-diffusion-{count}{'-literal' * literal}": partial(_reaction_diffusion, count, literal)
        for literal in (False, True)
        for count in (10, 50)
    },
}


@cache
def paper_case(name: str) -> PaperCase:
    """A case and its place in the paper, by its name.

    Raises:
        InputError: No such case.
    """
    check_name(name)
    return _CASES[name]()


def case(name: str) -> Case:
    """A case by its name.

    Raises:
        InputError: No such case.
    """
    return paper_case(name).case


def paper_cases(*, literal: bool = True) -> list[PaperCase]:
    """All cases, or all but the literal readings."""
    return [found for found in map(paper_case, names()) if literal or not found.literal_of]


def with_tables() -> list[PaperCase]:
    """Those with a table in the paper, in its order."""
    return sorted((found for found in paper_cases() if found.table), key=lambda found: found.table)


def is_of_the_paper(problem: Problem) -> bool:
    """Whether it is the problem of one of the cases, whatever its name."""
    return any(problem.digest == found.case.problem.digest for found in paper_cases())
