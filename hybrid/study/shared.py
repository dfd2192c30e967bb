"""What several runs in one process have in common, computed once: cell problems, and homogenized equations, know no ε."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import sympy

from hybrid.clock import clock
from hybrid.equation import Equation
from hybrid.media.base import Coefficient
from hybrid.media.constant import Constant
from hybrid.media.expression import Expression
from hybrid.media.interpolated import SlowCoefficient
from hybrid.physics import Problem
from hybrid.physics.fields import Formula

_KEPT = 8
"""Solutions, at the most; those that were not used for the longest time go."""
_KEPT_NUMBERS = 256
"""The same of what is a few numbers only."""


@dataclass
class Shared:
    """Solutions by their keys, with the seconds that they took.

    A caller gives the same one to all runs on the same communicator; a run by itself has none.
    """

    _solutions: OrderedDict[str, tuple[Any, float]] = field(default_factory=OrderedDict)
    _numbers: OrderedDict[str, tuple[Any, float]] = field(default_factory=OrderedDict)

    def get[T](self, key: object, solve: Callable[[], T], *, numbers: bool = False) -> tuple[T, float]:
        """A solution, or `numbers` that say little but took long, and the seconds that it took when it was found; 0 where that
        is now."""
        text, known = repr(key), self._numbers if numbers else self._solutions
        if text in known:
            known.move_to_end(text)
            return known[text]
        begun = clock()
        found = solve()
        known[text] = found, clock() - begun
        while len(known) > (_KEPT_NUMBERS if numbers else _KEPT):
            known.popitem(last=False)
        return found, 0.0


def cell_key(problem: Problem) -> object | None:
    """The same for problems with the same cell problems and the same way from them to a*; None where that is not known."""
    equation = equation_key(problem.cell_problems())
    if equation is None:
        return None
    own = {
        name: sympy.srepr(sympy.sympify(getattr(problem, name)))
        for name, one in problem.fields.items()
        if not isinstance(one, Formula) or one.fast
    }
    return "cell", problem.kind, own, equation


def equation_key(equation: Equation) -> object | None:
    """The same for equations on Ω or on the cell that say the same; None where that is not known."""
    media = [_key_of(one) for one in (equation.flux, equation.reaction) if one is not None]
    if None in media or (equation.oscillates and not equation.periodic):
        return None
    loads = [(sympy.srepr(sympy.sympify(load.source)), load.flux) for load in equation.loads]
    time = equation.time and (equation.time.until, sympy.srepr(sympy.sympify(equation.time.initial)))
    place = None if equation.periodic and not equation.flux.depends_on else equation.domain
    return equation.dim, place, equation.period, equation.periodic, media, loads, time


def _key_of(medium: Coefficient) -> object | None:
    """What a coefficient is, to the last digit."""
    if isinstance(medium, Expression):
        return sympy.srepr(medium.matrix)
    if isinstance(medium, Constant):
        return medium.rows
    if type(medium) is SlowCoefficient:
        return medium.nodes.tobytes() + medium.values.tobytes()
    return None
