"""What estimates make of one another: their multiples, their sums, and those of two paths whose difference is known."""

from __future__ import annotations

from collections.abc import Mapping

from hybrid.trust import Estimate

_DISAGREE = 3.0
"""Times the sum of the two estimates: a difference that large shows that one of them is wrong."""
MEANINGLESS = 0.3
"""Who says so much of itself is wrong, by whatever much: that the other path differs from it shows nothing of the other."""
_ROUNDING = 1e-11


def times(factor: float, estimate: Estimate) -> Estimate:
    """Of something that is a multiple."""
    return Estimate(None if estimate.error is None else factor * estimate.error, estimate.how)


def summed(terms: Mapping[str, Estimate]) -> Estimate:
    """What is off by several errors at once."""
    missing = [f"{name}: {e.how}" if name else e.how for name, e in terms.items() if e.error is None]
    if missing:
        return Estimate(None, "; ".join(missing))
    if len(terms) == 1:
        (only,) = terms.values()
        return only
    text = " + ".join(f"{name} {e.error:.1e}" for name, e in terms.items())
    return Estimate(sum(e.error or 0.0 for e in terms.values()), text)


def confronted(fem: Estimate, pinn: Estimate, difference: float, *, proved: bool = False) -> tuple[Estimate, Estimate]:
    """The estimates of the two paths, of finite elements and of networks, once their difference is known.

    Each may be what the other one's estimate and the difference say. Where they contradict each other neither is believed, but
    for finite elements whose error is proved, and for a path that is beside one that is wrong by its own word.
    """
    gap = Estimate(difference, "difference")
    by_fem = summed({"difference from finite elements": gap, "their own error": fem})
    by_pinn = summed({"difference from the network": gap, "its own error": pinn})
    if fem.error is None or pinn.error is None:
        return (by_pinn if fem.error is None else fem), (by_fem if pinn.error is None else pinn)
    assert by_fem.error is not None
    if difference > _DISAGREE * (fem.error + pinn.error) + _ROUNDING:
        assert by_pinn.error is not None
        if fem.error < MEANINGLESS <= pinn.error:
            return fem, by_fem
        if pinn.error < MEANINGLESS <= fem.error:
            return by_pinn, pinn
        wrong = "the network's estimate is wrong" if proved else "one of these is wrong"
        text = (
            f"finite elements and network differ by {difference:.1e} and say {fem.error:.1e} and {pinn.error:.1e} of "
            f"themselves: {wrong}"
        )
        return (fem if proved else Estimate(difference, text)), Estimate(by_fem.error, text)
    return fem, min((pinn, by_fem), key=lambda e: e.error or 0.0)
