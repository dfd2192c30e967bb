"""What a run knows of its own errors, and what could be done about those that are too large."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import islice

from hybrid.fem.reference import SMALLEST_TOLERANCE
from hybrid.study.adaptation import budget_of
from hybrid.study.climbing import rungs
from hybrid.study.presets import OWN
from hybrid.study.recorder import Recorder
from hybrid.study.results import effective_difference
from hybrid.study.tolerances import is_proved
from hybrid.study.trust import Evidence, of_second
from hybrid.trust import EXACT, Estimate, estimate_of


def evidence_of(run: Recorder) -> Evidence:
    """Everything that is known at the end of a run."""
    return Evidence(
        errors=run.record.errors,
        reference=estimate_of(run.u.trust, "solution") if run.case.has_reference else None,
        v=estimate_of(run.v.trust, "solution"),
        w=estimate_of(run.w.trust, "solution"),
        p=estimate_of(run.p.trust, "solution"),
        r=run.terms["pinn"].trust[run.best] if run.case.has_reference else EXACT,
        layers=run.terms["pinn"].layers if run.case.has_reference else EXACT,
        second=_second(run),
        fem=with_mean(run, run.cell.trust),
        pinn=with_mean(run, run.chi.trust),
        difference=effective_difference(run.chi.coefficient, run.cell.coefficient),
        corrector_differences=dict(zip(run.problem.correctors, run.corrector_errors, strict=True)),
        proved=is_proved(run.cell),
        symbol=run.problem.notation.coefficient,
        effect=run.problem.effect(run.cell.coefficient),
        cures=cures_of(run),
    )


def _second(run: Recorder) -> Estimate:
    """Of e5, where the best reconstruction has the second order in it."""
    ladder = run.record.ladder
    if ladder is None or run.best != "second":
        return EXACT
    return of_second({name: l2 for name, (l2, _) in ladder.rungs("pinn").items()}, run.terms["pinn"].second)


def with_mean(run: Recorder, trust: Mapping[str, Estimate]) -> dict[str, Estimate]:
    """With what a mean of r, which is subtracted, would be in the homogenized equation: mean / ε beside r*."""
    known = estimate_of(trust, "coefficient")
    made = _of_mean(run)
    if made and known.error is not None:
        known = Estimate(
            known.error + made / run.problem.effect(run.cell.coefficient),
            f"{known.how}; and the mean of r, which may be no zero but what makes {made:.1e} of the solution until T",
        )
    return dict(trust) | {"coefficient": known}


def _of_mean(run: Recorder) -> float:
    """What a mean of r may make of the solution that its quadrature does not tell from zero; 0 where that is nothing."""
    if not run.problem.effect(run.cell.coefficient):
        return 0.0
    made = run.problem.doubt
    return made if made > _NOTHING else 0.0


def cures_of(run: Recorder) -> dict[str, str]:
    """What to do about each stage of a run where its estimate is too large."""
    found = {"reference": _of_reference(run)} if run.case.has_reference else {}
    for part in ("cell", "homogenized"):
        names = [name for name in run.adapted.fixed if name.startswith(f"fem.{part}_")]
        found[f"fem_{part}"] = (
            f"leave out {_listed(names)}, or set fem.tol: the mesh is then refined"
            if names
            else f"raise fem.budget (now {budget_of(run.case, part)} unknowns)"
        )
    for part in ("cell", "homogenized"):
        found[f"pinn_{part}"] = _of_networks(run, part)
    limits = {"fem_homogenized": (run.w, run.adapted.fem), "pinn_homogenized": (run.w, run.adapted.pinn)}
    if run.case.has_reference:
        limits["reference"] = run.u, run.adapted.fem
    if _of_mean(run):
        found |= dict.fromkeys(("fem_cell", "pinn_cell"), _MEAN)
    return found | {stage: _LOST for stage, (solved, allowed) in limits.items() if solved.rounding > allowed}


_NOTHING = 1e-8
_MEAN = (
    "no mesh tells whether the mean of r is zero: its quadrature over the cell has too few digits for T / eps; write r with "
    "jumps along the axes, or without"
)
_LOST = (
    "no numbers of 16 digits tell this solution from what rounding makes of it: take a smaller T, or a u0 or f with a part in "
    "the slowest mode"
)


def _of_reference(run: Recorder) -> str:
    errors = [run.record.errors[name] for name in ("e1", "e2", "e4", "e5")]
    if run.refused:
        return run.refused
    return (
        f"that is more than a twentieth of the smallest error measured with it ({min(errors):.1e}); raise fem.degree or "
        f"fem.cells_per_period, or run again with --reference-tol {rounded_down(wanted_of(errors) / 2)}"
    )


def wanted_of(errors: Sequence[float]) -> float:
    """The error that a reference may have to measure these."""
    return max(min(e / (1 + e) for e in errors) / 20, SMALLEST_TOLERANCE)


def rounded_down(value: float) -> str:
    """Two digits, as one would type them."""
    exponent = math.floor(math.log10(value))
    return f"{math.floor(value / 10.0 ** (exponent - 1)) / 10:g}e{exponent}"


def _of_networks(run: Recorder, part: str) -> str:
    if not run.preset.adapts:
        ours = " and ".join(preset.name for preset in OWN)
        return f"the preset {run.preset.name} is {run.preset.origin}; the presets {ours} adapt to the problem"
    names = [name for name in run.adapted.fixed if name.startswith("pinn.")]
    if names:
        return f"leave out {_listed(names)}, or set pinn.tol: the networks then adapt to the problem"
    tried = len(run.record.training[part].attempts)
    larger = islice(rungs(run, part, 1e12), tried, tried + 1)
    if next(larger, None) is not None:
        return f"raise pinn.budget (now {run.adapted.seconds:g} s a training): there are larger networks to try"
    return "no larger network is left to try: take the finite elements' number"


def _listed(names: Sequence[str]) -> str:
    return " and ".join(names)
