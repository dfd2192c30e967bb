"""Which problems there are bounds of errors for; said before anything heavy is loaded."""

from __future__ import annotations

from hybrid.bounds.twoscale import periods_of
from hybrid.equation import Equation
from hybrid.failures import InputError
from hybrid.media.regions import Regions
from hybrid.physics import Problem


def checked(problem: Problem) -> Equation:
    """The cell problems of a problem that bounds are found for.

    Raises:
        InputError: It is another one.
    """
    equation, multiscale = problem.cell_problems(), problem.multiscale()
    if not equation.driven_by_fluxes or multiscale.time is not None or multiscale.reaction is not None:
        raise InputError("kind", f"{problem.kind!r}; bounds of errors are found for elliptic problems")
    if isinstance(equation.flux, Regions):
        raise InputError("a", "it is given on a mesh; bounds of errors are found for an a without jumps, or on a line")
    if equation.is_line:
        return equation
    if equation.flux.depends_on:
        raise InputError("a", "it depends on x; bounds of errors are found for an a of y alone, or on a line")
    if equation.flux.interfaces:
        raise InputError("a", "it jumps; bounds of errors are found for an a without jumps, or on a line")
    for (low, high), p in zip(equation.domain, equation.period, strict=True):
        periods_of(low, high, equation.eps * p)
    return equation
