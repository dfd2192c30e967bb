"""Which of a run's numbers to believe: for each an estimate of its error, whether that is small enough, and if not what to do.

Both paths answer the same questions, so each can show the other one wrong: where they differ by more than they say they may be
off, neither estimate is believed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hybrid.study.estimates import MEANINGLESS, confronted, summed, times
from hybrid.trust import EXACT, Estimate, largest

SHARE = 0.05
"""An error e1 … e5 is resolved if it is known to this fraction of itself, or to the tolerance of its path."""


@dataclass(frozen=True)
class Tolerances:
    """What counts as resolved, relative (absolute for e1 … e5).

    Attributes:
        fem: Functions and coefficients by finite elements.
        pinn: Those by networks.
        coefficient: a* or r*, where that is more than the two.
        corrector: The χ_j or N.
    """

    fem: float
    pinn: float
    coefficient: float = 0.0
    corrector: float = 1e-3


@dataclass(frozen=True)
class Evidence:
    """What a run knows of its own errors.

    Attributes:
        errors: e1 … e5 and their H1 twins, as measured.
        reference: Of u_ε; None where there is none, and of e1 … e5 e3 alone.
        v: Of the homogenized solution for the finite elements' coefficient, given that coefficient.
        w: The same for the network's.
        p: Of the network's solution, given the network's coefficient.
        r: Of the homogenized solution behind the reconstruction r.
        layers: Of the boundary layers in it, relative to the correctors.
        second: What the second order in it may be off by, of u_ε.
        fem: Of "coefficient" and of each corrector, by finite elements.
        pinn: The same by networks.
        difference: Of the coefficients of the two paths, relative.
        corrector_differences: Of the correctors of the two paths, relative, by their names.
        proved: Whether the finite elements' coefficient is between bounds: a difference then is the network's.
        symbol: What the coefficient is called, "a" or "r".
        effect: Relative change of the homogenized solution for a relative change of one of the coefficient.
        cures: What to do for "reference", "fem_cell", "fem_homogenized", "pinn_cell", "pinn_homogenized".
    """

    errors: Mapping[str, float]
    reference: Estimate | None
    v: Estimate
    w: Estimate
    p: Estimate
    r: Estimate
    layers: Estimate
    fem: Mapping[str, Estimate]
    pinn: Mapping[str, Estimate]
    difference: float
    corrector_differences: Mapping[str, float]
    proved: bool = False
    symbol: str = "a"
    effect: float = 1.0
    second: Estimate = EXACT
    cures: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Judgement:
    """Of one number.

    Attributes:
        estimate: How far it may be off: relative to itself, and for e1 … e5, which are relative already, as a difference.
        how: What it was estimated from, or why it was not.
        allowed: The largest estimate that counts as resolved.
        cure: What to do where it does not.
    """

    estimate: float | None
    how: str
    allowed: float
    cure: str = ""

    @property
    def resolved(self) -> bool:
        """Whether the number is known well enough."""
        return self.estimate is not None and self.estimate <= self.allowed


def judge(evidence: Evidence, tolerances: Tolerances) -> dict[str, Judgement]:
    """An estimate for every number of a run, from `Evidence`.

    e4 = ‖v - u_ε‖/‖u_ε‖ is off by what u_ε and v are off by, v by what its coefficient is off by too; e1 and e2 likewise by p
    and w. e3 would vanish if both were exact. e5 has the correctors' errors as well, in proportion to what they change.

    Returns:
        By name: "reference", "a_fem", "a_pinn" (or "r_…"), the correctors "chi_1_fem" …, "v", "w", "p", "e1" … "e5".
    """
    errors, cures, s, effect = evidence.errors, evidence.cures, evidence.symbol, evidence.effect
    fem, pinn = evidence.fem["coefficient"], evidence.pinn["coefficient"]
    a_fem, a_pinn = confronted(fem, pinn, evidence.difference, proved=evidence.proved)
    correctors = _correctors(evidence)
    w, p = confronted(evidence.w, evidence.p, errors["e3"])
    v = summed(
        {
            "discretization": largest([evidence.v, w]) if w is not evidence.w else evidence.v,
            f"{s}*": times(effect, a_fem),
        }
    )
    loose = max(tolerances.fem, tolerances.coefficient)
    found = {
        **_of_reference(evidence, tolerances),
        f"{s}_fem": _of(a_fem, loose, cures, "fem_cell"),
        f"{s}_pinn": _of(a_pinn, max(tolerances.pinn, tolerances.coefficient), cures, "pinn_cell"),
        **{
            f"{name}_{path}": _of(estimate, tolerances.corrector, cures, f"{path}_cell")
            for (name, path), estimate in correctors.items()
        },
        "v": _of(v, loose, cures, "fem_cell" if evidence.v.within(tolerances.fem) else "fem_homogenized"),
        "w": _of(w, tolerances.fem, cures, "fem_homogenized"),
        "p": _of(p, tolerances.pinn, cures, "pinn_homogenized"),
    }  # fmt: skip
    parts = _parts(evidence, v, w, p, times(effect, a_pinn), correctors)
    for name, terms in parts.items():
        if name not in errors:
            continue
        if evidence.reference is not None and "reference" in terms:  # in what is measured, and in what it is divided by
            terms = terms | {"reference": times(1 + errors[name], evidence.reference)}
        total = summed(terms)
        worst = max(terms, key=lambda k: float("inf") if terms[k].error is None else terms[k].error or 0.0)
        found[name] = Judgement(total.error, total.how, _allowed(name, errors[name], tolerances), f"see {worst}")
    return found


def judge_rungs(
    evidence: Evidence,
    path: str,
    rungs: Mapping[str, float],
    solutions: Mapping[str, Estimate],
    layers: Estimate,
    second: Estimate = EXACT,
) -> dict[str, float | None]:
    """How far the errors of the reconstructions of a path, "fem" or "pinn", may be off (absolute), by their names.

    Args:
        evidence: As for `judge`.
        path: Which.
        rungs: Their errors in L2.
        solutions: Of the homogenized solution behind each.
        layers: Of the boundary layers, relative to the correctors.
        second: Of the cell functions of the second order, relative to the largest of them.
    """
    fem, pinn = evidence.fem["coefficient"], evidence.pinn["coefficient"]
    a = dict(zip(("fem", "pinn"), confronted(fem, pinn, evidence.difference, proved=evidence.proved), strict=True))[
        path
    ]
    w, p = confronted(evidence.w, evidence.p, evidence.errors["e3"])
    own = (evidence.v, w) if path == "fem" else (p,)
    chi = largest([e for (_, of), e in _correctors(evidence).items() if of == path] or [EXACT])
    found: dict[str, float | None] = {}
    for name, error in rungs.items():
        parts = {"reference": times(1 + error, evidence.reference or _NO_REFERENCE)}
        parts |= {"solution": largest([*own, solutions[name]]), "coefficient": times(evidence.effect, a)}
        if name != "u0":
            parts |= _corrected(evidence, rungs["u0"] + error, chi, layers if name in _LAYERED else EXACT)
        if name == "second":
            parts["second order"] = of_second(rungs, second)
        found[name] = summed(parts).error
    return found


def of_second(rungs: Mapping[str, float], second: Estimate) -> Estimate:
    """What cell functions of the second order make of u_ε, from how far they are off and what they change at the most."""
    return times(sum(rungs.get(name, 0.0) for name in ("layers", "second")), second)


_LAYERED = ("layers", "second")


def _of_reference(evidence: Evidence, tolerances: Tolerances) -> dict[str, Judgement]:
    """Good enough for the smallest error that is measured with it."""
    errors, found = evidence.errors, evidence.reference
    if found is None:
        return {}
    measured = [name for name in ("e1", "e2", "e4", "e5") if name in errors]
    allowed = min(_allowed(name, errors[name], tolerances) / (1 + errors[name]) for name in measured)
    return {"reference": Judgement(found.error, found.how, allowed, evidence.cures.get("reference", ""))}


_NO_REFERENCE = Estimate(None, "no reference")


def _parts(
    evidence: Evidence, v: Estimate, w: Estimate, p: Estimate, network: Estimate,
    correctors: Mapping[tuple[str, str], Estimate],
) -> dict[str, dict[str, Estimate]]:  # fmt: skip
    """What each of e1 … e5 is off by, by names; `network` is what the network's coefficient does to a solution."""
    errors, s, u = evidence.errors, evidence.symbol, evidence.reference or _NO_REFERENCE
    chi = largest([e for (_, path), e in correctors.items() if path == "pinn"] or [EXACT])
    changed = errors.get("e4", 0.0) + errors.get("e5", 0.0)  # at the most, by the correctors
    return {
        "e1": {"reference": u, "p": p, f"{s}* of the network": network},
        "e2": {"reference": u, "w": w, f"{s}* of the network": network},
        "e3": {"w": w, "p": p},
        "e4": {"reference": u, "v": v},
        "e5": {
            "reference": u, "p": largest([p, evidence.r]), f"{s}* of the network": network,
            **_corrected(evidence, changed, chi, evidence.layers), "second order": evidence.second,
        },
    }  # fmt: skip


