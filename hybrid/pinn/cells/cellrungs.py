"""Settings for cell problems that the ones asked for do not resolve: inputs, points and forms taken from the coefficient."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

from hybrid.equation import Equation
from hybrid.pinn.cells.cellcorners import CornerEmbedding
from hybrid.pinn.cells.cellgrids import KINKS
from hybrid.pinn.cells.formulations import formulation_of
from hybrid.pinn.cells.jumps import has_infinite_slopes
from hybrid.pinn.cells.periodicities import periodicity_of
from hybrid.pinn.cells.slowgrids import degrees, probes
from hybrid.pinn.optimizers.gaussnewton import VariableProjection
from hybrid.pinn.optimizers.kinds import LastLayer
from hybrid.pinn.optimizers.ladder import Arguments
from hybrid.pinn.presets import for_equation
from hybrid.pinn.sizes import CELLS
from hybrid.separation import separated
from hybrid.waves import coefficient_functions, spectra

SPEED = 5e9
"""Nominal flops in a second."""
MEMORY = 2**32
_WAVES = 4
"""Frequencies of a direction that become inputs, at the most."""
_PRIMES = [n for n in range(5, 20000) if all(n % k for k in range(2, math.isqrt(n) + 1))]


def cell_rungs(equation: Equation, arguments: Arguments, budget: float = 60.0) -> Iterator[dict[str, Any]]:
    """Keyword arguments of `hybrid.pinn.solve_cell`, the cheapest first.

    The first are those given. What comes then takes from the Fourier coefficients of a which waves are inputs of the network
    and how many points it needs in each direction, has log a as an input too, and the first-order form, which has no derivative
    of a and measures errors as the energy does. Where training takes long, for smooth a in the plane and in space, the frozen
    features of the preset fast come before larger networks; and where they have corner functions, which trained ones have not.
    All others stay of their kind.

    Args:
        equation: Gives a.
        arguments: Those of a preset.
        budget: Of nominal seconds for one of them: flops by `SPEED`.
    """
    product = separated(equation)
    base = equation if product is None else product[1]
    exact, frozen = (
        periodicity_of(arguments.get("periodicity")).exact,
        isinstance(arguments.get("optimizer"), LastLayer),
    )
    if exact and base.medium.depends_on:
        yield from (
            rung for changes in _nodal(base, frozen) if _is_within(base, rung := {**arguments, **changes}, budget)
        )
    yield dict(arguments)
    if not exact:
        return
    if base.medium.depends_on:
        made = _slow(base, frozen)
    elif base.medium.interfaces:
        made = _jumps(base, frozen)
    else:
        made = _smooth(base, frozen)
    helped = not base.medium.interfaces or CornerEmbedding(base).width > 0
    if not frozen and CELLS[base.dim].ladder.frozen_first and not base.medium.depends_on and helped:
        made = itertools.chain([for_equation("fast", equation)], made)
    for changes in made:
        rung = {**arguments, **changes}
        if not _is_within(base, rung, budget):
            return
        yield rung


def _is_within(equation: Equation, rung: Arguments, budget: float) -> bool:
    flops, memory = cost(equation, rung)
    return flops / SPEED <= budget and memory <= MEMORY


def dominant(spectrum: Sequence[tuple[int, float]], floor: float = 3e-3) -> tuple[int, ...]:
    """The frequencies of a direction with the largest amplitudes; the first harmonics of one that is there add nothing."""
    chosen: list[int] = []
    for k, size in sorted(spectrum, key=lambda pair: -pair[1]):
        if size > floor and len(chosen) < _WAVES and not any(k in {2 * one, 3 * one, 4 * one} for one in chosen):
            chosen.append(k)
    return tuple(sorted(chosen))


def fundamental(spectrum: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """What is left without the harmonics of a steep wave: multiples of a frequency that follow it without a gap, each no larger
    than those before it. Inputs of that wave and of log a make up for them, and want fewer points."""
    sizes = dict(spectrum)
    return [
        (k, size) for k, size in spectrum
        if not any(k % one == 0 and all(sizes.get(m, 0.0) >= size for m in range(one, k, one)) for one in sizes if one < k)
    ]  # fmt: skip


def _resolution(
    equation: Equation, least: int = 24
) -> tuple[tuple[tuple[int, ...], ...], list[int], bool]:  # fmt: skip
    """For each direction the waves and the points that a asks for, at least so many; whether a has kinks."""
    slow = probes(equation) if equation.medium.depends_on else None
    symbols = equation.fast if slow is None else (*equation.slow, *equation.fast)
    plain = spectra(coefficient_functions(equation, inverse=False), symbols, equation.period, slow=slow)
    both = spectra(coefficient_functions(equation), symbols, equation.period, 1e-5, slow)
    waves = tuple(dominant(spectrum if slow is None else fundamental(spectrum)) for spectrum in plain)
    kinks = max((k for spectrum in plain for k, _ in spectrum), default=0) > KINKS
    counts = []
    for own, spectrum in zip(waves, both, strict=True):
        step = math.gcd(*(k for k, _ in spectrum)) if spectrum else 1
        highest = max((k for k, _ in spectrum), default=0) // max(step, 1)
        counts.append(prime(max(least, min(round(2.2 * highest), 700)), step) if own else 1)
    return waves, counts, kinks


def prime(least: float, step: int) -> int:
    """The next prime that does not divide a step between frequencies: so many points have as many phases of each wave."""
    return next(n for n in _PRIMES if n >= least and step % n)


def enough(counts: Sequence[int], needed: int) -> tuple[int, ...]:
    """At least so many points in all, more where there is something to resolve."""
    counts, active = list(counts), [i for i, n in enumerate(counts) if n > 1]
    while active and math.prod(counts) < needed and max(counts) < 10000:
        i = min(active, key=lambda i: counts[i])
        counts[i] = prime(counts[i] * 1.1 + 1, 1)
    return tuple(counts)


def _smooth(equation: Equation, frozen: bool) -> Iterator[dict[str, Any]]:
    waves, counts, kinks = _resolution(equation)
    if not any(waves):
        return
    dim = equation.dim
    if has_infinite_slopes(equation):
        waves = tuple(tuple(range(1, 6)) if own else () for own in waves)
    scale = 1.0 if sum(map(len, waves)) <= dim else 0.6
    shared = {"formulation": "first-order", "frequencies": waves, "medium": True, "scale": scale}
    most = CELLS[dim].most // 8
    while math.prod(counts) > most:
        i = max(range(dim), key=lambda i: counts[i])
        counts[i] = prime(counts[i] * 0.8, 1)
    if frozen and not kinks:
        for width, needed in CELLS[dim].ladder.strong:
            yield shared | {"formulation": "strong", "points": enough(counts, needed), "hidden": (width,)}
    if frozen:
        for width in CELLS[dim].ladder.smooth:
            yield shared | {"hidden": (width,), "points": enough(counts, 3 * width)}
        return
    for width, steps in CELLS[dim].ladder.smooth_trained:
        optimizer = VariableProjection(steps=steps)
        yield shared | {"hidden": (width,), "points": enough(counts, 4 * width), "optimizer": optimizer}


def _jumps(equation: Equation, frozen: bool) -> Iterator[dict[str, Any]]:
    ladder = CELLS[equation.dim].ladder
    for width, points, steps in [(*pair, 0) for pair in ladder.jumps] if frozen else ladder.jumps_trained:
        rung = {"formulation": "first-order", "hidden": (width,), "points": points}
        yield rung if frozen else {**rung, "optimizer": VariableProjection(steps=steps)}


def _nodal(equation: Equation, frozen: bool) -> Iterator[dict[str, Any]]:
    """By the strong form, with a last layer that is a polynomial of x."""
    if equation.medium.interfaces:
        return
    waves, counts, kinks = _resolution(equation)
    if kinks or not any(waves):
        return
    nodes = [d + 4 if d else 1 for d in degrees(equation, 1e-6)]
    if math.prod(nodes) > CELLS[equation.dim].nodes_most:
        return
    scale = 1.0 if sum(map(len, waves)) <= equation.dim else 0.6
    ladder = CELLS[equation.dim].ladder
    for width, steps in [(width, 0) for width in ladder.nodal] if frozen else ladder.nodal_trained:
        rung = {"frequencies": waves, "scale": scale, "slow_nodes": nodes, "hidden": (width,)}
        rung |= {"points": enough(counts, (2 if frozen else 4) * width)}
        yield rung if frozen else {**rung, "optimizer": VariableProjection(steps=steps)}


def _slow(equation: Equation, frozen: bool) -> Iterator[dict[str, Any]]:
    dim = equation.dim
    waves, counts, _ = _resolution(equation, CELLS[dim].ladder.slow_least)
    if not any(waves):
        return
    x = [max(round(1.3 * d) + 3, 5) if d else 1 for d in degrees(equation, 1e-5)]
    settings = {"medium": True, "frequencies": waves}
    if frozen:
        for width in CELLS[dim].ladder.slow:
            yield settings | _points(counts, x, 3 * width) | {"hidden": (width,)}
        return
    for width, steps in CELLS[dim].ladder.slow_trained:
        optimizer = VariableProjection(steps=steps)
        yield settings | _points(counts, x, 4 * width) | {"hidden": (width,), "optimizer": optimizer}


def _points(counts: Sequence[int], x: Sequence[int], needed: int) -> dict[str, Any]:
    """As many in y and x, at least so many in all."""
    total = math.prod(counts) * math.prod(x)
    share = (needed / total) ** (1 / sum(n > 1 for n in (*counts, *x)))
    more = [math.ceil(n * share) if n > 1 and share > 1 else n for n in x]
    return {"points": enough(counts, math.ceil(needed / math.prod(more))), "slow_points": more}


def cost(equation: Equation, rung: Arguments) -> tuple[float, float]:
    """Flops and bytes, about: of the least squares, or of the steps of a training."""
    dim = equation.dim
    points, width = rung["points"], rung["hidden"][-1]
    total = float(points**dim if isinstance(points, int) else math.prod(points))
    nodes = math.prod(rung.get("slow_nodes") or [1])
    if equation.flux.depends_on and "slow_nodes" not in rung:
        usual = points if isinstance(points, int) else min(points)
        total *= math.prod(rung.get("slow_points") or [max(usual // 2, 4)] * dim)
    form = formulation_of(rung.get("formulation"))
    each = form.outputs(dim)
    rows, columns = total * each * form.rows_at(dim), float(width * each)
    flops, memory = 2 * rows * columns**2, 16 * rows * columns
    if not isinstance(rung["optimizer"], LastLayer):
        inputs = 2 * sum(map(len, rung.get("frequencies") or [(1,)] * dim)) + 2
        hidden = width * inputs
        steps = getattr(rung["optimizer"], "steps", 30)
        flops = steps * (2 * flops + 2 * rows * dim * hidden**2)
        memory += 8 * rows * dim * (hidden + 2 * columns)
    return flops + (nodes - 1) * 2 * rows * columns**2, memory
