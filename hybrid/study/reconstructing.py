"""What a run finds beyond u_0: by both paths the terms of reconstructions, and the errors of these, beside e1 … e4."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from dolfinx import fem

from hybrid import comparison
from hybrid.checks import check_finite
from hybrid.comparison import AnyLayer, Norms, Terms
from hybrid.comparison.transfer import nodes
from hybrid.displacement import Displacement
from hybrid.drift import Drift
from hybrid.equation import Equation
from hybrid.faces import Layer
from hybrid.failures import InputError, SolverError
from hybrid.fem.layers import largest_value, sampled
from hybrid.media.interpolated import SlowCoefficient, positive_definite, relative_change
from hybrid.parallel import on_root
from hybrid.physics import Problem
from hybrid.pinn.optimizers.kinds import LastLayer
from hybrid.pinn.settings import NetworkSettings
from hybrid.study import results
from hybrid.study.estimates import confronted
from hybrid.study.parts import LadderRecord
from hybrid.study.recorder import Recorder
from hybrid.trust import EXACT, Estimate, estimate_of, largest

PATHS = ("fem", "pinn")
_PATHS = {"fem": "finite elements", "pinn": "networks"}


@dataclass(frozen=True)
class Found:
    """Of one path.

    Attributes:
        terms: Of the reconstructions.
        trust: How far u_0 and U may be off, by the names of the reconstructions that are made of them.
        layers: How far the layers may be off, relative to the correctors.
        second: The same of the cell functions of the second order, relative to the largest of them.
    """

    terms: Terms
    trust: dict[str, Estimate]
    layers: Estimate = EXACT
    second: Estimate = EXACT


def find_terms(run: Recorder) -> tuple[dict[str, Found], str]:
    """By both paths what `hybrid.comparison.reconstructions` takes, and why it is not everything; collective."""
    found: dict[str, Found] = {}
    reasons: dict[str, list[str]] = {}
    for path in PATHS:
        first = _first(run, path)
        found[path] = first
        try:
            found[path] = _further(run, path, first, found["fem"].terms.layers)
        except (InputError, SolverError) as failed:
            reasons.setdefault(str(failed), []).append(_PATHS[path])
    apart = run.comm.bcast(comparison.second_difference(run.problem, *(found[path].terms for path in PATHS)))
    second = Estimate(
        apart, "no other path has them" if apart is None else "difference of finite elements and networks"
    )
    found = {path: replace(one, second=second) for path, one in found.items()}
    return found, "; ".join(f"{' and '.join(paths)}: {why}" for why, paths in reasons.items())


def _first(run: Recorder, path: str) -> Found:
    own, cell = (run.v, run.cell) if path == "fem" else (run.p, run.chi)
    correctors: Any = cell.correctors
    if path == "fem" and run.problem.is_line and run.problem.flux.depends_on:
        correctors = comparison.lines_of(run.problem, cell, run.comm)
    elif path == "fem" and type(cell.coefficient) is SlowCoefficient:
        correctors = comparison.NodalCorrectors.of(cell, run.comm)
    return Found(Terms(own, correctors), dict.fromkeys(("u0", "first"), estimate_of(own.trust, "solution")))


def _further(run: Recorder, path: str, first: Found, known: Any) -> Found:
    """With U and the second order; `known` are the layers by finite elements, with which those by networks are compared.

    Raises:
        InputError: There is nothing further for this problem, or this preset.
        SolverError: A training failed.
    """
    problem, cell = run.problem, run.cell if path == "fem" else run.chi
    if not (run.problem.dim < 3 if run.case.layers is None else run.case.layers):
        raise InputError(
            "layers", "in space they take longer than all the rest, where `layers = true` does not ask for them"
        )
    if path == "pinn" and not run.preset.adapts:
        raise InputError("preset", f"{run.preset.name} is {run.preset.origin}, which knows the first order only")
    equation: Equation | None = None
    displacement: Displacement | None = None
    drift: Any = None
    layers: Any = ()
    second: Any = ()
    if problem.is_line:
        following = problem.next_order(cell.coefficient, comparison.lines_of(problem, cell, run.comm))
        if following is not None:
            equation, second = following.equation, following.functions
    elif problem.expands(cell.coefficient):
        layers, second, drift = _beyond(run, path)
        if path == "pinn" and known:
            layers = [_confronted(run, *pair) for pair in zip(known, layers, strict=True)]
        equation, displacement = problem.moved(cell.coefficient, {layer.face: layer.tail for layer in layers}, drift)
    if equation is None and problem.flux.depends_on:
        raise InputError("a", "its dependency on x is not smooth: its reconstructions end with the first order")
    if equation is None:
        raise InputError("problem", f"{problem.title}: its reconstructions end with the first order")
    _check_beyond(equation)
    solved = _solved(run, path, equation)
    how = _with_drift(problem, estimate_of(solved.trust, "solution"), equation, drift)
    terms = replace(first.terms, moved=solved, second=second, layers=layers, displacement=displacement)
    worst = largest([layer.estimate for layer in layers] or [EXACT])
    return Found(terms, first.trust | dict.fromkeys(("layers", "second"), how), worst)


def _with_drift(problem: Problem, known: Estimate, equation: Equation, drift: Any) -> Estimate:
    """And with what the drift, and the interpolation of the coefficient on the displaced box, may make of U."""
    if not isinstance(drift, Drift) or known.error is None or not isinstance(equation.flux, SlowCoefficient):
        return known
    unit = np.eye(problem.dim)
    made = problem.eps * drift.error * relative_change(unit, equation.flux.values) + equation.flux.truncation
    return Estimate(
        known.error + made, f"{known.how}; and {made:.1e} by what depends on x in other ways than by a factor"
    )


def _check_beyond(equation: Equation) -> None:
    """What is given on the domain is needed on the box of U, some of which is outside of it.

    Raises:
        InputError: It is not finite there, or a* not positive.
    """
    given = [("f", load.source) for load in equation.loads] + [("a", factor) for factor in equation.flux.expressions]
    for name, expression in given + ([] if equation.time is None else [("u0", equation.time.initial)]):
        try:
            check_finite(equation, expression, name, closed=True)
        except InputError:
            raise InputError(
                name, "not finite a little outside of the domain, where layers move its faces to: reconstructions end with the "
                "first order unless it is written so that it is",
            ) from None  # fmt: skip
    if isinstance(equation.flux, SlowCoefficient) and not positive_definite(equation.flux, equation.domain):
        raise InputError(
            "a", "not positive a little outside of the domain, where layers move its faces to, or with what the second order "
            "adds to it: reconstructions end with the first order",
        )  # fmt: skip


def _confronted(run: Recorder, fem: AnyLayer, pinn: AnyLayer) -> AnyLayer:
    """A network's layer with an estimate that is at most what finite elements say of it; collective."""
    equation = run.problem.cell_problems()
    points = fem.face.first_period(equation)
    pairs = zip(_parts(fem), _parts(pinn), strict=True)
    difference = max(float(np.abs(b.function.values(points) - sampled(a, equation)).max()) for a, b in pairs)
    cell = run.cell.correctors if isinstance(fem, Layer) else ()
    scale = max(map(largest_value, cell)) if cell else comparison.NodalCorrectors.of(run.cell, run.comm).largest
    relative = difference / scale if scale else 0.0
    return replace(pinn, estimate=confronted(fem.estimate, pinn.estimate, relative)[1])