def _corrected(evidence: Evidence, changed: float, chi: Estimate, layers: Estimate) -> dict[str, Estimate]:
    """What a reconstruction is off by beyond u_0, by what it has changed at the most."""
    slopes = Estimate(evidence.errors.get("e3_h1", evidence.errors["e3"]), "e3_h1")
    parts = {"correctors": chi, "layers": layers, "slopes of p": slopes}
    return {name: times(changed, part) for name, part in parts.items()}


def _allowed(name: str, error: float, tolerances: Tolerances) -> float:
    """What one of e1 … e5 may be off by: only e4 is finite elements' alone.

    A part of itself, but never so much that one of the functions behind it may be anything.
    """
    part = min(SHARE * error, MEANINGLESS)
    return max(part, tolerances.fem if name == "e4" else max(tolerances.pinn, tolerances.fem))


def reasons(judgements: Mapping[str, Judgement]) -> list[str]:
    """One line for each number that is not resolved: what, how far it may be off and why, and what cures it."""
    lines = []
    for name, found in judgements.items():
        if found.resolved:
            continue
        size = "no estimate" if found.estimate is None else f"may be off by {found.estimate:.1e}"
        cure = f"; {found.cure}" if found.cure else ""
        lines.append(f"{name}: {size} (resolved: {found.allowed:.1e}), from {found.how}{cure}")
    return lines


def _of(estimate: Estimate, allowed: float, cures: Mapping[str, str], stage: str) -> Judgement:
    return Judgement(estimate.error, estimate.how, allowed, cures.get(stage, ""))


def _correctors(evidence: Evidence) -> dict[tuple[str, str], Estimate]:
    """By name and path."""
    none = Estimate(None, "no estimate was made")
    found: dict[tuple[str, str], Estimate] = {}
    for name, difference in evidence.corrector_differences.items():
        pair = confronted(evidence.fem.get(name, none), evidence.pinn.get(name, none), difference)
        found[name, "fem"], found[name, "pinn"] = pair
    return found
