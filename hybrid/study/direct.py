"""The direct approach beside a run: networks for the multiscale equation itself, without homogenization.

Two of them, the better ones of what `hybrid.paper.experiments.baselines` compares: the energy form, every layer trained by
Levenberg-Marquardt, u = 0 on the boundary exactly; one has x as its input, the other one sin and cos of 2π x_i / (ε p_i) too.
"""

from __future__ import annotations

import math

from hybrid import comparison, pinn
from hybrid.physics import Problem
from hybrid.pinn import LevenbergMarquardt
from hybrid.pinn.settings import NetworkSettings
from hybrid.study.parts import DIRECT, DirectRecord
from hybrid.study.recorder import Recorder
from hybrid.study.trust import SHARE
from hybrid.trust import estimate_of

_PER_PERIOD = 18
"""Points in each period: with fewer the energy is small at the points and not between them."""
_LEAST = 200
"""Points along a side, at the least, times the dimension."""
_STEPS = 150
"""Of the optimizer, times the dimension."""
MOST = 100_000
"""Collocation points: in the plane each halving of ε takes four times as many, and as many seconds; in space all are more."""


def settings(problem: Problem, way: str, seed: int) -> NetworkSettings:
    """What is trained; of more points than `MOST` it is nothing that ends soon."""
    side = max(_LEAST // problem.dim, math.ceil(_PER_PERIOD * max(problem.periods)))
    return NetworkSettings(
        hidden=(16, 16), points=side, formulation="ritz", fast_features=way == "period", seed=seed,
        optimizer=LevenbergMarquardt(steps=_STEPS // problem.dim, tolerance=1e-4),
    )  # fmt: skip


def direct_networks(run: Recorder) -> dict[str, DirectRecord]:
    """Train both and compare them with the reference; collective."""
    return {way: _trained(run, way) for way in DIRECT}


def _trained(run: Recorder, way: str) -> DirectRecord:
    asked = settings(run.problem, way, run.networks["cell"].seed or 0)
    side = asked.points
    assert isinstance(side, int)
    if side**run.problem.dim > MOST:
        why = f"{_PER_PERIOD} points in each period are {side**run.problem.dim:,}, more than {MOST:,}: not trained"
        run.reporter.say(f"    direct network {DIRECT[way]}: {why}")
        return DirectRecord(points=side, why=why)

    def solve() -> DirectRecord:
        networks = pinn.multiscale_networks(run.problem, **asked.shape.arguments())
        found, meta = run.trained(
            f"direct-{way}", networks, lambda **more: pinn.solve_multiscale(run.problem, **asked.arguments(), **more),
            asked, (),
        )  # fmt: skip
        measured = comparison.errors(run.u, p=found)
        estimate = estimate_of(run.u.trust, "solution").error
        return DirectRecord(
            error=measured["e1"], error_h1=measured["e1_h1"], estimate=estimate,
            resolved=estimate is not None and estimate <= SHARE * measured["e1"], seconds=meta["seconds"],
            points=side, steps=meta["steps"], parameters=sum(p.numel() for p in networks[0].parameters()),
            stopped=meta["stopped"], kind=asked.how,
        )  # fmt: skip

    found = run.once(("direct", run.problem.digest, run.u.error_estimate), asked, solve, numbers=True)
    run.reporter.say(f"    direct network {DIRECT[way]}: relative L2 error {found.error:.2e} in {found.seconds:.1f} s")
    return found