def _parts(layer: AnyLayer) -> tuple[Any, ...]:
    return (layer,) if isinstance(layer, Layer) else layer.parts


def _beyond(run: Recorder, path: str) -> tuple[Any, Any, Any]:
    """The layers of the faces, the second order of the cell, and what it does to a*(x); collective."""
    problem, seed = run.problem, run.networks["cell"].seed or 0
    if path == "fem":
        layers = run.fem.solve_layers(problem, run.cell, run.comm)
        second = run.fem.solve_second(problem, run.cell, run.comm)
        return layers, second, run.fem.drift(problem, run.cell, run.comm)

    def task() -> tuple[Any, Any, Any]:
        layers = run.pinn.solve_layers(problem, run.chi, seed=seed)
        second = run.pinn.solve_second(problem, run.chi, seed=seed)
        return layers, second, run.pinn.drift(problem, run.chi)

    return on_root(run.comm, task)


def _solved(run: Recorder, path: str, equation: Equation) -> Any:
    """U, as u_0 was solved for."""
    if path == "fem":
        arguments = run.elements.homogenized.arguments() | results.settled(run.v) | {"tol": None, "estimate": False}
        return replace(run.fem.solve(equation, run.comm, **arguments), trust=run.v.trust)
    settings = run.settled.get("homogenized", run.networks["homogenized"])
    solution: Any = None
    for name, own in {
        "next-order-halved": None if run.problem.is_line else _halved(settings, equation),
        "next-order": settings,
    }.items():
        if own is None or (solution is not None and estimate_of(solution.trust, "solution").within(_ENOUGH)):
            continue
        networks = run.pinn.networks_for(equation, **own.shape.arguments())
        solution, _ = run.trained(
            name, networks, partial(run.pinn.solve, equation, **own.arguments()), own,
            (results.plain(run.chi.coefficient), equation.domain),
        )  # fmt: skip
    return solution


_ENOUGH = 1e-6
"""Of U, relative: what it is there for is of second order in ε."""


def _halved(settings: NetworkSettings, equation: Equation) -> NetworkSettings | None:
    """With half of the features and of the points: least squares of an eighth the work, where these are most of it."""
    points, frozen = settings.points, isinstance(settings.optimizer, LastLayer) and len(settings.hidden) == 1
    if not frozen or equation.time is not None or not isinstance(points, int):
        return None
    return replace(settings, hidden=(settings.hidden[0] // 2,), points=math.ceil(points * 0.5 ** (1 / equation.dim)))


@dataclass(frozen=True)
class Measured:
    """Of all reconstructions.

    Attributes:
        record: Their errors.
        functions: On the mesh of the reference, of each path.
        best: Which of those by networks is the best with more than u_0.
    """

    record: LadderRecord
    functions: dict[str, dict[str, fem.Function]]
    best: str


def measured(run: Recorder, found: dict[str, Found], why: str, norms: Norms) -> Measured:
    """The errors of all reconstructions; collective."""
    points = nodes(norms.space)
    errors: dict[str, dict[str, float]] = {path: {} for path in found}
    functions: dict[str, dict[str, fem.Function]] = {}
    for path, one in found.items():
        functions[path] = comparison.reconstructions(run.problem, norms.space, one.terms, points)
        sizes = comparison.relative_errors(run.u, functions[path], norms)
        for name, (l2, h1) in sizes.items():
            errors[path] |= {name: l2, f"{name}_h1": h1}
    record = LadderRecord(fem=errors["fem"], pinn=errors["pinn"], why=why)
    best = min(record.rungs("pinn").items(), key=lambda rung: rung[1][0] if rung[0] != "u0" else float("inf"))[0]
    return Measured(record, functions, best)
